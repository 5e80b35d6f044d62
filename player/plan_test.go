package player

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// row is a timeline of 2 s segments from first to last; live ones are available
// at their end after start.
type row struct {
	track       string
	first, last int
	live        time.Time
}

func (r row) segment(n int) timeline.Segment {
	s := seg(n)
	s.Key, s.Shareable = segments.NumberKey(r.track, uint64(n)), true
	s.URL = "https://cdn.example/" + string(s.Key)
	if !r.live.IsZero() {
		s.AvailableAt = r.live.Add(s.Start + s.Duration)
	}
	return s
}

func (r row) Segments(now time.Time, from, to time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for n := r.first; n <= r.last; n++ {
			s := r.segment(n)
			if s.Start+s.Duration > from && s.Start < to && !s.AvailableAt.After(now) && !yield(s) {
				return
			}
		}
	}
}

func (r row) Predicted(now time.Time, ahead time.Duration) iter.Seq[timeline.Segment] {
	return func(yield func(timeline.Segment) bool) {
		for n := r.first; n <= r.last; n++ {
			s := r.segment(n)
			s.Predicted, s.URL = true, ""
			if s.AvailableAt.After(now) && !s.AvailableAt.After(now.Add(ahead)) && !yield(s) {
				return
			}
		}
	}
}

func (r row) Find(url string, _ *timeline.Range) (timeline.Segment, bool) {
	for n := r.first; n <= r.last; n++ {
		if s := r.segment(n); s.URL == url {
			return s, true
		}
	}
	return timeline.Segment{}, false
}

func track(key string, kind timeline.Kind, period string, bandwidth int, r row) *timeline.Track {
	r.track = key
	return &timeline.Track{ID: key, Key: key, Kind: kind, Period: period, Bandwidth: bandwidth, Timeline: r}
}

func planned(rs []node.Resource) string {
	var keys []string
	for _, r := range rs {
		keys = append(keys, string(r.Key))
	}
	return strings.Join(keys, " ")
}

func keysOf(track string, first, last int) string {
	var keys []string
	for n := first; n <= last; n++ {
		keys = append(keys, fmt.Sprintf("%s/%d", track, n))
	}
	return strings.Join(keys, " ")
}

