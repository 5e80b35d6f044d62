package hls

import "time"

// edgeClock learns when media becomes available at the origin. For each
// observed playlist whose newest media ends at e (on the presentation
// timeline), the anchor A = available(e) − e is bounded from both sides:
//
//	seen in a document fetched at f          A ≤ f − e
//	not in the document fetched before, at g  A > g − e
//
// and, where EXT-X-PROGRAM-DATE-TIME dates the media, by the moment its last
// sample was there to be encoded. The estimate is the middle of what the newest observations leave. Encoders
// drift and restart, so old observations are forgotten, and when the bounds
// contradict each other only the newest counts.
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
// existed, so f is when it became available.
func (c *edgeClock) observe(f time.Time, edge, newest time.Duration, blocking bool) {
	grown := edge > c.edge || c.count == 0
	if grown {
		b := anchorBounds{high: f.Add(-edge), low: c.last.Add(-edge)}
		switch {
		case blocking && c.count > 0:
			b.low = b.high
		case c.count == 0 || b.low.After(b.high) || edge-c.edge > 2*newest:
			// Nothing known from before: it is there since less than its length.
			b.low = b.high.Add(-newest)
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
