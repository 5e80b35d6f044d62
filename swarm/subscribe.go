package swarm

import "time"

// provenAfter is how many segments of a track in a row must come whole from one
// neighbour before it is asked to push the next ones.
const provenAfter = 3

// track remembers who brings its segments.
type track struct {
	parent     *peer // last to bring a whole segment alone
	streak     int
	hops       int // of the last segment here
	subscribed *peer
}

// prove books who brought a segment and subscribes to a parent that did so
// several times in a row at the same distance from the origin. A parent must
// have strictly fewer hops, so subscriptions cannot form a circle.
func (c *Core) prove(it *item) {
	if c.cfg.Seed {
		return
	}
	t := c.tracks[it.track]
	if t == nil {
		if len(c.tracks) >= MaxTracks {
			clear(c.tracks) // periods end; what still plays is proven again
		}
		t = &track{}
		c.tracks[it.track] = t
	}
	if len(it.sender) == 0 {
		t.parent, t.hops, t.streak = nil, 0, 0
		return
	}
	p := c.peers[it.sender[0]]
	if len(it.sender) != 1 || p == nil || p != t.parent || it.hops != t.hops {
		t.parent, t.hops, t.streak = p, it.hops, 0
		if len(it.sender) != 1 {
			t.parent = nil
		}
	}
	t.streak++
	if t.streak < provenAfter || t.subscribed == p || t.parent == nil {
		return
	}
	if t.subscribed != nil {
		c.send(t.subscribed, Unsubscribe{Track: it.track})
	}
	t.subscribed = p
	c.send(p, Subscribe{Track: it.track, Hops: it.hops})
}

// pushGrace is how long after the first word of a segment its track's parent has
// to begin pushing, besides two round trips, before another's offer is accepted:
// without it the first to offer would win by a millisecond, and both would send.
const pushGrace = 30 * time.Millisecond

// pushUntil is until when a push of the item's parent is waited for, 0 where
// there is none to wait for.
func (c *Core) pushUntil(it *item) Time {
	t := c.tracks[it.track]
	if t == nil || t.subscribed == nil || !it.heard || len(it.inbound) > 0 || it.held > 0 {
		return 0
	}
	return it.heardAt + pushGrace + 2*t.subscribed.rtt
}

// subscribed takes a neighbour on as a child.
func (c *Core) subscribed(p *peer, m Subscribe) {
	if len(p.children) >= MaxSubscribed || m.Hops <= c.trackHops(m.Track) || m.Hops > MaxHops {
		c.send(p, Unsubscribe{Track: m.Track})
		return
	}
	p.children[m.Track] = 0
}

// trackHops is this peer's distance from the origin on a track.
func (c *Core) trackHops(name string) int {
	if t := c.tracks[name]; t != nil && !c.cfg.Seed {
		return t.hops
	}
	return 0
}

func (c *Core) unsubscribed(p *peer, name string) {
	delete(p.children, name)
	if t := c.tracks[name]; t != nil && t.subscribed == p {
		t.subscribed, t.streak = nil, 0
	}
}

func (p *peer) subscriber(track string) bool { _, ok := p.children[track]; return ok }

// pushRefused ends a subscription whose pushes come too late twice in a row.
func (p *peer) pushRefused(track string) {
	if n, ok := p.children[track]; ok {
		if n++; n >= 2 {
			delete(p.children, track)
			return
		}
		p.children[track] = n
	}
}
