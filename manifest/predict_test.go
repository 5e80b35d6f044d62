package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// rhythm is a live Representation whose segments are known for ever: segment i
// covers boundary(i) to boundary(i+1) ticks and is there at its end.
type rhythm struct {
	name      string
	timescale int64
	boundary  func(i int64) int64
	byTime    bool
	timeline  bool          // announced by a SegmentTimeline of the last minute
	tolerance time.Duration // of a prediction's availability, p95
}

func (r rhythm) key(i int64) string {
	if r.byTime {
		return fmt.Sprintf("p/r/t%d", r.boundary(i))
	}
	return fmt.Sprintf("p/r/%d", i)
}

func (r rhythm) available(i int64) time.Duration {
	return time.Duration(r.boundary(i+1) * int64(time.Second) / r.timescale)
}

// announce is the MPD at age, the time since availabilityStartTime.
func (r rhythm) announce(epoch time.Time, age time.Duration) string {
	media, segments := "$Number$.m4s", fmt.Sprintf(`duration="%d" startNumber="0"`, r.boundary(1)-r.boundary(0))
	if r.byTime {
		media = "$Time$.m4s"
	}
	inner := ""
	if r.timeline {
		last := int64(0)
		for r.available(last+1) <= age {
			last++
		}
		first := max(last-30, 0)
		var b strings.Builder
		for i := first; i <= last; i++ {
			fmt.Fprintf(&b, `<S t="%d" d="%d"/>`, r.boundary(i), r.boundary(i+1)-r.boundary(i))
		}
		segments = fmt.Sprintf(`startNumber="%d"`, first)
		inner = "<SegmentTimeline>" + b.String() + "</SegmentTimeline>"
	}
	return fmt.Sprintf(`<MPD type="dynamic" availabilityStartTime=%q publishTime=%q minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT1M"><Period id="p" start="PT0S"><AdaptationSet>
<SegmentTemplate timescale="%d" media=%q %s>%s</SegmentTemplate><Representation id="r"/></AdaptationSet></Period></MPD>`,
		epoch.Format(time.RFC3339Nano), epoch.Add(age).Format(time.RFC3339Nano), r.timescale, media, segments, inner)
}

// A recorder follows a live source for minutes and scores what was foretold
// 2, 6 and 10 s ahead against what came. At least 99 % of the keys must be right
// and 95 % of the times within the tolerance; a segment nobody foretold counts
// as wrong.
func TestPredictionScore(t *testing.T) {
	audio := func(i int64) int64 { return (i*375 + 3) / 4 * 1024 } // 2 s in whole frames of 1024 at 48 kHz
	video := func(i int64) int64 { return i * 180000 }
	for _, r := range []rhythm{
		{"number", 90000, video, false, false, 100 * time.Millisecond},
		{"timeline with numbers", 90000, video, false, true, 2 * time.Second},
		{"timeline with times", 90000, video, true, true, 2 * time.Second},
		{"audio timeline with times", 48000, audio, true, true, 2 * time.Second},
	} {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				epoch := time.Now()
				time.Sleep(2 * time.Minute)
				o := &origin{latency: 30 * time.Millisecond, answer: func(now time.Time, _ Request) (Response, error) {
					return serve(r.announce(epoch, now.Sub(epoch)))
				}}
				f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
				defer f.Close()
				time.Sleep(time.Second)
				for _, ahead := range []time.Duration{2 * time.Second, 6 * time.Second, 10 * time.Second} {
					r.score(t, f, epoch, ahead)
				}
			})
		})
	}
}

func (r rhythm) score(t *testing.T, f *Follower, epoch time.Time, ahead time.Duration) {
	begin := time.Since(epoch)
	foretold := map[string]time.Duration{}
	var wrongKeys, all int
	var errors []time.Duration
	for range 1500 {
		time.Sleep(100 * time.Millisecond)
		p, ok := f.Current()
		if !ok {
			t.Fatal("no presentation")
		}
		for s := range p.Tracks[0].Timeline.Predicted(time.Now(), ahead) {
			// What is said about a segment when it is still ahead by that much.
			if left := time.Until(s.AvailableAt); left > ahead-200*time.Millisecond {
				foretold[string(s.Key)] = s.AvailableAt.Sub(epoch)
			}
		}
	}
	end := time.Since(epoch)
	for i := int64(0); r.available(i) < end; i++ {
		if r.available(i) < begin+ahead {
			continue
		}
		all++
		at, ok := foretold[r.key(i)]
		if !ok {
			wrongKeys++
			continue
		}
		errors = append(errors, (at - r.available(i)).Abs())
		delete(foretold, r.key(i))
	}
	for key, at := range foretold {
		if at >= begin+ahead && at < end {
			t.Errorf("%v ahead: %s was foretold for %v and never came", ahead, key, at)
		}
	}
	slices.Sort(errors)
	if all < 60 || wrongKeys*100 > all {
		t.Fatalf("%v ahead: %d of %d segments were not foretold", ahead, wrongKeys, all)
	}
	if p95 := errors[len(errors)*95/100]; p95 > r.tolerance {
		t.Errorf("%v ahead: 5%% of the times are off by more than %v", ahead, p95)
	}
	t.Logf("%v ahead: %d of %d keys right, times off by at most %v", ahead, all-wrongKeys, all, errors[len(errors)-1])
}
