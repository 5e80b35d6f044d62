package signal

// FirstAvailable pairs with whoever has spare links, least recently handed out
// first, so that introductions spread evenly. One of those handed out is a seed
// when a seed has room, since a seed holds everything first. It is the default.
func FirstAvailable() Pairing { return new(firstAvailable) }

// scanLimit bounds the work of one Suggest in a huge swarm. Handed-out members
// move to the back, so those in front are rarely unusable.
const scanLimit = 512

// rescue is how many members without spare links a member that has no link at all
// is introduced to when nobody else is left: they may give a weaker link up, and
// without it a saturated swarm would never let anybody in.
const rescue = 2

type firstAvailable struct {
	seeds, spare, full peerQueue
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

func (f *firstAvailable) Add(p *Peer) { f.home(p).pushBack(p) }

func (f *firstAvailable) Update(p *Peer) {
	if home := f.home(p); home != p.queue {
		p.queue.remove(p)
		home.pushBack(p)
	}
}

func (f *firstAvailable) Remove(p *Peer) { p.queue.remove(p) }

func (f *firstAvailable) Suggest(p *Peer, n int, usable func(*Peer) bool, into []*Peer) []*Peer {
	if n <= 0 {
		return into
	}
	most := len(into) + n
	if !p.Seed {
		into = f.seeds.take(p, len(into)+1, usable, into)
	}
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
		if p != self && usable(p) {
			into = append(into, p)
			q.remove(p)
			q.pushBack(p)
		}
		p = next
	}
	return into
}
