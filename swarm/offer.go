package swarm

import (
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

const (
	// tellSoonest and tellLatest bound the time between two offers of one segment: what
	// comes in between is told together.
	tellSoonest, tellLatest = 30 * time.Millisecond, 300 * time.Millisecond
	// tellPart: offers to all neighbours take one in so many of the uplink's bits.
	tellPart = 16
)

// tellEvery is the least time between two offers of one segment. A narrow uplink has
// better uses than to tell of each piece.
func (c *Core) tellEvery() time.Duration {
	up := c.ownUplink()
	if up == 0 {
		return tellSoonest
	}
	every := time.Duration(len(c.links)*8*messageBytes*tellPart) * time.Second / time.Duration(up)
	return min(max(every, tellSoonest), tellLatest)
}

// promise tells those who reserved it that the origin was asked for a segment, so
// that they need not. It is passed on by whoever hears it first; an offer follows
// with the first piece.
func (c *Core) promise(it *item, from *peer) {
	if it.private || it.held > 0 {
		return
	}
	m := Message(Offer{Key: it.key, Size: it.size, Hops: max(0, it.hops), Seeded: it.seeded})
	for _, r := range it.reserved {
		if r.peer != from && !r.told && it.sourceOf(r.peer) == nil {
			c.send(r.peer, m)
		}
	}
}

// offer describes what is here of an item.
func (it *item) offer() Offer {
	m := Offer{Key: it.key, Size: it.size, Hops: max(0, it.hops), Pieces: it.prefix, Seeded: it.seeded}
	switch {
	case it.size < 0 && it.flows:
		m.Pieces = max(it.prefix, 1) // its beginning counts, so that it is not taken for a promise
	case it.held > it.prefix:
		m.More = it.have.pieceMap(it.prefix, it.limit())
	}
	return m
}

// here says whether there is something of the item to give.
func (it *item) here() bool { return !it.private && (it.held > 0 || it.whole || it.flows) }

// announce tells those who reserved an item what is here of it, at most once every
// tellEvery, and pushes it to subscribers.
func (c *Core) announce(it *item) {
	if !it.here() || len(it.reserved) == 0 {
		it.dirty = false
		return
	}
	if at := it.toldAt + c.tellEvery(); it.toldAt > 0 && c.now < at && !it.whole && c.owed > 0 {
		if !it.dirty {
			it.dirty = true
			c.wake(it, at, WhyTell)
		}
		return
	}
	it.dirty, it.toldAt = false, c.now
	c.deal(it)
	var m Message
	for _, r := range it.reserved {
		if r.told && !it.missedBy(r.peer) {
			continue
		}
		if m == nil {
			m = it.offer()
		}
		c.tell(it, r, m)
	}
	clear(it.news)
}

// missedBy says whether a neighbour lacks some of the latest pieces.
func (it *item) missedBy(p *peer) bool {
	s := it.sourceOf(p)
	if s != nil && s.whole {
		return false
	}
	var pushed uint64 // they are on their way
	if out := it.outboundTo(p); out != nil && out.pushed {
		pushed = slicePattern(out.slices)
	}
	for w, m := range it.news {
		if s != nil {
			m &^= s.has.word(w)
		}
		if m&^pushed != 0 {
			return true
		}
	}
	return false
}

func (c *Core) tell(it *item, r *reservation, m Message) {
	p := r.peer
	if s := it.sourceOf(p); s != nil && s.whole || s == nil && p.haves.has(it.key) { // a source that holds all says so itself
		return
	}
	if ch := p.children[it.track]; ch != nil && (it.size >= 0 || ch.slices == allSlices) && !r.told && it.outboundTo(p) == nil && len(p.outbound) < MaxOutbound {
		if slices := c.affords(it, ch.slices); slices != 0 {
			c.push(it, r, slices)
			if r.told = true; slices == allSlices {
				return
			}
		}
	}
	r.told = true
	c.counters.OffersSent++
	c.send(p, m)
}

// offered books what a neighbour has of a segment and asks it for some.
func (c *Core) offered(p *peer, m Offer) {
	c.counters.OffersHeard++
	if c.cfg.Log != nil {
		c.note("offer %s by %s: %d pieces and %x, %d hops", m.Key, p.id, m.Pieces, m.More, m.Hops)
	}
	it := c.items[m.Key]
	promise := m.Pieces == 0 && len(m.More) == 0 && m.Size != 0
	if it != nil && !promise && m.Size >= 0 && m.Pieces >= segments.PieceCount(m.Size) {
		c.hasAll(it, p)
	}
	if it == nil || !it.useful() {
		if it == nil || !it.whole {
			c.send(p, Refuse{Key: m.Key, Reason: RefusedUnwanted})
		}
		return
	}
	if m.Hops < 0 || m.Hops >= MaxHops || m.Pieces < 0 || m.Size < -1 {
		c.send(p, Refuse{Key: m.Key, Reason: RefusedLoop})
		return
	}
	c.hear(it)
	p.note(it.track)
	if !promise && it.failures > 0 { // somebody got what the origin did not send
		c.originBack()
	}
	if m.Seeded {
		it.seeded = true
		c.hearSeed()
	}
	if promise {
		c.promised(it, p, m)
		return
	}
	it.sized(m.Size)
	s := c.addSource(it, p)
	if s == nil {
		return
	}
	s.hops, s.blocked = m.Hops, false
	c.expect(it)
	if it.n <= 0 { // what a growing one counts as its first piece may be a part of it
		c.follow(it)
		return
	}
	if m.Pieces >= it.n {
		c.holdsAll(s)
	} else {
		c.learn(s, m.Pieces, m.More)
	}
	if out := it.outboundTo(p); out != nil && out.slices != 0 {
		out.skip(s.has)
	}
	c.fill(p)
}

// promised books that the origin was asked, and passes the word on.
func (c *Core) promised(it *item, p *peer, m Offer) {
	known := it.promised > c.now || it.held > 0
	if known && !m.Seeded {
		c.expect(it)
		return
	}
	c.expect(it)
	if !known && !it.fetching {
		it.hops = m.Hops + 1
		c.promise(it, p)
	}
}

// expect books word that a segment is on its way through the swarm: for as long as
// a source may keep silent, the origin's time included, nobody need be elected.
func (c *Core) expect(it *item) {
	it.promised = max(it.promised, c.now+c.cfg.StallAfter+c.origin.estimate())
	it.electFrom = max(it.electFrom, it.promised)
	c.wake(it, it.promised, WhyElect)
}

// hasAll books that a neighbour holds the whole segment: nothing need be sent or
// told to it.
func (c *Core) hasAll(it *item, p *peer) {
	p.haves.add(it.key)
	if out := it.outboundTo(p); out != nil && !out.owes() { // else it is an audit
		c.removeOutbound(out)
	}
}

// follow has one source send a segment of unknown size, as it comes: fewest hops,
// then fewest failures, then nearest. A source that is itself still receiving must
// have fewer hops than this peer, so that nobody waits in a circle.
func (c *Core) follow(it *item) {
	if it.coming != 0 || it.fetching || c.now < c.pushUntil(it) {
		return
	}
	var best *source
	for _, s := range it.sources {
		if s.blocked || c.now < s.peer.shunUntil ||
			!s.whole && it.hops >= 0 && s.hops >= it.hops && (len(it.sender) > 0 || it.held > 0) {
			continue
		}
		if best == nil || s.nearer(best) {
			best = s
		}
	}
	if best == nil {
		return
	}
	if len(it.sender) == 0 {
		it.hops = best.hops + 1
	}
	best.slices, best.from = allSlices, it.prefix
	best.started, best.last = c.now, c.now
	it.recount()
	c.counters.Accepts++
	c.note("follow %s on %s from piece %d", best.peer.id, it.key, best.from)
	c.send(best.peer, Accept{Key: it.key, First: best.from, Count: -1, Due: c.due(it)})
	c.wake(it, c.giveUpAt(best), WhyStall)
}

func (s *source) nearer(b *source) bool {
	const step = 20 * time.Millisecond
	for _, d := range [...]int{
		s.hops - b.hops,
		s.peer.strikes - b.peer.strikes,
		int(s.peer.latency()/step) - int(b.peer.latency()/step),
		s.peer.waiting - b.peer.waiting,
	} {
		if d != 0 {
			return d < 0
		}
	}
	return s.peer.order < b.peer.order
}

// refused ends what a neighbour will not do.
func (c *Core) refused(p *peer, m Refuse) {
	it := c.items[m.Key]
	c.note("refused %s by %s: %d", m.Key, p.id, m.Reason)
	if it == nil {
		return
	}
	if m.Reason == RefusedUnwanted {
		if r := it.reservationOf(p); r != nil {
			c.removeReservation(it, r)
		}
	}
	if m.Reason != RefusedUnwanted { // which is about an offer of ours
		c.audited(p, m.Key, false)
	}
	if m.Reason == RefusedGone {
		p.haves.remove(m.Key)
	}
	s := it.sourceOf(p)
	if s == nil || !s.busy() {
		return
	}
	c.counters.Refusals++
	c.release(s)
	s.blocked = true
	if m.Reason == RefusedGone {
		c.removeSource(s)
	}
	c.step(it)
}

// began books the opening of a transfer, asked for or pushed.
func (c *Core) began(p *peer, m Begin) {
	it := c.items[m.Key]
	if c.cfg.Log != nil {
		c.note("begin %s from %s: size %d, %d hops, slices %08b pushed", m.Key, p.id, m.Size, m.Hops, m.Slices)
	}
	if p.audit.key == m.Key {
		return
	}
	if it == nil || !it.useful() || m.Hops < 0 || m.Hops >= MaxHops {
		c.send(p, Cancel{Key: m.Key})
		return
	}
	c.hear(it)
	p.note(it.track)
	c.measured(it, m.Size)
	s := it.sourceOf(p)
	pushed := uint8(m.Slices & allSlices)
	if pushed != 0 && (s == nil || !s.busy()) {
		it.recount()
		slices := pushed &^ it.coming
		if slices == 0 || it.fetching || len(it.sources) >= MaxOffers && s == nil {
			c.send(p, Cancel{Key: m.Key})
			return
		}
		if s == nil {
			s = c.addSource(it, p)
		}
		s.slices, s.from, s.hops = slices, 0, m.Hops
		s.started = c.now
		if slices != pushed {
			c.ask(s) // for no more than these
		}
		it.coming |= slices | c.expected(it)
		c.expect(it)
	}
	if s == nil || !s.busy() {
		return // taken back meanwhile; a Cancel or an Accept of nothing is on its way
	}
	if !s.begun && pushed == 0 {
		p.answered(c.now - s.started)
	}
	s.begun, s.last = true, c.now
	if len(it.sender) == 0 {
		it.hops = m.Hops + 1
	}
	c.wake(it, c.giveUpAt(s), WhyStall)
}

// cancelled ends a transfer in either direction.
func (c *Core) cancelled(p *peer, k Key) {
	it := c.items[k]
	c.note("cancel %s by %s", k, p.id)
	if it == nil {
		return
	}
	if out := it.outboundTo(p); out != nil {
		if out.pushed && out.none() {
			p.pushRefused(it.track)
		}
		c.removeOutbound(out)
		c.pump()
	}
	if s := it.sourceOf(p); s != nil && s.busy() {
		c.release(s)
		s.blocked = true
		if !it.inflow() {
			it.electFrom = max(it.electFrom, c.now) // a new election, so that not all turn to the origin at once
		}
		c.step(it)
	}
}

// cancelInbound tells all sources that no more is needed.
func (c *Core) cancelInbound(it *item) {
	for _, s := range it.sources {
		if s.busy() {
			c.send(s.peer, Cancel{Key: it.key})
			c.judge(s)
			c.release(s)
		}
	}
}

// credit books a delivery and asks its source for more.
func (c *Core) credit(it *item, p *peer, first, count int) {
	p.delivered += count
	it.broughtBy(p)
	s := it.sourceOf(p)
	for i := first; i < first+count; i++ {
		if s != nil && s.asked.get(i) {
			s.unask(i)
			p.served(c.now)
			continue
		}
		c.retract(it, s, i)
		if s != nil && s.lost == i {
			s.lost = -1
		}
		if s != nil && s.robbed > 0 {
			s.robbed--
		}
		if s != nil && !s.whole && i < len(it.rare) && s.has.set(i) {
			if it.rare[i]++; it.rare[i] == 1 {
				c.first(it, p, i)
			}
		}
	}
	if s == nil {
		return
	}
	s.got += count
	s.last, s.owing = c.now, c.now
	if len(it.sender) == 1 && s.got == count {
		it.hops = s.hops + 1
	}
}

// retract takes pieces that came from somewhere else back from the source that
// was asked for them.
func (c *Core) retract(it *item, from *source, i int) {
	if !it.wait.get(i) {
		return
	}
	for _, s := range it.sources {
		if s != from && s.asked.get(i) {
			s.unask(i)
			s.robbed++
			s.lost = i
			c.ask(s)
			return
		}
	}
}

// broughtBy notes a neighbour that bytes came from.
func (it *item) broughtBy(p *peer) {
	if !slices.Contains(it.sender, p.id) && len(it.sender) < MaxOffers {
		it.sender = append(it.sender, p.id)
	}
}
