package hls

import "time"

// edgeClock learns when media becomes available at the origin. For each
// observed playlist whose newest media ends at e (on the presentation timeline)
// and is d long, the anchor A = available(e) − e is bounded from both sides:
//
//	it is in the document fetched at f                       A ≤ f − e
//	it was not in the document before, fetched at g          A > g − e
//	the one after it is not in the document fetched at f     A > f − e − d
//	EXT-X-PROGRAM-DATE-TIME says its last sample was at t    A ≥ t − e
//
// The estimate is the middle of what the newest observations leave. Encoders
// drift and restart, so old observations are forgotten, and one that
// contradicts newer ones ends the look back.
type edgeClock struct {
	bounds [clockMemory]anchorBounds
	count  int
	edge   time.Duration
	last   time.Time // of the latest document
}

// clockMemory is how many changes of the playlist are remembered.
const clockMemory = 8

type anchorBounds struct{ low, high time.Time }

// observe takes a document fetched at f in which the newest media ends at edge
// and is newest long. blocking: the server held the answer until that media
// existed, so f is when it became available. dated: the wall clock time at
// which the newest media ended by its EXT-X-PROGRAM-DATE-TIME, zero without.
func (c *edgeClock) observe(f time.Time, edge, newest time.Duration, blocking bool, dated time.Time) {
	grown := edge > c.edge || c.count == 0
	if grown {
		b := anchorBounds{high: f.Add(-edge), low: latest(c.last.Add(-edge), f.Add(-edge-newest))}
		if blocking && c.count > 0 || b.low.After(b.high) {
			b.low = b.high
		}
		if floor := dated.Add(-edge); !dated.IsZero() && floor.After(b.low) && !floor.After(b.high) {
			b.low = floor
		}
		c.bounds[c.count%clockMemory] = b
		c.count++
		c.edge = edge
	}
	if f.After(c.last) {
		c.last = f
	}
}

// anchor is the estimate; zero before the first observation.
func (c *edgeClock) anchor() time.Time {
	if c.count == 0 {
		return time.Time{}
	}
	newest := c.bounds[(c.count-1)%clockMemory]
	low, high := newest.low, newest.high
	for back := 2; back <= min(c.count, clockMemory); back++ {
		b := c.bounds[(c.count-back)%clockMemory]
		l, h := latest(low, b.low), earliest(high, b.high)
		if l.After(h) {
			break
		}
		low, high = l, h
	}
	return low.Add(high.Sub(low) / 2)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