// ask requests segment n of a track and reads it.
func ask(t *testing.T, s *Session, key string, n int) {
	t.Helper()
	p := s.Presentation()
	i := slices.IndexFunc(p.Tracks, func(t *timeline.Track) bool { return t.Key == key })
	m := Match{p.Tracks[i], p.Tracks[i].Timeline.(row).segment(n)}
	stream, err := s.Get(t.Context(), m, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := stream.Reader(0, -1)
	buf := make([]byte, 2000)
	for err == nil {
		_, err = r.Read(buf)
	}
	r.Close()
	stream.Close()
}

func TestPlan(t *testing.T) {
	for _, tc := range []struct {
		name string
		live bool
		p    func(now time.Time) *timeline.Presentation
		do   func(t *testing.T, s *Session)
		want string
	}{
		{name: "nothing before the first request",
			p: func(time.Time) *timeline.Presentation {
				return &timeline.Presentation{Tracks: []*timeline.Track{track("v", timeline.Video, "", 4000, row{last: 99})}}
			},
			do: func(*testing.T, *Session) {}, want: ""},
		{name: "VOD: 30 s ahead of the head",
			p: func(time.Time) *timeline.Presentation {
				return &timeline.Presentation{Tracks: []*timeline.Track{track("v", timeline.Video, "", 4000, row{last: 99})}}
			},
			do: func(t *testing.T, s *Session) {
				ask(t, s, "v", 0)
				ask(t, s, "v", 1)
				time.Sleep(2 * planEvery) // the head, begun at the end of the first, is between 2 and 4 s
			},
			want: keysOf("v", 2, 16)},
		{name: "VOD: two segments past a player that buffers more",
			p: func(time.Time) *timeline.Presentation {
				return &timeline.Presentation{Tracks: []*timeline.Track{track("v", timeline.Video, "", 4000, row{last: 99})}}
			},
			do: func(t *testing.T, s *Session) {
				for n := range 40 {
					ask(t, s, "v", n)
				}
			},
			want: keysOf("v", 40, 41)},
		{name: "live: known to the edge, then predicted",
			p: func(now time.Time) *timeline.Presentation {
				return &timeline.Presentation{Live: true, TargetDuration: 2 * time.Second, Tracks: []*timeline.Track{
					track("v", timeline.Video, "", 4000, row{last: 999, live: now.Add(-41 * time.Second)}),
					track("a", timeline.Audio, "", 400, row{last: 999, live: now.Add(-41 * time.Second)}),
				}}
			},
			do: func(t *testing.T, s *Session) { ask(t, s, "v", 17); ask(t, s, "a", 17) },
			// 41 s in: 0–19 exist, four segments are predicted within 8 s
			want: keysOf("a", 18, 23) + " " + keysOf("v", 18, 23)},
		{name: "a quality switch drops the old track after two segments",
			p: func(time.Time) *timeline.Presentation {
				return &timeline.Presentation{Tracks: []*timeline.Track{
					track("lo", timeline.Video, "", 4000, row{last: 7}), track("hi", timeline.Video, "", 9000, row{last: 7}),
				}}
			},
			do: func(t *testing.T, s *Session) {
				ask(t, s, "lo", 0)
				ask(t, s, "lo", 1)
				ask(t, s, "hi", 2)
				ask(t, s, "hi", 3)
			},
			want: keysOf("hi", 4, 7)},
		{name: "a recorder keeps all it reads",
			p: func(time.Time) *timeline.Presentation {
				return &timeline.Presentation{Tracks: []*timeline.Track{
					track("lo", timeline.Video, "", 4000, row{last: 3}), track("hi", timeline.Video, "", 9000, row{last: 3}),
				}}
			},
			do: func(t *testing.T, s *Session) {
				for n := range 3 {
					ask(t, s, "lo", n)
					ask(t, s, "hi", n)
				}
			},
			want: "hi/3 lo/3"},
		{name: "the next period's likeness follows, its init first",
			p: func(time.Time) *timeline.Presentation {
				next := track("2/v", timeline.Video, "2", 4100, row{first: 4, last: 6})
				next.Init = &timeline.Segment{Key: "2/v/init", Shareable: true, Part: -1}
				return &timeline.Presentation{Tracks: []*timeline.Track{
					track("1/v", timeline.Video, "1", 4000, row{last: 3}),
					track("2/w", timeline.Video, "2", 9000, row{first: 4, last: 6}), next,
					track("2/a", timeline.Audio, "2", 4000, row{first: 4, last: 6}),
				}}
			},
			do:   func(t *testing.T, s *Session) { ask(t, s, "1/v", 1) },
			want: "1/v/2 1/v/3 2/v/init " + keysOf("2/v", 4, 6)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bank{}
				s := newTestSession(t, b)
				defer s.Close()
				s.Update(tc.p(time.Now()))
				tc.do(t, s)
				time.Sleep(planPause + time.Millisecond)
				synctest.Wait()
				if diff := cmp.Diff(tc.want, planned(b.lastPlan())); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestPlanOfAnIdleLiveViewerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{}
		s := newTestSession(t, b)
		defer s.Close()
		s.Update(&timeline.Presentation{Live: true, TargetDuration: 2 * time.Second, Tracks: []*timeline.Track{
			track("v", timeline.Video, "", 4000, row{last: 999, live: time.Now().Add(-41 * time.Second)}),
		}})
		ask(t, s, "v", 19)
		time.Sleep(10 * time.Second)
		if got := planned(b.lastPlan()); !strings.HasPrefix(got, keysOf("v", 20, 28)) {
			t.Errorf("planned %s", got)
		}
		time.Sleep(idleAfter)
		if got := b.lastPlan(); len(got) != 0 {
			t.Errorf("still planned %v after since the player is gone", planned(got))
		}
	})
}

// TestPlanIsReservedInTime checks that live segments are planned before they
// exist, with times on the swarm's clock, and deadlines that grow.
func TestPlanTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &skewed{ahead: time.Hour}
		s := newTestSession(t, b)
		defer s.Close()
		start := time.Now().Add(-41 * time.Second)
		s.Update(&timeline.Presentation{Live: true, ClockOffset: 3 * time.Second, TargetDuration: 2 * time.Second, Tracks: []*timeline.Track{
			track("v", timeline.Video, "", 4000, row{last: 999, live: start}),
		}})
		ask(t, s, "v", 18)
		time.Sleep(planPause + time.Millisecond)
		synctest.Wait()
		last := time.Time{}
		for _, r := range b.lastPlan() {
			var n int
			_, _ = fmt.Sscanf(string(r.Key), "v/%d", &n)
			// on the presentation's clock start + end; it is 3 s ahead of ours, the
			// swarm's an hour
			want := start.Add(time.Duration(n+1) * 2 * time.Second).Add(-3*time.Second + time.Hour)
			if !r.Available.Equal(want) {
				t.Errorf("%s available %v, want %v", r.Key, r.Available, want)
			}
			if r.Deadline.Before(last) || r.Deadline.Before(r.Available.Add(-time.Minute)) {
				t.Errorf("%s: deadline %v after %v", r.Key, r.Deadline, last)
			}
			last = r.Deadline
			if r.SizeHint != 1000 {
				t.Errorf("%s: size hint %d, want 4000 bit/s × 2 s", r.Key, r.SizeHint)
			}
		}
	})
}

