package origin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a hand-moved Config.Now.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time      { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) set(t time.Time)     { c.at.Store(t.UnixMilli()) }
func (c *clock) add(d time.Duration) { c.at.Add(d.Milliseconds()) }

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newOrigin stands at epoch + since, with a window of ten segments.
func newOrigin(t testing.TB, since time.Duration) (*Origin, *clock) {
	t.Helper()
	c := &clock{}
	c.set(epoch.Add(since))
	o, err := New(Config{Epoch: epoch, Now: c.now, Window: 20 * time.Second, VODSegments: 40})
	if err != nil {
		t.Fatal(err)
	}
	return o, c
}

func ask(o http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAvailability(t *testing.T) {
	const window = 10
	for _, tt := range []struct {
		name   string
		since  time.Duration
		number uint64
		want   int
	}{
		{"before the epoch", -time.Second, 0, 404},
		{"a millisecond early", 2*time.Second - time.Millisecond, 0, 404},
		{"on time", 2 * time.Second, 0, 200},
		{"the next one is early", 2 * time.Second, 1, 404},
		{"oldest in the window", 40 * time.Second, 20 - window, 200},
		{"left the window, may be in use", 40 * time.Second, 20 - window - 1, 200},
		{"oldest that lingers", 60 * time.Second, 30 - 2*window - 1, 200},
		{"gone", 60 * time.Second, 30 - 2*window - 2, 410},
		{"far future", 60 * time.Second, 1<<63 - 1, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := newOrigin(t, tt.since)
			resp := ask(o, "GET", fmt.Sprintf("/live/audio-en/%d.m4s", tt.number))
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.want)
			}
			if cache := resp.Header.Get("Cache-Control"); tt.want != 200 && cache != "no-store" {
				t.Errorf("Cache-Control %q, a refusal must not be cached", cache)
			}
		})
	}
}

func TestNames(t *testing.T) {
	o, _ := newOrigin(t, time.Minute)
	for path, want := range map[string]int{
		"/live/video-0/29.m4s":                   200,
		"/live/video-0/029.m4s":                  404, // two names for one segment
		"/live/video-0/+29.m4s":                  404,
		"/live/video-0/-1.m4s":                   404,
		"/live/video-0/.m4s":                     404,
		"/live/video-0/t.m4s":                    404,
		"/live/video-0/29":                       404,
		"/live/video-0/t5220000.m4s":             200,
		"/live/video-0/t5220001.m4s":             404,
		"/live/video-0/99999999999999999999.m4s": 404,
		"/live/video-9/29.m4s":                   404,
		"/vod/video-0/39.m4s":                    200,
		"/vod/video-0/40.m4s":                    404,
		"/vod/time":                              404,
		"/live/time":                             200,
		"/":                                      404,
	} {
		if got := ask(o, "GET", path).StatusCode; got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	if got := ask(o, "POST", "/live/manifest.mpd").StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", got)
	}
	byNumber := text(t, ask(o, "GET", "/live/video-0/29.m4s"))
	if byTime := text(t, ask(o, "GET", "/live/video-0/t5220000.m4s")); byTime != byNumber {
		t.Error("the same segment by time and by number differs")
	}
}

func TestHeaders(t *testing.T) {
	o, c := newOrigin(t, time.Minute)
	const path = "/live/video-1/29.m4s"
	whole := ask(o, "GET", path)
	body := text(t, whole)
	size := int64(len(body))

	t.Run("segment", func(t *testing.T) {
		want := map[string]string{
			"Content-Type":                "video/mp4",
			"Content-Length":              fmt.Sprint(size),
			"Cache-Control":               cacheMedia,
			"Accept-Ranges":               "bytes",
			"Access-Control-Allow-Origin": "*",
			"Last-Modified":               epoch.Add(time.Minute).Format(http.TimeFormat),
		}
		for name, value := range want {
			if got := whole.Header.Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
	})
	t.Run("head", func(t *testing.T) {
		resp := ask(o, "HEAD", path)
		if got := text(t, resp); got != "" || resp.Header.Get("Content-Length") != fmt.Sprint(size) {
			t.Errorf("HEAD: %d body bytes, Content-Length %s", len(got), resp.Header.Get("Content-Length"))
		}
	})
	t.Run("range", func(t *testing.T) {
		resp := ask(o, "GET", path, "Range", "bytes=1000-1999", "If-Range", whole.Header.Get("ETag"))
		if got := text(t, resp); resp.StatusCode != 206 || got != body[1000:2000] {
			t.Errorf("status %d and %d bytes, want 206 and 1000", resp.StatusCode, len(got))
		}
		want := fmt.Sprintf("bytes 1000-1999/%d", size)
		if got := resp.Header.Get("Content-Range"); got != want {
			t.Errorf("Content-Range %q, want %q", got, want)
		}
		if got := ask(o, "GET", path, "Range", fmt.Sprintf("bytes=%d-", size)).StatusCode; got != 416 {
			t.Errorf("range past the end: status %d, want 416", got)
		}
	})
	t.Run("conditional", func(t *testing.T) {
		for _, path := range []string{path, "/live/manifest.mpd", "/live/timeline.mpd", "/live/audio-de/index.m3u8"} {
			etag := ask(o, "GET", path).Header.Get("ETag")
			if got := ask(o, "GET", path, "If-None-Match", etag).StatusCode; got != 304 {
				t.Errorf("%s: status %d, want 304", path, got)
			}
		}
		etag := ask(o, "GET", "/live/timeline.mpd").Header.Get("ETag")
		c.add(SegmentDuration)
		if got := ask(o, "GET", "/live/timeline.mpd", "If-None-Match", etag).StatusCode; got != 200 {
			t.Errorf("a segment later: status %d, want 200", got)
		}
	})
	t.Run("preflight", func(t *testing.T) {
		resp := ask(o, "OPTIONS", path, "Origin", "http://page.example", "Access-Control-Request-Headers", "range")
		if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Headers") != "*" {
			t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
		}
	})
	t.Run("types", func(t *testing.T) {
		for path, want := range map[string]string{
			"/live/manifest.mpd":      "application/dash+xml",
			"/vod/timeline.mpd":       "application/dash+xml",
			"/live/master.m3u8":       "application/vnd.apple.mpegurl",
			"/live/audio-en/init.mp4": "audio/mp4",
			"/vod/video-2/init.mp4":   "video/mp4",
			"/live/time":              "text/plain; charset=utf-8",
		} {
			if got := ask(o, "GET", path).Header.Get("Content-Type"); got != want {
				t.Errorf("%s: Content-Type %q, want %q", path, got, want)
			}
		}
	})
}

