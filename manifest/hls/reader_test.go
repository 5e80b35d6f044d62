package hls

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const liveURL = "https://origin.test/live/v.m3u8"

// follow runs a Reader against an origin in virtual time until end, calling
// each after every document.
func follow(t *testing.T, o *origin, from, end time.Time, each func(now time.Time, p *timeline.Presentation)) (fetches int) {
	t.Helper()
	r := NewReader(Options{})
	due := []Due{{URL: liveURL, At: from}}
	now := from
	for len(due) > 0 && due[0].At.Before(end) {
		if due[0].At.After(now) {
			now = due[0].At
		}
		const roundTrip = 20 * time.Millisecond
		body, at := o.answer(due[0].URL, now.Add(roundTrip))
		now = at
		p, next, err := r.Observe(due[0].URL, []byte(body), now)
		if err != nil {
			t.Fatalf("at %v: %v\n%s", now.Sub(from), err, body)
		}
		fetches++
		due = next
		each(now, p)
	}
	return fetches
}

var origins = map[string]*origin{
	"even":     {durations: []time.Duration{4 * time.Second}, window: 6, delay: 300 * time.Millisecond, first: 1000},
	"uneven":   {durations: []time.Duration{6 * time.Second, 5500 * time.Millisecond, 4 * time.Second, 6 * time.Second}, window: 5, delay: time.Second, first: 7},
	"dated":    {durations: []time.Duration{2 * time.Second}, window: 10, delay: 500 * time.Millisecond, dates: true},
	"ll":       {durations: []time.Duration{4 * time.Second}, window: 8, delay: 100 * time.Millisecond, partsEach: 4, skip: 24 * time.Second, first: 50},
	"ll-delta": {durations: []time.Duration{2 * time.Second}, window: 40, delay: 50 * time.Millisecond, partsEach: 4, skip: 12 * time.Second, dates: true},
	"delta":    {durations: []time.Duration{4 * time.Second}, window: 30, delay: 200 * time.Millisecond, skip: 24 * time.Second},
}

// TestFollowHour follows each origin for an hour: the timeline neither jumps
// nor drifts, everything listed is known whole, and requests keep the pace that
// RFC 8216bis §6.3.4 allows.
func TestFollowHour(t *testing.T) {
	for name, o := range origins {
		t.Run(name, func(t *testing.T) {
			o := *o
			o.start = testTime
			from := testTime.Add(2*time.Minute + 1234*time.Millisecond)
			var zero time.Duration
			started := false
			previous := time.Time{}
			fetches := follow(t, &o, from, from.Add(time.Hour), func(now time.Time, p *timeline.Presentation) {
				segments := listed(p.Tracks[0])
				n := o.complete(now)
				if len(segments) != o.window || segments[len(segments)-1].Number != o.first+uint64(n-1) {
					t.Fatalf("at %v: %d segments up to %d, want %d up to %d", now.Sub(from), len(segments), segments[len(segments)-1].Number, o.window, o.first+uint64(n-1))
				}
				if !started {
					started, zero = true, o.end(n-o.window)-o.duration(n-o.window)
				}
				for i, s := range segments {
					want := o.end(n-o.window+i) - o.duration(n-o.window+i) - zero
					if (s.Start - want).Abs() > time.Millisecond {
						t.Fatalf("at %v: segment %d starts at %v, want %v", now.Sub(from), s.Number, s.Start, want)
					}
				}
				if p.Tracks[0].Init == nil {
					t.Fatal("the init segment was lost")
				}
				if o.partsEach == 0 && !previous.IsZero() && now.Sub(previous) < p.TargetDuration/2 {
					t.Fatalf("fetched again after %v", now.Sub(previous))
				}
				previous = now
			})
			target := o.durations[0]
			if o.partsEach > 0 {
				target /= time.Duration(o.partsEach)
			}
			if most := int(2*time.Hour/target) + 2; fetches > most || fetches < int(time.Hour/target)/2 {
				t.Errorf("%d fetches in an hour", fetches)
			}
		})
	}
}

