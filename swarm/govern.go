package swarm

import (
	"cmp"
	"slices"
	"time"
)

// record is what a neighbour did lately. Each review halves what was there at the
// one before, so that it tells of the last half minute more than of all before.
type record struct {
	value, failures float64
	// totals at the last review
	delivered int
	uploaded  int64
	strikes   int
}

// value is how many pieces came from a neighbour lately, and an eighth of those it
// took: who can only take is worth something too, since it passes on what it got.
func (p *peer) value() float64 {
	r := &p.record
	return r.value + float64(p.delivered-r.delivered) + float64(p.uploaded-r.uploaded)/8
}

// failures is how many transfers it let down lately.
func (p *peer) failures() float64 {
	return p.record.failures + float64(p.strikes-p.record.strikes)
}

const (
	seekMore  = 15 * time.Second // between questions for peers above the minimum
	firstSeek = time.Second
	lastSeek  = 30 * time.Second

	// reviewEvery is how often neighbours are compared, with jitter.
	reviewEvery = 15 * time.Second
	// trialTime is how long a neighbour is given before it is judged.
	trialTime = 30 * time.Second
	// maxTrials are going on at a time: the two places above the target.
	maxTrials = 2
	// better is how much more a neighbour on trial must be worth than the one that
	// leaves for it, and betterBy by how much: about one segment. Without a gap two
	// of equal worth would take turns.
	better   = 1.5
	betterBy = 64
	// maxOver links more than MaxPeers are kept for crowdTime, until the newcomer has
	// told whom else it knows.
	maxOver   = 2
	crowdTime = time.Second
	// poorStrikes lately make a poor neighbour of one that delivers less than
	// poorPieces for each.
	poorStrikes = 2
	poorPieces  = 16
	// usualDelay halves the worth of a neighbour.
	usualDelay = 200 * time.Millisecond
)

// target is the number of links this peer makes itself; two places more stay free
// for peers that find us, and for trials.
func (c *Core) target() int { return max(c.cfg.MinPeers, c.cfg.MaxPeers-maxTrials) }

// checkPeers keeps the number of neighbours between the minimum and the maximum.
// It runs when the websocket connects, whenever a peer comes or goes, and when the
// timer it sets is due.
func (c *Core) checkPeers() {
	c.expireDials()
	if len(c.links) > c.cfg.MaxPeers {
		if !c.crowded {
			c.crowded, c.roomBy = true, c.now+crowdTime
		}
		if over := len(c.links) - c.cfg.MaxPeers; over > maxOver || c.now >= c.roomBy {
			c.crowded = false
			if last := c.surplus(); c.cfg.Seed {
				c.evict(last, "others reach more")
			} else {
				c.disconnect(last, "too many peers")
			}
			return // parting checks again
		}
	} else {
		c.crowded = false
	}
	heardToo := len(c.links) < c.cfg.MinPeers || !c.connected
	for len(c.links)+len(c.pend) < c.target() {
		next := c.cands.best(c.now, heardToo)
		if next == nil {
			break
		}
		c.connect(next, false)
	}
	c.checkWebsocket()
	missing := c.target() - len(c.links) - len(c.pend)
	if missing > 0 && c.connected && c.now >= c.seekAt {
		c.discover(missing)
	}
	c.setGovern(missing, heardToo)
}

// expireDials gives up attempts of which nothing was heard.
func (c *Core) expireDials() {
	var late []PeerID
	for id, d := range c.pend {
		if c.now-d.since >= connectPatience {
			late = append(late, id)
		}
	}
	slices.Sort(late)
	for _, id := range late {
		c.dialFailed(id)
	}
}

func (c *Core) discover(count int) {
	c.emit(Discover{Count: count})
	wait := seekMore
	if len(c.links) < c.cfg.MinPeers {
		c.seekWait = min(max(c.seekWait*2, firstSeek), lastSeek)
		wait = c.seekWait
	}
	c.seekAt = c.now + wait
}

// setGovern sets the timer for the first thing that is to be done.
func (c *Core) setGovern(missing int, heardToo bool) {
	at, due := Time(0), false
	by := func(t Time, ok bool) {
		if ok && (!due || t < at) {
			at, due = max(t, c.now), true
		}
	}
	if missing > 0 {
		by(c.seekAt, c.connected)
		by(c.cands.next(c.now, heardToo))
	}
	for _, d := range c.pend {
		by(d.since+connectPatience, true)
	}
	by(c.reviewAt, len(c.links) > 0)
	by(c.scoutAt, c.scouts())
	by(c.roomBy, c.crowded)
	for _, p := range c.links {
		by(p.audit.until, p.audit.key != "")
	}
	by(c.websocketAt())
	if !due {
		c.timers.clear(c.govern)
		return
	}
	c.timers.set(c.govern, at, WhyGovern)
}

// delay is how long a piece of this neighbour may be expected to take, from what
// was seen without asking for it: the mean of what is known of the round trip and
// of the time from Accept to the first piece.
func (p *peer) delay() time.Duration {
	if p.first == 0 {
		return p.rtt
	}
	return (p.rtt + p.first) / 2
}

