package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/shoal-p2p/shoal/signal"
)

// candidatesScript notes the candidates that the page's connections tell.
const candidatesScript = `globalThis.told = [];
const describe = RTCPeerConnection.prototype.setLocalDescription;
RTCPeerConnection.prototype.setLocalDescription = function (...args) {
	this.addEventListener("icecandidate", e => e.candidate && told.push(e.candidate.candidate));
	return describe.apply(this, args);
};`

// TestHiddenAddresses: browsers name their addresses xxx.local, as they do where the
// page may not use a camera, and find each other and Go peers all the same.
func TestHiddenAddresses(t *testing.T) {
	c := startChromium(t, chromedp.Flag("disable-features", "Translate,MediaRouter"))
	s := newStage(t, signal.Config{})
	open := func(name string) *tab {
		tb := c.newProfile(t).openWith(t, name, s.url("/page"), candidatesScript)
		eval[bool](t, tb, "start()")
		return tb
	}
	first, second := open("first"), open("second")
	for _, tb := range []*tab{first, second} {
		tb.until(t, "a link between browsers", "linked(1)")
	}
	viewer := s.goPeer(t, nil)
	eventually(t, "links of the Go peer to both", func() bool { return len(viewer.Stats().Peers) == 2 })
	for _, tb := range []*tab{first, second} {
		told := eval[[]string](t, tb, "told")
		if len(told) == 0 {
			t.Errorf("%s told no candidate", tb.name)
		}
		for _, candidate := range told {
			if !strings.Contains(candidate, ".local ") {
				t.Errorf("%s told %q, want a name", tb.name, candidate)
			}
		}
	}
}
