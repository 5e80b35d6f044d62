//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/cmd/shoal/internal/prefetch"
)

// TestPrefetchSurvivesKill ends a run with SIGKILL in the middle and starts it
// again, into a folder and into a cache: nothing whole is fetched twice.
func TestPrefetchSurvivesKill(t *testing.T) {
	for _, where := range []string{"--out", "--cache"} {
		t.Run(where, func(t *testing.T) {
			o, err := origin.New(origin.Config{VODSegments: 12})
			if err != nil {
				t.Fatal(err)
			}
			var served atomic.Int64
			var held atomic.Bool
			enough, kill := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ".m4s") && served.Add(1) == 8 && !held.Swap(true) {
					close(enough) // and this one never comes
					<-kill
					panic(http.ErrAbortHandler)
				}
				o.ServeHTTP(w, r)
			}))
			defer server.Close()
			dir := t.TempDir()
			args := []string{"prefetch", "--jobs", "1", "--tracks", "lowest", where, dir, "--report", "-", server.URL + "/vod/manifest.mpd"}
			cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
			cmd.Env = append(os.Environ(), asCommand+"=1")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-enough
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			close(kill)
			before := served.Load()
			again := shoal(t, nil, args...)
			var r prefetch.Report
			if err := json.Unmarshal(again.stdout.Bytes(), &r); again.code != 0 || err != nil {
				t.Fatalf("exit code %d, %v: %s", again.code, err, &again.stderr)
			}
			// Seven of 24 had come, and both init segments, which are not counted here.
			if fetched := served.Load() - before; r.Segments != 26 || r.Held < 8 || fetched > 17 {
				t.Errorf("%d segments, %d held, %d fetched again", r.Segments, r.Held, fetched)
			}
			if !strings.Contains(again.stderr.String(), "done\n") {
				t.Errorf("no line says that a track is done: %s", &again.stderr)
			}
		})
	}
}

func TestPrefetchUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no place":       {[]string{"http://a.test/x.mpd"}, 2, "--cache DIR or --out DIR"},
		"no URL":         {[]string{"--out", "x"}, 2, "one manifest URL"},
		"window":         {[]string{"--out", "x", "--window", "soon", "http://a.test/x.mpd"}, 2, "--window"},
		"duration":       {[]string{"--out", "x", "--duration", "-1s", "http://a.test/x.mpd"}, 2, "--duration"},
		"tracks":         {[]string{"--out", "x", "--tracks", "height<tall", "http://a.test/x.mpd"}, 2, "--tracks"},
		"rate":           {[]string{"--out", "x", "--rate", "fast", "http://a.test/x.mpd"}, 2, "rate"},
		"nobody answers": {[]string{"--out", filepath.Join(t.TempDir(), "x"), "http://127.0.0.1:1/x.mpd"}, 1, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shoal(t, nil, append([]string{"prefetch"}, c.args...)...)
			if o.code != c.code || !strings.Contains(o.stderr.String(), c.want) {
				t.Errorf("exit code %d, want %d: %q", o.code, c.code, o.stderr.String())
			}
		})
	}
}
