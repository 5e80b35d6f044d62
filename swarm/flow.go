package swarm

import "time"

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
		if s := it.sourceOf(p); s != nil {
			s.last = c.now
		}
	}
	if !it.flows {
		it.flows = true
		c.announce(it)
		c.pump()
		return
	}
	for _, out := range it.outbound {
		c.pumpTail(out)
	}
}

// pumpTail passes on the beginning of the piece that a transfer waits for.
func (c *Core) pumpTail(out *outbound) {
	it := out.item
	if !it.flows || it.whole || !out.begun || out.slices != allSlices || out.from > it.prefix {
		return
	}
	if _, n := out.next(); n > 0 {
		return // whole pieces come first
	}
	c.emit(TransmitTail{To: out.peer.id, Transfer: out.transfer, Key: it.key, Index: it.prefix})
}

// growth is how long the origin takes to make the segment after its first byte
// can be had, 0 for one that appears whole.
func (it *item) growth() time.Duration {
	if it.need.Whole <= it.need.Available {
		return 0
	}
	return it.need.Whole - it.need.Available
}
