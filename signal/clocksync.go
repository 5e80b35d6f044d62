package signal

import (
	"sync"
	"time"
)

// clockSamples is how many samples the filter chooses from: about four minutes
// of pings, after which a lucky old one no longer hides that the clocks drift.
const clockSamples = 8

// clockRewind is the largest correction that Now hides by standing still; larger
// ones, such as the first sample of a client whose clock is wrong, are jumped.
const clockRewind = 250 * time.Millisecond

type clockSample struct{ offset, rtt time.Duration }

// clockSync estimates the server's clock. With t₁ sent, t₂ received, t₃ answered
// and t₄ arrived (RFC 5905 §8):
//
//	offset = ((t₂ − t₁) + (t₃ − t₄)) / 2    rtt = (t₄ − t₁) − (t₃ − t₂)
//
// The error of a sample is at most rtt/2, so the one with the least rtt counts.
type clockSync struct {
	clock func() time.Time
	start time.Time

	mu      sync.Mutex
	samples []clockSample
	offset  time.Duration
	last    time.Time // latest Now
}

func newClockSync(clock func() time.Time) *clockSync {
	return &clockSync{clock: clock, start: clock()}
}

// local is the local clock, which steps of the wall clock do not move: time.Time
// subtracts monotonic readings when both have one.
func (c *clockSync) local() time.Time { return c.start.Add(c.clock().Sub(c.start)).Round(0) }

// reset forgets the samples (another server, another path) but not the offset.
func (c *clockSync) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = c.samples[:0]
}

func (c *clockSync) add(sent, received, answered, arrived time.Time) {
	s := clockSample{
		offset: (received.Sub(sent) + answered.Sub(arrived)) / 2,
		rtt:    arrived.Sub(sent) - answered.Sub(received),
	}
	if s.rtt < 0 || answered.Before(received) {
		return // no clock runs backwards: a stale or made-up answer
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == clockSamples {
		c.samples = append(c.samples[:0], c.samples[1:]...)
	}
	c.samples = append(c.samples, s)
	best := c.samples[0]
	for _, s := range c.samples[1:] {
		if s.rtt <= best.rtt {
			best = s
		}
	}
	c.offset = best.offset
}

func (c *clockSync) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.local().Add(c.offset)
	if back := c.last.Sub(now); back > 0 && back <= clockRewind {
		return c.last
	}
	c.last = now
	return now
}
