package dash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const here = "http://cdn.test/live/stream.mpd"

// observe reads one document that needs nothing fetched.
func observe(t *testing.T, body string) *timeline.Presentation {
	t.Helper()
	p, _, err := NewReader(Options{}).Observe(here, []byte(body), time.Unix(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func all(t timeline.Timeline, now time.Time) (out []timeline.Segment) {
	for s := range t.Segments(now, 0, timeline.Forever) {
		if out = append(out, s); len(out) > 200 {
			break
		}
	}
	return out
}

func urls(segments []timeline.Segment) string {
	var out []string
	for _, s := range segments {
		u := strings.TrimPrefix(s.URL, "http://cdn.test/live/")
		if s.Range != nil {
			u += fmt.Sprintf("[%d-%d]", s.Range.First, s.Range.Last)
		}
		out = append(out, u)
	}
	return strings.Join(out, " ")
}

func mpdOf(attributes, periods string) string {
	return `<MPD minBufferTime="PT2S" ` + attributes + `>` + periods + `</MPD>`
}

func static(length, content string) string {
	return mpdOf(`type="static" mediaPresentationDuration="`+length+`"`, `<Period id="p"><AdaptationSet contentType="video">`+content+`</AdaptationSet></Period>`)
}

func TestAddressing(t *testing.T) {
	rep := `<Representation id="v" bandwidth="100"/>`
	for _, c := range []struct{ name, body, want, init string }{
		{"number", static("PT5S", `<SegmentTemplate duration="2" media="$Number%03d$.m4s" initialization="$RepresentationID$.mp4"/>`+rep),
			"001.m4s 002.m4s 003.m4s", "v.mp4"},
		{"time", static("PT5S", `<SegmentTemplate media="$Time$.m4s"><SegmentTimeline><S t="0" d="2" r="-1"/></SegmentTimeline></SegmentTemplate>`+rep),
			"0.m4s 2.m4s 4.m4s", ""},
		{"list", static("PT4S", `<SegmentList duration="2"><Initialization sourceURL="i.mp4"/><SegmentURL media="a.m4s"/><SegmentURL media="b.m4s"/><SegmentURL media="c.m4s"/></SegmentList>`+rep),
			"a.m4s b.m4s", "i.mp4"},
		{"list of ranges", static("PT4S", `<BaseURL>f.mp4</BaseURL><SegmentList duration="2"><Initialization range="0-99"/><SegmentURL mediaRange="100-199"/><SegmentURL mediaRange="9-1"/></SegmentList>`+rep),
			"f.mp4[100-199]", "f.mp4[0-99]"},
		{"list with a timeline", static("PT6S", `<SegmentList><SegmentTimeline><S d="2" r="9"/></SegmentTimeline><SegmentURL media="a"/><SegmentURL media="b"/></SegmentList>`+rep),
			"a b", ""},
		{"whole file", static("PT4S", `<Representation id="v"><BaseURL>sub.vtt</BaseURL></Representation>`), "sub.vtt", ""},
		{"one segment without identifiers", static("PT4S", `<SegmentTemplate media="only.mp4"/>`+rep), "only.mp4", ""},
		{"sub-segments", static("PT4S", `<SegmentTemplate media="$Number$.$SubNumber$"><SegmentTimeline><S d="2" r="1" k="2"/></SegmentTimeline></SegmentTemplate>`+rep),
			"1.1 1.2 2.1 2.2", ""},
		{"inherited from everywhere", mpdOf(`mediaPresentationDuration="PT4S"`, `<BaseURL>a/</BaseURL><Period><BaseURL>b/</BaseURL><SegmentTemplate timescale="10" startNumber="5"/>
			<AdaptationSet><BaseURL>c/</BaseURL><SegmentTemplate duration="20" media="no"/><Representation id="v"><BaseURL>d/</BaseURL><SegmentTemplate media="$Number$"/></Representation></AdaptationSet></Period>`),
			"a/b/c/d/5 a/b/c/d/6", ""},
		{"endNumber", static("PT20S", `<SegmentTemplate duration="2" endNumber="2" media="$Number$"/>`+rep), "1 2", ""},
		{"eptDelta", static("PT5S", `<SegmentTemplate duration="2" eptDelta="-1" media="$Number$"/>`+rep), "1 2 3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := observe(t, c.body)
			if len(p.Tracks) != 1 {
				t.Fatalf("%d tracks; %q", len(p.Tracks), p.Notes)
			}
			track := p.Tracks[0]
			got := all(track.Timeline, time.Time{})
			if urls(got) != c.want {
				t.Errorf("%s, want %s; %q", urls(got), c.want, p.Notes)
			}
			init := ""
			if track.Init != nil {
				init = urls([]timeline.Segment{*track.Init})
			}
			if init != c.init {
				t.Errorf("init %s, want %s", init, c.init)
			}
			keys := map[string]bool{}
			for _, s := range got {
				if found, ok := track.Timeline.Find(s.URL, s.Range); !ok || !cmp.Equal(found, s) {
					t.Errorf("%s is found as %+v, %v", s.URL, found, ok)
				}
				if err := s.Key.Validate(); err != nil || keys[string(s.Key)] {
					t.Errorf("key %s: %v", s.Key, err)
				}
				keys[string(s.Key)] = true
			}
		})
	}
}

func TestSubSegmentsShareTheDuration(t *testing.T) {
	p := observe(t, static("PT4S", `<SegmentTemplate media="$Number$.$SubNumber$"><SegmentTimeline><S d="4" k="4"/></SegmentTimeline></SegmentTemplate><Representation id="v"/>`))
	for i, s := range all(p.Tracks[0].Timeline, time.Time{}) {
		want := fmt.Sprintf("p/v/1.%d", i+1)
		if string(s.Key) != want || s.Start != time.Duration(i)*time.Second || s.Duration != time.Second {
			t.Errorf("%s at %v for %v, want %s", s.Key, s.Start, s.Duration, want)
		}
	}
}

func TestBaseURLAlternativesAreAllFound(t *testing.T) {
	p := observe(t, mpdOf(`mediaPresentationDuration="PT4S"`, `<BaseURL serviceLocation="a">https://a.test/x/</BaseURL><BaseURL serviceLocation="b">https://b.test/y/</BaseURL>
		<Period><AdaptationSet><SegmentTemplate duration="2" media="$Number$.m4s"/><Representation id="v"/></AdaptationSet></Period>`))
	tl := p.Tracks[0].Timeline
	if got := urls(all(tl, time.Time{})); got != "https://a.test/x/1.m4s https://a.test/x/2.m4s" {
		t.Errorf("the first alternative is not used: %s", got)
	}
	for _, u := range []string{"https://a.test/x/2.m4s", "https://b.test/y/2.m4s", "https://B.test:443/y/2.m4s?CMCD=br%3D1"} {
		if s, ok := tl.Find(u, nil); !ok || s.Number != 2 {
			t.Errorf("%s: %+v, %v", u, s, ok)
		}
	}
	for _, u := range []string{"https://c.test/y/2.m4s", "https://b.test/y/3.m4s", "http://b.test/y/2.m4s"} {
		if s, ok := tl.Find(u, nil); ok {
			t.Errorf("%s is found: %+v", u, s)
		}
	}
}

const liveTemplate = `type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT10S"`

func liveNumber(more string) string {
	return mpdOf(liveTemplate, `<Period id="p" start="PT0S"><AdaptationSet><SegmentTemplate duration="2" startNumber="0" media="$Number$.m4s" `+more+`/><Representation id="v"/></AdaptationSet></Period>`)
}

func TestLiveAvailability(t *testing.T) {
	now := time.Unix(1001, 0).UTC()
	for _, c := range []struct {
		name, more, want  string
		first, whole, gap time.Duration // of the last one listed, before its end
	}{
		{"plain", "", "495 496 497 498 499", 0, 0, 0},
		{"offset", `availabilityTimeOffset="1"`, "495 496 497 498 499 500", time.Second, time.Second, 0},
		{"low latency", `availabilityTimeOffset="1.5" availabilityTimeComplete="false"`, "495 496 497 498 499 500", 1500 * time.Millisecond, 0, 0},
		{"always", `availabilityTimeOffset="INF"`, "495 496 497 498 499 500", 2 * time.Second, 2 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := observe(t, liveNumber(c.more))
			got := all(p.Tracks[0].Timeline, now)
			if s := strings.ReplaceAll(urls(got), ".m4s", ""); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
			last := got[len(got)-1]
			end := time.Unix(0, 0).UTC().Add(last.Start + last.Duration)
			if want := end.Add(-c.whole); !last.AvailableAt.Equal(want) {
				t.Errorf("whole at %v, want %v", last.AvailableAt, want)
			}
			if grows := !last.GrowsFrom.IsZero(); grows != (c.first != c.whole) || grows && !last.GrowsFrom.Equal(end.Add(-c.first)) {
				t.Errorf("grows from %v", last.GrowsFrom)
			}
		})
	}
}

func TestASlidingListMovesItsTimes(t *testing.T) {
	p := observe(t, mpdOf(liveTemplate, `<Period id="p" start="PT0S"><AdaptationSet><SegmentList duration="2" startNumber="498"><SegmentURL media="a"/><SegmentURL media="b"/></SegmentList><Representation id="v"/></AdaptationSet></Period>`))
	got := all(p.Tracks[0].Timeline, time.Unix(1001, 0))
	if urls(got) != "a b" || got[0].Start != 994*time.Second || got[0].Key != "p/v/498" {
		t.Errorf("%+v", got)
	}
}

func TestPredictionByNumber(t *testing.T) {
	p := observe(t, liveNumber(""))
	now := time.Unix(1001, 0)
	var got []string
	for s := range p.Tracks[0].Timeline.Predicted(now, 5*time.Second) {
		got = append(got, fmt.Sprintf("%s %s %d", s.Key, s.URL[len("http://cdn.test/live/"):], s.AvailableAt.Unix()))
		if !s.Predicted || !s.AvailableAt.After(now) {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff([]string{"p/v/500 500.m4s 1002", "p/v/501 501.m4s 1004", "p/v/502 502.m4s 1006"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPredictionByTime(t *testing.T) {
	p := observe(t, mpdOf(liveTemplate, `<Period id="p" start="PT0S"><AdaptationSet><SegmentTemplate timescale="1000" media="$Time$.m4s">
		<SegmentTimeline><S t="980000" d="2000" r="9"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period>`))
	var got []string
	for s := range p.Tracks[0].Timeline.Predicted(time.Unix(1001, 0), 4*time.Second) {
		got = append(got, string(s.Key)+" "+s.URL)
	}
	if diff := cmp.Diff([]string{"p/v/t1000000 http://cdn.test/live/1000000.m4s", "p/v/t1002000 http://cdn.test/live/1002000.m4s"}, got); diff != "" {
		t.Error(diff)
	}
	tl := p.Tracks[0].Timeline
	if s, ok := tl.Find("http://cdn.test/live/1004000.m4s", nil); !ok || s.Key != "p/v/t1004000" || !s.Predicted {
		t.Errorf("a segment that the player knows of from a newer manifest: %+v, %v", s, ok)
	}
	if s, ok := tl.Find("http://cdn.test/live/981000.m4s", nil); ok {
		t.Errorf("a time between two segments is found: %+v", s)
	}
}

func TestPredictionStopsAtThePeriodEnd(t *testing.T) {
	p := observe(t, mpdOf(liveTemplate, `<Period id="a" start="PT0S"><AdaptationSet><SegmentTemplate duration="2" media="a$Number$"/><Representation id="v"/></AdaptationSet></Period>
		<Period id="b" start="PT1004S"><AdaptationSet><SegmentTemplate duration="2" media="b$Number$"/><Representation id="v"/></AdaptationSet></Period>`))
	var got []string
	for _, track := range p.Tracks {
		for s := range track.Timeline.Predicted(time.Unix(1001, 0), 6*time.Second) {
			got = append(got, string(s.Key))
		}
	}
	if diff := cmp.Diff([]string{"a/v/501", "a/v/502", "b/v/1"}, got); diff != "" {
		t.Error(diff)
	}
	if p.Tracks[0].ID == p.Tracks[1].ID {
		t.Errorf("both tracks are called %s", p.Tracks[0].ID)
	}
}

func TestEndlessTimelinesAreLazy(t *testing.T) {
	p := observe(t, static("PT2000000000S", `<SegmentTemplate media="$Time$"><SegmentTimeline><S d="1" r="1000000000"/></SegmentTimeline></SegmentTemplate><Representation id="v"/>`))
	n := 0
	for s := range p.Tracks[0].Timeline.Segments(time.Time{}, 999_999_990*time.Second, timeline.Forever) {
		if want := time.Duration(999_999_990+n) * time.Second; s.Start != want {
			t.Fatalf("segment at %v, want %v", s.Start, want)
		}
		n++
	}
	if n != 11 {
		t.Errorf("%d segments, want 11", n)
	}
}

func TestRefreshSchedule(t *testing.T) {
	at := time.Unix(1000, 0)
	due := func(body string) []Due {
		_, due, err := NewReader(Options{}).Observe(here, []byte(body), at)
		if err != nil {
			t.Fatal(err)
		}
		return due
	}
	period := `<Period start="PT0S"/>`
	for _, c := range []struct {
		name, body string
		want       []Due
	}{
		{"static", mpdOf(`minimumUpdatePeriod="PT2S"`, period), nil},
		{"final", mpdOf(`type="dynamic"`, period), nil},
		{"period", mpdOf(`type="dynamic" minimumUpdatePeriod="PT7S"`, period), []Due{{URL: here, At: at.Add(7 * time.Second)}}},
		{"zero: once a segment", mpdOf(`type="dynamic" minimumUpdatePeriod="PT0S" maxSegmentDuration="PT4S"`, period), []Due{{URL: here, At: at.Add(4 * time.Second)}}},
		{"not faster than MinRefresh", mpdOf(`type="dynamic" minimumUpdatePeriod="PT0.01S"`, period), []Due{{URL: here, At: at.Add(MinRefresh)}}},
		{"location", mpdOf(`type="dynamic" minimumUpdatePeriod="PT1S"`, `<Location> ../other.mpd?x=1 </Location>`+period),
			[]Due{{URL: "http://cdn.test/other.mpd?x=1", At: at.Add(time.Second)}}},
		{"patch", mpdOf(`type="dynamic" minimumUpdatePeriod="PT1S" id="i" publishTime="2024-01-01T00:00:00Z"`, `<PatchLocation ttl="60">p.mpp</PatchLocation>`+period),
			[]Due{{URL: "http://cdn.test/live/p.mpp", At: at.Add(time.Second)}}},
		{"patch that expires first", mpdOf(`type="dynamic" minimumUpdatePeriod="PT9S"`, `<PatchLocation ttl="5">p.mpp</PatchLocation>`+period),
			[]Due{{URL: here, At: at.Add(9 * time.Second)}}},
	} {
		if diff := cmp.Diff(c.want, due(c.body)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestABadDocumentLeavesTheGoodOneInForce(t *testing.T) {
	r := NewReader(Options{})
	good, _, err := r.Observe(here, []byte(liveNumber("")), time.Unix(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	p, due, err := r.Observe(here, []byte(liveNumber("")[:200]), time.Unix(1002, 0))
	if err == nil || p != good || len(due) != 1 {
		t.Errorf("%v, presentation changed: %v, due %v", err, p != good, due)
	}
	if p, _, err := r.Observe(here, []byte(liveNumber("")), time.Unix(1004, 0)); err != nil || p != good {
		t.Errorf("the same document again makes another presentation (%v)", err)
	}
}

func TestAnOlderDocumentIsWaitedOut(t *testing.T) {
	r := NewReader(Options{})
	doc := func(published string) []byte {
		return []byte(mpdOf(liveTemplate+` publishTime="2024-01-01T00:00:`+published+`Z"`, `<Period start="PT0S"/>`))
	}
	if _, _, err := r.Observe(here, doc("10"), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	for i := range maxOlder {
		if _, _, err := r.Observe(here, doc("05"), time.Unix(int64(2+i), 0)); !errors.Is(err, ErrOlder) {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	if _, _, err := r.Observe(here, doc("05"), time.Unix(9, 0)); err != nil {
		t.Errorf("the origin has really gone back: %v", err)
	}
}

// site answers from a map of "URL" or "URL first-last".
func site(resources map[string]string) Fetch {
	return func(_ context.Context, r Request) (Answer, error) {
		key := strings.TrimPrefix(r.URL, "http://cdn.test/live/")
		if r.Last >= 0 {
			key += fmt.Sprintf(" %d-%d", r.First, r.Last)
		}
		body, ok := resources[key]
		if !ok {
			return Answer{}, fmt.Errorf("HTTP status 404 for %s", key)
		}
		return Answer{Body: []byte(body), URL: r.URL, Date: time.Unix(5000, 0)}, nil
	}
}