// skewed is a bank whose swarm clock is ahead.
type skewed struct {
	bank
	ahead time.Duration
}

func (s *skewed) Now() time.Time { return time.Now().Add(s.ahead) }

func TestPlanLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, extra := range []int{0, 1} {
			b := &bank{}
			s := newTestSession(t, b)
			start := time.Now().Add(-time.Duration(maxPlanned+extra+1) * 2 * time.Second)
			s.Update(&timeline.Presentation{Live: true, Tracks: []*timeline.Track{
				track("v", timeline.Video, "", 4000, row{last: maxPlanned + extra, live: start}),
			}})
			ask(t, s, "v", 0)
			time.Sleep(planPause + time.Millisecond)
			synctest.Wait()
			if n := len(b.lastPlan()); n != maxPlanned {
				t.Errorf("%d segments to plan: %d planned, the limit is %d", maxPlanned+extra, n, maxPlanned)
			}
			s.Close()
		}
	})
}

func TestActiveLimit(t *testing.T) {
	var a active
	for n := range maxActiveTracks + 1 {
		a.request(track(fmt.Sprint(n), timeline.Video, "", 0, row{}), seg(0), false)
		if want := min(n+1, maxActiveTracks); len(a.tracks) != want {
			t.Fatalf("%d tracks after %d, want %d", len(a.tracks), n+1, want)
		}
	}
	if _, ok := a.tracks["0"]; ok {
		t.Error("the track used longest ago stayed")
	}
}

func TestWithDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{}
		s := newTestSession(t, b)
		defer s.Close()
		p := &timeline.Presentation{Tracks: []*timeline.Track{track("v", timeline.Video, "", 4000, row{last: 9})}}
		s.Update(p)
		for _, tc := range []struct {
			in     time.Duration
			urgent bool
		}{{7 * time.Second, false}, {-time.Second, true}} {
			when := time.Now().Add(tc.in)
			stream, err := s.Get(WithDeadline(t.Context(), when), Match{p.Tracks[0], p.Tracks[0].Timeline.(row).segment(0)}, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			stream.Close()
			got := b.requests()[len(b.requests())-1]
			if !got.Deadline.Equal(when) || got.Urgent != tc.urgent {
				t.Errorf("deadline %v, urgent %t; want %v, %t", got.Deadline, got.Urgent, when, tc.urgent)
			}
		}
	})
}

func TestChoose(t *testing.T) {
	p := &timeline.Presentation{URL: "u", Tracks: []*timeline.Track{
		track("lo", timeline.Video, "", 1, row{last: 1}), track("hi", timeline.Video, "", 9, row{last: 1}),
		track("late", timeline.Video, "", 99, row{last: -1}), // no media playlist yet
		track("de", timeline.Audio, "", 5, row{last: 1}), track("en", timeline.Audio, "", 2, row{last: 1}),
		track("sub", timeline.Text, "", 1, row{last: 1}),
	}}
	p.Tracks[4].Default = true
	for spec, want := range map[string]string{"": "hi en", "best": "hi en", "lowest": "lo en", "all": "lo hi de en sub", "sub, lo": "sub lo"} {
		got, err := Choose(p, spec)
		if err != nil {
			t.Error(err)
		}
		if ids := strings.Join(trackIDs(got), " "); ids != want {
			t.Errorf("%q: %s, want %s", spec, ids, want)
		}
	}
	if _, err := Choose(p, "nobody"); err == nil {
		t.Error("an unknown track was chosen")
	}
	if _, err := Choose(&timeline.Presentation{}, ""); err == nil {
		t.Error("nothing was chosen from")
	}
}

var _ manifest.Source = (*Source)(nil)
