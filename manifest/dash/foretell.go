package dash

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// Some services cut a live presentation into Periods of one length and announce
// each only when it begins. Its first segments then come as a surprise: nobody has
// reserved them, and what was foretold beyond the end of the Period before bears
// names that never come to be. Where the Periods that did begin leave no doubt,
// the next one is foretold: its id, its start, and the segments in it.

// begin is where one Period of a live presentation began.
type begin struct {
	id    string
	start time.Duration
}

// beginsKept are enough to see two equal lengths in a row.
const beginsKept = 3

// remember adds the begins of ps to those of earlier MPDs, which may have left
// the time-shift buffer since. A Period that was moved or renamed makes the past
// worthless.
func remember(past []begin, ps []period) []begin {
	for _, p := range ps {
		if !p.known {
			return nil
		}
		b := begin{p.mpd.Id, p.start}
		if i := slices.IndexFunc(past, func(q begin) bool { return q.start >= b.start }); i >= 0 {
			if past[i] != b {
				past = past[:i]
			} else {
				continue
			}
		}
		past = append(past, b)
	}
	return past[max(0, len(past)-beginsKept):]
}

// following is the begin after the last of past: the last two Periods were of one
// length, and their ids count up by one step (or are all empty). A word in front
// of the number and leading zeros are kept.
func following(past []begin) (next begin, ok bool) {
	if len(past) < beginsKept {
		return begin{}, false
	}
	a, b, c := past[len(past)-3], past[len(past)-2], past[len(past)-1]
	length := c.start - b.start
	if length <= 0 || b.start-a.start != length || c.start > endOpen-1-length {
		return begin{}, false
	}
	next.start = c.start + length
	if a.id == "" && b.id == "" && c.id == "" {
		return next, true
	}
	var n [3]uint64
	word, _ := cutNumber(c.id)
	for i, id := range []string{a.id, b.id, c.id} {
		w, digits := cutNumber(id)
		v, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || w != word {
			return begin{}, false
		}
		n[i] = v
	}
	step := n[2] - n[1]
	if n[2] <= n[1] || n[1]-n[0] != step {
		return begin{}, false
	}
	_, digits := cutNumber(c.id)
	next.id = fmt.Sprintf("%s%0*d", word, len(digits), n[2]+step)
	return next, true
}

// cutNumber cuts the digits at the end of an id off.
func cutNumber(id string) (word, digits string) {
	i := len(id)
	for i > 0 && id[i-1] >= '0' && id[i-1] <= '9' {
		i--
	}
	return id[:i], id[i:]
}

// foretell adds the tracks of the Period that will follow the last one, and ends
// the predictions of the last one where it begins.
func (b *builder) foretell(ps []period) {
	next, ok := following(b.begun)
	if !ok || len(ps) < 2 || !b.live || b.doc.MinimumUpdatePeriod == nil || b.doc.MediaPresentationDuration != nil {
		return
	}
	before, last := ps[len(ps)-2], ps[len(ps)-1]
	if last.end != endOpen && last.end != next.start {
		return
	}
	key := next.id
	if key == "" {
		key = fmt.Sprintf("@%d", next.start.Milliseconds())
	}
	lines := map[string]*line{}
	for _, t := range b.tracks {
		if l, ok := t.Timeline.(*line); ok {
			lines[t.Key] = l
		}
	}
	for _, t := range b.tracks[:len(b.tracks):len(b.tracks)] {
		l, ok := t.Timeline.(*line)
		if !ok || t.Key != segments.DASHTrack(last.key, t.ID) {
			continue
		}
		earlier := lines[segments.DASHTrack(before.key, t.ID)]
		if earlier == nil {
			continue
		}
		ladder, ok := continued(earlier, l, next.start)
		if !ok {
			continue
		}
		track := *t
		track.Period, track.Key, track.Default = key, segments.DASHTrack(key, t.ID), false
		if t.Init != nil {
			init := *t.Init
			init.Key, init.Predicted = segments.DASHInitKey(track.Key), true
			track.Init = &init
		}
		foretold := *l
		foretold.track, foretold.ladder, foretold.init = track.Key, ladder, track.Init
		foretold.from, foretold.until = next.start, add(next.start, next.start-last.start)
		track.Timeline = &coming{foretold}
		l.foreseen = next.start
		b.tracks = append(b.tracks, &track)
	}
}

// continued is the ladder of the Period that begins at start and follows l's as
// l's follows earlier's. Both must name their resources alike.
func continued(earlier, l *line, start time.Duration) (*ladder, bool) {
	was, is := earlier.ladder, l.ladder
	if was.timescale != is.timescale || len(was.runs) == 0 || len(is.runs) == 0 {
		return nil, false
	}
	w, ok := l.where.(*templated)
	if v, also := earlier.where.(*templated); !ok || !also || !w.same(v) {
		return nil, false
	}
	next := &ladder{timescale: is.timescale, offset: addSat(is.offset, is.offset-was.offset)}
	length := is.ticks(start - l.from)
	first, begun := was.runs[0], is.runs[0]
	if l.grows {
		// A SegmentTimeline goes on as if there were no Period: that is how this one
		// followed the one before it.
		s, ok := was.last()
		if !ok || next.offset-is.offset != length || s.number+1 != begun.number || addSat(s.time, s.length) != begun.time {
			return nil, false
		}
		next.runs = is.runs
		return next, true
	}
	if len(was.runs) > 1 || len(is.runs) > 1 || first.length != begun.length || first.subs != begun.subs || begun.number < first.number {
		return nil, false
	}
	begun.time = addSat(begun.time, begun.time-first.time)
	begun.number += begun.number - first.number
	begun.count = ceilDiv(length, begun.length)
	next.runs = []run{begun}
	return next, true
}

// same reports whether two templates name the same resources.
func (w *templated) same(v *templated) bool {
	return w.byTime == v.byTime && slices.EqualFunc(w.bases, v.bases, func(a, b template) bool { return slices.Equal(a, b) })
}

// coming is the timeline of a Period that no MPD has told of: nothing of it is
// known, everything is predicted.
type coming struct{ line }

func (c *coming) Segments(time.Time, time.Duration, time.Duration) iter.Seq[timeline.Segment] {
	return func(func(timeline.Segment) bool) {}
}

func (c *coming) Predicted(now time.Time, ahead time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for s := range c.line.Predicted(now, ahead) {
			if s.Start >= c.from && !yield(s) {
				return
			}
		}
	}
}

func (c *coming) Find(string, *timeline.Range) (timeline.Segment, bool) {
	return timeline.Segment{}, false
}
