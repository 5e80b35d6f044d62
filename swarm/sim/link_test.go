package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestConnect(t *testing.T) {
	const signal = 40 * time.Millisecond
	for _, test := range []struct {
		name    string
		cfg     Config
		prepare func(st *stage)
		up      bool
		after   func(st *stage) time.Duration
	}{
		{name: "works", up: true,
			after: func(st *stage) time.Duration { return 2*signal + setUp(st.links[0].rtt) }},
		{name: "nat", cfg: Config{Symmetric: 1},
			after: func(*stage) time.Duration { return 5 * time.Second }},
		{name: "gone", prepare: func(st *stage) { st.leaveSwarm(st.peers[1], true) },
			after: func(*stage) time.Duration { return 5 * time.Second }},
		{name: "full", cfg: Config{Viewers: 3, Brain: swarm.Config{MinPeers: 1, MaxPeers: 1}},
			prepare: func(st *stage) {
				st.join2(1, 2)
				st.peers[0].maxPeers -= spareLinks
				st.peers[1].maxPeers -= spareLinks
			},
			after: func(*stage) time.Duration { return 2 * signal }},
		{name: "banned", prepare: func(st *stage) { st.order(1, swarm.Ban{Peer: st.peers[0].id}) },
			after: func(*stage) time.Duration { return 2 * signal }},
		{name: "websocket closed", prepare: func(st *stage) { st.order(1, swarm.CloseSignal{}) },
			after: func(*stage) time.Duration { return 5 * time.Second }},
		{name: "websocket closed, common neighbour", cfg: Config{Viewers: 3}, up: true,
			prepare: func(st *stage) {
				st.join2(0, 2)
				st.join2(1, 2)
				st.order(1, swarm.CloseSignal{})
			},
			after: func(st *stage) time.Duration { return 2*signal + setUp(st.links[2].rtt) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.cfg.Viewers == 0 {
				test.cfg.Viewers = 2
			}
			st := set(t, test.cfg, nil)
			if test.prepare != nil {
				test.prepare(st)
			}
			start := st.now
			upsBefore, _ := inputs[swarm.LinkUp](st, 0)
			st.order(0, swarm.Connect{Peer: st.peers[1].id})
			st.until(start + 10*time.Second)
			ups, _ := inputs[swarm.LinkUp](st, 0)
			downs, _ := inputs[swarm.LinkDown](st, 0)
			ups = ups[len(upsBefore):]
			answers, others := ups, downs
			if !test.up {
				answers, others = downs, ups
			}
			if len(answers) != 1 || len(others) != 0 {
				t.Fatalf("%d ups, %d downs; up wanted: %v", len(ups), len(downs), test.up)
			}
			if got, want := answers[0]-start, test.after(st); got != want {
				t.Errorf("answered after %v, want %v", got, want)
			}
		})
	}
}

// Two that connect to each other at once get one link.
func TestConnectFromBothSides(t *testing.T) {
	st := set(t, Config{Viewers: 2}, nil)
	st.order(0, swarm.Connect{Peer: st.peers[1].id})
	st.order(1, swarm.Connect{Peer: st.peers[0].id})
	st.until(5 * time.Second)
	for i := range 2 {
		if _, ups := inputs[swarm.LinkUp](st, i); len(ups) != 1 {
			t.Errorf("peer %d heard LinkUp %d times, want once", i, len(ups))
		}
	}
	if len(st.links) != 1 {
		t.Errorf("%d links, want 1", len(st.links))
	}
}

