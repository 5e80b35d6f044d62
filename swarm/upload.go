package swarm

import (
	"math/bits"
	"time"
)

const (
	// burstPieces is the longest run handed to a link at once.
	burstPieces = 2
	// earlyCopies of a piece are pushed while the rest of its segment still comes from the
	// origin. More would give everybody the same beginning, and nothing to trade.
	earlyCopies = 2
)

// accepted opens a transfer, or replaces what a running one still owes.
func (c *Core) accepted(p *peer, m Accept) {
	it := c.items[m.Key]
	out := (*outbound)(nil)
	if it != nil {
		out = it.outboundTo(p)
	}
	switch {
	case m.Count == 0 && len(m.Only) == 0:
		if out == nil {
			return
		}
		c.endPush(out)
		out.want = nil
		return
	case it == nil || it.private || !(it.whole || it.held > 0 || it.inflow() || it.fetching),
		m.First < 0 || m.First > MaxPieces || m.Count < -1 || m.Count > MaxPieces:
		c.send(p, Refuse{Key: m.Key, Reason: RefusedGone})
		return
	case m.Count < 0 && it.sourceOf(p) != nil && it.sourceOf(p).slices != 0:
		c.send(p, Refuse{Key: m.Key, Reason: RefusedLoop})
		return
	}
	if c.checkMute(); c.mute {
		c.send(p, Refuse{Key: m.Key, Reason: RefusedBusy})
		return
	}
	if out == nil {
		if len(p.outbound) >= MaxOutbound && !c.dropIdle(p) {
			c.send(p, Refuse{Key: m.Key, Reason: RefusedBusy})
			return
		}
		out = c.open(it, p)
	}
	out.due, out.dry = c.now+m.Due, false
	c.endPush(out)
	out.want = out.want[:0]
	switch {
	case m.Count < 0:
		out.slices, out.from = allSlices, m.First
	case len(m.Only) > 0:
		out.want.addMap(m.First, m.Only)
	default:
		for i := m.First; i < min(m.First+m.Count, MaxPieces); i++ {
			out.want.set(i)
		}
	}
	c.pump()
}

// endPush ends what a transfer brings unasked. Of what it was pushed the receiver was
// told nothing, and now it has to know what it can ask for.
func (c *Core) endPush(out *outbound) {
	if out.pushed && out.slices != 0 && out.item.here() {
		c.counters.OffersSent++
		c.send(out.peer, out.item.offer())
	}
	out.slices = 0
}

func (c *Core) open(it *item, p *peer) *outbound {
	c.transfer++
	out := &outbound{item: it, peer: p, transfer: c.transfer}
	it.outbound = append(it.outbound, out)
	p.outbound = append(p.outbound, out)
	return out
}

// dropIdle ends a transfer to a neighbour that owes nothing.
func (c *Core) dropIdle(p *peer) bool {
	for _, out := range p.outbound {
		if out.slices == 0 && !out.owes() {
			c.removeOutbound(out)
			return true
		}
	}
	return false
}

// push sends slices of a segment, for which the neighbour has a reservation, without
// being asked again.
func (c *Core) push(it *item, r *reservation, slices uint8) {
	out := c.open(it, r.peer)
	out.pushed, out.due, out.slices = true, r.due-ReservationLife, slices
	c.counters.Pushes++
	c.pump()
}

// ready is the pieces of word w that can be sent now.
func (out *outbound) ready(w int) uint64 {
	m := out.want.word(w)
	if out.slices != 0 {
		m |= slicePattern(out.slices) & span(w, out.from, MaxPieces)
	}
	return m & out.item.have.word(w) &^ out.sent.word(w) & span(w, 0, out.item.limit())
}

// owes says whether pieces were asked for that were not sent.
func (out *outbound) owes() bool {
	for w, m := range out.want {
		if m&^out.sent.word(w) != 0 {
			return true
		}
	}
	return false
}

// none says that nothing was sent.
func (out *outbound) none() bool {
	_, end := out.sent.ends()
	return end == 0
}

// next is what to send next: of a segment whose size is known, the piece that was
// sent to the fewest, so that receivers have something to trade; else the first run,
// at most burstPieces. Of what is pushed and still comes from the origin, a piece goes out
// earlyCopies times.
func (out *outbound) next() (first, count int) {
	it := out.item
	early := out.pushed && out.slices != 0 && it.hops == 0 && !it.whole
	best := uint32(1<<32 - 1)
	for w := range it.have {
		m := out.ready(w)
		if m == 0 {
			continue
		}
		i := bits.TrailingZeros64(m)
		if len(it.given) == 0 {
			return w<<6 + i, min(bits.TrailingZeros64(^(m >> i)), burstPieces)
		}
		for ; m != 0; m &= m - 1 {
			i := w<<6 + bits.TrailingZeros64(m)
			if early && it.given[i] >= earlyCopies {
				continue
			}
			if rank := uint32(it.given[i])<<16 | (uint32(i)+out.peer.salt)*2654435761>>16; rank < best {
				first, count, best = i, 1, rank
			}
		}
	}
	return first, count
}

// skip books pieces that the receiver has, so that they are not pushed to it.
func (out *outbound) skip(has bitset) {
	for w, m := range has {
		for len(out.sent) <= w {
			out.sent = append(out.sent, 0)
		}
		out.sent[w] |= m
	}
}

