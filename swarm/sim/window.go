package sim

import (
	"math"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

const (
	// firstWindow is what SCTP sends before it hears anything: RFC 9260 §7.2.1,
	// min(4·MTU, max(2·MTU, 4404 bytes)).
	firstWindow = 4404.0
	// fullWindow is the most an edge lets be under way, past which the congestion
	// window does not matter.
	fullWindow = underWay * 16384.0
	// probeAfter is what a sender waits, besides two round trips, before it probes
	// whether a packet with nothing behind it was lost: RFC 8985 §7.2, WCDelAckT.
	probeAfter = 200 * time.Millisecond
)

// window is the congestion window of one direction of a link, as a fluid: in slow
// start it doubles every round trip in which it is used, and where packets get lost
// it stays near the mean of what losses leave of it (Mathis et al. 1997):
//
//	most = 1.22 · packet / √loss, at least two packets
type window struct {
	bytes float64
	free  swarm.Time // when the data that was handed over has left
}

// through returns when size bytes, handed over at now, have left the sender: what
// fits into the window at once, and else after
//
//	rtt · log₂(1 + size/window)   while the window grows by size
//	rtt · size/window             when it does not
//
// of which one round trip is given to whom has not sent for that long.
func (c *window) through(now swarm.Time, rtt time.Duration, loss float64, size int) swarm.Time {
	if c.bytes == 0 {
		c.bytes = firstWindow
	}
	most := fullWindow
	if loss > 0 {
		most = min(most, max(2*packet, 1.22*packet/math.Sqrt(loss)))
	}
	rounds := 0.0
	if c.bytes < most {
		rounds = math.Log2(1 + float64(size)/c.bytes)
		c.bytes = min(most, c.bytes+float64(size))
	} else {
		rounds = float64(size) / c.bytes
	}
	took := time.Duration(float64(rtt) * rounds).Truncate(time.Microsecond) // alike on every machine
	c.free = max(c.free, now-rtt) + took
	return max(now, c.free)
}