// TestPollsFindTheRhythm: polls of a regular stream go to just after a segment
// appears, and go back there after the origin has been early, late or slow.
func TestPollsFindTheRhythm(t *testing.T) {
	for _, jitter := range []time.Duration{0, 40 * time.Millisecond, 200 * time.Millisecond} {
		t.Run(jitter.String(), func(t *testing.T) {
			o := *origins["even"]
			o.start = testTime
			o.durations = []time.Duration{2 * time.Second}
			o.delay = 0
			o.jitter = func(i int) time.Duration { return jitter * time.Duration(i*7919%100) / 100 }
			from := testTime.Add(time.Minute + 1234*time.Millisecond)
			known := uint64(0)
			var lags []time.Duration
			follow(t, &o, from, from.Add(20*time.Minute), func(now time.Time, p *timeline.Presentation) {
				for _, s := range listed(p.Tracks[0]) {
					if s.Number <= known {
						continue
					}
					known = s.Number
					if now.After(from.Add(time.Minute)) {
						i := int(s.Number - o.first)
						lags = append(lags, now.Sub(o.start.Add(o.end(i)+o.jitter(i))))
					}
				}
			})
			slices.Sort(lags)
			median, p95 := lags[len(lags)/2], lags[len(lags)*95/100]
			t.Logf("%d segments, seen after %v (p50), %v (p95)", len(lags), median, p95)
			if median > 150*time.Millisecond+jitter {
				t.Errorf("segments are seen %v late", median)
			}
		})
	}
}

// TestPredictions scores what is predicted 2, 6 and 10 seconds ahead.
func TestPredictions(t *testing.T) {
	for name, o := range origins {
		t.Run(name, func(t *testing.T) {
			o := *o
			o.start = testTime
			from := testTime.Add(2*time.Minute + 1234*time.Millisecond)
			var made, wrong int
			var late []time.Duration
			follow(t, &o, from, from.Add(10*time.Minute), func(now time.Time, p *timeline.Presentation) {
				if now.Before(from.Add(time.Minute)) {
					return // learning
				}
				for _, ahead := range []time.Duration{2 * time.Second, 6 * time.Second, 10 * time.Second} {
					var last uint64
					for s := range p.Tracks[0].Timeline.Predicted(now, ahead) {
						if !s.AvailableAt.After(now) || s.AvailableAt.After(now.Add(ahead)) || !s.Predicted {
							t.Fatalf("%+v is not within (now, now+%v]", s, ahead)
						}
						i := int(s.Number - o.first)
						truth := o.start.Add(o.end(i) + o.delay)
						if s.Part >= 0 {
							if s.Part >= o.partsEach {
								wrong++
							}
							truth = o.start.Add(o.end(i) - o.duration(i) + time.Duration(s.Part+1)*o.duration(i)/time.Duration(o.partsEach) + o.delay)
						} else if s.Number != max(last+1, o.first+uint64(o.complete(now))) {
							wrong++
						} else {
							last = s.Number
						}
						made++
						late = append(late, s.AvailableAt.Sub(truth).Abs())
					}
				}
			})
			slices.Sort(late)
			p95 := late[len(late)*95/100]
			t.Logf("%d predictions, %d wrong keys, p95 |Δ available| %v", made, wrong, p95)
			if wrong*100 > made || p95 > o.durations[0] {
				t.Errorf("%d of %d keys wrong, p95 %v", wrong, made, p95)
			}
		})
	}
}

func playlistOf(sequence int, lines ...string) string {
	return fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24\n#EXT-X-MEDIA-SEQUENCE:%d\n%s\n", sequence, strings.Join(lines, "\n"))
}

