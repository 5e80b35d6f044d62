package hls

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// media is one media playlist, immutable once read. Starts are counted from
// its first segment.
type media struct {
	resolver  *resolver
	target    time.Duration // EXT-X-TARGETDURATION, 0 when absent
	sequence  uint64        // EXT-X-MEDIA-SEQUENCE
	skipped   uint64        // EXT-X-SKIP: segments left out of the document
	ended     bool
	iframes   bool // EXT-X-I-FRAMES-ONLY
	event     bool // EXT-X-PLAYLIST-TYPE:EVENT
	entries   []entry
	parts     []part // of all listed segments, then of the one in production
	trailing  int32  // parts from here on belong to the segment in production
	inits     []section
	unclear   map[section]bool // sections, without query, that differ in the query only
	nextInit  int32            // the EXT-X-MAP in force after the last segment, -1 none
	keyURIs   []string
	encrypted bool
	protected bool // a KEYFORMAT other than identity: DRM

	partTarget time.Duration
	control    serverControl
	hintPart   *hint
	hintMap    *hint
	reports    []report
}

// entry is one listed segment.
type entry struct {
	uri           string
	span          byteRange
	number        uint64 // media sequence number (in the lexer: what EXT-X-SKIP adds to it)
	start         time.Duration
	duration      time.Duration
	date          int64 // EXT-X-PROGRAM-DATE-TIME in Unix nanoseconds, 0 none
	init          int32 // index in inits, -1 none
	partFrom      int32
	partTo        int32
	gap           bool
	discontinuity bool
}

// part is one EXT-X-PART.
type part struct {
	uri         string
	span        byteRange
	duration    time.Duration
	init        int32
	gap         bool
	independent bool
	lost        bool // cannot be addressed; keeps its index and its duration
}

// hint is an EXT-X-PRELOAD-HINT; open: the range has no known end.
type hint struct {
	uri  string
	span byteRange
	open bool
}

// report is an EXT-X-RENDITION-REPORT; part is -1 when not given.
type report struct {
	uri    string
	number uint64
	part   int
	known  bool
}

// serverControl is EXT-X-SERVER-CONTROL.
type serverControl struct {
	blockReload    bool
	skipUntil      time.Duration
	skipDateRanges bool
	holdBack       time.Duration
	partHoldBack   time.Duration
}

// end is where the last listed segment ends, from the first one's start.
func (m *media) end() time.Duration {
	if len(m.entries) == 0 {
		return 0
	}
	last := &m.entries[len(m.entries)-1]
	return last.start + last.duration
}

// edge is where the newest media ends, parts in production included.
func (m *media) edge() time.Duration {
	edge := m.end()
	for i := int(m.trailing); i < len(m.parts); i++ {
		edge += m.parts[i].duration
	}
	return edge
}

// next is the media sequence number after the last listed segment.
func (m *media) next() uint64 {
	if len(m.entries) == 0 {
		return m.sequence + m.skipped
	}
	return m.entries[len(m.entries)-1].number + 1
}

// targetDuration is the declared one, or the longest segment where none is.
func (m *media) targetDuration() time.Duration {
	if m.target > 0 {
		return m.target
	}
	var longest time.Duration
	for i := range m.entries {
		longest = max(longest, m.entries[i].duration)
	}
	return longest
}

// meanOver is how many of the newest segments stand for those to come.
const meanOver = 16

// meanDuration is the mean of the newest segments, the best guess for the
// next; 0 when nothing is known.
func (m *media) meanDuration() time.Duration {
	var sum time.Duration
	var n int
	for i := max(0, len(m.entries)-meanOver); i < len(m.entries); i++ {
		if d := m.entries[i].duration; d > 0 {
			sum += d
			n++
		}
	}
	if n == 0 {
		return m.targetDuration()
	}
	return sum / time.Duration(n)
}

// regular reports that none of the newest segments is off the mean by more
// than a sixteenth.
func (m *media) regular(mean time.Duration) bool {
	for i := max(0, len(m.entries)-meanOver); i < len(m.entries); i++ {
		if (m.entries[i].duration - mean).Abs() > mean/16 {
			return false
		}
	}
	return true
}

// date returns the wall clock time of the first segment's start by the newest
// EXT-X-PROGRAM-DATE-TIME, ok false when there is none.
func (m *media) date() (t time.Time, ok bool) {
	for i := len(m.entries) - 1; i >= 0; i-- {
		if d := m.entries[i].date; d != 0 {
			return time.Unix(0, d).Add(-m.entries[i].start), true
		}
	}
	return time.Time{}, false
}

// initSegment names the section with that index for a track; nil for -1.
// Sections that differ in the query only would have one key, which never holds
// a query: they are not shared.
func (m *media) initSegment(track string, index int32) *timeline.Segment {
	if index < 0 {
		return nil
	}
	s := m.inits[index]
	return m.sectionSegment(track, s, !m.unclear[section{withoutQuery(s.uri), s.span}])
}

func (m *media) sectionSegment(track string, s section, shareable bool) *timeline.Segment {
	abs := m.resolver.resolve(s.uri)
	return &timeline.Segment{
		Key:       segments.HLSInitKey(track, urlPath(abs), s.span.text()),
		URL:       abs,
		Range:     s.span.model(),
		Part:      -1,
		Shareable: abs != "" && shareable,
	}
}
