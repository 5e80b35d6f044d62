package hls

import (
	"iter"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// overdue is how many target durations late a segment may be and still be
// expected any moment.
const overdue = 3

// Predicted implements timeline.Timeline. Media sequence numbers go up by one,
// so the keys are certain; durations are the mean of the newest segments, and
//
//	available at = anchor + end of the segment on the timeline
//
// where the anchor comes from when earlier segments were first seen (see
// edgeClock). The URL is known only for the part that EXT-X-PRELOAD-HINT names.
// With low latency, the segment in production and the ones after it also come
// as parts, before their whole.
func (t *Timeline) Predicted(now time.Time, ahead time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		mean := t.m.meanDuration()
		if t.m.ended || t.anchor.IsZero() || mean <= 0 || ahead < 0 {
			return
		}
		horizon := now.Add(ahead)
		oldest := now.Add(-overdue * max(t.m.targetDuration(), mean))
		number, start := t.m.next(), t.origin+t.m.end()
		for made := 0; made < MaxPredicted; number++ {
			duration := mean
			first := number == t.m.next()
			if first {
				// The segment in production is at least as long as its parts.
				duration = max(duration, t.m.edge()-t.m.end())
			}
			if t.available(start).After(horizon) {
				return
			}
			if t.available(start + duration).Before(oldest) {
				start += duration
				made++
				continue
			}
			if t.m.partTarget > 0 && !t.predictParts(now, horizon, number, start, duration, first, yield) {
				return
			}
			s := timeline.Segment{Number: number, Part: -1, Start: start, Duration: duration, Predicted: true, Shareable: true}
			s.Key = t.numberKey(number)
			s.AvailableAt = notBefore(t.available(start+duration), now)
			if t.m.partTarget > 0 {
				s.GrowsFrom = t.available(start + min(t.m.partTarget, duration))
			}
			if !s.AvailableAt.After(horizon) && !yield(s) {
				return
			}
			start += duration
			made++
		}
	}
}

// predictParts yields the parts of one segment that are not listed yet.
func (t *Timeline) predictParts(now, horizon time.Time, number uint64, start, duration time.Duration, first bool, yield func(timeline.Segment) bool) bool {
	index, at := 0, start
	if first {
		for i := int(t.m.trailing); i < len(t.m.parts); i++ {
			at += t.m.parts[i].duration
			index++
		}
	}
	hinted := first && t.m.hintPart != nil
	// A rest of less than a tenth of a part is rounding, not another part.
	for ; hinted || start+duration-at > t.m.partTarget/10; index++ {
		length := min(t.m.partTarget, max(start+duration-at, t.m.partTarget/10))
		s := t.partSegment(number, index, at, length)
		s.Predicted = true
		s.AvailableAt = notBefore(s.AvailableAt, now)
		if s.AvailableAt.After(horizon) || index > MaxParts {
			return true
		}
		if hinted {
			hinted = false
			h := t.m.hintPart
			s.URL = t.m.resolver.resolve(h.uri)
			s.Shareable = s.URL != ""
			if s.Range = h.span.model(); h.open {
				s.Range.Last = -1
			}
		}
		if !yield(s) {
			return false
		}
		at += length
	}
	return true
}

// notBefore moves what should be there already, but is not, just past now.
func notBefore(t, now time.Time) time.Time {
	if !t.After(now) {
		return now.Add(time.Nanosecond)
	}
	return t
}
