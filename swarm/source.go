package swarm

import (
	"math/bits"
	"slices"
	"time"
)

// source is a neighbour that has some of an item, and what it was asked for.
type source struct {
	item  *item
	peer  *peer
	hops  int
	has   bitset // pieces it said it holds
	whole bool   // it holds all of it
	// blocked: it refused or kept silent; its next word clears that.
	blocked bool

	asked   bitset // and not come yet
	waiting int    // how many
	unsaid  bool   // some of them have not been said to it
	slices  uint8  // that it sends as they come, from piece `from` on
	from    int
	got     int
	started Time // when it was first asked, or began to push
	last    Time // when it was asked or sent something
	begun   bool
	lost    int  // a piece that it owes or was taken from it, -1 none
	robbed  int  // pieces that were taken from it because another would be quicker
	owing   Time // since when it has sent nothing and pieces are owed, those included
	silent  bool // at last, with pieces owed
}

const (
	// headroom is how much more than a round trip's worth of pieces a source is
	// asked for, so that it never runs dry between a piece and the next request.
	headroom = 120 * time.Millisecond
	// firstService is assumed of a source that has not sent a piece yet.
	firstService = 60 * time.Millisecond
	// quickest is the least service time that is believed.
	quickest = 200 * time.Microsecond
	// seedChoice is how many pieces a seed is asked for at least, so that it can choose
	// the one that it gave to nobody yet.
	seedChoice = 2
	// maxAsked is how many pieces a source may owe at a time: 512 KiB.
	maxAsked = 32
)

// busy says whether the source owes something.
func (s *source) busy() bool { return s.waiting > 0 || s.slices != 0 }

func (it *item) sourceOf(p *peer) *source {
	for _, s := range it.sources {
		if s.peer == p {
			return s
		}
	}
	return nil
}

// inflow says whether somebody is sending.
func (it *item) inflow() bool {
	for _, s := range it.sources {
		if s.busy() {
			return true
		}
	}
	return false
}

// count adds the source's pieces to the item's rarity, or takes them out.
func (s *source) count(by int) {
	if s.whole {
		s.item.wholes = uint8(int(s.item.wholes) + by)
		return
	}
	for w, m := range s.has {
		for ; m != 0; m &= m - 1 {
			if i := w<<6 + bits.TrailingZeros64(m); i < len(s.item.rare) {
				s.item.rare[i] = uint8(int(s.item.rare[i]) + by)
			}
		}
	}
}

// addSource books that a neighbour has something of an item.
func (c *Core) addSource(it *item, p *peer) *source {
	if s := it.sourceOf(p); s != nil {
		return s
	}
	if len(it.sources) >= MaxOffers {
		return nil
	}
	s := &source{item: it, peer: p, lost: -1}
	it.sources = append(it.sources, s)
	p.sources = append(p.sources, s)
	return s
}

// learn adds the first pieces, and those of a map after them, to what a source has.
// It is credited with those that no neighbour had before.
func (c *Core) learn(s *source, pieces int, more []byte) {
	if s.whole {
		return
	}
	it := s.item
	said := c.said[:0]
	for w := range words(pieces) {
		said = append(said, span(w, 0, pieces))
	}
	said.addMap(pieces, more)
	c.said = said
	first := !it.heldElsewhere()
	for w, m := range said {
		for m &^= s.has.word(w); m != 0; m &= m - 1 {
			i := w<<6 + bits.TrailingZeros64(m)
			s.has.set(i)
			if i < len(it.rare) {
				if it.rare[i]++; it.rare[i] == 1 && first && !it.have.get(i) {
					c.first(it, s.peer, i)
				}
			}
		}
	}
}

// heldElsewhere says whether a neighbour holds the whole segment.
func (it *item) heldElsewhere() bool {
	for _, s := range it.sources {
		if s.whole {
			return true
		}
	}
	return false
}

// holdsAll turns the source into one of the whole segment.
func (c *Core) holdsAll(s *source) {
	if s.whole {
		return
	}
	it := s.item
	s.count(-1)
	if !it.heldElsewhere() {
		for i := range len(it.rare) {
			if it.rare[i] == 0 && !it.have.get(i) && !s.has.get(i) {
				c.first(it, s.peer, i)
			}
		}
	}
	s.whole = true
	s.count(1)
}

