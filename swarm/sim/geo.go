package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// place is a point of the unit square.
type place struct{ x, y float64 }

// geography turns places into round trips and delays.
type geography struct {
	min, span time.Duration
	jitter    time.Duration
	rng       *rand.Rand
}

// packet is the payload of one packet of a link: SCTP over DTLS over UDP within
// the 1280 bytes every path carries (RFC 8831 §5), less headers.
const packet = 1150

func (g *geography) place() place { return place{g.rng.Float64(), g.rng.Float64()} }

// rtt = min + span · |a − b| / √2, in whole microseconds so that rounding does
// not differ between machines.
func (g *geography) rtt(a, b place) time.Duration {
	dx, dy := a.x-b.x, a.y-b.y
	distance := math.Sqrt(float64(dx*dx)+float64(dy*dy)) / math.Sqrt2
	return (g.min + time.Duration(float64(g.span)*distance)).Truncate(time.Microsecond)
}

// delay is how long size bytes are under way, without their time in queues:
// rtt/2 + jitter·U, and with probability 1 − (1 − loss)^packets one rtt more, or
// 2·rtt + probeAfter where only one packet is sent.
func (g *geography) delay(rtt time.Duration, loss float64, size int) time.Duration {
	d := rtt / 2
	if g.jitter > 0 {
		d += time.Duration(g.rng.Int64N(int64(g.jitter)))
	}
	if loss > 0 {
		packets := float64((size + packet - 1) / packet)
		if g.rng.Float64() >= math.Pow(1-loss, packets) {
			d += rtt
			if packets == 1 {
				d += rtt + probeAfter
			}
		}
	}
	return d
}

// span is how long size bytes take at rate bit/s.
func span(size int, rate int64) swarm.Time {
	return swarm.Time(int64(size) * 8 * int64(time.Second) / rate)
}

// quota deals shares out evenly: the i-th draw of a sequence with low
// discrepancy, frac(offset + i·step), so that 20 % of 50 viewers are ten of them.
type quota struct {
	next, step float64
}

// Irrational steps that have nothing to do with one another.
const (
	golden = 0.6180339887498949 // (√5 − 1)/2
	silver = 0.4142135623730951 // √2 − 1
	bronze = 0.3027756377319946 // (√13 − 3)/2
)

func (q *quota) draw() float64 {
	q.next = math.Mod(float64(q.next+q.step), 1)
	return q.next
}
