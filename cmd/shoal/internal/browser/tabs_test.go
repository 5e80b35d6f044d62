package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

const (
	tabsWarmUp = 15 * time.Second
	tabsTime   = 60 * time.Second
)

// fedScript notes the hash of all that the page's player is fed.
const fedScript = `
globalThis.fed = [];
const append = SourceBuffer.prototype.appendBuffer;
SourceBuffer.prototype.appendBuffer = function (data) {
	const bytes = ArrayBuffer.isView(data) ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data.slice(0);
	fed.push(crypto.subtle.digest("SHA-256", bytes).then(d => Array.from(new Uint8Array(d), b => b.toString(16).padStart(2, "0")).join("")));
	return append.call(this, data);
};`

// watched is what a tab tells of itself.
type watched struct {
	Consumed, Origin, Peers float64
	Stalls                  int
	Errors                  []string
	Frames                  int
	Time                    float64
	Rejected                int
}

const watchedNow = `(() => { const [s] = shoal.stats(); const v = document.getElementById("video"); return {
	consumed: s?.consumedBytes ?? 0, origin: s?.originBytes ?? 0, peers: s?.peerBytes ?? 0, rejected: s?.piecesRejected ?? 0,
	stalls: shoalWatch.stalls, errors: shoalWatch.errors, frames: v.getVideoPlaybackQuality().totalVideoFrames, time: v.currentTime } })()`

// TestTimedTabs plays a live stream in several tabs of the demo's page with the real
// players: nobody stalls, pictures move, every byte that a player is fed is one of
// the origin's, and the origin is spared what can be.
func TestTimedTabs(t *testing.T) {
	timed(t)
	needsBuild(t)
	for _, test := range []struct {
		player string
		tabs   int
		seed   bool
	}{
		{"dash", 2, true},
		{"dash", 4, false},
		{"hls", 4, true},
		{"hls", 2, false},
		{"shaka", 2, true},
	} {
		name := fmt.Sprintf("%s/%d tabs", test.player, test.tabs)
		if test.seed {
			name += " and a seed"
		}
		t.Run(name, func(t *testing.T) {
			if test.tabs == 2 { // as many of them side by side as there are processors
				t.Parallel()
			}
			playTabs(t, test.player, test.tabs, test.seed)
		})
	}
}

func playTabs(t *testing.T, which string, count int, seed bool) {
	s := newTabStage(t)
	if seed {
		s.seed(t, which)
	}
	c := startChromium(t)
	tabs := make([]*tab, count)
	for i := range tabs {
		tabs[i] = c.newProfile(t).openWith(t, fmt.Sprintf("tab %d", i+1), s.URL+"/watch.html?player="+which, fedScript)
	}
	for _, tb := range tabs {
		tb.until(t, "it plays", "document.getElementById('video').currentTime > 1 && shoal.stats()[0]?.peers > 0")
	}
	time.Sleep(tabsWarmUp)
	before, left := make([]watched, count), s.origin.Stats().MediaBytes
	for i, tb := range tabs {
		before[i] = eval[watched](t, tb, watchedNow)
	}
	time.Sleep(tabsTime)
	left = s.origin.Stats().MediaBytes - left
	var consumed float64
	for i, tb := range tabs {
		now := eval[watched](t, tb, watchedNow)
		consumed += now.Consumed - before[i].Consumed
		if n := now.Stalls - before[i].Stalls; n > 0 {
			t.Errorf("%s stalled %d times", tb.name, n)
		}
		if played := now.Time - before[i].Time; played < 0.95*tabsTime.Seconds() {
			t.Errorf("%s played %.1f s in %v", tb.name, played, tabsTime)
		}
		if frames := now.Frames - before[i].Frames; frames < 10*int(tabsTime.Seconds()) {
			t.Errorf("%s showed %d frames", tb.name, frames)
		}
		if len(now.Errors) > 0 || now.Rejected > 0 {
			t.Errorf("%s: errors %q, %d pieces rejected", tb.name, now.Errors, now.Rejected)
		}
	}
	for _, tb := range tabs {
		s.compare(t, tb)
	}
	// Every segment leaves the origin once for all tabs.
	ideal, least := 1-1/float64(count), 0.93
	if seed {
		least = 0.97
	}
	offload := 1 - float64(left)/consumed
	t.Logf("offload %.3f of an ideal %.3f, %.0f kB played", offload, ideal, consumed/1000)
	if offload < least*ideal {
		t.Errorf("offload %.3f, want %.2f × %.3f", offload, least, ideal)
	}
	if dir := os.Getenv("SHOAL_SCREENS"); dir != "" { // a folder to look at what a person would see
		tabs[0].screenshot(t, dir+"/watch-"+which+".png")
	}
}