func numbered(from, to int) (lines []string) {
	for i := from; i <= to; i++ {
		lines = append(lines, "#EXTINF:4,", fmt.Sprintf("%d.ts", i))
	}
	return lines
}

// observe feeds one document and expects no error.
func observe(t *testing.T, r *Reader, address, body string, at time.Time) (*timeline.Presentation, []Due) {
	t.Helper()
	p, due, err := r.Observe(address, []byte(body), at)
	if err != nil {
		t.Fatal(err)
	}
	return p, due
}

func span(p *timeline.Presentation) string {
	s := listed(p.Tracks[0])
	return fmt.Sprintf("%d@%v…%d@%v", s[0].Number, s[0].Start, s[len(s)-1].Number, s[len(s)-1].Start)
}

func TestContinuity(t *testing.T) {
	date := func(seconds int) string {
		return "#EXT-X-PROGRAM-DATE-TIME:" + testTime.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339)
	}
	for _, c := range []struct {
		name          string
		first, second string
		want          string
		restarted     bool
	}{
		{"slides by two", playlistOf(10, numbered(10, 15)...), playlistOf(12, numbered(12, 17)...), "12@8s…17@28s", false},
		{"nothing in common, adjacent", playlistOf(10, numbered(10, 12)...), playlistOf(13, numbered(13, 15)...), "13@12s…15@20s", false},
		{"segments missed", playlistOf(10, numbered(10, 12)...), playlistOf(20, numbered(20, 22)...), "20@40s…22@48s", false},
		{"segments missed, dated", playlistOf(10, append([]string{date(0)}, numbered(10, 12)...)...),
			playlistOf(20, append([]string{date(45)}, numbered(20, 22)...)...), "20@45s…22@53s", false},
		{"an older copy", playlistOf(12, numbered(12, 17)...), playlistOf(11, numbered(11, 16)...), "12@0s…17@20s", false},
		{"encoder restarted", playlistOf(500, numbered(500, 503)...), playlistOf(0, numbered(0, 2)...), "0@16s…2@24s", true},
		{"window grows backwards", playlistOf(12, numbered(12, 14)...), playlistOf(11, numbered(11, 15)...), "12@0s…15@12s", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(Options{})
			observe(t, r, liveURL, c.first, testTime)
			p, _ := observe(t, r, liveURL, c.second, testTime.Add(4*time.Second))
			if got := span(p); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if r.Restarted() != c.restarted {
				t.Errorf("restarted: %v", r.Restarted())
			}
		})
	}
}