func TestTimeSource(t *testing.T) {
	o, c := newOrigin(t, 1500*time.Millisecond)
	if got := text(t, ask(o, "GET", "/live/time")); got != "2026-03-01T12:00:01.500Z" {
		t.Errorf("time %q", got)
	}
	c.add(time.Second)
	if got := text(t, ask(o, "GET", "/live/time")); !strings.HasSuffix(got, ":02.500Z") {
		t.Errorf("time %q a second later", got)
	}
}

func TestConfig(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)
	o, err := New(Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if want := now.Add(-61 * time.Second); !o.Epoch().Equal(want) {
		t.Errorf("default epoch %v, want %v", o.Epoch(), want)
	}
	if first, count := o.live.listed(now); first != 0 || count != 30 {
		t.Errorf("a fresh origin lists %d segments from %d, want a full window of 30 from 0", count, first)
	}
	for name, c := range map[string]Config{
		"window too short": {Window: minWindow - 1},
		"window too long":  {Window: maxWindow + SegmentDuration},
		"VOD too long":     {VODSegments: maxVODSegments + 1},
		"VOD negative":     {VODSegments: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, c := range map[string]Config{
		"window shortest": {Window: minWindow},
		"window longest":  {Window: maxWindow},
		"VOD longest":     {VODSegments: maxVODSegments},
	} {
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStats(t *testing.T) {
	o, c := newOrigin(t, time.Minute)
	get := func(agent, path string, header ...string) int64 {
		return int64(len(text(t, ask(o, "GET", path, append(header, "User-Agent", agent)...))))
	}
	size := get("anna", "/live/video-0/20.m4s")
	get("ben", "/live/video-0/20.m4s", "Range", fmt.Sprintf("bytes=0-%d", size/2-1))
	get("ben", "/live/video-0/t3600000.m4s", "Range", fmt.Sprintf("bytes=%d-", size/2))
	ask(o, "HEAD", "/live/video-0/20.m4s", "User-Agent", "ben")
	c.add(time.Second)
	second := get("anna", "/live/video-0/21.m4s")
	initial := get("anna", "/live/video-0/init.mp4")
	playlist := get("anna", "/live/video-0/index.m3u8")
	get("anna", "/live/video-0/99999.m4s")

	got := o.Stats()
	want := Stats{
		MediaBytes: 2*size + second, InitBytes: initial, ManifestBytes: playlist, Requests: 8,
		Clients: map[string]ClientStats{
			"anna": {Requests: 5, MediaBytes: size + second, InitBytes: initial},
			"ben":  {Requests: 3, MediaBytes: size},
		},
		Segments: []SegmentStats{
			{Path: "/live/video-0/20.m4s", Size: int(size), Bytes: 2 * size, Hits: 3, First: epoch.Add(time.Minute)},
			{Path: "/live/video-0/21.m4s", Size: int(second), Bytes: second, Hits: 1, First: epoch.Add(61 * time.Second)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	if got := got.Copies(time.Time{}); got != 1.5 {
		t.Errorf("%v copies a segment, want 1.5", got)
	}
	if got := got.Copies(epoch.Add(61 * time.Second)); got != 1 {
		t.Errorf("%v copies of the later segment, want 1", got)
	}
	if got := (Stats{}).Copies(time.Time{}); got != 0 {
		t.Errorf("%v copies of nothing, want 0", got)
	}
}

func TestStatsAreBounded(t *testing.T) {
	c := newCounters()
	for i := range maxCountedSegments {
		c.add("a", epoch, answer{kind: mediaSegment, method: "GET", status: 200, path: fmt.Sprint(i), size: 1, bytes: 1})
	}
	if got := len(c.snapshot().Segments); got != maxCountedSegments {
		t.Fatalf("%d segments counted at the limit, want %d", got, maxCountedSegments)
	}
	c.add("a", epoch, answer{kind: mediaSegment, method: "GET", status: 200, path: "one more", size: 1, bytes: 1})
	s := c.snapshot()
	if len(s.Segments) != maxCountedSegments*3/4+1 || len(c.segments) != len(s.Segments) {
		t.Errorf("%d segments counted past the limit, %d in the index", len(s.Segments), len(c.segments))
	}
	if s.MediaBytes != maxCountedSegments+1 {
		t.Errorf("total of %d bytes, what is forgotten must stay in it", s.MediaBytes)
	}
	for i := range maxLabels + 10 {
		c.add(fmt.Sprint("client", i), epoch, answer{})
	}
	c.add(strings.Repeat("x", 5000), epoch, answer{})
	s = c.snapshot()
	if len(s.Clients) != maxLabels+1 || s.Clients[otherLabel].Requests != 12 {
		t.Errorf("%d clients, %d requests by the rest; want %d and 12", len(s.Clients), s.Clients[otherLabel].Requests, maxLabels+1)
	}
}
