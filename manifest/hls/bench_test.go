package hls

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	eyevinn "github.com/Eyevinn/hls-m3u8/m3u8"
	"github.com/grafov/m3u8"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// longPlaylist is a media playlist of n segments, with a date every ten.
func longPlaylist(n int, live bool) []byte {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:100000\n#EXT-X-MAP:URI=\"init.mp4\"\n")
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for i := range n {
		if i%10 == 0 {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", at.Format("2006-01-02T15:04:05.000Z"))
		}
		fmt.Fprintf(&b, "#EXTINF:4.00000,\nvideo/1080p/segment_%d.m4s\n", 100000+i)
		at = at.Add(4 * time.Second)
	}
	if !live {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return []byte(b.String())
}

// BenchmarkMediaPlaylist compares reading 10,000 segments into a timeline, with
// every segment listed, with the bare decoders. The goal is at most 1.3 times
// grafov, and not slower than hls-m3u8.
func BenchmarkMediaPlaylist(b *testing.B) {
	body := longPlaylist(10_000, false)
	b.Run("shoal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			p, err := Read(b.Context(), "https://cdn.test/live/main.m3u8", body, time.Time{}, Options{}, nil)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for range p.Tracks[0].Timeline.Segments(time.Time{}, 0, timeline.Forever) {
				n++
			}
			if n != 10_000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("shoal-parse-only", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Read(b.Context(), "https://cdn.test/live/main.m3u8", body, time.Time{}, Options{}, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("grafov", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := m3u8.DecodeFrom(bytes.NewReader(body), false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("grafov-media", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			p, err := m3u8.NewMediaPlaylist(0, 10_000)
			if err != nil {
				b.Fatal(err)
			}
			if err := p.DecodeFrom(bytes.NewReader(body), false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("eyevinn", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := eyevinn.DecodeFrom(bytes.NewReader(body), false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRefresh is one refresh of a window of 10,000 segments, in full and
// as a delta update that skips all but ten.
func BenchmarkRefresh(b *testing.B) {
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	full := longPlaylist(10_000, true)
	delta := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24\n#EXT-X-MEDIA-SEQUENCE:100001\n#EXT-X-SKIP:SKIPPED-SEGMENTS=9990\n")
	for i := range 10 {
		delta = fmt.Appendf(delta, "#EXTINF:4.00000,\nvideo/1080p/segment_%d.m4s\n", 109_991+i)
	}
	for _, c := range []struct {
		name string
		body []byte
	}{{"full", full}, {"delta", delta}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r := NewReader(Options{})
				if _, _, err := r.Observe("https://cdn.test/main.m3u8", full, at); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, _, err := r.Observe("https://cdn.test/main.m3u8", c.body, at.Add(4*time.Second)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLexer is our share of reading a playlist.
func BenchmarkLexer(b *testing.B) {
	body := longPlaylist(10_000, false)
	base, err := url.Parse("https://cdn.test/live/main.m3u8")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lex(body, surroundings{url: base}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAgainstDecoders reads the same playlist with all three in turn, so
// that a busy machine is busy for all, and reports the ratios of the best times.
func BenchmarkAgainstDecoders(b *testing.B) {
	body := longPlaylist(10_000, false)
	best := [3]time.Duration{time.Hour, time.Hour, time.Hour}
	read := [3]func() error{
		func() error {
			_, err := Read(b.Context(), "https://cdn.test/live/main.m3u8", body, time.Time{}, Options{}, nil)
			return err
		},
		func() error { _, _, err := m3u8.DecodeFrom(bytes.NewReader(body), false); return err },
		func() error { _, _, err := eyevinn.DecodeFrom(bytes.NewReader(body), false); return err },
	}
	for b.Loop() {
		for i, f := range read {
			start := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(best[0])/float64(best[1]), "×grafov")
	b.ReportMetric(float64(best[0])/float64(best[2]), "×eyevinn")
	b.ReportMetric(float64(best[0])/1e6, "ms")
}
