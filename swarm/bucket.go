package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// bucket is the upload budget: tokens(t) = min(burst, tokens + rate·Δt), one
// token a byte, burst a quarter of a second.
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
	burst := max(float64(b.rate)/32, segments.PieceSize)
	b.tokens = min(burst, b.tokens+float64(b.rate)/8*(now-b.last).Seconds())
	b.last = now
}

// pieces says how many of n pieces may go now.
func (b *bucket) pieces(now Time, n int) int {
	if b.rate == 0 {
		return n
	}
	b.refill(now)
	return min(n, int(b.tokens/segments.PieceSize))
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
