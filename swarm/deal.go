package swarm

import "math/bits"

// deal pushes what comes from the origin to those who reserved it, each slice to one of
// them: a reservation is as good as being asked. So the first copy leaves at once and in
// one piece, and to those who can pass on most of it: slices go by weight (D'Hondt).
// Everything else is offered, as always; and of a film everything: there is no hurry, and
// what comes unasked would be in the way of what is due.
func (c *Core) deal(it *item) {
	if it.dealt || it.need.Available <= 0 || c.cfg.Metered || !it.fetching || it.hops != 0 || it.n <= 0 || len(it.sender) > 0 {
		return
	}
	it.dealt = true
	type hand struct {
		to     *reservation
		slices uint8
		claim  float64 // to the next slice
	}
	var hands []hand
	for _, r := range it.reserved {
		if p := r.peer; !r.told && !p.hello.Metered && !p.haves.has(it.key) && it.outboundTo(p) == nil && len(p.outbound) < MaxOutbound {
			hands = append(hands, hand{to: r, claim: p.weight()})
		}
	}
	if len(hands) == 0 {
		return
	}
	it.pushes = sliceCount
	for slice := range sliceCount {
		best := &hands[0]
		for i := range hands {
			if hands[i].claim > best.claim {
				best = &hands[i]
			}
		}
		best.slices |= 1 << slice
		best.claim = best.to.peer.weight() / float64(bits.OnesCount8(best.slices)+1)
	}
	for _, h := range hands {
		if h.slices == 0 {
			continue
		}
		if ch := h.to.peer.children[it.track]; ch != nil {
			h.slices |= c.affords(it, ch.slices&^h.slices)
		}
		c.push(it, h.to, h.slices)
	}
}
