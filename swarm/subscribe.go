package swarm

import (
	"math"
	"math/bits"
	"time"
)

// A segment is dealt out in eight slices: piece i is of slice i mod 8. Each slice
// may have a parent of its own, so that a track comes down several trees at once,
// and a peer is near the root of one and a leaf of others.
const (
	sliceCount = 8
	allSlices  = 1<<sliceCount - 1
)

// slicePattern is the bits of any word that stand for pieces of the slices.
func slicePattern(slices uint8) uint64 { return uint64(slices) * 0x0101010101010101 }

const (
	// proven is the lead from which on a neighbour is asked to push a slice. A lead
	// is Σ share(n)/2^age: the share of a slice's pieces that the neighbour was the
	// first to have, halved with every later segment; 2 is the most. Who is first with
	// three tenths of them, time and again, has 0.6: in a mesh nobody is first with nearly
	// all, and each hop that is pushed saves a round trip.
	proven = 0.6
	// overtaken is how many times a parent's lead another's must be to replace it.
	overtaken = 1.5
	// pushGrace is how long after the first word of a segment its slices' parents
	// have to begin pushing, besides two round trips, before others are asked.
	pushGrace = 30 * time.Millisecond
	// pushShare: not all that is pushed leaves, because others are often quicker.
	pushShare = 2
	// pushLag is how many pieces of its slices others may have and a parent not have
	// sent before the rest is asked of them.
	pushLag = 3
)

// track remembers who brings its segments.
type track struct {
	hops    int // of the last segment here
	parents [sliceCount]*peer
	until   time.Duration // two round trips of the farthest parent
	short   float64       // the part of a segment that neighbours did not bring in time
}

// lead is how often a neighbour was first with pieces of each slice of a track.
type lead [sliceCount]float64

// subscriber is a neighbour that slices of a track are pushed to.
type subscriber struct {
	slices  uint8
	refused int // pushes in a row
}

// first credits a neighbour with being first to have a piece.
func (c *Core) first(it *item, p *peer, i int) {
	if c.cfg.Seed || it.n <= 0 {
		return
	}
	l := p.leads[it.track]
	if l == nil {
		if len(p.leads) >= MaxSubscribed {
			clear(p.leads)
		}
		l = new(lead)
		p.leads[it.track] = l
	}
	l[i%sliceCount] += float64(sliceCount) / float64(max(it.n, sliceCount))
}

// prove looks, after each segment, who was first with the pieces of each slice, and
// subscribes to it. Nobody waits for a parent: what others have first is asked of
// them, so subscriptions cannot form a circle that starves.
func (c *Core) prove(it *item) {
	if c.cfg.Seed {
		return
	}
	t := c.trackOf(it)
	t.hops = max(it.hops, 0)
	changed := false
	for s := range sliceCount {
		var best *peer
		var most float64
		for _, p := range c.links {
			if l := p.leads[it.track]; l != nil && l[s] > most {
				best, most = p, l[s]
			}
		}
		if best == nil || best == t.parents[s] || most < proven {
			continue
		}
		if old := t.parents[s]; old != nil && old.leads[it.track] != nil && most < overtaken*old.leads[it.track][s] {
			continue
		}
		t.parents[s], changed = best, true
	}
	for _, p := range c.links {
		if l := p.leads[it.track]; l != nil {
			for s := range l {
				l[s] /= 2
			}
		}
	}
	if changed {
		c.subscribe(it.track, t)
	}
}

// subscribe tells every neighbour which slices it is the parent of.
func (c *Core) subscribe(name string, t *track) {
	t.until = 0
	for _, p := range c.links {
		mask := t.slicesOf(p)
		if mask != 0 {
			t.until = max(t.until, 2*p.rtt)
		}
		old, was := p.parentOf[name]
		switch {
		case mask == old:
		case mask == 0 && was:
			delete(p.parentOf, name)
			c.send(p, Unsubscribe{Track: name})
		default:
			p.parentOf[name] = mask
			c.note("subscribe to %s for slices %08b of %s", p.id, mask, name)
			c.send(p, Subscribe{Track: name, Hops: max(1, t.hops), Slices: int(mask)})
		}
	}
}

// single says whether one neighbour is the parent of all slices. What grows comes in
// one stream, tails included: slices of it would come piece by whole piece.
func (t *track) single() bool { return t.parents[0] != nil && t.slicesOf(t.parents[0]) == allSlices }

