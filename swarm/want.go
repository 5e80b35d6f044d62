package swarm

import (
	"slices"
	"time"
)

// want places or updates a wish of the player, and with it the passive
// reservation at every neighbour.
func (c *Core) want(w Want) {
	it := c.item(w.Key)
	if it.whole {
		return
	}
	fresh := !it.wanted
	c.note("want %s in %s by %s: asked %t, urgent %t, fetchable %t", w.Key, w.Available-c.now, w.Deadline-c.now, w.Asked, w.Urgent, w.Fetchable)
	if w.Asked && !it.need.Asked {
		it.dead = false // the player tries again, so may we
	}
	it.wanted, it.need = true, w
	if at, ok := c.panicAt(it); ok && at > c.now { // playback may go on sooner than it seemed when the origin failed
		it.retryAt = min(it.retryAt, max(at, it.asideTill))
	}
	if it.relay {
		it.relay = false
		c.relays--
	}
	if fresh {
		it.electFrom = c.electionStart(w)
		c.reserve(it)
		c.findHolders(it)
	} else if !it.fetching && !it.heard {
		it.electFrom = max(it.electFrom, c.electionStart(w))
	}
	c.step(it)
}

// unwant takes wishes back. Bytes of an unfinished segment are let go; those who
// were receiving it from here are told.
func (c *Core) unwant(keys []Key) {
	var gone []Key
	for _, k := range keys {
		it := c.items[k]
		if it == nil || !it.wanted && !it.relay && (it.whole || it.held == 0) { // a piece may have come late
			continue
		}
		if it.relay {
			c.relays--
		}
		it.wanted, it.relay = false, false
		if !it.whole {
			gone = append(gone, k)
			c.note("unwant %s", k)
			c.drop(it)
		}
	}
	if len(gone) == 0 {
		return
	}
	for _, p := range c.links {
		if p.greeted {
			c.send(p, Release{Keys: gone})
		}
	}
}

// drop ends every transfer of an unfinished item, in and out, and forgets it.
func (c *Core) drop(it *item) {
	c.interrupt(it)
	c.dropSources(it)
	it.reset()
	c.rest(it)
}

// interrupt ends every transfer of an item.
func (c *Core) interrupt(it *item) {
	c.cancelInbound(it)
	if it.fetching {
		c.emit(CancelFetch{Key: it.key})
		c.endFetch(it)
	}
	c.cancelOutbound(it)
}

func (it *item) reset() {
	it.have, it.held, it.prefix, it.whole = nil, 0, 0, false
	it.size, it.n, it.hops, it.sender, it.flows, it.sure = -1, -1, -1, nil, false, false
	it.wait, it.rare, it.given, it.wholes, it.coming, it.stolen = nil, nil, nil, 0, 0, 0
	it.news, it.dirty, it.toldAt, it.seeded = nil, false, 0, false
	it.heard, it.failures, it.retryAt, it.asideTill, it.promised, it.short = false, 0, 0, 0, 0, false
	for _, r := range it.reserved {
		r.told = false
	}
}

// step brings an item one decision further: replace silent sources, ask others for
// what nobody brings, ask the origin when it is our turn or the last moment. It may
// be called at any time, any number of times.
func (c *Core) step(it *item) {
	if !it.useful() {
		c.rest(it)
		return
	}
	c.expireReservations(it)
	if it.relay && len(it.reserved) == 0 {
		c.endRelay(it)
		return
	}
	if it.wanted && c.now >= it.renewAt {
		c.reserve(it)
	}
	if it.dirty && c.now >= it.toldAt+c.tellEvery() {
		c.announce(it)
	}
	c.replaceSlow(it)
	if it.coming != 0 && c.now >= c.pushUntil(it) {
		it.recount()
	}
	c.overtake(it)
	c.fillItem(it)
	c.decideOrigin(it)
	c.schedule(it)
}

// rest keeps a record only while somebody may still ask for it.
func (c *Core) rest(it *item) {
	c.expireReservations(it)
	if at, ok := it.reservationsEnd(); ok {
		c.timers.set(it.timer, at, WhyExpire)
	} else {
		c.timers.clear(it.timer)
	}
	c.forget(it)
}