// TestDelta merges delta updates: EXT-X-MAP in force, byte ranges without an
// offset and the timeline continue from the skipped segments.
func TestDelta(t *testing.T) {
	full := playlistOf(10, append([]string{`#EXT-X-MAP:URI="i.mp4"`, "#EXT-X-BYTERANGE:100@0", "#EXTINF:4,", "a.mp4"},
		"#EXT-X-BYTERANGE:50", "#EXTINF:4,", "a.mp4", "#EXT-X-BYTERANGE:60", "#EXTINF:4,", "a.mp4")...)
	delta := playlistOf(11, "#EXT-X-SKIP:SKIPPED-SEGMENTS=2", "#EXT-X-BYTERANGE:70", "#EXTINF:4,", "a.mp4",
		`#EXT-X-MAP:URI="j.mp4"`, "#EXTINF:4,", "b.mp4")
	r := NewReader(Options{})
	observe(t, r, liveURL, full, testTime)
	p, _ := observe(t, r, liveURL+"?_HLS_skip=YES", delta, testTime.Add(8*time.Second))
	var got []string
	for _, s := range listed(p.Tracks[0]) {
		got = append(got, fmt.Sprint(s.Key, " ", rangeText(s.Range), " ", s.Start))
	}
	want := []string{"main/11 100-149 4s", "main/12 150-209 8s", "main/13 210-279 12s", "main/14  16s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	inits := slices.Collect(p.Tracks[0].Timeline.(*Timeline).Inits())
	if len(inits) != 2 || p.Tracks[0].Init.URL != "https://origin.test/live/i.mp4" {
		t.Errorf("inits %v", inits)
	}
}

// TestDeltaForgets: sections and keys that no listed segment can need go, and
// EXT-X-MAP before EXT-X-SKIP is as good as none.
func TestDeltaForgets(t *testing.T) {
	r := NewReader(Options{})
	observe(t, r, liveURL, playlistOf(0, append([]string{`#EXT-X-MAP:URI="0.mp4"`}, numbered(0, 9)...)...), testTime)
	for n := 1; n <= 30; n++ {
		p, due := observe(t, r, liveURL, playlistOf(n, fmt.Sprintf(`#EXT-X-MAP:URI="%d.mp4"`, n-1), "#EXT-X-SKIP:SKIPPED-SEGMENTS=9",
			fmt.Sprintf(`#EXT-X-MAP:URI="%d.mp4"`, n), "#EXTINF:4,", fmt.Sprintf("%d.ts", n+9)), testTime.Add(time.Duration(n)*4*time.Second))
		track := p.Tracks[0]
		var inits []string
		for s := range track.Timeline.(*Timeline).Inits() {
			inits = append(inits, fileName(s.URL))
		}
		first := fmt.Sprintf("%d.mp4", max(0, n-9))
		if len(inits) > 11 || track.Init == nil || fileName(track.Init.URL) != first || len(due) != 1 {
			t.Fatalf("update %d: init %+v, want %s; inits %v", n, track.Init, first, inits)
		}
	}
}

// TestDeltaThatDoesNotFit asks for the whole playlist, at once and without
// _HLS_skip, and keeps the last good one meanwhile.
func TestDeltaThatDoesNotFit(t *testing.T) {
	r := NewReader(Options{})
	observe(t, r, liveURL, playlistOf(10, numbered(10, 20)...), testTime)
	at := testTime.Add(4 * time.Second)
	p, due := observe(t, r, liveURL+"?_HLS_skip=YES", playlistOf(30, append([]string{"#EXT-X-SKIP:SKIPPED-SEGMENTS=5"}, numbered(35, 36)...)...), at)
	if got := span(p); got != "10@0s…20@40s" {
		t.Errorf("the last good playlist is gone: %s", got)
	}
	if diff := cmp.Diff([]Due{{URL: liveURL, At: at, Track: "main"}}, due); diff != "" {
		t.Error(diff)
	}
	p, due = observe(t, r, liveURL, playlistOf(30, numbered(30, 36)...), at)
	if got := span(p); got != "30@1m20s…36@1m44s" || len(due) != 1 || !due[0].At.After(at) {
		t.Errorf("after the full reload: %s, %v", got, due)
	}
}

// TestSchedule is RFC 8216bis §6.3.4 and §6.2.5.
func TestSchedule(t *testing.T) {
	long := numbered(100, 119)
	for _, c := range []struct {
		name string
		docs []string
		want string // of the last: URL suffix and wait
	}{
		{"changed, rhythm unknown: into the middle of the next segment's time", []string{playlistOf(1, numbered(1, 3)...)}, "v.m3u8 6s"},
		{"changed, uneven: one target duration", []string{playlistOf(1, "#EXTINF:4,", "1.ts", "#EXTINF:3,", "2.ts")}, "v.m3u8 4s"},
		{"unchanged: half of it", []string{playlistOf(1, numbered(1, 3)...), playlistOf(1, numbered(1, 3)...)}, "v.m3u8 2s"},
		{"ended", []string{playlistOf(1, append(numbered(1, 3), "#EXT-X-ENDLIST")...)}, ""},
		{"skippable", []string{playlistOf(100, long...)}, "v.m3u8?_HLS_skip=YES 6s"},
		{"date ranges skippable", []string{strings.Replace(playlistOf(100, long...), "UNTIL=24", "UNTIL=24,CAN-SKIP-DATERANGES=YES", 1)}, "v.m3u8?_HLS_skip=v2 6s"},
		{"blocking", []string{strings.Replace(playlistOf(1, numbered(1, 3)...), "CAN-SKIP-UNTIL=24", "CAN-BLOCK-RELOAD=YES", 1)}, "v.m3u8?_HLS_msn=4 0s"},
		{"blocking, parts", []string{strings.Replace(playlistOf(100, append(long, "#EXT-X-PART-INF:PART-TARGET=1", `#EXT-X-PART:DURATION=1,URI="p0"`)...),
			"CAN-SKIP", "CAN-BLOCK-RELOAD=YES,CAN-SKIP", 1)}, "v.m3u8?_HLS_msn=120&_HLS_part=1&_HLS_skip=YES 0s"},
		{"no target duration", []string{"#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXTINF:0,\na.ts\n"}, "v.m3u8 250ms"},
		{"no segments yet", []string{"#EXTM3U\n#EXT-X-TARGETDURATION:6\n"}, "v.m3u8 6s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(Options{})
			var due []Due
			var p *timeline.Presentation
			at := testTime
			for _, doc := range c.docs {
				at = at.Add(4 * time.Second)
				p, due = observe(t, r, liveURL, doc, at)
			}
			got := ""
			if len(due) > 0 {
				got = fmt.Sprint(strings.TrimPrefix(due[0].URL, "https://origin.test/live/"), " ", due[0].At.Sub(at))
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if (p.Refresh > 0) != (len(due) > 0) {
				t.Errorf("refresh %v with %d due", p.Refresh, len(due))
			}
		})
	}
}

// TestBadDocument keeps the last good presentation and waits longer each time.
func TestBadDocument(t *testing.T) {
	r := NewReader(Options{})
	if p, _, err := r.Observe(liveURL, []byte("<html>"), testTime); p != nil || !errors.Is(err, ErrNotPlaylist) {
		t.Errorf("%v, %v", p, err)
	}
	good, _ := observe(t, r, liveURL, playlistOf(1, numbered(1, 3)...), testTime)
	var waits []time.Duration
	for range 7 {
		p, due, err := r.Observe(liveURL, []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\na.ts\n"), testTime)
		if p != good || !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), "line 5") {
			t.Fatalf("%v, %v", p, err)
		}
		waits = append(waits, due[0].At.Sub(testTime))
	}
	want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second, 30 * time.Second}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Error(diff)
	}
	_, due := observe(t, r, liveURL, playlistOf(2, numbered(2, 4)...), testTime)
	if got := due[0].At.Sub(testTime); got != 4*time.Second {
		t.Errorf("after it recovered: %v", got)
	}
}

// TestMemory refreshes a 24-hour window of four tracks by delta updates: what
// stays in memory does not grow.
func TestMemory(t *testing.T) {
	const tracks, window, refreshes = 4, 43_200, 60
	readers := make([]*Reader, tracks)
	for i := range readers {
		readers[i] = NewReader(Options{})
		observe(t, readers[i], liveURL, playlistOf(0, numbered(0, window-1)...), testTime)
	}
	resident := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var before int64
	for n := 1; n <= refreshes; n++ {
		for _, r := range readers {
			observe(t, r, liveURL, playlistOf(n, append([]string{fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d", window-10)}, numbered(n+window-10, n+window-1)...)...),
				testTime.Add(time.Duration(n)*4*time.Second))
		}
		if n == 10 {
			before = resident()
		}
	}
	if growth := (resident() - before) / (refreshes - 10); growth > 4<<10 {
		t.Errorf("%d bytes more after each refresh", growth)
	}
	if got := len(listed(readers[0].current.Tracks[0])); got != window {
		t.Errorf("%d segments", got)
	}
	runtime.KeepAlive(readers)
}
