package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// script is a brain that does what a test tells it to.
type script struct {
	id      swarm.PeerID
	heard   []heard
	effects []swarm.Effect
	react   func(s *script, in swarm.Input)
	now     swarm.Time
	tickAt  swarm.Time // 0 none
}

type heard struct {
	at swarm.Time
	in swarm.Input
}

func (s *script) Handle(now swarm.Time, in swarm.Input) {
	s.now = now
	s.heard = append(s.heard, heard{now, in})
	if _, ok := in.(swarm.Tick); ok {
		s.tickAt = 0
	}
	if s.react != nil {
		s.react(s, in)
	}
}

func (s *script) Drain() []swarm.Effect {
	out := s.effects
	s.effects = nil
	return out
}

func (s *script) Next() (swarm.Time, swarm.Reason, bool) { return s.tickAt, 0, s.tickAt > 0 }

func (s *script) do(effects ...swarm.Effect) { s.effects = append(s.effects, effects...) }

// stage is a world of scripts, without jitter, to be driven by hand.
type stage struct {
	*world
	t       *testing.T
	scripts []*script
}

// set makes a world in which cfg's viewers have joined and play no part unless
// react says so.
func set(t *testing.T, cfg Config, react func(s *script, in swarm.Input)) *stage {
	t.Helper()
	if cfg.Jitter == 0 {
		cfg.Jitter = -1
	}
	cfg.SizeSpread = -1
	cfg.Arrive = time.Nanosecond
	cfg = cfg.populate()
	if err := cfg.validate(); err != nil {
		t.Fatal(err)
	}
	st := &stage{t: t}
	st.world = newWorld(cfg, func(c swarm.Config) (brain, error) {
		s := &script{id: c.ID, react: react}
		st.scripts = append(st.scripts, s)
		return s, nil
	})
	st.until(time.Microsecond)
	return st
}

// until lets time pass.
func (st *stage) until(at swarm.Time) {
	end := st.cfg.Duration
	st.cfg.Duration = at
	st.run()
	st.cfg.Duration = end
	st.now = at
}

// order does an effect as if peer i's brain had asked for it now.
func (st *stage) order(i int, effects ...swarm.Effect) {
	st.scripts[i].do(effects...)
	st.tell(st.peers[i], swarm.Tick{})
}

// join2 connects peers i and j and waits for the link.
func (st *stage) join2(i, j int) {
	st.t.Helper()
	st.order(i, swarm.Connect{Peer: st.peers[j].id})
	st.until(st.now + 2*time.Second)
	if !slices.ContainsFunc(st.scripts[j].heard, func(h heard) bool {
		return h.in == swarm.LinkUp{Peer: st.peers[i].id, RTT: st.links[len(st.links)-1].rtt}
	}) {
		st.t.Fatalf("peer %d never heard of a link to %d", j, i)
	}
}

// inputs are those of one type that peer i has heard.
func inputs[T swarm.Input](st *stage, i int) (at []swarm.Time, in []T) {
	for _, h := range st.scripts[i].heard {
		if v, ok := h.in.(T); ok {
			at, in = append(at, h.at), append(in, v)
		}
	}
	return at, in
}

// sound fails the test if pieces were lost or made from nothing.
func (st *stage) sound() {
	st.t.Helper()
	st.balance()
	if err := st.err(); err != nil {
		st.t.Error(err)
	}
}

// near says that a duration is right to a hundredth.
func near(got, want time.Duration) bool {
	return max(got-want, want-got) <= want/100
}

// quiet makes brains that do nothing.
func quiet(c swarm.Config) (brain, error) { return &script{id: c.ID}, nil }