// schedule sets the item's one timer to the earliest moment that could change a
// decision.
func (c *Core) schedule(it *item) {
	at, why := Time(1<<62), WhyExpire
	sooner := func(t Time, w Reason) {
		if t < at {
			at, why = t, w
		}
	}
	if end, ok := it.reservationsEnd(); ok && it.relay {
		sooner(end, WhyExpire)
	}
	if it.wanted {
		sooner(it.renewAt, WhyExpire)
	}
	busy := false
	for _, s := range it.sources {
		if s.busy() {
			sooner(c.giveUpAt(s), WhyStall)
			busy = true
		}
	}
	if busy && len(it.sources) > 1 {
		sooner(c.now+paceCheck, WhyStall)
	}
	if it.dirty {
		sooner(it.toldAt+c.tellEvery(), WhyTell)
	}
	if at := c.pushUntil(it); at > c.now {
		sooner(at, WhyStall)
	}
	if c.queues() {
		sooner(c.now+lastRetry, WhyRetry)
	} else if it.wanted && it.need.Fetchable && !it.fetching && !it.dead {
		floor := max(it.retryAt, it.need.Available)
		if it.retryAt > c.now {
			sooner(floor, WhyRetry)
		}
		if _, _, open := it.gap(); open {
			sooner(max(floor, c.nextRound(it), it.promised), WhyElect)
		}
		if len(c.links) == 0 && it.need.Asked && c.alone() > c.now {
			sooner(max(floor, c.alone()), WhyElect)
		}
		if panicAt, ok := c.panicAt(it); ok {
			if c.excused(it) {
				panicAt = c.excuseEnds(it)
			}
			sooner(max(floor, panicAt), WhyDeadline)
		}
	}
	if at == 1<<62 {
		c.timers.clear(it.timer)
		return
	}
	c.timers.set(it.timer, max(at, c.now+time.Microsecond), why)
}

// gained books verified pieces and passes them on.
func (c *Core) gained(g Gained) {
	it := c.items[g.Key]
	if it == nil || it.whole || g.First < 0 || g.Count < 0 || g.First+g.Count > MaxPieces {
		if it != nil && it.whole {
			c.counters.PiecesTwice += int64(g.Count)
			if p := c.peers[g.From]; p != nil {
				c.audited(p, g.Key, true)
			}
		}
		return
	}
	c.measured(it, g.Size)
	fresh := it.add(g.First, g.Count)
	c.counters.PiecesTwice += int64(g.Count - fresh)
	if g.From == "" {
		c.counters.PiecesOrigin += int64(fresh)
	} else if p := c.peers[g.From]; p != nil {
		c.counters.PiecesIn += int64(fresh)
		c.credit(it, p, g.First, g.Count)
		c.expect(it)
	}
	if it.sure && it.held == it.n {
		c.complete(it, g.From == "" && g.First+g.Count == it.pieces())
		return
	}
	c.announce(it)
	c.pump()
	if p := c.peers[g.From]; p != nil {
		c.fill(p)
	}
}

// wake has an item looked at again, at the latest at the given time.
func (c *Core) wake(it *item, at Time, why Reason) {
	if it.timer.index < 0 || at < it.timer.at {
		c.timers.set(it.timer, max(at, c.now+time.Microsecond), why)
	}
}

// complete turns an item into one that is held and served. drained says that a
// running fetch has nothing left to bring.
func (c *Core) complete(it *item, drained bool) {
	it.whole = true
	c.counters.Completed++
	c.note("whole %s: %d pieces, %d hops, from %v", it.key, it.held, it.hops, it.sender)
	if len(it.sender) > 0 && it.fetch.Cause == 0 {
		c.counters.CompletedPeer++
	}
	c.cancelInbound(it)
	if it.fetching && !drained {
		c.emit(CancelFetch{Key: it.key})
	}
	if it.relay {
		it.relay = false
		c.relays--
	}
	c.prove(it)
	c.inTime(it)
	it.wanted = false
	sources := slices.Clone(it.sources)
	c.dropSources(it)
	for _, s := range sources {
		c.audit(s)
	}
	if !it.private {
		c.announce(it)
		c.mark(it.key, true)
	}
	it.news = nil
	c.pump()
	c.sample(it)
	c.rest(it)
}

// held books a segment found in the store. Its size may follow in a second Held.
func (c *Core) held(h Held) {
	it := c.item(h.Key)
	if it.whole && it.size >= 0 || h.Size < 0 && it.whole {
		return
	}
	known := it.whole
	if h.Size >= 0 {
		c.measured(it, h.Size)
		for i := range it.pieces() {
			it.have.set(i)
		}
		it.wet()
		it.held = it.pieces()
		it.prefix = it.held
	}
	if !known {
		it.hops = max(it.hops, 1)
		c.complete(it, false)
	}
}

// evicted books that the store let go of a segment.
func (c *Core) evicted(k Key) {
	it := c.items[k]
	if it == nil || !it.whole {
		return
	}
	c.cancelOutbound(it)
	it.reset()
	c.mark(k, false)
	c.rest(it)
}