// Control messages keep their order whatever the jitter, and come half a round
// trip later at the earliest.
func TestControlKeepsOrder(t *testing.T) {
	st := set(t, Config{Viewers: 2, Jitter: 500 * time.Millisecond}, nil)
	st.join2(0, 1)
	start := st.now
	for i := range 50 {
		st.order(0, swarm.Send{To: st.peers[1].id, Message: swarm.Subscribe{Track: "t", Hops: i}})
	}
	st.until(start + 5*time.Second)
	at, got := inputs[swarm.Received](st, 1)
	if len(got) != 50 {
		t.Fatalf("%d of 50 messages came", len(got))
	}
	for i, r := range got {
		if r.Message.(swarm.Subscribe).Hops != i {
			t.Fatalf("message %d came as number %d", r.Message.(swarm.Subscribe).Hops, i)
		}
	}
	if at[0]-start < st.links[0].rtt/2 {
		t.Errorf("first came after %v, half a round trip is %v", at[0]-start, st.links[0].rtt/2)
	}
}

func TestLongWayIsALoop(t *testing.T) {
	for hops, violated := range map[int]bool{64: false, 65: true} {
		st := set(t, Config{Viewers: 2}, nil)
		st.join2(0, 1)
		st.order(0, swarm.Send{To: st.peers[1].id, Message: swarm.Begin{Key: st.stream.keys[0], Hops: hops}})
		st.until(st.now + time.Second)
		if got := st.err() != nil; got != violated {
			t.Errorf("%d hops: violated %v, want %v", hops, got, violated)
		}
	}
}

func TestDiscover(t *testing.T) {
	met := func(st *stage, i int) []swarm.PeerID {
		_, in := inputs[swarm.Introduced](st, i)
		if len(in) == 0 {
			return nil
		}
		return in[len(in)-1].Peers
	}
	t.Run("in turn", func(t *testing.T) {
		st := set(t, Config{Viewers: 5}, nil)
		st.order(0, swarm.Discover{Count: 2})
		st.until(time.Second)
		st.order(0, swarm.Discover{Count: 2})
		first := met(st, 0)
		st.until(2 * time.Second)
		second := met(st, 0)
		// the first of each two is by chance
		if len(first) != 2 || len(second) != 2 || first[0] == first[1] || first[1] == second[1] {
			t.Errorf("introduced %v, then %v: want another second one", first, second)
		}
	})
	t.Run("never itself, neighbours, the banned or the dead", func(t *testing.T) {
		st := set(t, Config{Viewers: 7, Brain: swarm.Config{MinPeers: 1, MaxPeers: 2}}, nil)
		st.join2(0, 1)
		st.order(0, swarm.Ban{Peer: st.peers[2].id})
		st.join2(3, 5)
		st.join2(3, 1)
		st.leaveSwarm(st.peers[4], false)
		st.order(0, swarm.Discover{Count: 9})
		st.until(st.now + time.Second)
		got := met(st, 0)
		for i, p := range st.peers {
			if named := slices.Contains(got, p.id); named != (i >= 5) && i != 3 { // 3 is full, and may be named by chance
				t.Errorf("introduced %v: peer %d is among them: %v", got, i, named)
			}
		}
	})
	t.Run("nearest", func(t *testing.T) {
		st := set(t, Config{Viewers: 20, Pairing: PairNearest}, nil)
		st.order(0, swarm.Discover{Count: 1})
		st.until(time.Second)
		best := 1
		for i := 2; i < 20; i++ {
			if st.geo.rtt(st.peers[0].place, st.peers[i].place) < st.geo.rtt(st.peers[0].place, st.peers[best].place) {
				best = i
			}
		}
		if got := met(st, 0); len(got) != 1 || got[0] != st.peers[best].id {
			t.Errorf("introduced %v, want %v", got, st.peers[best].id)
		}
	})
}

// The signal server may be wrong about the swarm's size, but says at least one.
func TestSizeFactor(t *testing.T) {
	for factor, want := range map[float64]int{0: 8, 10: 80, 0.1: 1} {
		st := set(t, Config{Viewers: 8, SizeFactor: factor}, nil)
		st.until(time.Second)
		_, states := inputs[swarm.SwarmState](st, 7)
		if len(states) == 0 || states[len(states)-1].Size != want {
			t.Errorf("factor %v: told %+v, want %d", factor, states, want)
		}
	}
}