// offers is the pieces of word w that the source holds and nobody brings.
func (s *source) offers(w int) uint64 {
	m := s.item.open(w)
	if !s.whole {
		m &= s.has.word(w)
	}
	return m
}

// removeSource forgets a source; what it owed is open again.
func (c *Core) removeSource(s *source) {
	c.judge(s)
	c.release(s)
	s.count(-1)
	s.item.sources = without(s.item.sources, s)
	s.peer.sources = without(s.peer.sources, s)
}

func (c *Core) dropSources(it *item) {
	for len(it.sources) > 0 {
		c.removeSource(it.sources[len(it.sources)-1])
	}
}

// release takes back everything that a source was asked for.
func (c *Core) release(s *source) {
	if s.waiting > 0 {
		for w, m := range s.asked {
			if w < len(s.item.wait) {
				s.item.wait[w] &^= m
			}
			s.asked[w] = 0
		}
		s.peer.waiting -= s.waiting
		s.waiting = 0
	}
	if s.slices != 0 {
		s.slices = 0
		s.item.recount()
	}
	s.begun, s.got = false, 0
}

// recount sets which slices come by themselves.
func (it *item) recount() {
	it.coming = 0
	for _, s := range it.sources {
		it.coming |= s.slices
	}
}

// window is how many pieces a neighbour should owe:
//
//	⌈(rtt + headroom) / service⌉,  service = smoothed time between its pieces
func (c *Core) window(p *peer) int {
	s := p.pace()
	n := int((p.rtt + headroom + s - 1) / s)
	least := 1
	if p.hello.Seed {
		least = seedChoice
	}
	return min(max(n, least), maxAsked)
}

// pace is the neighbour's service time for a piece.
func (p *peer) pace() time.Duration {
	if p.service == 0 {
		return firstService
	}
	return p.service
}

// served books a piece that was asked for, and how long it took. The first one
// after a pause has a round trip in it that is not the source's.
func (p *peer) served(now Time) {
	d := now - p.lastPiece
	if p.rested {
		d, p.rested = now-p.askedAt-p.rtt, false
	}
	d = max(d, quickest)
	if p.service == 0 {
		p.service = d
	} else {
		p.service += (d - p.service) / 4
	}
	p.lastPiece = now
	p.strikes, p.shunUntil = 0, 0
}

// fill asks a neighbour for as much as it should owe, then for what others owe and
// would bring later.
func (c *Core) fill(p *peer) {
	size := c.window(p)
	room := size - p.waiting
	if room <= 0 || p.waiting > 0 && 4*room < size || c.now < p.shunUntil {
		return
	}
	for ; room > 0; room-- {
		s, i := c.choose(p)
		if s == nil {
			break
		}
		c.request(s, i)
	}
	for _, s := range p.sources {
		if s.unsaid {
			c.ask(s)
		}
	}
	for ; room > 0 && c.steal(p); room-- {
	}
}

// spread is how many segments, from the one due first, are asked for side by side.
// One after the other, a new segment would only begin to spread when the one before
// has reached everybody, and a swarm that is behind would stay behind.
const spread = 2

// choose picks the next piece to ask a neighbour for: of the segment that is hurried,
// else the rarest of those due first.
func (c *Core) choose(p *peer) (from *source, piece int) {
	var first [spread]*source
	n := 0
	for _, s := range p.sources {
		if !c.asks(s) {
			continue
		}
		i := n
		for i > 0 && s.item.before(first[i-1].item) {
			i--
		}
		if i == spread {
			continue
		}
		n = min(n+1, spread)
		copy(first[i+1:n], first[i:n-1])
		first[i] = s
	}
	best := uint32(1<<32 - 1)
	for _, s := range first[:n] {
		i, rank := c.pick(s)
		if i < 0 {
			continue
		}
		if rank < best {
			from, piece, best = s, i, rank
		}
		if c.hurried(s.item) {
			return from, piece
		}
	}
	return from, piece
}

// asks says whether a source may be asked, and has something that nobody brings.
func (c *Core) asks(s *source) bool {
	it := s.item
	if s.blocked || !it.useful() || it.n <= 0 || s.peer.hello.Metered && !c.hurried(it) {
		return false
	}
	for w := it.prefix >> 6; w < words(it.n); w++ {
		if s.offers(w) != 0 {
			return true
		}
	}
	return false
}