// worth compares neighbours:
//
//	worth = value / (1 + delay / usualDelay)
func (p *peer) worth() float64 {
	return p.value() / (1 + float64(p.delay())/float64(usualDelay))
}

// weak neighbours send little or nothing, by their own word.
func (p *peer) weak() bool {
	return p.hello.Metered || p.hello.Uplink > 0 && p.hello.Uplink < weakUplink
}

// poor neighbours promise and do not deliver.
func (p *peer) poor() bool {
	return !p.hello.Seed && p.failures() >= poorStrikes && p.value() < poorPieces*p.failures()
}

// idle says that nothing is under way with a neighbour, either way.
func (p *peer) idle() bool {
	for _, out := range p.outbound {
		if out.slices != 0 || out.owes() {
			return false
		}
	}
	return p.waiting == 0 && p.outstanding == 0 && !slices.ContainsFunc(p.sources, (*source).busy)
}

// surplus is the neighbour that leaves when there are too many. In a swarm where
// everybody has all the links it wants, nobody could come in if that were always the
// newest: so it is the least useful one with enough neighbours of its own and nothing
// under way, and only where there is none the worst of all, which is the newest if
// the others have been of any use. Seeds choose by reach.
func (c *Core) surplus() (last *peer) {
	if c.cfg.Seed {
		return c.nearsighted()
	}
	for _, p := range c.links {
		if p.hello.Seed || !p.greeted || !p.idle() || len(p.neighbours) < c.cfg.MinPeers {
			continue
		}
		if last == nil || worse(p, last) < 0 {
			last = p
		}
	}
	if last != nil {
		return last
	}
	return slices.MinFunc(c.links, worse)
}

// worse orders neighbours: those with most failures lately first, then those of
// least use, then weak ones, then the newest. Seeds come last.
func worse(a, b *peer) int {
	return cmp.Or(
		cmp.Compare(btoi(a.hello.Seed), btoi(b.hello.Seed)),
		cmp.Compare(b.failures(), a.failures()),
		cmp.Compare(a.worth(), b.worth()),
		cmp.Compare(a.delivered, b.delivered),
		cmp.Compare(btoi(b.weak()), btoi(a.weak())),
		cmp.Compare(b.order, a.order))
}

// timeFirst measures the time from Accept to the first piece.
func (c *Core) timeFirst(in Gained) {
	p, it := c.peers[in.From], c.items[in.Key]
	if p == nil || it == nil {
		return
	}
	if i := it.sourceOf(p); i != nil && i.busy() && i.got == 0 {
		took := max(c.now-i.started, 1)
		if p.first == 0 {
			p.first = took
		}
		p.first += (took - p.first) / 8
	}
}

// review books what neighbours did, lets at most one go, and now and then tries
// another. One a review bounds how fast a mesh can change, whatever the figures say.
func (c *Core) review() {
	if len(c.links) == 0 || c.now < c.reviewAt {
		return
	}
	c.reviewAt = c.now + c.jitter(reviewEvery)
	c.reviews++
	for _, p := range c.links {
		r := &p.record
		*r = record{p.value() - r.value/2, p.failures() - r.failures/2, p.delivered, p.uploaded, p.strikes}
	}
	if p, why := c.dismissable(); p != nil {
		c.evict(p, why)
		return
	}
	if c.reviews%2 == 0 {
		c.explore(0)
	}
}

// evict parts with a neighbour for a long time.
func (c *Core) evict(p *peer, why string) {
	c.counters.Evictions++
	c.note("evict %s: %s", p.id, why)
	c.again(p.id, maxTries, true)
	c.disconnect(p, why)
}

// dismissable is the neighbour that should leave, and why: one that is poor while
// others can take its place, or one that a better one on trial replaces, or one
// whose trial showed that it is not needed.
func (c *Core) dismissable() (*peer, string) {
	spare := len(c.links) > c.cfg.MinPeers
	if next := c.cands.best(c.now, true); next != nil && next.tries == 0 {
		spare = true
	}
	var trial *peer
	for _, p := range c.links {
		if p.poor() && spare {
			return p, "does not deliver"
		}
		if p.trial && c.now-p.since >= trialTime && trial == nil {
			trial = p
		}
	}
	if trial == nil {
		return nil, ""
	}
	trial.trial = false
	if len(c.links) <= c.target() {
		return nil, "" // its place is not taken from anybody
	}
	last := c.last(trial)
	switch {
	case last != nil && trial.worth() > better*last.worth()+betterBy:
		return last, "a better one was found"
	case trial.idle() && trial.value() == 0 && !trial.hello.Seed:
		return trial, "no better than others"
	}
	return nil, ""
}

// last is the neighbour of least worth among those that can leave without harm:
// not a seed, not on trial, there for long enough, nothing under way.
func (c *Core) last(except *peer) (last *peer) {
	for _, p := range c.links {
		if p == except || p.trial || p.hello.Seed || !p.idle() || c.now-p.since < trialTime {
			continue
		}
		if last == nil || worse(p, last) < 0 {
			last = p
		}
	}
	return last
}
