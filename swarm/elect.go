package swarm

import (
	"math"
	"slices"
	"time"
)

// margin is the time kept between the last moment to ask the origin and the
// deadline, besides the measured origin time.
const margin = 100 * time.Millisecond

// decideOrigin asks the origin for what nobody brings when it is this peer's
// turn, and for all that is missing when waiting longer could miss the deadline.
func (c *Core) decideOrigin(it *item) {
	if !it.wanted || it.fetching || it.dead || !it.need.Fetchable ||
		c.now < it.retryAt || c.now < it.need.Available {
		return
	}
	if c.queues() {
		c.wait(it)
		return
	}
	if at, ok := c.panicAt(it); ok && c.now >= at && !c.excused(it) {
		cause := CauseDeadline
		switch {
		case c.cfg.Seed:
			cause = CauseSeed
		case it.need.Urgent:
			cause = CauseStartup
		case len(c.links) == 0:
			cause = CauseNoPeer
		case c.hedges(it):
			cause = CauseHedge
		}
		c.fetchMissing(it, cause)
		return
	}
	first, count, open := it.gap()
	if !open || c.outage.on && !c.cfg.Seed && c.foremost(it.track) != it {
		return
	}
	switch {
	case c.cfg.Seed:
		c.startFetch(it, first, count, CauseSeed)
	case it.need.Urgent:
		c.startFetch(it, first, count, CauseStartup)
	case it.private:
		if it.need.Asked {
			c.startFetch(it, first, count, CauseNotShareable)
		}
	case len(c.links) == 0:
		if it.need.Asked && c.now >= c.alone() {
			c.startFetch(it, first, count, CauseNoPeer)
		}
	case c.now >= max(it.promised, it.electFrom) && !(c.now < it.need.Whole && (it.flows || it.inflow())) && !c.provided(it) && c.elected(it) && !c.pressed(it):
		// what grows on its way here the origin could not bring sooner
		if c.fetches >= maxElected {
			c.wait(it)
			return
		}
		c.startFetch(it, first, count, CauseElected)
	}
}

// pressed says whether of a film something due before an item is asked of the origin in
// haste, or may have to be before the origin had brought the item, besides what it is
// bringing:
//
//	panicAt − now < (fetches + 1) × originTime + margin
//
// All would come later for it, what is due first included. Live, everybody waits for
// whoever is elected, and there is little to fetch ahead.
func (c *Core) pressed(it *item) bool {
	if it.need.Available > 0 {
		return false
	}
	for _, o := range c.items {
		if o == it || !o.wanted || o.whole || o.dead || !o.need.Fetchable ||
			o.need.Deadline <= 0 || it.need.Deadline > 0 && o.need.Deadline >= it.need.Deadline {
			continue
		}
		if o.fetching {
			if o.fetch.Cause == CauseDeadline || o.fetch.Cause == CauseHedge {
				return true
			}
			continue
		}
		if at, ok := c.panicAt(o); ok && at-c.now < time.Duration(c.fetches+1)*c.origin.estimate()+margin {
			return true
		}
	}
	return false
}

// calm is how long before the last moment to ask the origin nobody is elected for a segment
// that a neighbour has: of a film, or of a live stream that is watched late.
const calm = 8 * time.Second

// provided says whether a neighbour has what nobody brings of a segment, and there is time
// to wait until it can send it.
func (c *Core) provided(it *item) bool {
	at, ok := c.panicAt(it)
	if !ok || at-c.now <= calm {
		return false
	}
	return slices.ContainsFunc(it.sources, func(s *source) bool { return c.asks(s) && c.now >= s.peer.shunUntil })
}

// linkPatience is how long a peer without links waits for one, while others are there
// and the deadline is far, before it asks the origin.
const linkPatience = 2 * time.Second

// alone is when a peer without links asks the origin for what it could wait for.
func (c *Core) alone() Time {
	if c.size <= 1 {
		return 0
	}
	return c.lonelyAt + linkPatience
}

// panicAt is the last moment to ask the origin:
//
//	min(deadline − lead, OriginBy)
//
// While a neighbour passes on a growing segment, the origin could not bring its
// last byte much sooner: it is not asked before min(whole + StallAfter, deadline − margin).
func (c *Core) panicAt(it *item) (Time, bool) {
	at := it.need.Deadline - c.lead(it)
	switch {
	case it.need.Deadline <= 0 && it.need.OriginBy <= 0:
		return 0, false
	case it.need.Deadline <= 0:
		at = it.need.OriginBy
	case it.need.OriginBy > 0:
		at = min(at, it.need.OriginBy)
	}
	if it.flows && it.growth() > 0 && it.need.Deadline > 0 && it.inflow() {
		at = max(at, min(it.need.Whole+c.cfg.StallAfter, it.need.Deadline-margin))
	}
	return at, true
}

// firstByte is the part of the origin's time that does not depend on how much of a
// segment it is asked for.
const firstByte = 0.3

// lead is how long before a deadline the origin must be asked for what is missing, in
// as many requests as there are stretches of it:
//
//	DeadlineSafety × originTime × (stretches × firstByte + (1 − firstByte) × missing / pieces) + margin + ahead
//
// but for more than all of the segment at once never. Requests stand in the uplink's queue
// behind what was handed to it: that is ahead.
func (c *Core) lead(it *item) time.Duration {
	share := 1.0
	if it.n > 0 {
		requests, pieces := 0, 0
		it.stretches(it.absent, func(_, count, _ int) { requests, pieces = requests+1, pieces+count })
		share = min(1, firstByte*float64(requests)+(1-firstByte)*float64(pieces)/float64(it.n))
	}
	return time.Duration(c.cfg.DeadlineSafety*share*float64(c.origin.estimate())) + margin + c.uplink.ahead()
}

