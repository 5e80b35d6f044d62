package browser

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// TestTimedKill: a tab and a Go peer play one stream. The process of each
// is killed in turn: the other notices within 2 s and plays on without a stall.
func TestTimedKill(t *testing.T) {
	timed(t)
	const soon = 2 * time.Second
	needsBuild(t)
	hurry(t)
	c := startChromium(t)
	t.Run("a Go peer under a tab", func(t *testing.T) {
		s := newTabStage(t)
		bin := filepath.Join(t.TempDir(), "shoal")
		if out, err := exec.Command("go", "build", "-o", bin, "github.com/shoal-p2p/shoal/cmd/shoal").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		peer := exec.Command(bin, "watch", "--signal", "ws"+strings.TrimPrefix(s.URL, "http")+"/ws", "--loopback", s.URL+"/live/manifest.mpd")
		if err := peer.Start(); err != nil {
			t.Fatal(err)
		}
		defer peer.Wait()
		defer peer.Process.Kill()
		tb := c.newProfile(t).open(t, "tab", s.URL+"/watch.html?player=dash")
		tb.until(t, "it plays and has had something from the Go peer",
			"document.getElementById('video').currentTime > 2 && shoal.stats()[0]?.peers == 1 && shoal.stats()[0].peerBytes > 0")
		eval[any](t, tb, "void (window.gone = new Promise(r => shoal.on('peers', p => p.up || r(Date.now()))))")
		stalls := eval[int](t, tb, "shoalWatch.stalls")
		begin := time.Now()
		if err := peer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		took := time.UnixMilli(int64(eval[float64](t, tb, "gone"))).Sub(begin)
		t.Logf("missed after %v", took.Round(time.Millisecond))
		if took > soon {
			t.Errorf("missed after %v, want %v at most", took, soon)
		}
		tb.playsOn(t, 5*origin.SegmentDuration)
		if n := eval[int](t, tb, "shoalWatch.stalls") - stalls; n > 0 {
			t.Errorf("%d stalls", n)
		}
	})
	t.Run("a tab under a Go peer", func(t *testing.T) {
		s := newTabStage(t)
		tb := c.newProfile(t).open(t, "tab", s.URL+"/watch.html?player=dash")
		tb.until(t, "it plays", "document.getElementById('video').currentTime > 1")
		store, err := segments.OpenStore(segments.StoreConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		session, err := player.Open(t.Context(), player.Config{URL: s.URL + "/live/manifest.mpd", Signal: "ws" + strings.TrimPrefix(s.URL, "http") + "/ws",
			Store: store, RTC: rtc.Config{Scope: rtc.WithLoopback}})
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		fetcher := segments.NewOrigin(segments.OriginConfig{})
		defer fetcher.Close()
		v, err := player.NewViewer(t.Context(), player.ViewerConfig{Session: session, Source: &player.Source{Origin: fetcher}, Tracks: "best", Behind: 3})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		eventually(t, "the viewer plays and has had something from the tab", func() bool {
			n := session.Stats().Node
			return len(n.Peers) == 1 && n.PeerBytes > 0 && v.Measurement().Startup > 0
		})
		before := v.Measurement()
		noticed := noted(func() bool { return len(session.Stats().Node.Peers) == 0 })
		begin := tb.crash()
		took := (<-noticed).Sub(begin)
		t.Logf("missed after %v", took.Round(time.Millisecond))
		if took > soon {
			t.Errorf("missed after %v, want %v at most", took, soon)
		}
		eventually(t, "the viewer plays on", func() bool { return len(v.Measurement().Segments) >= len(before.Segments)+2*5 })
		if n := v.Measurement().Stalls - before.Stalls; n > 0 {
			t.Errorf("%d stalls", n)
		}
	})
}

// playsOn waits until a tab of the demo's page has played for so long.
func (tb *tab) playsOn(t testing.TB, d time.Duration) {
	t.Helper()
	at := eval[float64](t, tb, "document.getElementById('video').currentTime")
	tb.until(t, "it plays on", fmt.Sprintf("document.getElementById('video').currentTime > %f", at+d.Seconds()))
}
