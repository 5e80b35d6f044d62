package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// span is the part of a segment that a request asks for.
type span struct {
	byteRange
	ranged bool
	shift  int64 // of the segment in its resource: Content-Range counts from there
	inside bool  // the segment is itself a byte range of a resource
}

// maxEarly is how far before its availability a segment may be asked of the
// peer. A player further ahead than that has another idea of the time, and gets
// the origin's answer.
const maxEarly = time.Second

// early is how long it takes from now until seg can be fetched, not positive for
// what is there. A DASH template names segments long before they exist, whether
// or not a prediction was needed; what an HLS playlist lists is there.
func (s *Session) early(seg timeline.Segment, now time.Time) time.Duration {
	p := s.Presentation()
	at := fetchable(seg)
	if p == nil || at.IsZero() || p.Format == timeline.HLS && !seg.Predicted {
		return 0
	}
	return s.local(p, at).Sub(now)
}

// premature says that a request comes too early for the peer.
func (s *Session) premature(seg timeline.Segment, now time.Time) bool {
	return s.early(seg, now) > maxEarly
}

// name finds the segment, first with the range as part of its name (byte-range
// addressing), then as a part of a whole resource.
func (s *Session) name(rawURL string, asked byteRange, ranged bool) (Match, span, bool) {
	if !ranged || asked.suffix != 0 {
		m, ok := s.Find(rawURL, nil)
		if !ok || m.Segment.Range != nil {
			return m, span{}, false
		}
		return m, span{byteRange: asked, ranged: ranged}, true
	}
	m, ok := s.Find(rawURL, &timeline.Range{First: asked.first, Last: asked.last})
	if !ok {
		if m, ok = s.Find(rawURL, nil); !ok || m.Segment.Range != nil {
			return m, span{}, false
		}
	}
	r := m.Segment.Range
	if r == nil {
		return m, span{byteRange: asked, ranged: true}, true
	}
	if asked.first < r.First || r.Last >= 0 && (asked.last < 0 || asked.last > r.Last) {
		return m, span{}, false // more than this segment
	}
	inner := byteRange{first: asked.first - r.First, last: -1}
	if asked.last >= 0 {
		inner.last = asked.last - r.First
	}
	return m, span{byteRange: inner, ranged: true, shift: r.First, inside: true}, true
}
