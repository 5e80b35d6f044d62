package swarm

import (
	"slices"
	"time"
)

// flowing books bytes of a piece that is not whole yet. The brain only needs to
// know that there are some: it offers the segment, opens transfers and has the
// edge pass on what it has.
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
	if !it.flows {
		it.flows = true
		c.announce(it)
		c.pumpItem(it)
		return
	}
	for _, out := range it.outbound {
		c.pumpTail(out)
	}
}

// pumpTail passes on the beginning of the piece that a transfer waits for.
func (c *Core) pumpTail(out *outbound) {
	it := out.item
	if !it.flows || it.whole || !out.begun || out.next != it.prefix || out.end >= 0 && out.next >= out.end {
		return
	}
	c.emit(TransmitTail{To: out.peer.id, Transfer: out.transfer, Key: it.key, Index: out.next})
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
