package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// get asks a tab's peer for number n and holds the bytes against the origin's.
func get(t *testing.T, tb *tab, n int) got {
	t.Helper()
	g := eval[got](t, tb, fmt.Sprintf("get(%d)", n))
	if g.Hash != hashOf(body(n)) {
		t.Errorf("%s: %d has other bytes than the origin's: %+v", tb.name, n, g)
	}
	return g
}

// signed are options of a browser peer that takes nothing unsigned.
const signed = "{ requireSigned: true }"

// TestBrowserAndGoFeedOneAnother has a Go seed feed a tab, the tab a Go viewer, and
// the Go viewer a second tab; each source is gone before the next one feeds, and
// the origin is down once the seed has what it has.
func TestBrowserAndGoFeedOneAnother(t *testing.T) {
	t.Parallel()
	const count = 3
	c := startChromium(t)
	key := newKey(t)
	s := newStage(t, signal.Config{SigningKey: key.Public()})
	var plan []node.Resource
	for n := range count {
		plan = append(plan, s.resource(n))
	}
	goGet := func(who string, peer *node.Node) {
		t.Helper()
		peer.Plan(plan)
		for n := range count {
			if fetch(t, peer, s.resource(n)) != hashOf(body(n)) {
				t.Errorf("%s has other bytes than the origin under %d", who, n)
			}
		}
	}
	tabGet := func(tb *tab) {
		t.Helper()
		eval[any](t, tb, fmt.Sprintf("plan(0, %d)", count))
		for n := range count {
			get(t, tb, n)
		}
	}
	open := func(name string) *tab {
		t.Helper()
		tb := s.peer(t, c.newProfile(t), name, signed)
		tb.until(t, "a link", "linked(1)")
		tb.until(t, "word of signatures", "engine.stats().integrity == 'signed'")
		return tb
	}

	seed := s.goPeer(t, key)
	goGet("the seed", seed)
	s.originDown(true)
	first := open("first tab")
	tabGet(first)
	if err := seed.Close(); err != nil {
		t.Error(err)
	}
	first.until(t, "the seed's end", "engine.stats().peers == 0")

	// What the seed signed is passed on by those who have it from the seed.
	viewer := s.goPeer(t, nil, func(cfg *node.Config) { cfg.RequireSigned, cfg.PublicKey = true, key.Public() })
	first.until(t, "a link to the viewer", "linked(1)")
	goGet("the viewer", viewer)
	first.crash()
	eventually(t, "the first tab's end", func() bool { return len(viewer.Stats().Peers) == 0 })

	tabGet(open("second tab"))
}

// noted tells when a condition became true, or when it has not for long enough.
func noted(ok func() bool) <-chan time.Time {
	at := make(chan time.Time, 1)
	go func() {
		for end := time.Now().Add(patience); !ok() && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		at <- time.Now()
	}()
	return at
}

// TestPeersThatGoAreMissedSoon closes one tab and crashes another: the rest of the
// swarm notices within 2 s.
func TestPeersThatGoAreMissedSoon(t *testing.T) {
	const soon = 2 * time.Second
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	viewer := s.goPeer(t, nil)
	stays := s.peer(t, c.newProfile(t), "stays", "{}")
	for _, leave := range []struct {
		how string
		end func(*tab) time.Time
	}{{"closes", (*tab).close}, {"crashes", (*tab).crash}} {
		goes := s.peer(t, c.newProfile(t), leave.how, "{}")
		stays.until(t, "links to both", "linked(2)")
		eventually(t, "the Go peer's links to both", func() bool { return len(viewer.Stats().Peers) == 2 })
		id := eval[string](t, goes, "engine.stats().peer")
		eval[any](t, stays, "void (window.gone = new Promise(r => engine.on('peers', p => p.peer == '"+id+"' && !p.up && r(Date.now()))))")
		noticed := noted(func() bool { return len(viewer.Stats().Peers) < 2 })
		begin := leave.end(goes)
		byGo := (<-noticed).Sub(begin)
		took := time.UnixMilli(int64(eval[float64](t, stays, "gone"))).Sub(begin)
		t.Logf("a tab that %s is missed by a tab after %v, by a Go peer after %v", leave.how, took.Round(time.Millisecond), byGo.Round(time.Millisecond))
		if took > soon || byGo > soon {
			t.Errorf("a tab that %s is missed by a tab after %v, by a Go peer after %v, want %v at most", leave.how, took, byGo, soon)
		}
	}
}

// TestCorruptPieces has one tab send what does not verify: all others refuse it and
// ban the tab, and have the bytes from elsewhere.
func TestCorruptPieces(t *testing.T) {
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	viewer := s.goPeer(t, nil)
	honest := s.peer(t, c.newProfile(t), "honest", "{}")
	liar := s.peer(t, c.newProfile(t), "liar", "{ script: '/liar.js' }")
	for _, tb := range []*tab{honest, liar} {
		tb.until(t, "links to both others", "linked(2)")
	}
	eventually(t, "the Go peer's links", func() bool { return len(viewer.Stats().Peers) == 2 })
	id := eval[string](t, liar, "engine.stats().peer")

	// The others reserve what they cannot have from the origin yet; the liar has it.
	const n = 5
	later := s.resource(n)
	later.Available = time.Now().Add(3 * time.Second)
	viewer.Plan([]node.Resource{later})
	eval[any](t, honest, fmt.Sprintf("plan(%d, 1, 3000)", n))
	get(t, liar, n)
	get(t, honest, n)
	if fetch(t, viewer, later) != hashOf(body(n)) {
		t.Error("the Go peer has other bytes than the origin")
	}
	honest.until(t, "the ban", "events.some(e => e.name == 'banned' && e.peer == '"+id+"')")
	if stats := eval[map[string]any](t, honest, "engine.stats()"); stats["piecesRejected"] == 0.0 {
		t.Errorf("honest: nothing was rejected: %v", stats)
	}
	eventually(t, "the Go peer's ban", func() bool { return viewer.Stats().Banned == 1 })
	liar.until(t, "to be alone", "engine.stats().peers == 0")
	if got := eval[int](t, honest, "engine.stats().peers"); got != 1 {
		t.Errorf("honest has %d links, want the one to the Go peer", got)
	}
}

// TestReloadResumes keeps segments in IndexedDB over a reload of the page.
func TestReloadResumes(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	const options = "{ disk: 50e6 }"
	tb := s.peer(t, c.newProfile(t), "tab", options)
	for n := range 4 {
		get(t, tb, n)
	}
	tb.until(t, "the last segment on disk", `new Promise(done => {
		const open = indexedDB.open("shoal");
		open.onsuccess = () => {
			const count = open.result.transaction("entries").objectStore("entries").count();
			count.onsuccess = () => { open.result.close(); done(count.result == 4) };
		};
	})`)
	tb.reload(t)
	eval[bool](t, tb, "start("+options+")")
	for n := range 4 {
		g := get(t, tb, n)
		if !g.Hit || g.Sources["disk"] != len(body(n)) {
			t.Errorf("%d after the reload: %+v", n, g)
		}
		if s.requests(n) != 1 {
			t.Errorf("%d left the origin %d times, want once", n, s.requests(n))
		}
	}
	// And it is fed to others.
	s.originDown(true)
	other := s.peer(t, c.newProfile(t), "other", "{}")
	other.until(t, "a link", "linked(1)")
	eval[any](t, other, "plan(0, 4)")
	for n := range 4 {
		get(t, other, n)
	}
}