// pump hands pieces to links while few enough are on their way out: what is due
// within a second first, then to whoever has had least for its weight (start-time fair
// queueing: a link's clock goes forward by 1/weight a piece, and one that had nothing
// to get does not save up).
func (c *Core) pump() {
	for c.onTheirWay() < c.uplink.lanes() && !c.yields() {
		p, out, first, ready := c.nextOut()
		if out == nil {
			return
		}
		n := c.upload.pieces(c.now, min(ready, c.cfg.Window-p.outstanding))
		if n == 0 && ready > 0 {
			c.timers.set(c.refill, c.upload.ready(c.now), WhyUpload)
			return
		}
		c.transmit(p, out, first, n)
	}
}

func (c *Core) transmit(p *peer, out *outbound, first, n int) {
	it := out.item
	if !out.begun {
		out.begun = true
		from := first
		if out.slices != 0 {
			from = out.from
		}
		m := Begin{Transfer: out.transfer, Key: it.key, Size: it.size, Hops: max(0, it.hops), First: from, Count: -1}
		if out.pushed {
			m.Slices = int(out.slices)
		}
		c.send(p, m)
	}
	if n > 0 {
		c.emit(Transmit{To: p.id, Transfer: out.transfer, Key: it.key, First: first, Count: n})
		c.upload.take(n)
		c.counters.PiecesOut += int64(n)
		c.owe(p, n)
		c.clock = max(c.clock, p.clock)
		p.clock = max(p.clock, c.clock) + float64(n)/p.weight()
		for i := first; i < first+n; i++ {
			out.sent.set(i)
			if i < len(it.given) {
				it.given[i] = min(it.given[i], 254) + 1
			}
		}
	}
	c.pumpTail(out)
	if out.done() {
		c.removeOutbound(out)
	}
}

// onTheirWay is how many pieces links have that have not left, those apart that are
// stuck on a link of their own.
func (c *Core) onTheirWay() (n int) {
	if c.owed == 0 {
		return 0
	}
	stale := c.uplink.stale()
	for _, p := range c.links {
		if p.outstanding > 0 && c.now-p.owedAt < stale {
			n += p.outstanding
		}
	}
	return n
}

const (
	// dueSoon is when a piece goes before everybody's fair share.
	dueSoon = time.Second
	// soonFirst and newFirst are more than a link's clock can be ahead of another's.
	soonFirst = 1e6
	newFirst  = 1e3
)

// nextOut is the link, transfer and pieces that go next. What a peer has from the
// origin goes out once before anything goes twice: until then, what only it holds is what
// keeps the swarm waiting.
func (c *Core) nextOut() (to *peer, best *outbound, first, count int) {
	var clock float64
	for _, p := range c.links {
		if p.outstanding >= c.cfg.Window || len(p.outbound) == 0 {
			continue
		}
		out, i, n := p.urgent()
		if out == nil {
			continue
		}
		at := max(p.clock, c.clock)
		if out.due-c.now < dueSoon {
			at -= soonFirst
		}
		if g := out.item.given; out.item.hops == 0 && i < len(g) && g[i] > 0 {
			at += newFirst
		}
		if best == nil || at < clock {
			to, best, first, count, clock = p, out, i, n, at
		}
	}
	return to, best, first, count
}

// done says that all of the segment was sent.
func (out *outbound) done() bool {
	it := out.item
	if it.n < 0 {
		return false
	}
	for w := range words(it.n) {
		if m := span(w, 0, it.n); (out.sent.word(w)|^span(w, out.start(), it.n))&m != m {
			return false
		}
	}
	return true
}

// start is the first piece that a transfer as it comes will bring.
func (out *outbound) start() int {
	if out.slices == allSlices {
		return out.from
	}
	return 0
}

// urgent picks the transfer due first among those with a piece to send.
func (p *peer) urgent() (best *outbound, first, count int) {
	for _, out := range p.outbound {
		if out.dry || best != nil && out.due >= best.due {
			continue
		}
		i, n := out.next()
		if out.dry = n == 0 && out.begun; n > 0 || out.item.size == 0 && !out.begun || out.item.flows && !out.begun && out.slices != 0 {
			best, first, count = out, i, n
		}
	}
	return best, first, count
}

func (c *Core) removeOutbound(out *outbound) {
	out.item.outbound = without(out.item.outbound, out)
	out.peer.outbound = without(out.peer.outbound, out)
}

// cancelOutbound tells all receivers that no more will come.
func (c *Core) cancelOutbound(it *item) {
	for len(it.outbound) > 0 {
		out := it.outbound[0]
		c.send(out.peer, Cancel{Key: it.key})
		c.removeOutbound(out)
	}
}

// sent frees room in a link's window.
func (c *Core) sent(s Sent) {
	p := c.peers[s.To]
	if p == nil {
		return
	}
	c.paid(p, s.Count)
	if c.mute {
		c.checkMute()
	}
	p.uploaded += int64(s.Count)
	c.pump()
	c.uplink.left(c.now, s.Count, c.owed > 0)
	c.tellUplink()
}

// latency orders sources by how fast they answer: half the round trip while
// nothing better is known, then the measured time from Accept to Begin.
func (p *peer) latency() time.Duration {
	if p.answer > 0 {
		return p.answer
	}
	return p.rtt
}
