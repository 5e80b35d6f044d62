package swarm

import (
	"slices"
	"time"
)

// flowing books the first bytes of a piece that is not whole yet. The brain only
// needs to know that there are some: it offers the segment and opens transfers,
// and the edge sends the bytes along them as they come.
func (c *Core) flowing(f Flowing) {
	it := c.items[f.Key]
	if it == nil || it.whole {
		return
	}
	if p := c.peers[f.From]; p != nil {
		it.broughtBy(p)
		if in := it.inboundFrom(p); in != nil {
			in.last = c.now
		}
	}
	if it.flows {
		return
	}
	it.flows = true
	c.announce(it)
	c.pumpItem(it)
}

// broughtBy notes a neighbour that bytes came from.
func (it *item) broughtBy(p *peer) {
	if !slices.Contains(it.sender, p.id) && len(it.sender) < MaxOffers {
		it.sender = append(it.sender, p.id)
	}
}

// offered is how many leading pieces an offer speaks of. One that is growing
// counts, so that the offer is not taken for a promise.
func (it *item) offered() int {
	if it.flows && it.size < 0 {
		return max(it.prefix, 1)
	}
	return it.prefix
}

// growth is how long the origin takes to make the segment after its first byte
// can be had, 0 for one that appears whole.
func (it *item) growth() time.Duration {
	if it.need.Whole <= it.need.Available {
		return 0
	}
	return it.need.Whole - it.need.Available
}
