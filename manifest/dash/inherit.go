package dash

import (
	"math"
	"strconv"
	"strings"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// addressing is how a Representation's segments are named.
type addressing uint8

const (
	unaddressed addressing = iota // a Representation that is one file
	byTemplate
	byList
	byBase
)

// information is the segment information of one Representation after
// inheritance: attributes and elements of SegmentBase, SegmentList or
// SegmentTemplate on Period, AdaptationSet and Representation, the nearest one
// winning one by one (ISO/IEC 23009-1 §5.3.9.1).
type information struct {
	addressing     addressing
	timescale      uint64
	offset         int64 // presentationTimeOffset, in the timescale
	delta          int64 // eptDelta: earliest presentation time − offset
	duration       int64 // 0: not given
	startNumber    uint64
	numbered       bool // startNumber is given
	endNumber      uint64
	timeline       *mpd.SegmentTimelineType
	subs           int64 // k: segments of one Segment Sequence
	media          string
	initialization string
	initResource   *mpd.URLType
	indexRange     string
	indexResource  *mpd.URLType
	urls           []*mpd.SegmentURLType
	ahead          float64 // availabilityTimeOffset, s
	growing        bool    // availabilityTimeComplete is false
}

// level is the segment information written on one element.
type level struct {
	base     *mpd.SegmentBaseType
	list     *mpd.SegmentListType
	template *mpd.SegmentTemplateType
}

func (l level) addressing() addressing {
	switch {
	case l.template != nil:
		return byTemplate
	case l.list != nil:
		return byList
	case l.base != nil:
		return byBase
	}
	return unaddressed
}

// inherit merges levels, outermost first. The innermost level that has any
// segment information decides which of the three kinds is meant.
func inherit(wide []widened, levels ...level) information {
	in := information{timescale: 1, startNumber: 1, endNumber: math.MaxUint64, subs: 1}
	for _, l := range levels {
		if a := l.addressing(); a != unaddressed {
			in.addressing = a
		}
	}
	for _, l := range levels {
		switch {
		case in.addressing == byTemplate && l.template != nil:
			in.multiple(&l.template.MultipleSegmentBaseType, wide)
			setText(&in.media, l.template.Media)
			setText(&in.initialization, l.template.Initialization)
		case in.addressing == byList && l.list != nil:
			in.multiple(&l.list.MultipleSegmentBaseType, wide)
			if len(l.list.SegmentURL) > 0 {
				in.urls = l.list.SegmentURL
			}
		case in.addressing == byBase && l.base != nil:
			in.single(l.base, wide)
		}
	}
	return in
}

func (in *information) multiple(m *mpd.MultipleSegmentBaseType, wide []widened) {
	if m.Duration != nil {
		in.duration = int64(*m.Duration)
	}
	if m.StartNumber != nil {
		in.startNumber, in.numbered = uint64(*m.StartNumber), true
	}
	if m.EndNumber != nil {
		in.endNumber = uint64(*m.EndNumber)
	}
	if m.K != nil {
		in.subs = clampSubs(*m.K)
	}
	if m.SegmentTimeline != nil {
		in.timeline = m.SegmentTimeline
	}
	in.single(&m.SegmentBaseType, wide)
}

func (in *information) single(b *mpd.SegmentBaseType, wide []widened) {
	if b.Timescale != nil && *b.Timescale > 0 {
		in.timescale = uint64(*b.Timescale)
	}
	if b.PresentationTimeOffset != nil {
		in.offset = int64(min(*b.PresentationTimeOffset, math.MaxInt64))
	}
	if b.EptDelta != nil {
		in.delta = int64(*b.EptDelta)
	}
	if b.AvailabilityTimeOffset != 0 {
		in.ahead = float64(b.AvailabilityTimeOffset)
	}
	if b.AvailabilityTimeComplete != nil {
		in.growing = !*b.AvailabilityTimeComplete
	}
	if b.Initialization != nil {
		in.initResource = b.Initialization
	}
	if b.RepresentationIndex != nil {
		in.indexResource = b.RepresentationIndex
	}
	rng, mark, marked := strings.Cut(b.IndexRange, widenedMark)
	setText(&in.indexRange, rng)
	if n, err := strconv.Atoi(mark); marked && err == nil && n >= 0 && n < len(wide) {
		in.widen(wide[n])
	}
}

// widen applies the attributes that tidy kept aside.
func (in *information) widen(w widened) {
	for name, v := range w {
		switch name {
		case "presentationTimeOffset":
			in.offset = v
		case "eptDelta":
			in.delta = v
		case "duration":
			in.duration = max(v, 0)
		case "startNumber":
			in.startNumber, in.numbered = uint64(max(v, 0)), true
		case "endNumber":
			in.endNumber = uint64(max(v, 0))
		case "timescale":
			if v > 0 {
				in.timescale = uint64(v)
			}
		case "k":
			in.subs = clampSubs(uint64(max(v, 1)))
		}
	}
}

// maxSubs bounds the segments of one Segment Sequence (S@k).
const maxSubs = 10_000

func clampSubs(k uint64) int64 { return int64(min(max(k, 1), maxSubs)) }

func setText(to *string, v string) {
	if v != "" {
		*to = v
	}
}
