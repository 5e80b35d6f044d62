package swarm

import (
	"fmt"
	"testing"
	"time"
)

func newTestCore(t *testing.T, cfg Config) *Core {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Core) meet(now Time, ids ...PeerID) {
	for _, id := range ids {
		c.Handle(now, LinkUp{Peer: id, RTT: 20 * time.Millisecond})
		c.Handle(now, Received{From: id, Message: Hello{Version: Version, MaxPeers: 10}})
	}
	c.Drain()
}

// sent counts the messages of a kind among the effects.
func sent[M Message](effects []Effect) (n int) {
	for _, e := range effects {
		if s, ok := e.(Send); ok {
			if _, ok := s.Message.(M); ok {
				n++
			}
		}
	}
	return n
}

func TestForwardsAreBounded(t *testing.T) {
	c := newTestCore(t, Config{ID: "a"})
	c.meet(0, "b", "c")
	offered := 0
	relay := func(now Time, count int) (relayed int) {
		offered += count
		for range count {
			c.Handle(now, Received{From: "b", Message: Forward{From: "b", To: "c", Payload: []byte("x")}})
			relayed += sent[Forward](c.Drain())
		}
		return relayed
	}
	if got := relay(time.Second, forwardBurst+10); got != forwardBurst {
		t.Errorf("of a burst %d were relayed, want %d", got, forwardBurst)
	}
	if got := relay(2*time.Second, forwardBurst); got != forwardsPerSecond {
		t.Errorf("a second later %d were relayed, want %d", got, forwardsPerSecond)
	}
	if cut := c.Counters().ForwardsCut; cut != int64(offered-forwardBurst-forwardsPerSecond) {
		t.Errorf("%d counted as not relayed", cut)
	}
	// What b used up is not c's.
	c.Handle(2*time.Second, Received{From: "c", Message: Forward{From: "c", To: "b", Payload: []byte("x")}})
	if sent[Forward](c.Drain()) != 1 {
		t.Error("c's forward was not relayed")
	}
}

// TestForwardsOfAllAreBounded: many neighbours together cannot use up an uplink.
func TestForwardsOfAllAreBounded(t *testing.T) {
	c := newTestCore(t, Config{ID: "a", MaxPeers: 30})
	var ids []PeerID
	for i := range 20 {
		ids = append(ids, PeerID(fmt.Sprint("p", i)))
	}
	c.meet(0, ids...)
	relayed := 0
	for _, id := range ids[1:] {
		for range forwardBurst {
			c.Handle(time.Second, Received{From: id, Message: Forward{From: id, To: ids[0]}})
			relayed += sent[Forward](c.Drain())
		}
	}
	if relayed != relayBurst {
		t.Errorf("%d relayed at once, want %d", relayed, relayBurst)
	}
}

// TestForwardsStayInTheSwarm: who is no neighbour is not reached, nobody speaks for
// others, and nothing is sent back or twice.
func TestForwardsStayInTheSwarm(t *testing.T) {
	c := newTestCore(t, Config{ID: "a"})
	c.meet(0, "b", "c")
	for _, f := range []Forward{
		{From: "b", To: "stranger"},
		{From: "c", To: "c"}, // b speaks as c
		{From: "b", To: "b"},
		{From: "x", To: "c"},
	} {
		c.Handle(time.Second, Received{From: "b", Message: f})
		if n := sent[Forward](c.Drain()); n != 0 {
			t.Errorf("%+v was relayed", f)
		}
	}
}

func TestPeersMessagesAreBounded(t *testing.T) {
	c := newTestCore(t, Config{ID: "a", MinPeers: 1, MaxPeers: 3})
	c.meet(0, "b")
	for i := range 10 * listBurst {
		ids := make([]PeerID, MaxNeighbours)
		for j := range ids {
			ids[j] = PeerID(fmt.Sprintf("%d.%d", i, j))
		}
		c.Handle(time.Second, Received{From: "b", Message: Peers{IDs: ids}})
	}
	c.Drain()
	if n := len(c.peers["b"].neighbours); n != MaxNeighbours {
		t.Errorf("%d neighbours of a neighbour are remembered, want %d", n, MaxNeighbours)
	}
	if n := len(c.cands.list); n != MaxCandidates {
		t.Errorf("%d candidates, want %d", n, MaxCandidates)
	}
	if last := c.peers["b"].neighbours[MaxNeighbours-1]; last != PeerID(fmt.Sprintf("%d.%d", listBurst-1, MaxNeighbours-1)) {
		t.Errorf("the last name read is %s: more or fewer than %d messages were read", last, listBurst)
	}
}

// TestNoEvictionStorm: whatever neighbours do, one leaves a review.
func TestNoEvictionStorm(t *testing.T) {
	c := newTestCore(t, Config{ID: "a", MinPeers: 2, MaxPeers: 10})
	var ids []PeerID
	for i := range 10 {
		ids = append(ids, PeerID(fmt.Sprint("p", i)))
	}
	c.Handle(0, SwarmState{Size: 50, Connected: true})
	c.meet(0, ids...)
	gone := map[PeerID]Time{}
	for now := time.Second; now < 5*time.Minute; now += time.Second {
		for _, p := range c.links {
			p.strikes += 3
		}
		c.Handle(now, Tick{})
		for _, e := range c.Drain() {
			if d, ok := e.(Disconnect); ok {
				gone[d.Peer] = now
				if len(c.links) < c.cfg.MinPeers {
					t.Fatalf("at %v below the minimum", now)
				}
			}
		}
	}
	// reviewEvery with jitter is half of it at least
	if most := int(5 * time.Minute / (reviewEvery / 2)); len(gone) == 0 || len(gone) > min(most, 8) {
		t.Errorf("%d neighbours were let go", len(gone))
	}
	times := map[Time]int{}
	for _, at := range gone {
		if times[at]++; times[at] > 1 {
			t.Errorf("more than one at %v", at)
		}
	}
}

// TestRedialsBackOff: the pauses between tries of a peer that never answers grow,
// and differ between peers.
func TestRedialsBackOff(t *testing.T) {
	pauses := func(id PeerID) (waits []time.Duration) {
		c := newTestCore(t, Config{ID: id, MinPeers: 1, MaxPeers: 3})
		c.Handle(0, SwarmState{Size: 2, Connected: true})
		c.Handle(0, Introduced{Peers: []PeerID{"b"}})
		failed := Time(-1)
		for now := Time(0); now < 30*time.Minute; now += 100 * time.Millisecond {
			c.Handle(now, Tick{})
			for _, e := range c.Drain() {
				if _, ok := e.(Connect); ok {
					if failed >= 0 {
						waits = append(waits, now-failed)
					}
					failed = now
					c.Handle(now, LinkDown{Peer: "b"})
				}
			}
		}
		return waits
	}
	a, z := pauses("a"), pauses("z")
	if len(a) < 6 || len(a) > 14 {
		t.Errorf("tries in half an hour: %v", a)
	}
	for i, want := range []time.Duration{firstRedial, 2 * firstRedial, 4 * firstRedial, dialRest, dialRest} {
		if a[i] < want/2 || a[i] > want*3/2+100*time.Millisecond {
			t.Errorf("pause %d is %v, want about %v", i, a[i], want)
		}
	}
	if a[0] == z[0] && a[1] == z[1] && a[2] == z[2] {
		t.Error("two peers waited the same times")
	}
}
