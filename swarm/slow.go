package swarm

import (
	"slices"
	"time"
)

const (
	// paceCheck is how often pieces that are still owed are looked at again.
	paceCheck = 100 * time.Millisecond
	// maxShun is the longest time that a silent neighbour is not asked again.
	maxShun = time.Minute
)

// patience is how long a source may send nothing: StallAfter, a round trip, and
// four times what it usually needs for a piece; while the segment grows, half of
// that time on top, because chunks come in bursts.
func (c *Core) patience(s *source) time.Duration {
	d := 3*c.cfg.StallAfter + 2*s.peer.rtt + 4*s.peer.pace()
	if s.slices != 0 && !s.whole {
		d += c.origin.estimate()
	}
	if c.now < s.item.need.Whole {
		d += s.item.growth() / 2
	}
	return d
}

// giveUpAt is when a source that sends nothing at all has had enough time.
func (c *Core) giveUpAt(s *source) Time { return max(s.last, s.peer.lastPiece) + c.patience(s) }

// replaceSlow takes pieces from sources that stopped, and from a single one that
// would be too late with all that it was asked for.
func (c *Core) replaceSlow(it *item) {
	for _, s := range slices.Clone(it.sources) {
		switch {
		case !s.busy():
		case c.now >= c.giveUpAt(s):
			c.stalled(s)
		case s.slices != 0 && c.late(s):
			c.note("late %s: %s has sent %d pieces", it.key, s.peer.id, s.got)
			c.send(s.peer, Accept{Key: it.key, Due: c.due(it)})
			c.release(s)
		}
	}
}

func (c *Core) stalled(s *source) {
	it, p := s.item, s.peer
	c.counters.Stalls++
	c.note("stall %s: %s sent %d pieces, the last word %s ago", it.key, p.id, s.got, c.now-s.last)
	c.send(p, Cancel{Key: it.key})
	c.judge(s)
	c.release(s)
	p.service = max(p.pace(), c.cfg.StallAfter)
	p.strikes++
	p.shunUntil = c.now + min(time.Second<<min(p.strikes, 10), maxShun)
	if !it.inflow() {
		it.electFrom = max(it.electFrom, c.now)
	}
}

// late says that what a source sends as it comes would end after the last moment
// to ask the origin, at the pace so far:
//
//	now + missing × elapsed / got  >  panicAt
func (c *Core) late(s *source) bool {
	it := s.item
	panicAt, ok := c.panicAt(it)
	elapsed := c.now - s.started
	if !ok || elapsed < paceCheck || it.n < 0 || it.need.Whole > c.now {
		return false
	}
	left := it.n - it.held
	return left > 1 && c.now+time.Duration(left)*elapsed/time.Duration(max(1, s.got)) > panicAt
}