// elected says whether it is this peer's turn:
//
//	turn = position < copies  and  (all known or share < copies / N)
//
// Peers stand in order of their standing, and within it of hash(key, peer). position
// is how many known interested neighbours come before us; share is the part of all
// interested peers that does, as far as the neighbourhood tells: that of those of a
// better standing, and hash, in [0, 1), times that of those of the same. N is the
// estimated number of peers interested in the track. The weak come after everybody, and
// wait a segment's duration for others. In
// a swarm small enough to know everybody exactly copies(0) peers fetch at once; in a
// large one the expected number is the same without knowing anybody.
func (c *Core) elected(it *item) bool {
	me := c.greeting() // as neighbours know it: they must come to the same order
	mine, hash := it.standing(me), rank(it.key, c.cfg.ID)
	position, interested, better, alike := 0, 1, 0, 1
	for _, p := range c.links {
		if !p.greeted {
			continue
		}
		theirs := it.standing(p.hello)
		if it.reservationOf(p) == nil {
			position += btoi(theirs == seeds)
			continue
		}
		interested++
		better += btoi(theirs < mine)
		alike += btoi(theirs == mine)
		position += btoi(theirs < mine || theirs == mine && rank(it.key, p.id) < hash)
	}
	if mine == weak && better > 0 && c.now < it.electFrom+it.need.Duration {
		return false // they may want it a little later than we do
	}
	n := c.interestedPeers(interested)
	copies := c.copies(it, n)
	if float64(position) >= copies {
		return false
	}
	share := (float64(better) + hash*float64(alike)) / float64(interested)
	if mine == weak {
		share++ // after all others, also those that are not known
	}
	return float64(interested) >= 0.9*n || share < copies/n
}

// Standings, the best first. One copy from the origin has to be passed on at once to
// as many as possible: who can send a segment out in a fraction of its duration brings
// it to the swarm sooner than who needs all of it.
const (
	seeds  = iota
	strong // sends three times what it plays, or more
	usual  // or not known
	slow   // less than it plays
	weak   // metered, or hardly anything
)

// standing is a peer's place in the order of an election.
func (it *item) standing(h Hello) int {
	up := float64(h.Uplink) * it.need.Duration.Seconds()
	size := 8 * float64(it.need.Size)
	switch {
	case h.Seed:
		return seeds
	case h.Metered, h.Uplink > 0 && h.Uplink < weakUplink:
		return weak
	case up <= 0 || size <= 0:
		return usual
	case up >= 3*size:
		return strong
	case up < size:
		return slow
	}
	return usual
}

// seedTime is how long a seed's word may take through the swarm, in election steps.
const seedTime = 4

// electionStart is when peers begin to count down to fetching a segment for the
// swarm: when it can be had, and where a seed brought the last ones, not before its
// word should have come.
func (c *Core) electionStart(w Want) Time {
	at := max(c.now, w.Available)
	if c.seeded() {
		at = max(at, w.Available+seedTime*c.cfg.ElectionStep)
	}
	return at
}

// seeded says whether a seed brought one of the last segments.
func (c *Core) seeded() bool { return c.seededAt > 0 && c.now-c.seededAt < ReservationLife }

// hearSeed books a seed's word. A newcomer has wishes from before it had heard of any.
func (c *Core) hearSeed() {
	news := !c.seeded()
	if c.seededAt = c.now; !news {
		return
	}
	for _, it := range c.items {
		if it.wanted && !it.whole {
			it.electFrom = max(it.electFrom, c.electionStart(it.need))
		}
	}
}

// copies is how many of n peers should be fetching by now:
//
//	OriginCopies × min(max(1, n / moreCopies), mostCopies) × 2^k,  k = ⌊waited / ElectionStep⌋
//
// While the origin fails, k is outageRounds at most: a few go on trying it for all.
func (c *Core) copies(it *item, n float64) float64 {
	k := min(max(0, c.now-it.electFrom)/c.cfg.ElectionStep, 40)
	if c.outage.on {
		k = min(k, outageRounds)
	}
	return c.cfg.OriginCopies * min(max(1, n/moreCopies), mostCopies) * math.Exp2(float64(k))
}

// nextRound is when the threshold doubles next.
func (c *Core) nextRound(it *item) Time {
	if c.now < it.electFrom {
		return it.electFrom
	}
	k := (c.now - it.electFrom) / c.cfg.ElectionStep
	return it.electFrom + (k+1)*c.cfg.ElectionStep
}

// interestedPeers scales the swarm's size by the share of neighbours that
// reserved the key.
func (c *Core) interestedPeers(interested int) float64 {
	links := len(c.links) + 1
	size := max(c.size, links)
	return max(float64(interested), float64(size)*float64(interested)/float64(links))
}

// weakUplink is the upload rate below which a peer should not be the one to
// bring a segment into the swarm, in bit/s.
const weakUplink = 1_000_000

// Sixty peers more are worth one copy more, up to four: they have it sooner, for a
// sixtieth of what they play.
const (
	moreCopies = 60
	mostCopies = 4
)

// rank maps (key, peer) to [0, 1) evenly.
func rank(k Key, id PeerID) float64 { return float64(hash32(string(k), string(id))) / (1 << 32) }

// hash32 is FNV-1a of 32 bits over strings, each ended by a bar, with murmur3's
// finaliser, so that JavaScript computes the same with Math.imul.
func hash32(words ...string) uint32 {
	h := uint32(2166136261)
	for _, s := range words {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
		h = (h ^ '|') * 16777619
	}
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