func (t *track) slicesOf(p *peer) (mask uint8) {
	for s, parent := range t.parents {
		if parent == p {
			mask |= 1 << s
		}
	}
	return mask
}

// expected is the slices that are left to parents until pushUntil.
func (c *Core) expected(it *item) (mask uint8) {
	if c.now >= c.pushUntil(it) {
		return 0
	}
	for s, p := range c.tracks[it.track].parents {
		if p != nil {
			mask |= 1 << s
		}
	}
	return mask
}

// pushUntil is until when pushes of the item's parents are waited for, 0 where
// there is nobody to wait for.
func (c *Core) pushUntil(it *item) Time {
	t := c.tracks[it.track]
	if t == nil || t.until == 0 || !it.heard || it.growth() > 0 && !t.single() {
		return 0
	}
	return it.heardAt + pushGrace + t.until
}

// overtake lets go of parents that lag behind what others have of their slices.
func (c *Core) overtake(it *item) {
	for _, s := range it.sources {
		if s.slices == 0 || it.n <= 0 {
			continue
		}
		behind := 0
		for w := it.prefix >> 6; w < words(it.n); w++ {
			m := slicePattern(s.slices) & span(w, s.from, it.n) &^ it.have.word(w)
			for _, o := range it.sources {
				if o == s || o.blocked || o.peer.hello.Metered {
					continue
				}
				if o.whole {
					behind += bits.OnesCount64(m)
					break
				}
				both := m & o.has.word(w)
				behind += bits.OnesCount64(both)
				m &^= both
			}
		}
		if behind > pushLag {
			c.note("overtake %s on %s: %d pieces behind", s.peer.id, it.key, behind)
			c.counters.Overtaken++
			c.release(s)
			c.send(s.peer, Accept{Key: it.key, Due: c.due(it)})
		}
	}
}

// subscribed takes a neighbour on as a child.
func (c *Core) subscribed(p *peer, m Subscribe) {
	slices := uint8(m.Slices & allSlices)
	if _, known := p.children[m.Track]; !known && len(p.children) >= MaxSubscribed || slices == 0 {
		c.send(p, Unsubscribe{Track: m.Track})
		return
	}
	p.children[m.Track] = &subscriber{slices: slices}
}

// Subscribers are the tracks of which each neighbour is pushed slices.
func (c *Core) Subscribers() map[PeerID][]string {
	all := map[PeerID][]string{}
	for _, p := range c.links {
		for name := range p.children {
			all[p.id] = append(all[p.id], name)
		}
	}
	return all
}

// affords is those of some slices of a segment that this peer pushes besides what it
// pushes of it already: of all that subscribers want, pushShare times what its uplink
// carries while a segment lasts. The rest they ask for, of whoever has it by then. Where
// the origin has to bring a part of each segment, uplinks are the bound, and nothing leaves
// unasked before what was asked for.
func (c *Core) affords(it *item, slices uint8) (afforded uint8) {
	if t := c.tracks[it.track]; t != nil && t.short > 0 && c.onTheirWay() >= c.uplink.lanes() {
		return 0
	}
	room := math.MaxInt
	if up, seconds := c.ownUplink(), it.need.Duration.Seconds(); up > 0 && it.size > 0 && seconds > 0 {
		room = int(pushShare * sliceCount * float64(up) * seconds / float64(8*it.size))
	}
	for slice := range sliceCount {
		if bit := uint8(1) << slice; slices&bit != 0 && it.pushes < room {
			afforded |= bit
			it.pushes++
		}
	}
	return afforded
}

func (c *Core) unsubscribed(p *peer, name string) {
	delete(p.children, name)
	if t := c.tracks[name]; t != nil {
		t.lose(p)
	}
	delete(p.parentOf, name)
}

// lose takes a neighbour out of the parents.
func (t *track) lose(p *peer) {
	for s := range t.parents {
		if t.parents[s] == p {
			t.parents[s] = nil
		}
	}
}

// pushRefused ends a subscription whose pushes come too late twice in a row.
func (p *peer) pushRefused(track string) {
	if ch := p.children[track]; ch != nil {
		if ch.refused++; ch.refused >= 2 {
			delete(p.children, track)
		}
	}
}
