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
		seek := t.ladder.ticks(max(from-t.from, 0))
		if t.live != nil {
			seek = max(seek, t.ladder.window(t.ladder.ticks(t.edge(clock))))
		}
		t.ladder.scan(seek, func(s slot) bool {
			start, end := t.span(s)
			if start >= to || start >= t.until || t.live != nil && t.firstByte(start, end) > clock {
				return false
			}
			return end <= from || t.emit(s, start, end, false, yield)
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
		visit := func(s slot) bool {
			start, end := t.span(s)
			at := t.firstByte(start, end)
			if at > limit || start >= t.until {
				return false
			}
			return at <= clock || t.emit(s, start, end, true, yield)
		}
		seek := t.edge(clock)
		more := true
		t.ladder.scan(t.ladder.ticks(seek), func(s slot) bool {
			more = visit(s)
			return more
		})
		if more && t.grows {
			t.ladder.extrapolate(t.ladder.ticks(seek), visit)
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

// emit yields the segments of a slot: one, or those of a Segment Sequence.
func (t *line) emit(s slot, start, end time.Duration, predicted bool, yield func(timeline.Segment) bool) bool {
	for sub := range s.subs {
		g := t.segment(s, sub+1, start, end, predicted)
		if g.URL == "" && !predicted {
			continue // a SegmentURL that names nothing fetchable
		}
		if !yield(g) {
			return false
		}
	}
	return true
}

func (t *line) segment(s slot, sub int64, start, end time.Duration, predicted bool) timeline.Segment {
	g := timeline.Segment{
		Key:       t.where.key(t.track, s),
		Number:    s.number,
		Part:      -1,
		Start:     start,
		Duration:  end - start,
		Predicted: predicted,
		Shareable: true,
	}
	g.URL, g.Range = t.where.locate(s, sub)
	complete := end
	if s.subs > 1 {
		length := (end - start) / time.Duration(s.subs)
		g.Key = segments.Key(string(g.Key) + "." + itoa(sub))
		g.Part = int(sub)
		g.Start, g.Duration = start+length*time.Duration(sub-1), length
		start, complete = g.Start, g.Start+length
	}
	if t.live != nil {
		first := t.live.start.Add(t.firstByte(start, complete))
		g.AvailableAt = first
		if t.live.growing && (t.live.ahead > 0 || t.live.always) {
			g.GrowsFrom, g.AvailableAt = first, t.live.start.Add(complete)
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
