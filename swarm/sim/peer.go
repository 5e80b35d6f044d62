package sim

import (
	"math/rand/v2"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// brain is what a peer thinks with: *swarm.Core, or a script in tests.
type brain interface {
	Handle(now swarm.Time, in swarm.Input)
	Drain() []swarm.Effect
	Next() (at swarm.Time, why swarm.Reason, ok bool)
}

// peer is one virtual edge with its brain.
type peer struct {
	index  int32
	member int // place in Config.Members, -1 none
	id     swarm.PeerID
	brain  brain
	rng    *rand.Rand
	place  place
	skew   swarm.Time // what its clock is ahead

	joined     swarm.Time
	left       swarm.Time // never while it is there
	sent       int64      // bytes of pieces
	sentBefore int64      // of them before the window

	alive     bool
	seed      bool
	symmetric bool // behind a NAT that reaches nobody of its kind
	signal    bool // websocket open
	lie       lie
	maxPeers  int

	tickAt  swarm.Time // when an evTick is due, never if none
	ticks   int        // since ticksAt
	ticksAt swarm.Time

	links   []neighbour
	banned  map[int32]bool
	shelf   shelf
	up      uplink
	down    downlink
	fetches []int32 // running, by slot
	warm    bool    // has an origin connection, or will have at warmAt
	warmAt  swarm.Time
	// originFree is when its share of the origin is idle.
	originFree swarm.Time
	player     *player // nil for a seed
	listed     bool    // on the tracker's list
	// followed is the first number a seed has not named yet.
	followed int
}

const never = swarm.Time(1<<63 - 1)

// neighbour is a peer's view of one of its links, up or being made.
type neighbour struct {
	peer, link int32
	id         swarm.PeerID
}

// linkToID is linkTo by name: a few comparisons, where a look into the map of all
// peers is a cache miss for every piece.
func (p *peer) linkToID(id swarm.PeerID) int32 {
	for i := range p.links {
		if p.links[i].id == id {
			return p.links[i].link
		}
	}
	return -1
}

func (p *peer) linkTo(other int32) int32 {
	for _, n := range p.links {
		if n.peer == other {
			return n.link
		}
	}
	return -1
}

func (p *peer) unlink(link int32) {
	for i, n := range p.links {
		if n.link == link {
			last := len(p.links) - 1
			p.links[i] = p.links[last]
			p.links = p.links[:last]
			return
		}
	}
}

// tell gives the brain an input and does what it answers. Effects never call
// tell: what they cause comes back through the queue.
func (w *world) tell(p *peer, in swarm.Input) {
	if !p.alive {
		return
	}
	if w.cfg.Trace != nil {
		w.trace(p, in)
	}
	w.inputs++
	p.brain.Handle(w.now+p.skew, in)
	for _, e := range p.brain.Drain() {
		w.effects++
		if w.cfg.Trace != nil {
			w.trace(p, e)
		}
		w.do(p, e)
	}
	w.rearm(p)
}

// maxTicks is how many Ticks a brain may ask for in ticksSpan before it is said to turn in
// circles: an instant, and a microsecond later, and again.
const (
	maxTicks  = 100
	ticksSpan = time.Millisecond
)

// rearm sets the peer's alarm. An alarm that turns out too early asks again, so
// moving Next later costs nothing.
func (w *world) rearm(p *peer) {
	at, _, ok := p.brain.Next()
	if !ok {
		return
	}
	at = max(at-p.skew, w.now)
	if at < p.tickAt {
		p.tickAt = at
		w.queue.push(event{at: at, kind: evTick, who: p.index})
	}
}

func (w *world) tick(p *peer, at swarm.Time) {
	if !p.alive || at != p.tickAt {
		return // an earlier alarm took its place
	}
	p.tickAt = never
	due, why, ok := p.brain.Next()
	if !ok {
		return
	}
	if due-p.skew > w.now {
		w.rearm(p)
		return
	}
	if w.now-p.ticksAt > ticksSpan {
		p.ticks, p.ticksAt = 0, w.now
	}
	if p.ticks++; p.ticks > maxTicks {
		w.violate("peer %s asks for a tick (%v) at %v again and again", p.id, why, w.now)
		p.ticks = 0
		return
	}
	w.tell(p, swarm.Tick{})
}