// before orders items by when they are needed.
func (it *item) before(o *item) bool {
	a, b := it.need.Deadline, o.need.Deadline
	if it.relay || a <= 0 {
		return false
	}
	return o.relay || b <= 0 || a < b || a == b && it.key < o.key
}

// hurry is how long before the last moment to ask the origin a segment is taken in order, and of metered
// neighbours too.
const hurry = time.Second

func (c *Core) hurried(it *item) bool {
	at, ok := c.panicAt(it)
	return ok && at-c.now < hurry
}

// pick chooses the next piece to ask a source for, and its rank, -1 for none: the one
// that fewest neighbours hold, so that there is something to trade; among equals each
// peer has an order of its own. Near the deadline, the first missing one.
func (c *Core) pick(s *source) (best int, rank uint32) {
	it := s.item
	inOrder := it.need.Urgent || c.hurried(it) || it.need.Whole > c.now
	front := c.front(it)
	best, rank = -1, 1<<32-1
	for w := it.prefix >> 6; w < words(it.n); w++ {
		m := s.offers(w)
		if m != 0 && inOrder {
			return w<<6 + bits.TrailingZeros64(m), 0
		}
		if rest := m &^ span(w, 0, front); rest != 0 {
			if best < 0 {
				best, rank = w<<6+bits.TrailingZeros64(rest), 1<<32-2
			}
			m &= span(w, 0, front)
		}
		for ; m != 0; m &= m - 1 {
			i := w<<6 + bits.TrailingZeros64(m)
			if r := uint32(it.rare[i]+it.wholes)<<16 | (uint32(i)+c.salt)*2654435761>>16; r < rank {
				best, rank = i, r
			}
		}
	}
	return best, rank
}

// request marks a piece as owed.
func (c *Core) request(s *source, i int) {
	if s.peer.waiting == 0 {
		s.peer.askedAt, s.peer.rested = c.now, true
	}
	if s.waiting == 0 {
		s.last = c.now
	}
	if s.started == 0 {
		s.started = c.now
	}
	if s.waiting+s.robbed == 0 {
		s.owing = c.now
	}
	s.asked.set(i)
	s.item.wait.set(i)
	s.waiting++
	s.peer.waiting++
	s.unsaid = true
}

// ask tells a source everything it owes of an item. That takes the place of slices it
// pushes, so what is missing of those is asked for by name.
func (c *Core) ask(s *source) {
	it, p := s.item, s.peer
	s.unsaid = false
	if it.hops < 0 {
		it.hops = s.hops + 1
	}
	owed, n := s.asked, s.waiting
	if s.slices != 0 {
		owed, n = s.owed()
	}
	first, end := owed.ends()
	m := Accept{Key: it.key, First: first, Count: end - first, Due: c.due(it)}
	if m.Count != n {
		m.Only = owed.pieceMap(first, end)
	}
	c.counters.Accepts++
	if c.cfg.Log != nil {
		c.note("ask %s for %d pieces of %s, %d+%d", p.id, s.waiting, it.key, first, m.Count)
	}
	c.send(p, m)
	c.wake(it, c.giveUpAt(s), WhyStall)
}

// owed is the pieces that a source was asked for or pushes, and how many.
func (s *source) owed() (all bitset, n int) {
	it := s.item
	for w := range words(it.n) {
		m := s.asked.word(w) | slicePattern(s.slices)&span(w, s.from, it.n)&^it.have.word(w)
		all = append(all, m)
		n += bits.OnesCount64(m)
	}
	return all, n
}

// due is how much time is left until the player needs the item.
func (c *Core) due(it *item) time.Duration {
	if it.need.Deadline <= 0 {
		return ReservationLife
	}
	return max(0, it.need.Deadline-c.now)
}

func (s *source) unask(i int) {
	if s.asked.unset(i) {
		s.item.wait.unset(i)
		s.waiting--
		s.peer.waiting--
	}
}

// fillItem asks all sources of an item, the quickest first.
func (c *Core) fillItem(it *item) {
	if len(it.sources) == 0 || !it.useful() {
		return
	}
	if it.n < 0 {
		c.follow(it)
		return
	}
	order := c.quick[:0]
	for _, s := range it.sources {
		order = append(order, s.peer)
	}
	slices.SortStableFunc(order, func(a, b *peer) int { return int(a.rtt + a.pace() - b.rtt - b.pace()) })
	c.quick = order[:0]
	for _, p := range order {
		c.fill(p)
	}
}
