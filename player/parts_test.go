package player

import (
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// partRow is a row with the first parts of its next segment listed, four of 0.5 s
// to a segment, and the one after them hinted.
type partRow struct {
	row
	listed int             // parts of segment last+1
	hint   *timeline.Range // of the hinted part
	silent bool            // no hint
}

func (r partRow) part(i int) timeline.Segment {
	s := r.segment(r.last + 1)
	s.Key, s.Part = segments.PartKey(r.track, uint64(r.last+1), i), i
	s.Start += time.Duration(i) * 500 * time.Millisecond
	s.Duration = 500 * time.Millisecond
	s.URL = "https://cdn.example/" + string(s.Key)
	s.AvailableAt = r.live.Add(s.Start + s.Duration)
	return s
}

func (r partRow) Parts() iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for i := range r.listed {
			if !yield(r.part(i)) {
				return
			}
		}
	}
}

func (r partRow) Predicted(now time.Time, ahead time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for i := r.listed; i < 4; i++ {
			s := r.part(i)
			s.Predicted = true
			if s.URL = ""; i == r.listed && !r.silent {
				s.URL, s.Range = "https://cdn.example/hint", r.hint
			}
			if s.AvailableAt.After(now.Add(ahead)) || !yield(s) {
				return
			}
		}
	}
}

// now is when r looks as it does.
func (r partRow) now() time.Time {
	return r.part(r.listed).AvailableAt.Add(-100 * time.Millisecond)
}

var partEpoch = time.Unix(1_700_000_000, 0)

func TestCursorByParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		byParts bool
		behind  int
		rows    []partRow
		want    []segments.Key
	}{
		{"whole segments", false, 2, []partRow{{listed: 2}}, []segments.Key{"v/1", "v/2"}},
		{"whole ones, then parts, then the hint", true, 2, []partRow{{listed: 2}},
			[]segments.Key{"v/1", "v/2", "v/3.0", "v/3.1", "v/3.2"}},
		{"as they are listed", true, 1, []partRow{{listed: 1, silent: true}, {listed: 3, silent: true}, {row: row{last: 3}, listed: 1, silent: true}},
			[]segments.Key{"v/2", "v/3.0", "v/3.1", "v/3.2"}},
		{"no part listed and no hint", true, 1, []partRow{{row: row{last: 3}, silent: true}},
			[]segments.Key{"v/3"}},
		{"an open hint names more than the part", true, 1, []partRow{{listed: 1, hint: &timeline.Range{First: 5000, Last: -1}}},
			[]segments.Key{"v/2", "v/3.0"}},
		{"a closed one does not", true, 1, []partRow{{listed: 1, hint: &timeline.Range{First: 5000, Last: 5999}}},
			[]segments.Key{"v/2", "v/3.0", "v/3.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := &timeline.Track{Key: "v", Kind: timeline.Video}
			cur := &cursor{track: track, byParts: c.byParts}
			var got []segments.Key
			for i, r := range c.rows {
				r.row = row{track: "v", first: 0, last: max(r.last, 2), live: partEpoch}
				track := &timeline.Track{Key: "v", Kind: timeline.Video, Timeline: r}
				p := &timeline.Presentation{Live: true, Tracks: []*timeline.Track{track}}
				if i == 0 {
					cur.atEdge(p, r.now(), c.behind)
				}
				for range 10 {
					m, ok := cur.next(p, r.now())
					if !ok {
						break
					}
					got = append(got, m.Segment.Key)
					cur.take(m)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A player that asks for parts has parts planned: those listed that it lacks, and
// those to come; whole segments are not, nor is a hint without an end.
func TestPlanByParts(t *testing.T) {
	r := partRow{row: row{track: "v", first: 0, last: 2, live: partEpoch}, listed: 2}
	for _, c := range []struct {
		name string
		hint *timeline.Range
		want []segments.Key
	}{
		{"hint of a file", nil, []segments.Key{"v/3.1", "v/3.2", "v/3.3"}},
		{"hint of a file's rest", &timeline.Range{First: 5000, Last: -1}, []segments.Key{"v/3.1", "v/3.3"}},
	} {
		r.hint = c.hint
		track := &timeline.Track{Key: "v", Kind: timeline.Video, Timeline: r}
		s := &Session{presentation: &timeline.Presentation{Live: true, Tracks: []*timeline.Track{track}, TargetDuration: 2 * time.Second}}
		now := r.now()
		s.active.request(track, r.part(0), true)
		s.pace.request(now, now, timeline.Video, r.part(0))
		s.lastRequest = now
		var got []segments.Key
		for _, res := range s.plan(now) {
			got = append(got, res.Key)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