// tabStage serves what the demo serves to a browser, without viewers of its own.
type tabStage struct {
	*httptest.Server
	origin *origin.Origin
	key    *segments.Signer
}

func newTabStage(t *testing.T) *tabStage {
	t.Helper()
	private, err := segments.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &tabStage{origin: o, key: segments.NewSigner(private)}
	server := signal.NewServer(signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}})
	mux := http.NewServeMux()
	mux.Handle("/live/", o)
	mux.Handle("/ws", server)
	mux.Handle("/", web.Handler())
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		s.Server.CloseClientConnections()
		s.Server.Close()
	})
	return s
}

// seed has a Go seed follow the stream that a player opens.
func (s *tabStage) seed(t *testing.T, which string) {
	t.Helper()
	manifest := "/live/manifest.mpd"
	if which == "hls" {
		manifest = "/live/master.m3u8"
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	session, err := player.Open(t.Context(), player.Config{URL: s.URL + manifest, Signal: "ws" + strings.TrimPrefix(s.URL, "http") + "/ws",
		Store: store, Signer: s.key, Core: swarm.Config{Seed: true}, RTC: rtc.Config{Scope: rtc.WithLoopback}})
	if err != nil {
		t.Fatal(err)
	}
	fetcher := segments.NewOrigin(segments.OriginConfig{})
	seed, err := player.NewSeed(t.Context(), player.SeedConfig{Session: session, Source: &player.Source{Origin: fetcher}, Tracks: "best"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		seed.Close()
		session.Close()
		fetcher.Close()
		store.Close()
	})
}

// compare holds all that a tab's player was fed against what the origin has.
func (s *tabStage) compare(t *testing.T, tb *tab) {
	t.Helper()
	has := map[string]bool{}
	get := func(path string) bool {
		r := httptest.NewRecorder()
		s.origin.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		sum := sha256.Sum256(r.Body.Bytes())
		has[hex.EncodeToString(sum[:])] = r.Code == http.StatusOK
		return r.Code == http.StatusOK
	}
	for _, track := range []string{"video-0", "video-1", "video-2", "audio-en", "audio-de"} {
		get("/live/" + track + "/init.mp4")
		for n, seen := 0, false; ; n++ {
			there := get(fmt.Sprintf("/live/%s/%d.m4s", track, n))
			if seen && !there {
				break
			}
			seen = seen || there
		}
	}
	hashes := eval[[]string](t, tb, "Promise.all(fed)")
	strange := 0
	for _, h := range hashes {
		if !has[h] {
			strange++
		}
	}
	if strange > 0 || len(hashes) < int(tabsTime/origin.SegmentDuration) {
		t.Errorf("%s was fed %d pieces, %d of them are none of the origin's", tb.name, len(hashes), strange)
	}
}

// openWith is open with a script that runs before any of the page's.
func (p *profile) openWith(t testing.TB, name, url, script string) *tab {
	t.Helper()
	tb := p.open(t, name, "about:blank")
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	tb.do(t, "opening "+url, chromedp.Navigate(url))
	return tb
}
