package hls

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// Timeline is what a track of this package has as its timeline.Timeline, for
// callers that want the low-latency parts and all init segments as well.
type Timeline struct {
	m      *media
	track  string
	origin time.Duration // start of the first listed segment on the presentation timeline
	anchor time.Time     // a segment is available at anchor + its end; zero: unknown

	once  sync.Once
	index map[uint32][]int32 // hash of the file name → entries
}

// available is when media that ends at end was or will be at the origin.
func (t *Timeline) available(end time.Duration) time.Time {
	if t.anchor.IsZero() {
		return time.Time{}
	}
	return t.anchor.Add(end)
}

// Segments implements timeline.Timeline. A listed segment is available, so now
// leaves none out; segments of no duration are listed where they start.
func (t *Timeline) Segments(_ time.Time, from, to time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		entries := t.m.entries
		first := sort.Search(len(entries), func(i int) bool {
			start, end := t.origin+entries[i].start, t.origin+entries[i].start+entries[i].duration
			return end > from || start >= from
		})
		for i := first; i < len(entries) && t.origin+entries[i].start < to; i++ {
			if !yield(t.segment(&entries[i])) {
				return
			}
		}
	}
}

func (t *Timeline) segment(e *entry) timeline.Segment {
	url := t.m.resolver.resolve(e.uri)
	return timeline.Segment{
		Key:         segments.NumberKey(t.track, e.number),
		URL:         url,
		Range:       e.span.model(),
		Number:      e.number,
		Part:        -1,
		Start:       t.origin + e.start,
		Duration:    e.duration,
		AvailableAt: t.available(t.origin + e.start + e.duration),
		Gap:         e.gap,
		Shareable:   url != "" && !e.gap,
	}
}

// Parts yields the listed partial segments (EXT-X-PART) in order, those of the
// segment in production last. They are the low-latency form of segments that
// Segments yields whole, or will.
func (t *Timeline) Parts() iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for i := range t.m.entries {
			e := &t.m.entries[i]
			if e.partFrom < e.partTo && !t.partsOf(e.number, e.start, e.partFrom, e.partTo, yield) {
				return
			}
		}
		t.partsOf(t.m.next(), t.m.end(), t.m.trailing, int32(len(t.m.parts)), yield)
	}
}

func (t *Timeline) partsOf(number uint64, start time.Duration, from, to int32, yield func(timeline.Segment) bool) bool {
	for i := from; i < to; i++ {
		p := &t.m.parts[i]
		s := t.partSegment(number, int(i-from), t.origin+start, p.duration)
		start += p.duration
		if p.lost {
			continue
		}
		s.URL, s.Range, s.Gap = t.m.resolver.resolve(p.uri), p.span.model(), p.gap
		s.Shareable = s.URL != "" && !p.gap
		if !yield(s) {
			return false
		}
	}
	return true
}

func (t *Timeline) partSegment(number uint64, index int, start, duration time.Duration) timeline.Segment {
	return timeline.Segment{
		Key:         segments.PartKey(t.track, number, index),
		Number:      number,
		Part:        index,
		Start:       start,
		Duration:    duration,
		AvailableAt: t.available(start + duration),
		Shareable:   true,
	}
}

// Inits yields the init segments of all listed segments, in order of first
// use; Track.Init is the first listed segment's.
func (t *Timeline) Inits() iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for i := range t.m.inits {
			if !yield(*t.m.initSegment(t.track, int32(i))) {
				return
			}
		}
	}
}

// InitOf returns the init segment that a listed segment needs, nil when it needs
// none or is not listed. It changes where EXT-X-MAP does.
func (t *Timeline) InitOf(number uint64) *timeline.Segment {
	i, ok := slices.BinarySearchFunc(t.m.entries, number, func(e entry, n uint64) int { return cmp.Compare(e.number, n) })
	if !ok {
		return nil
	}
	return t.m.initSegment(t.track, t.m.entries[i].init)
}

// Keys yields the absolute URLs of the EXT-X-KEYs: they must never be shared.
func (t *Timeline) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, uri := range t.m.keyURIs {
			if abs := t.m.resolver.resolve(uri); abs != "" && !yield(abs) {
				return
			}
		}
	}
}
