package swarm

import "time"

// burstPieces is the longest run handed to a link at once, so that an urgent
// transfer waits for at most 64 KiB of another.
const burstPieces = 4

// accepted opens a transfer, or replaces the range of a running one.
func (c *Core) accepted(p *peer, m Accept) {
	it := c.items[m.Key]
	refuse := func(why Refusal) { c.send(p, Refuse{Key: m.Key, Reason: why}) }
	switch {
	case it == nil || it.private || !(it.whole || it.held > 0 || len(it.inbound) > 0 || it.fetching):
		refuse(RefusedGone)
		return
	case m.First < 0 || m.First > MaxPieces || m.Count < -1 || m.Count > MaxPieces:
		refuse(RefusedGone)
		return
	case it.inboundFrom(p) != nil:
		refuse(RefusedLoop)
		return
	}
	end := -1
	if m.Count >= 0 {
		end = m.First + m.Count
	}
	out := it.outboundTo(p)
	if out == nil {
		if r := it.reservationOf(p); len(p.outbound) >= MaxOutbound || !c.hasRoom(it, m) {
			if r != nil {
				r.offered = false // again, after the others
				it.reserved = append(without(it.reserved, r), r)
				c.starving(it)
			}
			refuse(RefusedBusy)
			return
		}
		out = c.open(it, p, m.First, end)
	} else {
		out.next, out.end = max(out.next, m.First), end
		if m.First < out.next && end < 0 {
			out.next = m.First
		}
	}
	out.due = c.now + m.Due
	c.pump(p)
}

func (c *Core) open(it *item, p *peer, first, end int) *outbound {
	c.transfer++
	out := &outbound{item: it, peer: p, transfer: c.transfer, next: first, end: end}
	it.outbound = append(it.outbound, out)
	p.outbound = append(p.outbound, out)
	return out
}

// push sends a segment to a subscriber without being asked again.
func (c *Core) push(it *item, p *peer, due Time) {
	out := c.open(it, p, 0, -1)
	out.pushed, out.due = true, due
	c.counters.Pushes++
	c.pump(p)
}

// pump fills a link's window with the most urgent pieces that are here.
func (c *Core) pump(p *peer) {
	for p.outstanding < c.cfg.Window {
		out, n := p.urgent()
		if out == nil {
			return
		}
		ready := n
		n = c.upload.pieces(c.now, min(n, burstPieces, c.cfg.Window-p.outstanding))
		if n == 0 && ready > 0 {
			c.timers.set(c.refill, c.upload.ready(c.now), WhyUpload)
			return
		}
		if !out.begun {
			out.begun = true
			count := -1
			if out.end >= 0 {
				count = out.end - out.next
			}
			c.send(p, Begin{Transfer: out.transfer, Key: out.item.key, Size: out.item.size,
				Hops: max(0, out.item.hops), First: out.next, Count: count, Pushed: out.pushed})
		}
		if n > 0 {
			c.emit(Transmit{To: p.id, Transfer: out.transfer, Key: out.item.key, First: out.next, Count: n})
			c.upload.take(n)
			c.counters.PiecesOut += int64(n)
			p.outstanding += n
			out.next += n
		}
		c.pumpTail(out)
		if out.done() {
			c.removeOutbound(out)
			c.feedHungry()
		}
	}
}

// pumpItem passes on what came of an item to all its receivers.
func (c *Core) pumpItem(it *item) {
	for i := 0; i < len(it.outbound); {
		out := it.outbound[i]
		c.pump(out.peer)
		if i < len(it.outbound) && it.outbound[i] == out {
			i++
		}
	}
}

func (out *outbound) done() bool {
	end := out.item.pieces()
	if out.end >= 0 && (end < 0 || out.end < end) {
		end = out.end
	}
	return end >= 0 && out.next >= end
}

// urgent picks the transfer due first among those with a piece to send, and how
// many consecutive ones it has.
func (p *peer) urgent() (best *outbound, n int) {
	for _, out := range p.outbound {
		if best != nil && out.due >= best.due {
			continue
		}
		if k := out.ready(); k > 0 || out.item.size == 0 || out.item.flows && !out.begun {
			best, n = out, k
		}
	}
	return best, n
}

func (out *outbound) ready() (n int) {
	for n < burstPieces && out.item.have.get(out.next+n) && (out.end < 0 || out.next+n < out.end) {
		n++
	}
	return n
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
	p.outstanding = max(0, p.outstanding-s.Count)
	p.uploaded += int64(s.Count)
	c.pump(p)
}

// latency orders sources by how fast they answer: half the round trip while
// nothing better is known, then the measured time from Accept to Begin.
func (p *peer) latency() time.Duration {
	if p.answer > 0 {
		return p.answer
	}
	return p.rtt
}
