package player

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkGatewayHit compares a segment that the gateway has in memory with a
// bare net/http handler that writes the same bytes, both over one loopback
// connection each, taking turns so that both see the same machine. It reports
// hits of both in MB/s and their ratio.
func BenchmarkGatewayHit(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			body := media("v", 1, size)
			s := newStage(b)
			s.on("/vod/v/1.m4s", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "video/mp4")
				w.Header().Set("Content-Length", strconv.Itoa(size))
				_, _ = w.Write(body)
			})
			_, base := newGateway(b, s, nil)
			bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "video/mp4")
				w.Header().Set("Content-Length", strconv.Itoa(size))
				_, _ = w.Write(body)
			}))
			defer bare.Close()
			client := plainClient(b)
			hit := under(base, s.URL) + "/vod/v/1.m4s"
			get(b, client, "GET", under(base, s.URL)+"/vod/stream.mpd", nil)
			for range 100 { // until the store has it
				if resp, _ := get(b, client, "GET", hit, nil); resp.Header.Get("Cache-Status") == "shoal; hit" {
					break
				}
			}
			var took [2]time.Duration
			buf := make([]byte, 256<<10)
			b.SetBytes(2 * int64(size))
			for b.Loop() {
				for i, url := range [...]string{hit, bare.URL} {
					started := time.Now()
					fetch(b, client, url, buf)
					took[i] += time.Since(started)
				}
			}
			megabytes := float64(b.N) * float64(size) / 1e6
			b.ReportMetric(megabytes/took[0].Seconds(), "gateway-MB/s")
			b.ReportMetric(megabytes/took[1].Seconds(), "bare-MB/s")
			b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
		})
	}
}

func fetch(b *testing.B, client *http.Client, url string, buf []byte) {
	resp, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{resp.Body}, buf); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRewriteHLS(b *testing.B) {
	playlist := []byte("#EXTM3U\n" + strings.Repeat("#EXTINF:2,\nhttps://cdn.example/live/seg.ts?token=abc\n", 1000))
	b.SetBytes(int64(len(playlist)))
	for b.Loop() {
		rewriteHLS(testMirror(), testBase, playlist, nil)
	}
}

func BenchmarkRewriteMPD(b *testing.B) {
	mpd := []byte("<MPD><Period><BaseURL>https://cdn.example/</BaseURL><SegmentTemplate media='/$Time$'><SegmentTimeline>" + strings.Repeat(`<S t="1" d="2"/>`, 1000) + "</SegmentTimeline></SegmentTemplate></Period></MPD>")
	b.SetBytes(int64(len(mpd)))
	for b.Loop() {
		if _, err := rewriteMPD(testMirror(), testBase, mpd); err != nil {
			b.Fatal(err)
		}
	}
}
