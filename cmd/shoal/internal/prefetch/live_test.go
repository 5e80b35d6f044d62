package prefetch

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

// direct hands requests to a handler without a network, so that the clock of a
// synctest bubble is the only one.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// over gives c what Run needs to fetch url through a client, from nobody but the
// origin.
func over(t *testing.T, client *http.Client, url string, c Config) (Config, func()) {
	t.Helper()
	peer, err := player.Dialer(player.Config{Client: client})(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	source := segments.NewOrigin(segments.OriginConfig{Client: client})
	c.URL, c.Node, c.Alone, c.Source = url, peer, true, &player.Source{Origin: source, Client: client}
	if c.Bars == nil {
		c.Bars = &quiet{}
	}
	return c, func() {
		source.Close()
		peer.Close()
	}
}

// TestLiveCapture follows the live edge for 20 s and serves what was captured.
func TestLiveCapture(t *testing.T) {
	for _, c := range []struct {
		file   string
		config Config
		segs   int
	}{
		{"manifest.mpd", Config{Duration: 20 * time.Second}, 10},
		{"timeline.mpd", Config{Duration: 20 * time.Second}, 10},
		{"timeline.mpd", Config{Duration: 8 * time.Second, Window: 12 * time.Second}, 10},
		{"master.m3u8", Config{Duration: 20 * time.Second}, 10},
		{"master.m3u8", Config{Window: 20 * time.Second}, 11}, // the newest one and ten before
	} {
		t.Run(c.file, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Minute + 700*time.Millisecond)
				o, err := origin.New(origin.Config{})
				if err != nil {
					t.Fatal(err)
				}
				client := &http.Client{Transport: direct{o}}
				url := "http://origin.test/live/" + c.file
				c.config.Out = dir
				config, done := over(t, client, url, c.config)
				defer done()
				begun := time.Now()
				r, err := Run(t.Context(), config)
				if err != nil || len(r.Failed) > 0 || len(r.Notes) > 0 {
					t.Fatalf("%+v: %v", r, err)
				}
				if took := time.Since(begun); took > c.config.Duration+5*time.Second || took < c.config.Duration-5*time.Second {
					t.Errorf("took %s", took)
				}
				// The bytes of each number, whatever the copy calls its times.
				copied := staticCopy(t, direct{http.FileServer(http.Dir(dir))}, "http://copy.test/"+r.Copy)
				if len(copied.Tracks) != 2 {
					t.Fatalf("%d tracks", len(copied.Tracks))
				}
				for _, track := range copied.Tracks {
					media, inits := listed(copied, track)
					if n := len(media); n < c.segs || n > c.segs+2 {
						t.Errorf("%s has %d segments, want %d", track.ID, n, c.segs)
					}
					if at := media[0].Start; at < 0 || at > 50*time.Millisecond { // audio is not cut where video is
						t.Errorf("%s begins at %s", track.ID, media[0].Start)
					}
					for i, s := range media {
						if i > 0 && (s.Start-media[i-1].Start-media[i-1].Duration).Abs() > time.Millisecond {
							t.Errorf("%s: %s does not follow on %s", track.ID, s.Key, media[i-1].Key)
						}
						if inits[i] == nil {
							t.Errorf("%s has no init segment", s.Key)
						}
					}
				}
				sameFiles(t, o, dir)
			})
		})
	}
}

func staticCopy(t *testing.T, transport http.RoundTripper, url string) *timeline.Presentation {
	t.Helper()
	client := &http.Client{Transport: transport}
	source := segments.NewOrigin(segments.OriginConfig{Client: client, Retries: -1})
	defer source.Close()
	p, err := manifest.Load(t.Context(), &player.Source{Origin: source, Client: client}, url, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Live {
		t.Error("the copy is live")
	}
	return p
}

// sameFiles compares every file of the copy with the origin's of the same name.
func sameFiles(t *testing.T, o *origin.Origin, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".m4s" {
			return err
		}
		n++
		got, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, track := range []string{"video-0", "video-1", "video-2", "audio-en", "audio-de"} {
			w := httptest.NewRecorder()
			o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/live/"+track+"/"+filepath.Base(name), nil))
			if w.Code == http.StatusOK && w.Body.String() == string(got) {
				return nil
			}
		}
		t.Errorf("%s is no segment of the origin", name)
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files: %v", n, err)
	}
}
