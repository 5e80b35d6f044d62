package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const livesimModule = "github.com/Dash-Industry-Forum/livesim2@v1.9.0"

// livesimModuleBuilt is the module's folder and its command, built once.
//
// "go run module@version" also asks for the module's newer versions, to warn of
// deprecation, which not every proxy answers. Building in the module's own
// folder takes the same sources and the checksums that it came with.
var livesimModuleBuilt = sync.OnceValue(func() (built struct {
	dir, bin string
	err      error
}) {
	out, err := exec.Command("go", "mod", "download", "-json", livesimModule).Output()
	if err != nil {
		built.err = fmt.Errorf("%s cannot be had: %w %s", livesimModule, err, out)
		return built
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil || module.Dir == "" {
		built.err = fmt.Errorf("go mod download: %w: %s", err, out)
		return built
	}
	built.dir, built.bin = module.Dir, filepath.Join(scratch, "livesim2")
	if out, err := exec.Command("go", "build", "-C", module.Dir, "-o", built.bin, "./cmd/livesim2").CombinedOutput(); err != nil {
		built.err = fmt.Errorf("%s cannot be built: %w\n%s", livesimModule, err, out)
	}
	return built
})

// livesim runs DASH-IF's live simulator with the test content that comes with it,
// and returns its address.
func livesim(t *testing.T) string {
	t.Helper()
	built := livesimModuleBuilt()
	if built.err != nil {
		missing(t, "%v", built.err)
	}
	for {
		port := freePort(t)
		p := run(t, built.bin, "--port", fmt.Sprint(port), "--loglevel", "ERROR",
			"--vodroot", filepath.Join(built.dir, "cmd", "livesim2", "app", "testdata", "assets"))
		base := fmt.Sprintf("http://127.0.0.1:%d", port)
		eventually(t, "livesim2 answers", func() bool {
			resp, err := http.Get(base + "/livesim2/testpic_2s/Manifest.mpd")
			if err == nil {
				resp.Body.Close()
			}
			return p.ended() || err == nil && resp.StatusCode == http.StatusOK
		})
		select {
		case <-p.done:
			// Somebody else took the port between us and it: maybe another test's livesim2,
			// which answers just as well, until its test ends.
		case <-time.After(settles):
			return base
		}
	}
}

// settles is how long livesim2 may take to find that it cannot have its port.
const settles = 500 * time.Millisecond

// TestFollowsLivesim follows streams that nobody here wrote with three viewers
// in three processes and compares every byte they played with the origin's.
func TestFollowsLivesim(t *testing.T) {
	story(t)
	t.Parallel()
	const (
		viewers = 3
		length  = 30 * time.Second
		segment = 2 * time.Second
		// Two tracks from three segments behind the edge on; the last segment may
		// be on its way.
		leastSegments = 2 * (int(length/segment) - 1)
	)
	base := livesim(t)
	_, signalURL := signalServer(t)
	streams := []struct {
		name, options string
		periods       int // at least
	}{
		{"number", "", 1},
		{"timeline", "segtimeline_1/", 1},
		{"periods of 20 s", "periods_180/", 2},
	}
	watching := make([][]viewer, len(streams))
	for i, s := range streams {
		for range viewers {
			watching[i] = append(watching[i], watch(t, signalURL, base+"/livesim2/utc_direct/"+s.options+"testpic_2s/Manifest.mpd",
				"--duration", (length+segment).String()))
		}
	}
	// The first segments of each viewer come from wherever is fastest: shares are
	// counted from when everybody is linked and plays.
	type bytes struct{ origin, peers float64 }
	begun := make([]bytes, len(streams))
	for i, vs := range watching {
		for _, v := range vs {
			var m map[string]float64
			eventually(t, "a viewer is linked to the others and plays", func() bool {
				m = v.metrics(t)
				return m["shoal_peer_links"] == viewers-1 && m["shoal_peer_segments_total"] >= 8
			})
			begun[i].origin += m["shoal_peer_origin_bytes_total"]
			begun[i].peers += m["shoal_peer_peer_bytes_total"]
		}
	}
	var all errgroup.Group
	for _, vs := range watching {
		for _, v := range vs {
			all.Go(func() error {
				select {
				case <-v.done:
					return nil
				case <-time.After(length + patience):
					return fmt.Errorf("a viewer did not end")
				}
			})
		}
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			direct := make(origins)
			fromOrigin, fromPeers := -begun[i].origin, -begun[i].peers
			for _, v := range watching[i] {
				if code := v.cmd.ProcessState.ExitCode(); code != 0 {
					t.Fatalf("a viewer ended with %d:\n%s", code, v.said.String())
				}
				segments := v.played(t)
				direct.compare(t, segments)
				periods := map[string]bool{}
				for _, p := range segments {
					periods[strings.Split(p.key, "/")[0]] = true
				}
				if len(segments) < leastSegments {
					t.Errorf("%d segments played in %v, want %d", len(segments), length, leastSegments)
				}
				if len(periods) < s.periods {
					t.Errorf("periods %v, want %d", periods, s.periods)
				}
				r := v.figures(t)
				if r.Stalls != 0 {
					t.Errorf("%d stalls of %d ms", r.Stalls, r.StallMS)
				}
				if r.PiecesRejected != 0 {
					t.Errorf("%d pieces rejected", r.PiecesRejected)
				}
				fromOrigin += float64(r.OriginBytes)
				fromPeers += float64(r.PeerBytes)
			}
			share := fromPeers / (fromPeers + fromOrigin)
			t.Logf("%.3f of the bytes came from peers, %.3f is ideal", share, 1-1.0/viewers)
			if share <= 0.5 {
				t.Errorf("%.0f bytes came from peers, %.0f from the origin, want most from peers", fromPeers, fromOrigin)
			}
		})
	}
}
