package browser

import (
	"fmt"
	"testing"

	"github.com/shoal-p2p/shoal/signal"
)

func want(t *testing.T, who string, n int, g got) {
	t.Helper()
	if g.Hash != hashOf(body(n)) {
		t.Errorf("%s: %d has other bytes than the origin's: %+v", who, n, g)
	}
}

// TestBrowserAndGoFeedOneAnother has a Go seed feed a tab, and a tab feed a Go
// peer and another tab.
func TestBrowserAndGoFeedOneAnother(t *testing.T) {
	c := startChromium(t)
	key := newKey(t)
	s := newStage(t, signal.Config{SigningKey: key.Public()})
	seed := s.goPeer(t, key)
	tb := s.peer(t, c.newProfile(t), "tab", "{}")
	tb.until(t, "a link to the seed", "linked(1)")

	for n := range 3 {
		fetch(t, seed, s.resource(n))
	}
	tb.until(t, "the worker knows of signatures", "engine.stats().integrity == 'signed'")
	eval[any](t, tb, "plan(0, 3)")
	for n := range 3 {
		g := eval[got](t, tb, fmt.Sprintf("get(%d)", n))
		want(t, "tab", n, g)
		if s.requests(n) != 1 {
			t.Errorf("%d left the origin %d times, want once: %v", n, s.requests(n), g.Sources)
		}
	}
}
