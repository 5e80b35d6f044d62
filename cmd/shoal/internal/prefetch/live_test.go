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

// sessionIn makes what Run needs around a client.
func sessionIn(t *testing.T, client *http.Client, url string, store *segments.Store) (*player.Session, *player.Source, func()) {
	t.Helper()
	session, err := player.Open(t.Context(), player.Config{URL: url, Client: client, Store: store, Session: player.SessionConfig{Window: PlanAhead}})
	if err != nil {
		t.Fatal(err)
	}
	source := segments.NewOrigin(segments.OriginConfig{Client: client})
	return session, &player.Source{Origin: source, Client: client}, func() {
		source.Close()
		session.Close()
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
				session, source, done := sessionIn(t, client, url, nil)
				defer done()
				begun := time.Now()
				c.config.Session, c.config.Source, c.config.Out, c.config.Bars = session, source, dir, &quiet{}
				r, err := Run(t.Context(), c.config)
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
