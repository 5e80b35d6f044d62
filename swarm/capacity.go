package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

const (
	// shareable is the part of the upload cap that is promised to neighbours: the
	// rest carries control messages.
	shareable = 0.85
	// usualDuration is assumed for segments whose duration was not told.
	usualDuration = 2 * time.Second
)

// room is how many bytes more this peer can promise, so that all it has promised
// is sent within the time of one segment:
//
//	room = shareable × upload cap × duration − Σ remaining bytes of running transfers
//
// known is false without a cap. A rate measured from how fast pieces leave was
// tried and given up: a neighbour that is slow, or whose cable is pulled, makes
// it look as if the uplink were, and everybody else is refused.
func (c *Core) room(it *item) (bytes float64, known bool) {
	if c.upload.rate == 0 {
		return 0, false
	}
	duration := it.need.Duration
	if duration <= 0 {
		duration = usualDuration
	}
	bytes = shareable * float64(c.upload.rate) / 8 * duration.Seconds()
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
	if len(c.hungry) == MaxHungry {
		c.hungry = append(c.hungry[:0], c.hungry[1:]...)
	}
	c.hungry = append(c.hungry, it)
}

// feedHungry offers again when a transfer has ended.
func (c *Core) feedHungry() {
	waiting := c.hungry
	c.hungry = nil
	for _, it := range waiting {
		if c.items[it.key] == it {
			c.announce(it) // which remembers it again where there is no room
		}
	}
}
