package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// origin is a Source in virtual time.
type origin struct {
	latency time.Duration
	answer  func(now time.Time, r Request) (Response, error)

	mu       sync.Mutex
	requests []Request
	times    []time.Time
}

func (o *origin) Fetch(ctx context.Context, r Request) (Response, error) {
	o.mu.Lock()
	o.requests = append(o.requests, r)
	o.times = append(o.times, time.Now())
	o.mu.Unlock()
	select {
	case <-time.After(o.latency):
	case <-ctx.Done():
		return Response{}, ctx.Err()
	}
	return o.answer(time.Now(), r)
}

// liveMPD is a SegmentTimeline of two-second segments that has grown for as long
// as the bubble's clock has run.
func liveMPD(kind string, now, published time.Time) string {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	n := int(now.Sub(epoch)/(2*time.Second)) - 1
	return fmt.Sprintf(`<MPD type=%q availabilityStartTime=%q publishTime=%q minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT1M" minBufferTime="PT2S">
<Period id="p" start="PT0S"><AdaptationSet contentType="video"><SegmentTemplate timescale="1000" media="v/$Time$.m4s" initialization="v/i.mp4">
<SegmentTimeline><S t="0" d="2000" r="%d"/></SegmentTimeline></SegmentTemplate><Representation id="v" bandwidth="1000"/></AdaptationSet></Period></MPD>`,
		kind, epoch.Format(time.RFC3339), published.Format(time.RFC3339), max(n, 0))
}

func serve(body string) (Response, error) { return Response{Status: 200, Body: []byte(body)}, nil }

func TestFollowerKeepsTheScheduleForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute)
		o := &origin{latency: 70 * time.Millisecond, answer: func(now time.Time, r Request) (Response, error) {
			return serve(liveMPD("dynamic", now, now))
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
		defer f.Close()
		begin := time.Now()
		time.Sleep(time.Hour + time.Second)
		o.mu.Lock()
		defer o.mu.Unlock()
		if n := len(o.times); n != 1801 {
			t.Fatalf("%d fetches in an hour at a minimumUpdatePeriod of 2 s, want 1801", n)
		}
		if drift := o.times[1800].Sub(begin) - time.Hour; drift != 0 {
			t.Errorf("the schedule has drifted by %v", drift)
		}
		p, ok := f.Current()
		if !ok {
			t.Fatal("no presentation")
		}
		var last timeline.Segment
		for s := range p.Tracks[0].Timeline.Segments(time.Now(), 0, timeline.Forever) {
			last = s
		}
		if late := time.Since(last.AvailableAt); late > 4*time.Second {
			t.Errorf("the last segment known has been there for %v", late)
		}
	})
}

func TestFollowerSurvivesABadOrigin(t *testing.T) {
	faults := map[string]func(good string, r Request) (Response, error){
		"404":       func(string, Request) (Response, error) { return Response{Status: 404}, nil },
		"500":       func(string, Request) (Response, error) { return Response{Status: 500}, nil },
		"transport": func(string, Request) (Response, error) { return Response{}, errors.New("connection reset") },
		"truncated": func(good string, _ Request) (Response, error) { return serve(good[:len(good)/2]) },
		"HTML":      func(string, Request) (Response, error) { return serve("<html><body>sorry</body></html>") },
		"empty":     func(string, Request) (Response, error) { return serve("") },
		"hanging": func(string, Request) (Response, error) {
			time.Sleep(time.Second)
			return Response{}, context.DeadlineExceeded
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Minute)
				begin := time.Now()
				bad := func(now time.Time) bool {
					d := now.Sub(begin)
					return d > 10*time.Second && d < 20*time.Second
				}
				o := &origin{answer: func(now time.Time, r Request) (Response, error) {
					good := liveMPD("dynamic", now, now)
					if bad(now) {
						return fault(good, r)
					}
					return serve(good)
				}}
				f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{Timeout: time.Second, MaxBackoff: 4 * time.Second})
				defer f.Close()
				time.Sleep(11 * time.Second)
				before, ok := f.Current()
				if !ok {
					t.Fatal("nothing was loaded before the fault")
				}
				time.Sleep(8 * time.Second)
				if during, _ := f.Current(); during != before {
					t.Error("the last good presentation is not in force during the fault")
				}
				select {
				case u := <-f.Updates():
					if u.Err == nil || u.Presentation != before {
						t.Errorf("update %+v, want an error with the last good presentation", u)
					}
				default:
					t.Error("no update tells of the fault")
				}
				time.Sleep(time.Minute + 7*time.Second)
				if after, _ := f.Current(); after == before {
					t.Error("the follower has not come back")
				}
				o.mu.Lock()
				defer o.mu.Unlock()
				for i := 1; i < len(o.times); i++ {
					if gap := o.times[i].Sub(o.times[i-1]); gap < 120*time.Millisecond {
						t.Fatalf("fetches %d and %d are %v apart", i-1, i, gap)
					}
				}
			})
		})
	}
}

func TestFollowerHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			return Response{Status: 503, RetryAfter: 17 * time.Second}, nil
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
		time.Sleep(16 * time.Second)
		f.Close()
		if len(o.times) != 1 {
			t.Errorf("%d fetches within a Retry-After of 17 s", len(o.times))
		}
		if _, open := <-f.Updates(); !open {
			t.Error("the failure was not told")
		}
		if _, open := <-f.Updates(); open {
			t.Error("the channel of updates is open after Close")
		}
	})
}

func TestFollowerAsksConditionally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute)
		fixed := liveMPD("dynamic", time.Now(), time.Now())
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			if r.ETag == `"one"` && r.LastModified == "yesterday" {
				return Response{Status: 304, NotModified: true}, nil
			}
			return Response{Status: 200, Body: []byte(fixed), ETag: `"one"`, LastModified: "yesterday"}, nil
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
		defer f.Close()
		time.Sleep(time.Second)
		first := <-f.Updates()
		time.Sleep(20 * time.Second)
		select {
		case u := <-f.Updates():
			t.Errorf("an unchanged manifest is announced: %+v", u)
		default:
		}
		if p, _ := f.Current(); p != first.Presentation || first.Err != nil {
			t.Error("the presentation has changed")
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if n := len(o.requests); n != 11 {
			t.Errorf("%d requests, want 11", n)
		}
		for i, r := range o.requests[1:] {
			if r.ETag == "" {
				t.Errorf("request %d is not conditional", i+1)
			}
		}
	})
}

func TestFollowerEndsWithTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute)
		begin := time.Now()
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			kind := "dynamic"
			if now.Sub(begin) > 5*time.Second {
				kind = "static"
			}
			return serve(liveMPD(kind, now, now))
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
		var events []string
		for u := range f.Updates() {
			if u.Err != nil {
				t.Error(u.Err)
			}
			if u.Event != "" {
				events = append(events, u.Event)
			}
		}
		if got := strings.Join(events, " "); got != EventEnded {
			t.Errorf("events %q, want %q", got, EventEnded)
		}
		f.Close()
	})
}

func TestFollowerTellsOfTimeGoingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(10 * time.Minute)
		begin := time.Now()
		stale, restarted := 10*time.Second, 20*time.Second
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			switch d := now.Sub(begin); {
			case d >= stale && d < stale+2*time.Second: // one answer from an old cache
				return serve(liveMPD("dynamic", now.Add(-time.Minute), now.Add(-time.Minute)))
			case d >= restarted: // the packager has started anew
				return serve(liveMPD("dynamic", now.Add(-5*time.Minute), now.Add(-5*time.Minute)))
			}
			return serve(liveMPD("dynamic", now, now))
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
		defer f.Close()
		var staleKept, restartTaken bool
		for range 16 {
			u := <-f.Updates()
			if u.Event != EventBackwards {
				continue
			}
			if d := time.Since(begin); d < restarted {
				staleKept = u.Err != nil && u.Presentation != nil
			} else if u.Err == nil {
				restartTaken = true
			}
		}
		if !staleKept || !restartTaken {
			t.Errorf("stale answer waited out: %v, restart taken over: %v", staleKept, restartTaken)
		}
	})
}

func TestFollowerCloseWaitsForItsFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{latency: time.Hour, answer: func(time.Time, Request) (Response, error) { return Response{}, nil }}
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{Timeout: 2 * time.Hour})
		synctest.Wait()
		f.Close() // a goroutine left behind would fail the bubble
		f.Close()
		if _, ok := f.Current(); ok {
			t.Error("a presentation without a manifest")
		}
	})
}

func TestFollowerReadsLivePlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute)
		begin := time.Now()
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			if strings.HasSuffix(r.URL, "main.m3u8") {
				return serve("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nv.m3u8\n")
			}
			n := int(now.Sub(begin) / (4 * time.Second))
			var b strings.Builder
			fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", n)
			for i := range 5 {
				fmt.Fprintf(&b, "#EXTINF:4,\n%d.ts\n", n+i)
			}
			return serve(b.String())
		}}
		f := Follow(t.Context(), o, "http://origin.test/main.m3u8", Options{})
		defer f.Close()
		time.Sleep(41 * time.Second)
		p, ok := f.Current()
		if !ok || !p.Live || len(p.Tracks) != 1 {
			t.Fatalf("presentation %+v", p)
		}
		var numbers []uint64
		for s := range p.Tracks[0].Timeline.Segments(time.Now(), 0, timeline.Forever) {
			numbers = append(numbers, s.Number)
		}
		if len(numbers) == 0 || numbers[len(numbers)-1] < 13 {
			t.Errorf("after 40 s the playlist is known to %v", numbers)
		}
	})
}

// TestFollowerIsToldOfChanges follows an MPD with minimumUpdatePeriod 0 and
// ten-second segments, one of which says that the MPD is void.
func TestFollowerIsToldOfChanges(t *testing.T) {
	for name, c := range map[string]struct {
		published time.Duration // told by the event, after the MPD's
		want      time.Duration // of the second fetch
	}{
		"newer":    {time.Second, 3 * time.Second},
		"the same": {0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				o := &origin{answer: func(now time.Time, r Request) (Response, error) {
					return serve(edited(liveMPD("dynamic", now, begin.UTC()), `minimumUpdatePeriod="PT2S"`, `minimumUpdatePeriod="PT0S" maxSegmentDuration="PT10S"`))
				}}
				f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{})
				defer f.Close()
				time.Sleep(3 * time.Second)
				event := &mp4.EmsgBox{SchemeIDURI: "urn:mpeg:dash:event:2012", Value: "1", MessageData: []byte(begin.Add(c.published).UTC().Format(time.RFC3339))}
				var segment bytes.Buffer
				if err := event.Encode(&segment); err != nil {
					t.Fatal(err)
				}
				f.Notify([]byte("not a segment"))
				f.Notify(segment.Bytes())
				f.Notify(segment.Bytes())
				time.Sleep(8 * time.Second)
				o.mu.Lock()
				defer o.mu.Unlock()
				if len(o.times) < 2 || o.times[1].Sub(begin) != c.want {
					t.Errorf("fetched at %v, want the second at %v", o.times, c.want)
				}
			})
		})
	}
}

// TestFollowerBoundsTheWait follows an MPD that promises to stay for a day.
func TestFollowerBoundsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			return serve(edited(liveMPD("dynamic", now, now), `"PT2S" timeShift`, `"PT24H" timeShift`))
		}}
		begin := time.Now()
		f := Follow(t.Context(), o, "http://origin.test/live.mpd", Options{MaxRefresh: 30 * time.Second})
		defer f.Close()
		time.Sleep(61 * time.Second)
		o.mu.Lock()
		defer o.mu.Unlock()
		if n := len(o.times); n != 3 || o.times[2].Sub(begin) != time.Minute {
			t.Errorf("fetched at %v, want every 30 s", o.times)
		}
	})
}

// TestFollowerTellsOfARestart follows a playlist whose encoder begins anew.
func TestFollowerTellsOfARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		o := &origin{answer: func(now time.Time, r Request) (Response, error) {
			first := 500
			if now.Sub(begin) > 5*time.Second {
				first = 0
			}
			doc, _, _ := strings.Cut(identityMedia(first), "#EXT-X-ENDLIST")
			return serve(doc)
		}}
		f := Follow(t.Context(), o, "http://origin.test/live.m3u8", Options{})
		defer f.Close()
		time.Sleep(20 * time.Second)
		u := <-f.Updates()
		if u.Event != EventRestarted || u.Presentation == nil {
			t.Errorf("event %q, want %q", u.Event, EventRestarted)
		}
	})
}
