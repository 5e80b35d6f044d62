package browser

import (
	"fmt"
	"testing"
	"time"
)

// connectionsScript counts the page's connections and the candidates they gather, and
// lets the page seem hidden.
const connectionsScript = `globalThis.connections = 0;
globalThis.candidates = 0;
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
	constructor(...args) {
		super(...args);
		connections++;
		this.addEventListener("icecandidate", e => { if (e.candidate) candidates++; });
	}
};
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
globalThis.hide = yes => { hidden = yes; document.dispatchEvent(new Event("visibilitychange")); };`

// mannered plays live HLS on a stage with options of the page's.
func (s *adapterStage) mannered(t *testing.T, c *chromium, name, options string) *tab {
	t.Helper()
	tb := c.newProfile(t).openWith(t, name, s.URL+"/?peer", connectionsScript)
	eval[bool](t, tb, fmt.Sprintf("play('hls', '/live/master.m3u8', true, %s).then(() => true)", options))
	tb.when(t, "played() > 1")
	return tb
}

// playsWell waits until a tab has played for some seconds more, and wants no stall.
func (tb *tab) playsWell(t *testing.T, seconds int) {
	t.Helper()
	eval[bool](t, tb, "(window.at = video.currentTime, window.stalled = stalls, true)")
	tb.when(t, fmt.Sprintf("video.currentTime > at + %d", seconds))
	if n := eval[int](t, tb, "stalls - stalled"); n > 0 {
		t.Errorf("%s: %d stalls", tb.name, n)
	}
	if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
		t.Errorf("%s: %v", tb.name, errs)
	}
}

// TestConsent: before the viewer agrees nobody hears of them: no websocket, no
// connection, not one ICE candidate. Playing does not wait for it.
func TestConsent(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	s := newAdapterStage(t)
	tb := s.mannered(t, c, "is asked", "{ consent: new Promise(agree => window.agree = agree) }")
	tb.playsWell(t, 4)
	if n, made := s.joins.Load(), eval[int](t, tb, "connections"); n != 0 || made != 0 {
		t.Errorf("before consent %d websockets were asked for and %d connections made", n, made)
	}
	other := s.mannered(t, c, "other", "{}")
	if made := eval[int](t, tb, "connections + candidates"); made != 0 {
		t.Error("before consent a connection was made, beside another viewer")
	}
	eval[bool](t, tb, "(agree(true), true)")
	for _, tb := range []*tab{tb, other} {
		tb.when(t, "shoal.stats()[0].peers == 1 && candidates > 0")
	}

	refuses := s.mannered(t, c, "refuses", "{ consent: async () => false }")
	refuses.playsWell(t, 4)
	if made := eval[int](t, refuses, "connections + candidates"); made != 0 {
		t.Error("without consent a connection was made")
	}
}

// TestKillSwitch: the operator ends p2p for everybody, and allows it again.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	s := newAdapterStage(t)
	var tabs []*tab
	for i := range 2 {
		tabs = append(tabs, s.mannered(t, c, fmt.Sprintf("tab %d", i+1), "{}"))
	}
	linked := func(n int) {
		t.Helper()
		for _, tb := range tabs {
			tb.when(t, fmt.Sprintf("shoal.stats()[0].peers == %d", n))
		}
	}
	linked(1)
	s.meet(t, map[string]string{"p2p": "off"})
	linked(0)
	for _, tb := range tabs {
		// What came before may still be checked.
		tb.when(t, "(had => had === (window.had = shoal.stats()[0].peerBytes) || (window.since = performance.now(), false))(window.had) && performance.now() - since > 500")
		eval[bool](t, tb, "(window.made = connections, true)")
	}
	for _, tb := range tabs {
		tb.playsWell(t, 5)
		if n := eval[int](t, tb, "connections - made + shoal.stats()[0].peerBytes - had"); n != 0 {
			t.Errorf("%s goes on with p2p", tb.name)
		}
	}
	s.meet(t, nil)
	linked(1)
}

// TestHiddenTab: a page that nobody sees uploads as little as its options say, and
// more again when it is seen.
func TestHiddenTab(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	s := newAdapterStage(t)
	hidden := s.mannered(t, c, "hidden", "{ hiddenUpload: 0 }")
	other := s.mannered(t, c, "other", "{ upload: 0 }") // so that it is the first that sends
	const sends = "shoal.stats()[0].sentBytes > (window.sent ?? 0) + 100e3"
	hidden.when(t, sends)
	eval[bool](t, hidden, "(hide(true), true)")
	hidden.when(t, "shoal.stats()[0].peers == 1")
	// What is on its way may end; then nothing is sent.
	time.Sleep(time.Second)
	eval[bool](t, hidden, "(window.sent = shoal.stats()[0].sentBytes, true)")
	other.playsWell(t, 6)
	if n := eval[int](t, hidden, "shoal.stats()[0].sentBytes - sent"); n != 0 {
		t.Errorf("%d bytes were sent by a hidden page", n)
	}
	eval[bool](t, hidden, "(hide(false), true)")
	hidden.when(t, sends)
}

// TestPosition: signalling hears where a viewer of VOD is, to introduce others who are
// near, and of a live viewer nothing.
func TestPosition(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	for _, test := range []struct {
		url string
		vod bool
	}{{"/vod/master.m3u8", true}, {"/live/master.m3u8", false}} {
		s := newAdapterStage(t)
		tb := c.newProfile(t).open(t, test.url, s.URL+"/?peer")
		eval[bool](t, tb, fmt.Sprintf("play('hls', %q, true).then(() => true)", test.url))
		tb.when(t, "shoal.stats()[0]?.swarmSize == 1")
		position := func() time.Duration {
			swarm, _ := s.signal.Load().Swarm(eval[string](t, tb, "shoal.stats()[0].swarm"))
			for _, p := range swarm.Peers {
				return time.Duration(p.PositionMS) * time.Millisecond
			}
			return -1
		}
		if !test.vod {
			tb.when(t, "played() > 11")
			if at := position(); at != 0 {
				t.Errorf("a live viewer is at %v", at)
			}
			continue
		}
		eval[bool](t, tb, "(video.currentTime = 100, true)")
		eventually(t, "the viewer is known to be at 100 s", func() bool { at := position(); return at >= 95*time.Second && at < 110*time.Second })
	}
}
