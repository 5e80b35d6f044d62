package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

const (
	// paceWindow is how long the uplink must be busy without a break for its rate
	// to be believed.
	paceWindow = 250 * time.Millisecond
	// shareable is the part of the measured rate that is promised to neighbours:
	// the rest carries control messages and what the estimate got wrong.
	shareable = 0.85
	// stuckAfter is when an uplink that sends nothing counts as none.
	stuckAfter = time.Second
	// usualDuration is assumed for segments whose duration was not told.
	usualDuration = 2 * time.Second
)

// pace measures what the uplink carries while it has something to carry:
//
//	rate = max(sample, rate × 15/16),  sample = bytes / time over a busy window
//
// The largest recent sample counts, because one slow receiver makes samples too
// small and nothing makes them too large. 0: never busy long enough to know.
type pace struct {
	rate        float64 // bytes a second
	outstanding int     // pieces handed over and not sent
	since       Time
	bytes       float64
}

func (p *pace) queued(now Time, pieces int) {
	if p.outstanding == 0 {
		p.since, p.bytes = now, 0
	}
	p.outstanding += pieces
}

func (p *pace) sent(now Time, pieces int) {
	p.outstanding = max(0, p.outstanding-pieces)
	p.bytes += float64(pieces) * segments.PieceSize
	if d := now - p.since; d >= paceWindow {
		p.rate = max(p.bytes/d.Seconds(), p.rate*15/16)
		p.since, p.bytes = now, 0
	}
}

// stuck says that what was handed over does not leave at all.
func (p *pace) stuck(now Time) bool {
	return p.outstanding > 0 && p.bytes == 0 && now-p.since > stuckAfter
}

// room is how many bytes more this peer can promise, so that all it has promised
// is sent within the time of one segment:
//
//	room = shareable × rate × duration − Σ remaining bytes of running transfers
//
// known is false while the uplink was never the limit.
func (c *Core) room(it *item) (bytes float64, known bool) {
	rate := c.pace.rate
	if cap := float64(c.upload.rate) / 8; cap > 0 && (rate == 0 || cap < rate) {
		rate = cap
	}
	switch {
	case c.pace.stuck(c.now):
		return 0, true
	case rate == 0:
		return 0, false
	}
	duration := it.need.Duration
	if duration <= 0 {
		duration = usualDuration
	}
	bytes = shareable * rate * duration.Seconds()
	for _, p := range c.links {
		for _, out := range p.outbound {
			bytes -= float64(out.left()) * segments.PieceSize
		}
	}
	return bytes, true
}

// left is how many pieces a transfer still has to send.
func (out *outbound) left() int {
	end := out.end
	if whole := out.item.pieces(); end < 0 || whole >= 0 && whole < end {
		end = whole
	}
	if end < 0 {
		return max(1, out.item.prefix-out.next)
	}
	return max(0, end-out.next)
}

// smallestShare is the fewest pieces worth a transfer of their own.
const smallestShare = 4

// portion is how many pieces of an item one more receiver can be given, out of
// room: 0 is all of them, ok is false when there is room for nothing useful.
func (c *Core) portion(it *item, room float64) (pieces int, ok bool) {
	size := float64(max(it.size, it.need.Size, segments.PieceSize))
	if room >= size {
		return 0, true
	}
	pieces = int(room / segments.PieceSize)
	return pieces, pieces >= smallestShare
}

// hasRoom says whether an Accept can be served in time. Offers are not promises:
// several may be taken up at once, so only what exceeds the room by a quarter is
// refused.
func (c *Core) hasRoom(it *item, m Accept) bool {
	room, known := c.room(it)
	if !known {
		return true
	}
	count := m.Count
	if end := it.pieces(); count < 0 && end >= 0 {
		count = end - m.First
	}
	return room*5/4 >= float64(max(count, 1))*segments.PieceSize
}

// starving remembers an item with reservations that could not be offered yet.
func (c *Core) starving(it *item) {
	for _, h := range c.hungry {
		if h == it {
			return
		}
	}
	c.hungry = append(c.hungry, it)
}

// feedHungry offers again when a transfer has ended.
func (c *Core) feedHungry() {
	for i := 0; i < len(c.hungry); {
		it := c.hungry[i]
		c.hungry = append(c.hungry[:i], c.hungry[i+1:]...)
		if c.items[it.key] != it {
			continue
		}
		c.announce(it)
		if len(c.hungry) > i && c.hungry[len(c.hungry)-1] == it {
			// still no room: it went to the end, so do not look at it again
			if len(c.hungry)-1 == i {
				return
			}
			c.hungry = append(append(c.hungry[:i:i], it), c.hungry[i:len(c.hungry)-1]...)
			i++
		}
	}
}
