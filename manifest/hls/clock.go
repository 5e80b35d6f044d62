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
// All observations together leave an interval, whose middle is the estimate.
// Encoders drift, so the interval widens by driftPerSecond as it ages; when a
// new observation contradicts it, the new one alone counts.
type edgeClock struct {
	low, high time.Time
	edge      time.Duration
	last      time.Time // of the latest document, zero before the first
}

// driftPerSecond is how fast what was learnt loses its worth: far above the
// error of any clock, about that of EXTINF rounded to milliseconds.
const driftPerSecond = time.Millisecond / 2

// observe takes a document fetched at f in which the newest media ends at edge
// and is newest long. blocking: the server held the answer until that media
// existed, so f is when it became available. dated: the wall clock time at
// which the newest media ended by its EXT-X-PROGRAM-DATE-TIME, zero without.
func (c *edgeClock) observe(f time.Time, edge, newest time.Duration, blocking bool, dated time.Time) {
	first := c.last.IsZero()
	low, high := f.Add(-edge-newest), f.Add(-edge)
	if grown := edge > c.edge; grown && !first {
		low = latest(low, c.last.Add(-edge))
		if blocking {
			low = high
		}
	}
	if floor := dated.Add(-edge); !dated.IsZero() && !floor.After(high) {
		low = latest(low, floor)
	}
	if !first {
		drift := time.Duration(max(0, f.Sub(c.last).Seconds()) * float64(driftPerSecond))
		l, h := latest(low, c.low.Add(-drift)), earliest(high, c.high.Add(drift))
		if !l.After(h) {
			low, high = l, h
		}
	}
	c.low, c.high, c.edge, c.last = low, high, max(edge, c.edge), latest(f, c.last)
}

// anchor is the estimate; zero before the first observation.
func (c *edgeClock) anchor() time.Time { return c.low.Add(c.high.Sub(c.low) / 2) }

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
