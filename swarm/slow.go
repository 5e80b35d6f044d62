package swarm

import "time"

// paceCheck is how often the rate of a running transfer is looked at.
const paceCheck = 250 * time.Millisecond

// patience is how long a source may send nothing: StallAfter and a round trip
// when it has the bytes, the origin's time on top when it is still receiving, and
// half of the time that a segment grows while it does: chunks come in bursts.
func (c *Core) patience(in *inbound) time.Duration {
	d := c.cfg.StallAfter + 2*in.peer.rtt
	if !in.whole {
		d += c.origin.estimate()
	}
	if c.now < in.item.need.Whole {
		d += in.item.growth() / 2
	}
	return d
}

func (c *Core) checkAt(in *inbound) Time {
	at := in.last + c.patience(in)
	if len(in.item.offers) > 1 {
		at = min(at, c.now+paceCheck)
	}
	return at
}

// replaceSlow takes pieces from sources that stopped and shares those of sources
// that would be late.
func (c *Core) replaceSlow(it *item) {
	for i := 0; i < len(it.inbound); {
		in := it.inbound[i]
		if c.now-in.last < c.patience(in) {
			i++
			continue
		}
		c.counters.Stalls++
		c.note("stall %s: %s sent %d pieces, the last %s ago", it.key, in.peer.id, in.got, c.now-in.last)
		in.peer.strikes++
		c.send(in.peer, Cancel{Key: it.key})
		c.removeInbound(in)
		if o := it.offerOf(in.peer); o != nil {
			o.blocked = true
		}
		if len(it.inbound) == 0 {
			it.electFrom = c.now
		}
	}
	for _, in := range it.inbound {
		if c.late(in) && c.halve(in) {
			return
		}
	}
}

// late says that a transfer would end after the last moment to ask the origin:
//
//	now + remaining × elapsed / got  >  panicAt
func (c *Core) late(in *inbound) bool {
	panicAt, ok := c.panicAt(in.item)
	elapsed := c.now - in.started
	if !ok || elapsed < paceCheck || in.item.size < 0 {
		return false
	}
	left := in.left()
	return left > 1 && c.now+time.Duration(left)*elapsed/time.Duration(max(1, in.got)) > panicAt
}

func (in *inbound) end() int {
	if in.count >= 0 {
		return in.first + in.count
	}
	return in.item.pieces()
}

func (in *inbound) left() (n int) {
	for i := in.first; i < in.end(); i++ {
		if !in.item.have.get(i) {
			n++
		}
	}
	return n
}

// halve gives the second half of what is left to another source: a later Accept
// replaces the range of the earlier.
func (c *Core) halve(in *inbound) bool {
	it := in.item
	o := c.best(it)
	if o == nil {
		return false
	}
	next := in.first
	for next < in.end() && it.have.get(next) {
		next++
	}
	end := in.end()
	middle := next + (end-next+1)/2
	if middle >= end {
		return false
	}
	in.first, in.count = next, middle-next
	in.started, in.got = c.now, 0
	c.send(in.peer, Accept{Key: it.key, First: next, Count: in.count, Due: c.due(it)})
	c.accept(it, o, middle, end-middle)
	return true
}
