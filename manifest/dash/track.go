package dash

import (
	"iter"
	"math"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// endOpen is the end of a Period that is not known.
const endOpen = time.Duration(math.MaxInt64)

// availability is when a live Representation's segments exist at the origin
// (DASH-IF IOP timing model; ISO/IEC 23009-1 §5.3.9.5.3). All durations count
// from MPD@availabilityStartTime:
//
//	first byte  = Period start + segment end − availabilityTimeOffset
//	whole       = first byte, or without the offset when availabilityTimeComplete is false
//	leaves      = segment end + timeShiftBufferDepth
type availability struct {
	start   time.Time     // availabilityStartTime
	ahead   time.Duration // availabilityTimeOffset
	always  bool          // availabilityTimeOffset="INF": from the segment's start on
	growing bool          // availabilityTimeComplete="false"
	depth   time.Duration // timeShiftBufferDepth; endOpen: everything stays
}

// line is the timeline of one Representation in one Period.
type line struct {
	track  string
	ladder *ladder
	where  locator
	from   time.Duration // Period start on the presentation timeline
	until  time.Duration // Period end, endOpen
	live   *availability // nil when static
	grows  bool          // the ladder gets longer with coming refreshes
	init   *timeline.Segment

	foreseen time.Duration // end of the Period as far as it can be foretold, 0 when it cannot
}

var _ timeline.Timeline = (*line)(nil)

// locator turns a slot into a resource and back.
type locator interface {
	key(track string, s slot) segments.Key
	// locate names sub-segment sub of s, counted from 1. The URL is empty when it
	// cannot be known.
	locate(s slot, sub int64) (url string, r *timeline.Range)
	// find returns the slot in l that the request is for, or one outside l with
	// outside set when the addressing alone identifies it.
	find(l *ladder, url string, r *timeline.Range) (s slot, sub int64, outside, ok bool)
}

func (t *line) Segments(now time.Time, from, to time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		clock := endOpen
		if t.live != nil {
			clock = now.Sub(t.live.start)
			if t.live.depth != endOpen {
				from = max(from, clock-t.live.depth)
			}
		}
		ticks := t.ladder.ticks(max(from-t.from, 0))
		if t.live != nil {
			ticks = max(ticks, t.ladder.window(t.ladder.ticks(t.edge(clock))))
		}
		t.ladder.scan(ticks, func(s slot) bool {
			return t.emit(s, func(start, end time.Duration) verdict {
				switch {
				case start >= to, t.live != nil && t.firstByte(start, end) > clock:
					return stop
				case end <= from:
					return skip
				}
				return take
			}, false, yield)
		})
	}
}

func (t *line) Predicted(now time.Time, ahead time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		if t.live == nil || ahead <= 0 {
			return
		}
		clock := now.Sub(t.live.start)
		limit := add(clock, ahead)
		more := true
		visit := func(s slot) bool {
			more = t.emit(s, func(start, end time.Duration) verdict {
				switch at := t.firstByte(start, end); {
				case at > limit, t.foreseen > 0 && start >= t.foreseen:
					return stop
				case at <= clock:
					return skip
				}
				return take
			}, true, yield)
			return more
		}
		seek := t.ladder.ticks(t.edge(clock))
		t.ladder.scan(seek, visit)
		if more && t.grows {
			t.ladder.extrapolate(seek, visit)
		}
	}
}

func (t *line) Find(url string, r *timeline.Range) (timeline.Segment, bool) {
	url = canonical(url)
	if t.init != nil && canonical(t.init.URL) == url && sameRange(t.init.Range, r) {
		return *t.init, true
	}
	s, sub, outside, ok := t.where.find(t.ladder, url, r)
	if !ok || outside && t.live == nil {
		return timeline.Segment{}, false
	}
	start, end := t.span(s)
	if start >= t.until || end <= t.from {
		return timeline.Segment{}, false
	}
	start, end = part(start, end, sub-1, s.subs)
	return t.segment(s, sub, start, end, outside), true
}

// span places a slot on the presentation timeline.
func (t *line) span(s slot) (start, end time.Duration) {
	relative := addSat(s.time, -t.ladder.offset)
	start = add(t.from, t.ladder.duration(relative))
	end = add(t.from, t.ladder.duration(addSat(relative, s.length)))
	return start, end
}

func (t *line) firstByte(start, end time.Duration) time.Duration {
	if t.live.always {
		return start
	}
	return add(end, -t.live.ahead)
}

// edge is the presentation time, from the Period's start, up to which segments
// are available at clock.
func (t *line) edge(clock time.Duration) time.Duration {
	return min(max(add(clock, t.live.ahead)-t.from, 0), endOpen-1)
}

// verdict is what becomes of one segment of a walk.
type verdict uint8

const (
	take verdict = iota
	skip
	stop
)

// emit yields the segments of a slot, one or those of a Segment Sequence, as
// judge decides by their place on the presentation timeline. It returns false
// when the walk is over.
func (t *line) emit(s slot, judge func(start, end time.Duration) verdict, predicted bool, yield func(timeline.Segment) bool) bool {
	start, end := t.span(s)
	if start >= t.until {
		return false
	}
	for sub := range s.subs {
		from, to := part(start, end, sub, s.subs)
		switch judge(from, to) {
		case stop:
			return false
		case skip:
			continue
		}
		g := t.segment(s, sub+1, from, to, predicted)
		if g.URL == "" && !predicted {
			continue // a SegmentURL that names nothing fetchable
		}
		if !yield(g) {
			return false
		}
	}
	return true
}

// part is the i-th of n equal parts of a span.
func part(start, end time.Duration, i, n int64) (from, to time.Duration) {
	if n == 1 {
		return start, end
	}
	length := (end - start) / time.Duration(n)
	from = start + length*time.Duration(i)
	if i == n-1 {
		return from, end
	}
	return from, from + length
}

// segment makes the sub-th segment, counted from 1, of a slot; start and end are
// its own.
func (t *line) segment(s slot, sub int64, start, end time.Duration, predicted bool) timeline.Segment {
	g := timeline.Segment{
		Key:       t.where.key(t.track, s),
		Number:    s.number,
		Part:      -1,
		Start:     start,
		Duration:  end - start,
		Predicted: predicted,
	}
	g.URL, g.Range = t.where.locate(s, sub)
	g.Shareable = g.URL == "" || fetchable(g.URL)
	if s.subs > 1 {
		g.Key = segments.Key(string(g.Key) + "." + itoa(sub))
		g.Part = int(sub)
	}
	if t.live != nil {
		g.AvailableAt = t.live.start.Add(t.firstByte(start, end))
		if t.live.growing && (t.live.ahead > 0 || t.live.always) {
			g.GrowsFrom, g.AvailableAt = g.AvailableAt, t.live.start.Add(end)
		}
	}
	return g
}

func sameRange(a, b *timeline.Range) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
