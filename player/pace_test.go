package player

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

func seg(n int) timeline.Segment {
	return timeline.Segment{Part: -1, Start: time.Duration(n) * 2 * time.Second, Duration: 2 * time.Second}
}

// TestPace follows stories of 2 s segments: what is asked for when, when it came,
// and by when it had to be there.
func TestPace(t *testing.T) {
	type step struct {
		ask, done float64 // seconds
		n         int
		avail     float64 // 0: long ago
		urgent    bool
		deadline  float64 // of the request, in seconds
		origin    float64 // when to stop waiting for peers
		by        float64 // when the origin is asked at the latest, 0: not checked
		seek      bool
	}
	for _, tc := range []struct {
		name   string
		budget time.Duration
		steps  []step
	}{
		{"start-up is urgent", 0, []step{
			{ask: 0, done: 0.2, n: 0, urgent: true, deadline: 0, seek: true},
			{ask: 0.2, done: 0.4, n: 1, urgent: true, deadline: 0.2},
			// N = 2.4: begun at the end of segment 0 at 0.2, waited for 1 until 0.4;
			// min(¾·2.0, 2.0 − 0.5) = 1.5. Half a segment is the budget.
			{ask: 0.4, done: 0.6, n: 2, deadline: 0.4 + 1.5, origin: 0.4 + 1},
		}},
		{"budget bounds the wait of a full buffer", 500 * time.Millisecond, []step{
			{ask: 0, done: 0.1, n: 0, urgent: true, deadline: 0, seek: true},
			{ask: 0.1, done: 0.2, n: 1, urgent: true, deadline: 0.1},
			// N = 2.2 and two seconds later for each one more
			{ask: 0.2, done: 0.3, n: 2, deadline: 0.2 + 1.5, origin: 0.2 + 0.5},
			{ask: 0.3, done: 0.4, n: 3, deadline: 0.3 + 0.75*3.9, origin: 0.3 + 0.5},
			{ask: 0.4, done: 0.5, n: 4, deadline: 0.4 + 0.75*5.8, origin: 0.4 + 0.5},
		}},
		{"live: counted from availability", 0, []step{
			{ask: 0, done: 0.1, n: 10, urgent: true, deadline: 0, seek: true},
			{ask: 0.1, done: 0.2, n: 11, urgent: true, deadline: 0.1},
			// N = 2.2, 0.7 after it is available
			{ask: 1, done: 1.6, n: 12, avail: 1.5, deadline: 1.5 + 0.2, origin: 1.5 + 1},
		}},
		{"a seek starts over", 0, []step{
			{ask: 0, done: 0.1, n: 0, urgent: true, deadline: 0, seek: true},
			{ask: 0.1, done: 0.2, n: 1, urgent: true, deadline: 0.1},
			{ask: 5, done: 5.1, n: 50, urgent: true, deadline: 5, seek: true},
			{ask: 5.1, done: 5.2, n: 51, urgent: true, deadline: 5.1},
			{ask: 6, done: 6.2, n: 3, urgent: true, deadline: 6, seek: true},
		}},
		{"replacing what is buffered is none", 0, []step{
			{ask: 0, done: 0.1, n: 0, urgent: true, deadline: 0, seek: true},
			{ask: 0.1, done: 0.2, n: 1, urgent: true, deadline: 0.1},
			{ask: 0.2, done: 0.3, n: 2, deadline: 0.2 + 1.5, origin: 0.2 + 1},
			{ask: 0.3, done: 0.4, n: 1, deadline: 0.3, origin: 0.3 + 1},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := pace{budget: tc.budget}
			for i, s := range tc.steps {
				var avail time.Time
				if s.avail > 0 {
					avail = at(s.avail)
				}
				deadline, urgent, seek := p.request(at(s.ask), avail, timeline.Video, seg(s.n))
				if urgent != s.urgent || seek != s.seek {
					t.Errorf("step %d: urgent %t, seek %t", i, urgent, seek)
				}
				if d := deadline.Sub(at(s.deadline)).Abs(); d > time.Millisecond {
					t.Errorf("step %d: deadline %.3f s, want %.3f", i, deadline.Sub(epoch).Seconds(), s.deadline)
				}
				if by := p.originBy(at(s.ask), avail, seg(s.n)); s.by > 0 && by.Sub(at(s.by)).Abs() > time.Millisecond {
					t.Errorf("step %d: origin asked by %.3f s, want %.3f", i, by.Sub(epoch).Seconds(), s.by)
				}
				p.complete(at(s.done), timeline.Video, seg(s.n))
			}
		})
	}
}

// TestPaceIsNeverTooLate plays with a model that starts as late in its first
// segment and drains as early as a real player can, and checks that no deadline
// lies behind the moment of need.
func TestPaceIsNeverTooLate(t *testing.T) {
	for _, offset := range []float64{0, 0.5, 1.9} { // where in the first segment playback begins
		for _, took := range []float64{0.05, 0.4, 1.5} {
			p := pace{}
			began, now := 0.0, 0.0
			for n := range 60 {
				need := began + float64(2*n) - offset // the moment segment n plays
				if n >= 5 {
					now = max(now, need-8) // the player keeps 8 s
				}
				deadline, urgent, _ := p.request(at(now), time.Time{}, timeline.Video, seg(n))
				if n > 0 && !urgent && deadline.After(at(max(need, now))) {
					t.Fatalf("offset %v, took %v: segment %d must be there at %.2f, deadline %.2f", offset, took, n, need, deadline.Sub(epoch).Seconds())
				}
				now += took
				p.complete(at(now), timeline.Video, seg(n))
				if n == 0 {
					began = now
				} else if late := now - need; late > 0 {
					began += late
				}
			}
		}
	}
}

func TestPaceAfterAPause(t *testing.T) {
	p := pace{budget: 10 * time.Second}
	now := 0.0
	for n := range 10 {
		_, _, _ = p.request(at(now), time.Time{}, timeline.Video, seg(n))
		p.complete(at(now+0.1), timeline.Video, seg(n))
		now += 0.1
	}
	// 18 s buffered, then a minute of silence: paused, not starved
	deadline, urgent, seek := p.request(at(61), time.Time{}, timeline.Video, seg(10))
	if urgent || seek || deadline.Sub(at(61)) < 5*time.Second {
		t.Errorf("deadline %v after the request, urgent %t, seek %t; want half of the buffer's worth", deadline.Sub(at(61)), urgent, seek)
	}
}

func TestPaceLanesStartTogether(t *testing.T) {
	p := pace{}
	_, _, seek := p.request(at(0), time.Time{}, timeline.Video, seg(10))
	if !seek {
		t.Error("the first request starts")
	}
	audio := timeline.Segment{Part: -1, Start: 19 * time.Second, Duration: 1900 * time.Millisecond}
	deadline, urgent, seek := p.request(at(0.1), time.Time{}, timeline.Audio, audio)
	if !urgent || seek || !deadline.Equal(at(0.1)) {
		t.Errorf("audio of the same start: urgent %t, seek %t", urgent, seek)
	}
	if _, _, seek := p.request(at(0.2), time.Time{}, timeline.Video, seg(11)); seek {
		t.Error("audio made video start over")
	}
}
