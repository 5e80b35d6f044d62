package swarm

import (
	"cmp"
	"slices"
	"time"
)

// outage is a time in which the origin fails. All players wait for the same segments then,
// and if all peers asked for them whenever they can, and at once when it is back, it would
// fail again. So a few try it, for the segment that is due first, and pass on what comes.
type outage struct {
	on       bool
	began    Time
	patience time.Duration // after which this peer tries again on its own account
	ended    Time          // the last one, 0: there was none
	over     Time          // when all is as usual again
}

const (
	// outageRounds of an election are the last ones while the origin fails: up to sixteen
	// peers try it, each every five seconds at last.
	outageRounds = 2
	// recoveryTime is how long after an outage the swarm is given to bring what players
	// have been waiting for, and up to as long again, so that not all ask at once then.
	recoveryTime = 4 * time.Second
	// recoveryStep is how long after each other the segments that were held up are elected
	// for, the one due first at once: it takes a swarm about a second to pass one on.
	recoveryStep = 500 * time.Millisecond
	// ownRetry is how long, with jitter, a peer leaves it to others to try: the trouble may
	// be its own.
	ownRetry = 20 * time.Second
	// ownSize is up to how many peers wait no longer than that; in larger swarms it is as
	// many times as long, three at most.
	ownSize = 300
)

// recovering says whether an outage is going on, or was a moment ago.
func (c *Core) recovering() bool {
	return c.outage.on || c.now < c.outage.over
}

// failed books an error of the origin: two for one segment are an outage, unless the
// segment may not be there yet.
func (c *Core) failed(it *item, err FetchError) {
	if err == FetchTemporary && it.failures > 0 && c.now >= it.need.Available+freshFor && !c.outage.on {
		crowd := min(max(c.size, ownSize), 3*ownSize)
		c.outage = outage{on: true, began: c.now, patience: c.jitter(ownRetry) / ownSize * time.Duration(crowd)}
		c.note("the origin fails")
	}
}

// originBack ends an outage: the origin has sent something, here or, as is heard, to
// somebody else.
func (c *Core) originBack() {
	if !c.outage.on {
		return
	}
	c.outage = outage{ended: c.now, over: c.now + recoveryTime/2 + c.jitter(recoveryTime)}
	c.note("the origin is back")
	if c.seededAt > 0 { // a seed that was there before is back as well
		c.seededAt = c.now
	}
	missed := make([]*item, 0, len(c.items))
	for _, it := range c.items {
		if it.wanted && !it.whole && it.need.Available <= c.now {
			missed = append(missed, it)
		}
	}
	slices.SortFunc(missed, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.need.Deadline, b.need.Deadline), cmp.Compare(a.key, b.key))
	})
	for i, it := range missed {
		it.failures, it.retryAt = 0, min(it.retryAt, max(c.now, it.asideTill))
		it.electFrom = max(it.electFrom, c.electionStart(it.need)+time.Duration(i)*recoveryStep)
		c.wake(it, c.now, WhyRetry)
	}
}

// queues says that a seed is fetching enough: what was held up comes a few at a time, as it
// is due.
func (c *Core) queues() bool { return c.cfg.Seed && c.recovering() && c.fetches >= maxElected }

// excused says that a segment is left to those who try the origin for all: the player has
// stopped already, neighbours wait for the same, and what they wait for was held up by an
// outage. When the swarm had its time, the first one that the player waits for is asked for;
// the others are not due before it plays, whatever was thought before.
func (c *Core) excused(it *item) bool {
	if !c.outage.on && c.now >= c.outage.over+recoveryTime || len(it.reserved) == 0 || c.cfg.Seed {
		return false
	}
	first := c.foremost(it.track)
	if first == nil || first.need.Deadline <= 0 || c.now < first.need.Deadline {
		return false
	}
	if c.outage.on {
		return c.now < c.ownTurn(it)
	}
	return it.need.Available < c.outage.ended && (c.recovering() || it != first)
}

// excuseEnds is when to look again at an excused segment.
func (c *Core) excuseEnds(it *item) Time {
	switch {
	case c.outage.on:
		return c.ownTurn(it)
	case c.recovering():
		return c.outage.over
	}
	return c.now + lastRetry
}

// ownTurn is when a peer tries a failing origin although others do.
func (c *Core) ownTurn(it *item) Time { return max(it.fetchAt, c.outage.began) + c.outage.patience }

// foremost is the segment of a track that is due first of those that could be had: the
// player may have given one up, so what it asks for comes before others.
func (c *Core) foremost(track string) (first *item) {
	for _, it := range c.items {
		if it.track == track && it.wanted && !it.whole && !it.dead && it.need.Fetchable && it.need.Available <= c.now &&
			(first == nil || it.need.Asked && !first.need.Asked || it.need.Asked == first.need.Asked && it.before(first)) {
			first = it
		}
	}
	return first
}
