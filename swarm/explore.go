package swarm

import (
	"cmp"
	"slices"
	"time"
)

const (
	// huntEvery is how often, at most and with jitter, a peer whose neighbours do not
	// bring all in time looks for another.
	huntEvery = 4 * time.Second
	// littleUse of the neighbours' mean value is little enough to make room then.
	littleUse = 0.25
	// A seed looks for a neighbour of more reach every firstScout with jitter, half as
	// often again each time that it finds none, at last every lastScout.
	firstScout = 500 * time.Millisecond
	lastScout  = time.Minute
)

// explore connects to one peer more, on trial, where there is a place for it: the
// mesh that came about by who came first may not be the best. Where all places are
// taken, a neighbour that has been of little use makes room, one worth no more than that.
func (c *Core) explore(little float64) {
	trials := 0
	for _, p := range c.links {
		trials += btoi(p.trial)
	}
	for _, d := range c.pend {
		trials += btoi(d.trial)
	}
	if trials >= maxTrials || len(c.links)+len(c.pend) < c.target() {
		return
	}
	next := c.cands.best(c.now, true)
	if next == nil {
		if c.connected && c.now >= c.seekAt {
			c.discover(1) // for the time after the next
		}
		return
	}
	if len(c.links)+len(c.pend) >= c.cfg.MaxPeers {
		p := c.last(nil)
		if p == nil || p.value() > little || len(c.links) <= c.cfg.MinPeers || !slices.ContainsFunc(c.links, func(o *peer) bool { return o.value() > 0 }) {
			return // everybody is of use, or nothing is going on that could show who is
		}
		c.connect(next, true)
		c.evict(p, "too many peers")
	} else {
		c.connect(next, true)
	}
	c.counters.Trials++
	c.note("try %s", next.id)
}

// hunt looks for another neighbour because those there are did not bring a segment in
// time. Chance gives some peers neighbours that can hardly upload, and they would ask the
// origin for a part of every segment until they leave.
func (c *Core) hunt() {
	if c.now < c.huntAt {
		return
	}
	c.huntAt = c.now + c.jitter(huntEvery)
	sum := 0.0
	for _, p := range c.links {
		sum += p.value()
	}
	c.explore(littleUse * (sum / float64(len(c.links))))
}

// reach is how much a neighbour can pass on of what a seed gives it, and how soon:
//
//	reach = weight / (1 + rtt / usualDelay)
func (p *peer) reach() float64 {
	return p.weight() / (1 + float64(p.rtt)/float64(usualDelay))
}

// scouts says whether this peer is a seed with all the neighbours that it may have.
func (c *Core) scouts() bool { return c.cfg.Seed && len(c.links) >= c.cfg.MaxPeers }

// scout has a seed link to one peer more, so that the one of least reach leaves: a swarm
// gets each segment as fast as the seed's neighbours pass it on, and those who came first
// are not the ones who do it best.
func (c *Core) scout() {
	if !c.scouts() || c.now < c.scoutAt {
		return
	}
	c.scoutWait = min(max(c.scoutWait*3/2, firstScout), lastScout)
	c.scoutAt = c.now + c.jitter(c.scoutWait)
	if next := c.cands.best(c.now, true); next != nil {
		c.connect(next, false)
	} else if c.connected && c.now >= c.seekAt {
		c.discover(1)
	}
}

// nearsighted is the neighbour of a seed that has least reach, the newest of several, and
// enough neighbours of its own if there is one. Where it is not the newest of all, others
// of more reach are likely to be found.
func (c *Core) nearsighted() *peer {
	poor := func(p *peer) int { return btoi(len(p.neighbours) < c.cfg.MinPeers) }
	last := slices.MinFunc(c.links, func(a, b *peer) int {
		return cmp.Or(poor(a)-poor(b), cmp.Compare(a.reach(), b.reach()), cmp.Compare(b.order, a.order))
	})
	if last.order != c.linked {
		c.scoutWait = firstScout
	}
	return last
}
