package dash

import (
	"fmt"
	"math"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// period is one Period with its place on the presentation timeline.
type period struct {
	mpd   *mpd.Period
	key   string // in segment keys: Period@id, or @<start in ms>
	start time.Duration
	end   time.Duration // endOpen when not known
	known bool          // start is known; an Early Available Period has none yet
}

// placePeriods works out when Periods start and end (ISO/IEC 23009-1 §5.3.2.1):
//
//	start  @start, else the previous start + its @duration, else 0 for the first,
//	       else, counted back from the end, the next start − @duration
//	end    the earlier of start + @duration and the next start,
//	       else, for the last one, mediaPresentationDuration
//
// A first Period of a dynamic MPD without @start would be Early Available by the
// letter; players start it at 0, and so do we. An end that is not after the start
// counts as unknown.
func placePeriods(doc *mpd.MPD) []period {
	ps := make([]period, 0, len(doc.Periods))
	for _, p := range doc.Periods {
		if p != nil {
			ps = append(ps, period{mpd: p, end: endOpen})
		}
	}
	for i := range ps {
		p := &ps[i]
		switch {
		case p.mpd.Start != nil:
			p.start, p.known = time.Duration(*p.mpd.Start), true
		case i == 0:
			p.known = true
		case ps[i-1].known && ps[i-1].mpd.Duration != nil && !unlinked(ps[i-1].mpd):
			prev := ps[i-1]
			p.start, p.known = add(prev.start, time.Duration(*prev.mpd.Duration)), true
		}
	}
	next, nextKnown := time.Duration(0), false
	if doc.MediaPresentationDuration != nil {
		next, nextKnown = time.Duration(*doc.MediaPresentationDuration), true
	}
	for i := len(ps) - 1; i >= 0; i-- {
		p := &ps[i]
		if !p.known && nextKnown && p.mpd.Duration != nil && next >= time.Duration(*p.mpd.Duration) {
			p.start, p.known = next-time.Duration(*p.mpd.Duration), true
		}
		if p.known {
			if p.mpd.Duration != nil && *p.mpd.Duration > 0 {
				p.end = add(p.start, time.Duration(*p.mpd.Duration))
			}
			if nextKnown && next > p.start {
				p.end = min(p.end, next)
			}
		}
		next, nextKnown = p.start, p.known
	}
	keys := make(map[string]bool, len(ps))
	for i := range ps {
		p := &ps[i]
		p.key = p.mpd.Id
		if p.key == "" || keys[p.key] {
			p.key += fmt.Sprintf("@%d", p.start.Milliseconds())
		}
		for n := 2; keys[p.key]; n++ {
			p.key = fmt.Sprintf("%s@%d.%d", p.mpd.Id, p.start.Milliseconds(), n)
		}
		keys[p.key] = true
	}
	return ps
}

// unlinked reports a remote Period that was not resolved: its length is unknown.
func unlinked(p *mpd.Period) bool { return p.XlinkHref != "" && len(p.AdaptationSets) == 0 }

func add(a, b time.Duration) time.Duration { return time.Duration(addSat(int64(a), int64(b))) }

// length is the Period's length in ticks of a timescale.
func (p period) length(timescale uint64, live bool) time64 {
	if p.end == endOpen {
		return time64{open: live}
	}
	l := ladder{timescale: timescale}
	return time64{ticks: l.ticksUp(p.end - p.start), known: true}
}

// presentationEnd is the end of the last Period, false when it is open.
func presentationEnd(doc *mpd.MPD, ps []period) (time.Duration, bool) {
	if doc.MediaPresentationDuration != nil && *doc.MediaPresentationDuration > 0 {
		return time.Duration(*doc.MediaPresentationDuration), true
	}
	if n := len(ps); n > 0 && ps[n-1].known && ps[n-1].end != math.MaxInt64 {
		return ps[n-1].end, true
	}
	return 0, false
}
