package signal

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// FirstAvailable pairs with whoever has spare links, least recently handed out
// first, so that introductions spread evenly, and every second time with anybody by
// chance; in a film, where viewers say where they are, with those near in it. One of those handed out is a seed when a seed has room, since a seed holds
// everything first. It is the default.
//
// Chance is what makes the swarm small. In a crowd that comes at once only the latest
// few have links to spare: by them alone everybody would be linked to those who came
// just before and just after, and a segment would go through the swarm as along a
// chain. Who is full takes the newcomer in and gives up a weaker link.
func FirstAvailable() Pairing {
	return &firstAvailable{random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
}

// anyShare: of so many introductions one is by chance, rounded up.
const anyShare = 2

// positionDraws members are drawn for each one by chance in a film.
const positionDraws = 64

// scanLimit bounds the work of one Suggest in a huge swarm. Handed-out members
// move to the back, so those in front are rarely unusable.
const scanLimit = 512

// rescue is how many members without spare links a member that has no link at all
// is introduced to when nobody else is left: they may give a weaker link up, and
// without it a saturated swarm would never let anybody in.
const rescue = 2

type firstAvailable struct {
	seeds, spare, full peerQueue
	all                []*Peer
	random             *rand.Rand // nil: nobody by chance
}

func (f *firstAvailable) home(p *Peer) *peerQueue {
	switch {
	case !p.Spare():
		return &f.full
	case p.Seed:
		return &f.seeds
	default:
		return &f.spare
	}
}

func (f *firstAvailable) Add(p *Peer) {
	f.home(p).pushBack(p)
	p.place = int32(len(f.all))
	f.all = append(f.all, p)
}

func (f *firstAvailable) Update(p *Peer) {
	if home := f.home(p); home != p.queue {
		p.queue.remove(p)
		home.pushBack(p)
	}
}

func (f *firstAvailable) Remove(p *Peer) {
	p.queue.remove(p)
	last := f.all[len(f.all)-1]
	f.all[p.place], last.place = last, p.place
	f.all[len(f.all)-1] = nil
	f.all = f.all[:len(f.all)-1]
}

func (f *firstAvailable) Suggest(p *Peer, n int, usable func(*Peer) bool, into []*Peer) []*Peer {
	if n <= 0 {
		return into
	}
	most := len(into) + n
	if !p.Seed {
		into = f.seeds.take(p, len(into)+1, usable, into)
	}
	chance := (n + anyShare - 1) / anyShare
	if p.Position > 0 {
		chance = n
	}
	into = f.chance(p, chance, most, usable, into)
	into = f.spare.take(p, most, usable, into)
	into = f.seeds.take(p, most, usable, into)
	if len(into) == most-n && p.Links == 0 {
		into = f.full.take(p, min(most, len(into)+rescue), usable, into)
	}
	if len(into) < most && p.Spare() {
		p.queue.remove(p)
		f.home(p).pushFront(p)
	}
	return into
}

// chance appends up to n members drawn from all, with room or without. Two viewers of
// a film have something to give each other when they are at about the same place in it:
// there the one is taken that is nearest of several drawn.
func (f *firstAvailable) chance(p *Peer, n, most int, usable func(*Peer) bool, into []*Peer) []*Peer {
	if f.random == nil {
		return into
	}
	draws := 1
	if p.Position > 0 {
		draws = positionDraws
	}
	for ; n > 0 && len(into) < most; n-- {
		var best *Peer
		for tries, left := tries*draws, draws; tries > 0 && left > 0; tries-- {
			q := f.all[f.random.IntN(len(f.all))]
			if q == p || q.Seed || slices.Contains(into, q) || !usable(q) {
				continue
			}
			if best == nil || p.apart(q) < p.apart(best) {
				best = q
			}
			left--
		}
		if best == nil {
			break
		}
		into = append(into, best)
		home := best.queue
		home.remove(best)
		home.pushBack(best)
	}
	return into
}

// apart is how far two members are from each other in a film, very far where one of
// them does not say.
func (p *Peer) apart(q *Peer) time.Duration {
	if p.Position <= 0 || q.Position <= 0 {
		return math.MaxInt64
	}
	return (p.Position - q.Position).Abs()
}

// peerQueue is a doubly linked ring around root.
type peerQueue struct {
	root Peer
	n    int
}

func (q *peerQueue) insert(p, after *Peer) {
	p.prev, p.next, p.queue = after, after.next, q
	p.prev.next, p.next.prev = p, p
	q.n++
}

func (q *peerQueue) open() {
	if q.root.next == nil {
		q.root.next, q.root.prev = &q.root, &q.root
	}
}

func (q *peerQueue) pushBack(p *Peer)  { q.open(); q.insert(p, q.root.prev) }
func (q *peerQueue) pushFront(p *Peer) { q.open(); q.insert(p, &q.root) }

func (q *peerQueue) remove(p *Peer) {
	p.prev.next, p.next.prev = p.next, p.prev
	p.prev, p.next, p.queue = nil, nil, nil
	q.n--
}

// take appends usable peers other than self until into has most, and moves each
// to the back.
func (q *peerQueue) take(self *Peer, most int, usable func(*Peer) bool, into []*Peer) []*Peer {
	p := q.root.next
	for range min(q.n, scanLimit) {
		if len(into) >= most {
			break
		}
		next := p.next
		if p != self && !slices.Contains(into, p) && usable(p) {
			into = append(into, p)
			q.remove(p)
			q.pushBack(p)
		}
		p = next
	}
	return into
}
