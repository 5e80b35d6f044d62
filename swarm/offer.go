package swarm

import (
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// promise tells those who reserved it that this peer has asked the origin for a
// segment, so that they need not. An offer follows with the first piece.
func (c *Core) promise(it *item) {
	if it.private || it.held > 0 {
		return
	}
	for _, r := range it.reserved {
		if !r.offered {
			c.send(r.peer, Offer{Key: it.key, Size: it.size, Hops: max(0, it.hops)})
		}
	}
}

// announce offers what is here to those who reserved it, have not heard, and have
// not offered it themselves; subscribers get the segment pushed.
func (c *Core) announce(it *item) {
	if it.private || it.held == 0 && !it.whole && !it.flows {
		return
	}
	room, known := c.room(it)
	for _, r := range it.reserved {
		p := r.peer
		if r.offered || it.inboundFrom(p) != nil || it.offerOf(p) != nil || it.outboundTo(p) != nil || slices.Contains(it.sender, p.id) || p.haves.has(it.key) {
			continue
		}
		give := 0
		if known {
			var ok bool
			if give, ok = c.portion(it, room); !ok {
				c.starving(it)
				return
			}
			room -= float64(max(it.size, it.need.Size, segments.PieceSize))
		}
		r.offered = true
		if give == 0 && p.subscriber(it.track) && len(p.outbound) < MaxOutbound {
			c.push(it, p, r.due-ReservationLife)
			continue
		}
		c.counters.OffersSent++
		c.send(p, Offer{Key: it.key, Size: it.size, Hops: max(0, it.hops), Pieces: it.offered(), Room: give})
	}
}

// offered books a source and locks a transfer to it when none is running.
func (c *Core) offered(p *peer, m Offer) {
	c.counters.OffersHeard++
	c.note("offer %s by %s: %d pieces, %d hops", m.Key, p.id, m.Pieces, m.Hops)
	it := c.items[m.Key]
	if it == nil || !it.useful() {
		if it != nil && it.whole {
			p.haves.add(m.Key)
		}
		c.send(p, Refuse{Key: m.Key, Reason: RefusedUnwanted})
		return
	}
	if m.Hops < 0 || m.Hops >= MaxHops || m.Pieces < 0 || m.Size < -1 {
		c.send(p, Refuse{Key: m.Key, Reason: RefusedLoop})
		return
	}
	it.hear(c.now)
	p.note(it.track)
	if m.Pieces == 0 && m.Size != 0 { // a promise
		it.promised = max(it.promised, c.now+c.cfg.StallAfter+c.origin.estimate())
		c.step(it)
		return
	}
	c.addOffer(it, &offer{peer: p, hops: m.Hops, pieces: m.Pieces, room: max(0, m.Room),
		whole: m.Size >= 0 && m.Pieces >= segments.PieceCount(m.Size)})
	c.step(it)
	if it.inboundFrom(p) == nil {
		c.send(p, Refuse{Key: m.Key, Reason: RefusedLocked})
	}
}

func (c *Core) addOffer(it *item, o *offer) {
	if old := it.offerOf(o.peer); old != nil {
		*old = *o
		return
	}
	if len(it.offers) < MaxOffers {
		it.offers = append(it.offers, o)
	}
}

// assign locks a transfer for every piece that nobody brings yet, while there
// are sources.
func (c *Core) assign(it *item) {
	if c.now < c.pushUntil(it) {
		return
	}
	for {
		first, count, open := it.gap()
		if !open {
			return
		}
		o := c.best(it)
		if o == nil {
			return
		}
		c.accept(it, o, first, count)
	}
}

func (c *Core) accept(it *item, o *offer, first, count int) {
	if o.room > 0 && it.size >= 0 && count > o.room {
		count = o.room
	}
	if it.hops < 0 || len(it.sender) == 0 && !it.fetching {
		it.hops = o.hops + 1
	}
	in := &inbound{item: it, peer: o.peer, first: first, count: count, started: c.now, last: c.now, whole: o.whole}
	it.inbound = append(it.inbound, in)
	o.peer.inbound = append(o.peer.inbound, in)
	c.counters.Accepts++
	c.note("accept %s pieces %d+%d from %s", it.key, first, count, o.peer.id)
	c.send(o.peer, Accept{Key: it.key, First: first, Count: count, Due: c.due(it)})
}

// due is how much time is left until the player needs the item.
func (c *Core) due(it *item) time.Duration {
	if it.need.Deadline <= 0 {
		return ReservationLife
	}
	return max(0, it.need.Deadline-c.now)
}

// best chooses the source: fewest hops, then fewest failures, then nearest (in
// steps of 20 ms), then least loaded. A source that is itself still receiving
// must be strictly nearer to the origin than this peer, so nobody waits in a
// circle; one that holds everything cannot loop.
func (c *Core) best(it *item) *offer {
	var best *offer
	for _, o := range it.offers {
		if o.blocked || it.inboundFrom(o.peer) != nil {
			continue
		}
		if !o.whole && it.hops >= 0 && o.hops >= it.hops && (len(it.sender) > 0 || it.held > 0 || it.fetching) {
			continue
		}
		if best == nil || o.before(best) {
			best = o
		}
	}
	return best
}

func (o *offer) before(b *offer) bool {
	const step = 20 * time.Millisecond
	for _, d := range [...]int{
		o.hops - b.hops,
		o.peer.strikes - b.peer.strikes,
		int(o.peer.latency()/step) - int(b.peer.latency()/step),
		len(o.peer.inbound) - len(b.peer.inbound),
	} {
		if d != 0 {
			return d < 0
		}
	}
	return o.peer.order < b.peer.order
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
	in := it.inboundFrom(p)
	if in == nil {
		c.feedHungry() // our offer was not taken: the next may be
		return
	}
	c.counters.Refusals++
	c.removeInbound(in)
	if o := it.offerOf(p); o != nil {
		o.blocked, o.busy = true, m.Reason == RefusedBusy
	}
	if m.Reason == RefusedGone {
		p.haves.remove(m.Key)
	}
	c.step(it)
}

// began books the opening of a transfer, asked for or pushed.
func (c *Core) began(p *peer, m Begin) {
	it := c.items[m.Key]
	c.note("begin %s from %s: size %d, %d hops, pushed %t", m.Key, p.id, m.Size, m.Hops, m.Pushed)
	if it == nil || !it.useful() || m.Hops < 0 || m.Hops >= MaxHops {
		c.send(p, Cancel{Key: m.Key})
		return
	}
	it.hear(c.now)
	p.note(it.track)
	if m.Size >= 0 && it.size < 0 {
		it.size = m.Size
	}
	in := it.inboundFrom(p)
	if in == nil {
		first, count, open := it.gap()
		if !m.Pushed || !open || m.First > first || it.fetching ||
			it.hops >= 0 && m.Hops >= it.hops && len(it.sender) > 0 {
			c.send(p, Cancel{Key: m.Key})
			return
		}
		in = &inbound{item: it, peer: p, first: first, count: count, started: c.now}
		it.inbound = append(it.inbound, in)
		p.inbound = append(p.inbound, in)
	} else {
		p.answered(c.now - in.started)
	}
	in.begun, in.last = true, c.now
	if len(it.sender) == 0 {
		it.hops = m.Hops + 1
	}
	c.schedule(it)
}

// cancelled ends a transfer in either direction.
func (c *Core) cancelled(p *peer, k Key) {
	it := c.items[k]
	c.note("cancel %s by %s", k, p.id)
	if it == nil {
		return
	}
	if out := it.outboundTo(p); out != nil {
		if out.pushed {
			p.pushRefused(it.track)
		}
		c.removeOutbound(out)
		c.pump(p)
	}
	if in := it.inboundFrom(p); in != nil {
		c.removeInbound(in)
		if o := it.offerOf(p); o != nil {
			o.blocked = true
		}
		if len(it.inbound) == 0 {
			it.electFrom = c.now // a new election, so that not all turn to the origin at once
		}
		c.step(it)
	}
}

// cancelInbound tells all sources that no more is needed.
func (c *Core) cancelInbound(it *item) {
	for len(it.inbound) > 0 {
		in := it.inbound[0]
		c.send(in.peer, Cancel{Key: it.key})
		c.removeInbound(in)
	}
}

func (c *Core) removeInbound(in *inbound) {
	in.item.inbound = without(in.item.inbound, in)
	in.peer.inbound = without(in.peer.inbound, in)
}

// credit books a delivery of count pieces and closes a transfer that brought all.
func (c *Core) credit(it *item, p *peer, count int) {
	p.delivered += count
	it.broughtBy(p)
	in := it.inboundFrom(p)
	if in == nil {
		return
	}
	in.got += count
	in.last = c.now
	end := it.pieces()
	if in.count >= 0 {
		end = in.first + in.count
	}
	if end < 0 {
		return
	}
	for i := in.first; i < end; i++ {
		if !it.have.get(i) {
			return
		}
	}
	c.removeInbound(in)
}
