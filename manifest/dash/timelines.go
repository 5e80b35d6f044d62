package dash

import (
	"math"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// uniform is the ladder of segments of one nominal @duration: segment i starts
// at i × duration after the Period (ISO/IEC 23009-1 §5.3.9.5.3), eptDelta later
// where that is given. count is endless when the Period's end is not known.
func uniform(in information, length time64) *ladder {
	l := &ladder{timescale: in.timescale, offset: in.offset}
	if in.duration <= 0 {
		return l
	}
	first := addSat(in.offset, in.delta)
	count := int64(endless)
	if length.known {
		count = max(ceilDiv(addSat(length.ticks, -in.delta), in.duration), 0)
	} else if !length.open {
		count = 1 // nothing says how many there are; the first one is certain
	}
	if in.endNumber != math.MaxUint64 {
		count = min(count, countTo(in.startNumber, in.endNumber))
	}
	if count > 0 {
		l.runs = []run{{time: first, length: in.duration, count: count, number: in.startNumber, subs: in.subs}}
	}
	return l
}

// time64 is the length of a Period in a timescale.
type time64 struct {
	ticks int64
	known bool
	open  bool // not known because the Period goes on
}

// explicit is the ladder of a SegmentTimeline (ISO/IEC 23009-1 §5.3.9.6).
//
// A negative @r repeats until the next S@t or, on the last S, until the end of
// the Period. An S whose @t lies before the S it follows is left out, as is one
// without a duration; both are counted in dropped. An S that starts before the
// previous one ends (overlap) or after it (gap) is taken at its word.
func explicit(in information, list []entry, patterns []*mpd.PatternType, length time64) (l *ladder, dropped int) {
	l = &ladder{timescale: in.timescale, offset: in.offset, runs: make([]run, 0, len(list))}
	b := runBuilder{l: l, number: in.startNumber, endNumber: in.endNumber}
	for i, s := range list {
		if s.timed {
			b.next = int64(min(s.time, math.MaxInt64))
		}
		subs := in.subs
		if m := s.more; m != nil {
			if m.numbered {
				b.number = in.startNumber + m.number
			}
			if m.subs > 0 {
				subs = clampSubs(m.subs)
			}
			if m.patterns {
				if !b.pattern(patterns, s, subs) {
					dropped++
				}
				continue
			}
		}
		if s.length == 0 || s.length > math.MaxInt64/2 {
			dropped++
			b.number += uint64(max(s.repeat, 0)) + 1
			continue
		}
		d := int64(s.length)
		count := int64(1)
		switch {
		case s.repeat >= 0:
			count = addSat(s.repeat, 1)
		case i+1 < len(list) && list[i+1].timed:
			count = ceilDiv(int64(min(list[i+1].time, math.MaxInt64))-b.next, d)
		case length.known:
			count = ceilDiv(addSat(length.ticks, in.offset)-b.next, d)
		case length.open:
			count = endless
		}
		if !b.add(d, count, subs) {
			dropped++
		}
	}
	return l, dropped
}

type runBuilder struct {
	l         *ladder
	next      int64 // media time
	number    uint64
	ordinal   int64
	endNumber uint64
}

// add appends count segments of d ticks; false when they cannot follow.
func (b *runBuilder) add(d, count, subs int64) bool {
	if count <= 0 {
		return true
	}
	if n := len(b.l.runs); b.next == math.MaxInt64 || b.next < 0 || n > 0 && b.next < b.l.runs[n-1].time {
		b.number += uint64(count)
		return false
	}
	kept := count
	if b.endNumber != math.MaxUint64 {
		kept = min(count, countTo(b.number, b.endNumber))
	}
	if kept > 0 {
		b.l.runs = append(b.l.runs, run{b.next, d, kept, b.number, b.ordinal, subs})
	}
	if count == endless {
		b.next = math.MaxInt64
		return true
	}
	b.next = addSat(b.next, mulSat(d, count))
	b.number += uint64(count)
	b.ordinal += count
	return true
}

// maxPatternRuns bounds what the repeats of one pattern may unfold to.
const maxPatternRuns = 100_000

// pattern unfolds an S with @p: the durations of a Pattern, entered at @pE and
// gone through until @r+1 segments are named (ISO/IEC 23009-1:2024 §5.3.9.6).
func (b *runBuilder) pattern(patterns []*mpd.PatternType, s entry, subs int64) bool {
	for _, p := range patterns {
		if p == nil || p.Id != s.more.pattern || len(p.P) == 0 {
			continue
		}
		left := addSat(max(s.repeat, 0), 1)
		skip := int64(min(s.more.entered, maxPatternRuns))
		for range maxPatternRuns {
			e := p.P[0]
			p = &mpd.PatternType{Id: p.Id, P: append(p.P[1:len(p.P):len(p.P)], e)}
			n := int64(e.R) + 1 - skip
			skip = max(-n, 0)
			if n <= 0 {
				continue
			}
			if e.D == 0 || e.D > math.MaxInt64/2 {
				return false
			}
			if !b.add(int64(e.D), min(n, left), subs) {
				return false
			}
			if left -= n; left <= 0 {
				return true
			}
		}
		return false
	}
	return false
}

// countTo is the number of segments from first to last inclusive.
func countTo(first, last uint64) int64 {
	if last < first {
		return 0
	}
	return int64(min(last-first, math.MaxInt64-1)) + 1
}

func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
