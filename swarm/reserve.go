package swarm

import (
	"cmp"
	"slices"
	"time"
)

// gossipEvery is how long gains and losses are gathered before neighbours hear.
const gossipEvery = time.Second

// reserve has a wish told to all neighbours, and again before they forget it: a player
// may pause, and an origin may fail for longer than ReservationLife.
func (c *Core) reserve(it *item) {
	c.toReserve = append(c.toReserve, it)
	it.renewAt = max(it.need.Deadline, c.now) + ReservationLife/2
}

// flushReserve tells all neighbours of the wishes placed since the last Drain,
// in one message each.
func (c *Core) flushReserve() {
	if len(c.toReserve) == 0 {
		return
	}
	for _, p := range c.links {
		c.reserveAt(p, c.toReserve)
	}
	c.toReserve = c.toReserve[:0]
}

// reserveAt places reservations for items at one neighbour.
func (c *Core) reserveAt(p *peer, items []*item) {
	if !p.greeted || c.cfg.Seed {
		return // a seed fetches for itself and waits for nobody
	}
	var batch []Reservation
	flush := func() {
		if len(batch) > 0 {
			c.send(p, Reserve{Items: batch})
		}
		batch = nil
	}
	for _, it := range items {
		if !it.useful() {
			continue
		}
		r := Reservation{Key: it.key, Due: ReservationLife}
		switch {
		case it.relay:
			if it.reservationOf(p) != nil {
				continue // it wants the same from us
			}
		case c.lonely(it):
			r.Hops = 1
		}
		if it.wanted && it.need.Deadline > 0 {
			r.Due = max(0, it.need.Deadline-c.now)
		}
		if batch = append(batch, r); len(batch) == 256 {
			flush()
		}
	}
	flush()
}

// lonely says that so few neighbours care for the item's track that it pays to
// ask theirs (tier-2).
func (c *Core) lonely(it *item) bool {
	n := 0
	for _, p := range c.links {
		if p.hello.Seed {
			return false
		}
		if p.interest(it.track) {
			n++
		}
	}
	return n < 2
}

// reserved books a neighbour's interest and answers at once with what is here.
func (c *Core) reserved(p *peer, m Reserve) {
	for _, r := range m.Items {
		c.counters.Reservations++
		if len(p.reserved) >= MaxReservations {
			break
		}
		it := c.item(r.Key)
		due := c.now + r.Due + ReservationLife
		if old := it.reservationOf(p); old != nil {
			old.due = due
			continue
		}
		it.reserved = append(it.reserved, &reservation{peer: p, due: due})
		p.reserved[r.Key] = struct{}{}
		p.note(it.track)
		switch mine := it.reserved[len(it.reserved)-1]; {
		case it.here() && !(it.whole && it.size < 0):
			c.tell(it, mine, it.offer())
		case it.fetching:
			c.promise(it, nil)
		case r.Hops > 0 && !it.wanted && !it.relay && !c.cfg.Metered && !c.cfg.Seed &&
			c.relays < c.cfg.RelayReservations && len(c.links) > 1:
			it.relay = true
			c.relays++
			c.toReserve = append(c.toReserve, it)
			c.findHolders(it)
			c.step(it)
			continue
		}
		if !it.useful() {
			c.rest(it)
		}
	}
}

func (c *Core) released(p *peer, keys []Key) {
	for _, k := range keys {
		it := c.items[k]
		if it == nil {
			continue
		}
		if r := it.reservationOf(p); r != nil {
			c.removeReservation(it, r)
		}
		if out := it.outboundTo(p); out != nil {
			c.removeOutbound(out)
		}
		c.step(it)
	}
}

func (c *Core) removeReservation(it *item, r *reservation) {
	it.reserved = without(it.reserved, r)
	delete(r.peer.reserved, it.key)
}

func (c *Core) expireReservations(it *item) {
	for i := 0; i < len(it.reserved); {
		if r := it.reserved[i]; r.due <= c.now {
			c.removeReservation(it, r)
			continue
		}
		i++
	}
}

func (it *item) reservationsEnd() (at Time, ok bool) {
	for _, r := range it.reserved {
		if !ok || r.due < at {
			at, ok = r.due, true
		}
	}
	return at, ok
}

// endRelay gives up a neighbour's reservation that nobody waits for any more.
func (c *Core) endRelay(it *item) {
	it.relay = false
	c.relays--
	for _, p := range c.links {
		if p.greeted {
			c.send(p, Release{Keys: []Key{it.key}})
		}
	}
	c.drop(it)
}

// mark remembers that a whole key came or went, for the next Have.
func (c *Core) mark(k Key, gained bool) {
	if _, ok := c.changed[k]; !ok {
		c.order = append(c.order, k)
	}
	c.changed[k] = gained
	if c.gossip.index < 0 {
		c.timers.set(c.gossip, c.now+gossipEvery, WhyGossip)
	}
}

// tellHave tells each neighbour what changed, less what it was offered already
// or sent here itself.
func (c *Core) tellHave() {
	for _, p := range c.links {
		if !p.greeted {
			continue
		}
		var gained, lost []Key
		for _, k := range c.order {
			it := c.items[k]
			switch {
			case !c.changed[k]:
				lost = append(lost, k)
			case it != nil && it.whole && it.reservationOf(p) == nil && !p.haves.has(k):
				gained = append(gained, k)
			}
		}
		c.sendHave(p, gained, lost)
	}
	c.order = c.order[:0]
	clear(c.changed)
}

// greetHave tells a new neighbour everything that is held.
func (c *Core) greetHave(p *peer) {
	var all []Key
	for k, it := range c.items {
		if it.whole && !it.private {
			all = append(all, k)
		}
	}
	c.sendHave(p, all, nil)
}

func (c *Core) sendHave(p *peer, gained, lost []Key) {
	const perMessage = 512
	g, l := runs(gained), runs(lost)
	for len(g) > 0 || len(l) > 0 {
		var m Have
		m.Gained, g = g[:min(perMessage, len(g))], g[min(perMessage, len(g)):]
		m.Lost, l = l[:min(perMessage, len(l))], l[min(perMessage, len(l)):]
		c.send(p, m)
	}
}

// has books what a neighbour gained and lost.
func (c *Core) has(p *peer, m Have) {
	for _, r := range m.Lost {
		for k := range r.keys() {
			p.haves.remove(k)
			if it := c.items[k]; it != nil {
				if s := it.sourceOf(p); s != nil {
					c.removeSource(s)
				}
			}
		}
	}
	for _, r := range m.Gained {
		for k := range r.keys() {
			p.haves.add(k)
			if it := c.items[k]; it != nil && it.useful() {
				c.holder(it, p)
				c.step(it)
			}
		}
	}
}

// holder makes a neighbour that said it holds the whole segment a source of it.
func (c *Core) holder(it *item, p *peer) {
	if s := c.addSource(it, p); s != nil && !s.whole {
		s.hops, s.blocked = 1, false
		s.count(-1)
		s.whole = true
		s.count(1)
	}
}

// findHolders makes sources of those who said that they hold an item.
func (c *Core) findHolders(it *item) {
	for _, p := range c.links {
		if p.haves.has(it.key) {
			c.holder(it, p)
		}
	}
}

func sortedKeys(set map[Key]struct{}) []Key {
	keys := make([]Key, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}
