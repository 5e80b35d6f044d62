package prefetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counted counts what a handler is asked for, but for manifests.
type counted struct {
	http.Handler
	media atomic.Int64
	mu    sync.Mutex
	paths []string
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, ".mpd") && !strings.HasSuffix(r.URL.Path, ".m3u8") {
		c.media.Add(1)
		c.mu.Lock()
		c.paths = append(c.paths, r.URL.Path)
		c.mu.Unlock()
	}
	c.Handler.ServeHTTP(w, r)
}

// newOrigin serves the bundled clip; VOD of eight segments.
func newOrigin(t *testing.T) (*counted, string) {
	t.Helper()
	o, err := origin.New(origin.Config{VODSegments: 8})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, o)
}

func serve(t *testing.T, h http.Handler) (*counted, string) {
	c := &counted{Handler: h}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

// quiet takes no note of progress but counts.
type quiet struct {
	mu          sync.Mutex
	total, done map[string]int
}

type quietBar struct {
	*quiet
	id string
}

func (q *quiet) Track(id string) Bar {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total == nil {
		q.total, q.done = map[string]int{}, map[string]int{}
	}
	return quietBar{q, id}
}

func (q quietBar) Total(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total[q.id] = n
}

func (q quietBar) Done(int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done[q.id]++
}

// fetch runs a prefetch of url with a peer that has nobody to share with.
func fetch(ctx context.Context, t *testing.T, url string, c Config) (Report, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	if c.Rate != nil {
		client.Transport = Throttle(client.Transport, c.Rate)
	}
	c, done := over(t, client, url, c)
	defer done()
	return Run(ctx, c)
}

func load(t *testing.T, url string) *timeline.Presentation {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	source := segments.NewOrigin(segments.OriginConfig{Client: client, Retries: -1})
	defer source.Close()
	p, err := manifest.Load(t.Context(), &player.Source{Origin: source, Client: client}, url, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// body fetches a segment, its byte range where it has one.
func body(t *testing.T, s timeline.Segment) string {
	t.Helper()
	return read(t, &http.Transport{DisableKeepAlives: true}, s)
}

func read(t *testing.T, transport http.RoundTripper, s timeline.Segment) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Range != nil {
		req.Header.Set("Range", rangeHeader(*s.Range))
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		t.Fatalf("%s: %s, %v", s.URL, resp.Status, err)
	}
	return string(b)
}

// list is what a track of a static presentation has, init segments by segment.
func listed(p *timeline.Presentation, t *timeline.Track) (media []timeline.Segment, inits []*timeline.Segment) {
	for s := range t.Timeline.Segments(manifestNow, 0, timeline.Forever) {
		media, inits = append(media, s), append(inits, initOf(t, s))
	}
	return media, inits
}

// likeness of a track in the original and in the copy, whose names differ.
func likeness(t *timeline.Track) string {
	return strings.Join([]string{t.Period, string(t.Kind), t.Language, t.Codecs, strings.Repeat("|", t.Height)}, " ")
}

// sameAs checks that the copy has tracks of the original alone and that each of
// its segments has the original's bytes, time and duration, from a start on.
func sameAs(t *testing.T, original, copied *timeline.Presentation, tracks, segs int) {
	t.Helper()
	if copied.Live || len(copied.Tracks) != tracks {
		t.Fatalf("live %v, %d tracks, want a static copy of %d; notes %q", copied.Live, len(copied.Tracks), tracks, copied.Notes)
	}
	if copied.Duration <= 0 && copied.Format == timeline.DASH {
		t.Error("the copy has no duration")
	}
	host := copied.URL[:strings.Index(copied.URL[8:], "/")+8]
	for _, c := range copied.Tracks {
		var o *timeline.Track
		for _, candidate := range original.Tracks {
			if likeness(candidate) == likeness(c) {
				o = candidate
				break
			}
		}
		if o == nil {
			t.Errorf("%s is not a track of the original", c.ID)
			continue
		}
		want, wantInits := listed(original, o)
		got, gotInits := listed(copied, c)
		if len(got) != segs {
			t.Errorf("%s: %d segments, want %d; notes %q", c.ID, len(got), segs, copied.Notes)
			continue
		}
		for i, s := range got {
			if !strings.HasPrefix(s.URL, host) {
				t.Errorf("%s is not in the copy", s.URL)
			}
			w := want[i]
			if s.Start != w.Start || s.Duration != w.Duration || s.Number != w.Number {
				t.Errorf("%s: number %d at %s for %s, want number %d at %s for %s", c.ID, s.Number, s.Start, s.Duration, w.Number, w.Start, w.Duration)
			}
			if body(t, s) != body(t, w) {
				t.Errorf("%s is not %s", s.URL, w.URL)
			}
			if (gotInits[i] == nil) != (wantInits[i] == nil) || gotInits[i] != nil && body(t, *gotInits[i]) != body(t, *wantInits[i]) {
				t.Errorf("the init segment of %s is not that of %s", s.URL, w.URL)
			}
		}
	}
}

func served(t *testing.T, dir string) string {
	t.Helper()
	_, url := serve(t, http.FileServer(http.Dir(dir)))
	return url + "/"
}

func TestCopyOfVOD(t *testing.T) {
	for _, c := range []struct {
		file, spec     string
		config         Config
		tracks, wanted int
	}{
		{"manifest.mpd", "best", Config{}, 2, 8},
		{"timeline.mpd", "all", Config{Jobs: 8}, 0, 8},
		{"manifest.mpd", "lowest", Config{Window: 5e9}, 2, 3},
		{"master.m3u8", "best", Config{}, 2, 8},
		{"master.m3u8", "all", Config{}, 0, 8},
		{"master.m3u8", "kind=audio", Config{Window: 4e9}, 1, 2},
	} {
		t.Run(c.file+" "+c.spec, func(t *testing.T) {
			count, url := newOrigin(t)
			dir := t.TempDir()
			c.config.Out, c.config.Tracks = dir, c.spec
			bars := &quiet{}
			c.config.Bars = bars
			r, err := fetch(t.Context(), t, url+"/vod/"+c.file, c.config)
			if err != nil || len(r.Failed) > 0 || r.Held > 0 || r.Copy != c.file {
				t.Fatalf("%+v: %v", r, err)
			}
			if r.Origin != r.Bytes {
				t.Errorf("%d bytes from the origin for %d", r.Origin, r.Bytes)
			}
			original := load(t, url+"/vod/"+c.file)
			if c.tracks == 0 {
				c.tracks = len(original.Tracks)
			}
			for id, n := range bars.total {
				if n != c.wanted || bars.done[id] != n {
					t.Errorf("the bar of %s says %d of %d", id, bars.done[id], n)
				}
			}
			sameAs(t, original, load(t, served(t, dir)+r.Copy), c.tracks, c.wanted)

			before := count.media.Load()
			c.config.Bars = &quiet{}
			again, err := fetch(t.Context(), t, url+"/vod/"+c.file, c.config)
			if err != nil || again.Held != r.Segments || again.Segments != r.Segments {
				t.Errorf("the second run: %+v: %v", again, err)
			}
			if n := count.media.Load() - before; n != 0 {
				t.Errorf("the second run fetched %d segments", n)
			}
		})
	}
}

// TestInterrupted leaves what a killed process leaves: whole files, and torn ones
// under their temporary names.
func TestInterrupted(t *testing.T) {
	count, url := newOrigin(t)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	stop := &quiet{}
	_, err := fetch(ctx, t, url+"/vod/manifest.mpd", Config{Out: dir, Jobs: 1, Bars: cancelling{stop, cancel}})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	whole := map[string]bool{}
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) == ".m4s" {
			whole[name] = true
		}
		return err
	})
	if err != nil || len(whole) == 0 || len(whole) > 8 {
		t.Fatalf("%d segments after the interruption: %v", len(whole), err)
	}
	for name := range whole {
		if err := os.WriteFile(name+"x.part", []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	count.mu.Lock()
	count.paths = nil
	count.mu.Unlock()
	r, err := fetch(t.Context(), t, url+"/vod/manifest.mpd", Config{Out: dir})
	if err != nil || r.Held < int64(len(whole)) {
		t.Fatalf("%d held, %d were whole: %v", r.Held, len(whole), err)
	}
	count.mu.Lock()
	for _, asked := range count.paths { // in the copy as at the origin: track/number
		if whole[filepath.Join(dir, "p0", filepath.FromSlash(strings.TrimPrefix(asked, "/vod/")))] {
			t.Errorf("%s was fetched again", asked)
		}
	}
	count.mu.Unlock()
	sameAs(t, load(t, url+"/vod/manifest.mpd"), load(t, served(t, dir)+r.Copy), 2, 8)
}

// cancelling interrupts after the third segment.
type cancelling struct {
	*quiet
	cancel context.CancelFunc
}

func (c cancelling) Track(id string) Bar {
	return cancellingBar{c.quiet.Track(id), c}
}

type cancellingBar struct {
	Bar
	all cancelling
}

func (c cancellingBar) Done(n int64, held bool) {
	c.Bar.Done(n, held)
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	sum := 0
	for _, n := range c.all.done {
		sum += n
	}
	if sum == 3 {
		c.all.cancel()
	}
}

func rangeHeader(r timeline.Range) string { return fmt.Sprintf("bytes=%d-%d", r.First, r.Last) }

// manifestNow reads static presentations, to which the time means nothing.
var manifestNow = time.Now()
