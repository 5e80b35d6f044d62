package player

import (
	"iter"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// parted is a timeline that also lists its segments in parts while they are made:
// low-latency HLS (RFC 8216bis §4.4.4.9).
type parted interface {
	Parts() iter.Seq[timeline.Segment]
}

// partGap is how far apart the end of one part and the start of the next may lie
// on a timeline, which adds up rounded durations.
const partGap = 50 * time.Millisecond

// parts yields the listed parts of t that begin at from or after, in order.
func parts(t *timeline.Track, from time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		p, ok := t.Timeline.(parted)
		if !ok {
			return
		}
		for s := range p.Parts() {
			if s.Start >= from-partGap && !s.Gap && !yield(s) {
				return
			}
		}
	}
}

// hinted is the part that t's playlist says to ask for before it exists, the
// origin answers when it does (EXT-X-PRELOAD-HINT, RFC 8216bis §4.4.5.3).
func hinted(t *timeline.Track, now time.Time) (timeline.Segment, bool) {
	if _, ok := t.Timeline.(parted); !ok {
		return timeline.Segment{}, false
	}
	for s := range t.Timeline.Predicted(now, laneAhead) {
		if s.Part >= 0 {
			return s, s.URL != "" && s.Shareable && !openEnded(s)
		}
	}
	return timeline.Segment{}, false
}

// openEnded reports whether seg's byte range has no end yet: a hint of the rest of
// a file. What comes is more than the part that the key names, so no peer may
// have it under that key.
func openEnded(seg timeline.Segment) bool { return seg.Range != nil && seg.Range.Last < 0 }
