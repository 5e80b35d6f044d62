package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// bucket is the upload budget: tokens(t) = min(burst, tokens + rate·Δt), one
// token a byte, burst one piece and what leaves in queueTime. A longer one would stand in
// a queue that no piece overtakes, from the first burst of a segment to its end.
type bucket struct {
	rate   int64 // bit/s, 0 no cap
	tokens float64
	last   Time
}

func (b *bucket) limit(rate int64) { b.rate = max(0, rate) }

func (b *bucket) refill(now Time) {
	if b.rate == 0 {
		return
	}
	burst := segments.PieceSize + float64(b.rate)/8*queueTime.Seconds()
	b.tokens = min(burst, b.tokens+float64(b.rate)/8*(now-b.last).Seconds())
	b.last = now
}

// pieces says how many of n pieces may go now.
func (b *bucket) pieces(now Time, n int) int {
	if b.rate == 0 {
		return n
	}
	b.refill(now)
	return min(n, max(0, int(b.tokens/segments.PieceSize)))
}

const (
	// ackBytes is what acknowledging a piece takes of the uplink: SCTP answers every
	// second packet of 1200 bytes, with 107 bytes on the wire.
	ackBytes = 730
	// messageBytes is what a message to one neighbour takes: a packet with the headers of
	// IP, UDP, DTLS and SCTP around some thirty bytes.
	messageBytes = 135
)

// spend books bytes that leave whatever is left, a second's worth at most. A narrow uplink
// that did not count them would have a queue before long, and the player's own requests
// would wait in it.
func (b *bucket) spend(bytes int) {
	if b.rate != 0 {
		b.tokens = max(b.tokens-float64(bytes), -float64(b.rate)/8)
	}
}

func (b *bucket) take(n int) {
	if b.rate != 0 {
		b.tokens -= float64(n) * segments.PieceSize
	}
}

// ready is when one piece may go again.
func (b *bucket) ready(now Time) Time {
	need := segments.PieceSize - b.tokens
	return now + max(time.Millisecond, time.Duration(need/(float64(b.rate)/8)*float64(time.Second)))
}
