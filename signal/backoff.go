package signal

import (
	"math/rand/v2"
	"time"
)

// stableAfter is how long a connection must have lasted for the next loss to
// start over at the shortest delay.
const stableAfter = time.Minute

// backoff is exponential with full jitter: the n-th delay is uniform in
// [0, min(most, least·2ⁿ)], so that the clients of a restarted server spread out
// instead of coming back in waves.
type backoff struct {
	least, most time.Duration
	random      *rand.Rand
	failures    int
}

func (b *backoff) next() time.Duration {
	ceiling := b.most
	if b.failures < 32 {
		if d := b.least << b.failures; d > 0 && d < b.most {
			ceiling = d
		}
	}
	b.failures++
	return b.jitter(ceiling)
}

func (b *backoff) reset() { b.failures = 0 }

// jitter is uniform in [0, d].
func (b *backoff) jitter(d time.Duration) time.Duration {
	return time.Duration(b.random.Int64N(int64(max(d, 0)) + 1))
}
