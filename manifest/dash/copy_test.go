package dash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const copyURL = "https://origin.test/live/main.mpd"

func noFetch(context.Context, Request) (Answer, error) { return Answer{}, errors.New("no network") }

// copied names the files of what a track lists at at, as package prefetch does.
func copied(t *testing.T, body string, at time.Time) (tracks []CopiedTrack) {
	t.Helper()
	p, err := Read(t.Context(), copyURL, []byte(body), at, Options{NoClock: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range p.Tracks {
		c := CopiedTrack{Key: track.Key, Init: track.Key + "/init.mp4"}
		for s := range track.Timeline.Segments(at, 0, timeline.Forever) {
			c.Segments = append(c.Segments, CopiedSegment{s, string(s.Key) + ".m4s"})
		}
		tracks = append(tracks, c)
	}
	return tracks
}

// livePeriods is a live MPD whose first Period goes away after a minute.
func livePeriods(first bool) string {
	const period = `<Period id="%s" start="PT%dS"><AdaptationSet contentType="video"><SegmentTemplate timescale="90000" presentationTimeOffset="%d" media="$Time$.m4s" initialization="i.mp4">
<SegmentTimeline><S t="%d" d="180000" r="4"/></SegmentTimeline></SegmentTemplate><Representation id="v" bandwidth="1"/></AdaptationSet></Period>`
	doc := `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT2S" publishTime="2026-01-01T00:00:00Z" suggestedPresentationDelay="PT4S" profiles="urn:mpeg:dash:profile:isoff-live:2011">
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-01T00:00:00Z"/><Location>main.mpd</Location>`
	if first {
		doc += fmt.Sprintf(period, "one", 100, 0, 180000*5)
	}
	return doc + fmt.Sprintf(period, "two", 120, 900, 900) + `</MPD>`
}

func TestCopyKeepsPeriodsThatWentAway(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 2, 20, 0, time.UTC)
	c := NewCopy()
	tracks := copied(t, livePeriods(true), at)
	for _, doc := range []string{livePeriods(true), livePeriods(false)} {
		if err := c.Observe(t.Context(), copyURL, []byte(doc), noFetch); err != nil {
			t.Fatal(err)
		}
	}
	for _, track := range tracks {
		if !c.Has(track.Key) {
			t.Errorf("%s is forgotten", track.Key)
		}
	}
	if c.Has("three/v") {
		t.Error("a Period that never was is there")
	}
	body, notes, err := c.Write(tracks)
	if err != nil || len(notes) > 0 {
		t.Fatalf("%v, notes %q", err, notes)
	}
	for _, gone := range []string{"dynamic", "availabilityStartTime", "minimumUpdatePeriod", "publishTime", "suggestedPresentationDelay", "UTCTiming", "Location"} {
		if strings.Contains(string(body), gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	p, err := Read(t.Context(), "http://copy.test/main.mpd", body, at, Options{}, nil)
	if err != nil || p.Live || p.Duration != 20*time.Second {
		t.Fatalf("%+v: %v", p, err)
	}
	start, n := time.Duration(0), 0
	for i, track := range p.Tracks {
		if track.Init == nil || track.Init.URL != "http://copy.test/"+tracks[i].Init {
			t.Errorf("init %v", track.Init)
		}
		for s := range track.Timeline.Segments(at, 0, timeline.Forever) {
			// What was at 110 s is at 0, and the files are the same.
			w := tracks[i].Segments[n%5]
			if s.Start != start || s.Duration != 2*time.Second || s.URL != "http://copy.test/"+w.File {
				t.Errorf("%s at %s, want %s at %s", s.URL, s.Start, w.File, start)
			}
			start += s.Duration
			n++
		}
	}
	if n != 10 {
		t.Errorf("%d segments, want 10", n)
	}
}

// TestCopyWithHoles leaves segments out and names files freely: the places on the
// timeline stay.
func TestCopyWithHoles(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 2, 20, 0, time.UTC)
	c := NewCopy()
	if err := c.Observe(t.Context(), copyURL, []byte(livePeriods(true)), noFetch); err != nil {
		t.Fatal(err)
	}
	for name, rename := range map[string]func(*CopiedSegment){
		"template": func(*CopiedSegment) {},
		"list":     func(s *CopiedSegment) { s.File = strings.ReplaceAll(s.File, "/t", "/file-") },
	} {
		t.Run(name, func(t *testing.T) {
			track := copied(t, livePeriods(true), at)[0]
			track.Segments = []CopiedSegment{track.Segments[0], track.Segments[1], track.Segments[4]}
			for i := range track.Segments {
				rename(&track.Segments[i])
			}
			body, _, err := c.Write([]CopiedTrack{track})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Read(t.Context(), "http://copy.test/main.mpd", body, at, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for s := range p.Tracks[0].Timeline.Segments(at, 0, timeline.Forever) {
				got = append(got, fmt.Sprint(s.Start, " ", strings.TrimPrefix(s.URL, "http://copy.test/")))
			}
			for i, start := range []string{"0s ", "2s ", "8s "} {
				if i >= len(got) || got[i] != start+track.Segments[i].File {
					t.Errorf("%q, want %s at %s", got, track.Segments[i].File, start)
				}
			}
			if strings.Contains(string(body), "SegmentList") != (name == "list") {
				t.Errorf("%s", body)
			}
		})
	}
}

func TestCopyRefuses(t *testing.T) {
	c := NewCopy()
	if _, _, err := c.Write(nil); err == nil {
		t.Error("nothing was written down")
	}
	if err := c.Observe(t.Context(), copyURL, []byte("<MPD"), noFetch); err == nil {
		t.Error("a torn MPD was taken")
	}
	if err := c.Observe(t.Context(), copyURL, []byte(livePeriods(true)), noFetch); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Write([]CopiedTrack{{Key: "nobody/v"}, {Key: "one/v"}}); err == nil {
		t.Error("a copy without a segment was written")
	}
}

func TestISODuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "PT0S", time.Second: "PT1S", 90*time.Minute + 500*time.Millisecond: "PT5400.5S", 1: "PT0.000000001S", 100 * time.Second: "PT100S"} {
		if got := isoDuration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

// FuzzCopy copies whatever an MPD lists and reads the copy: it must be an MPD that
// lists as many segments of every track that has any.
func FuzzCopy(f *testing.F) {
	f.Add([]byte(livePeriods(true)))
	f.Add([]byte(`<MPD type="static" mediaPresentationDuration="PT6S"><Period><AdaptationSet><SegmentTemplate media="$Number$" duration="2"/><Representation id="a/b"/><Representation id=""/></AdaptationSet></Period></MPD>`))
	f.Add([]byte(`<m:MPD xmlns:m="x"><m:Period id="p" duration="PT1S"><m:AdaptationSet><m:Representation id="t"><m:BaseURL>a.vtt</m:BaseURL></m:Representation></m:AdaptationSet></m:Period></m:MPD>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		at := time.Date(2026, 1, 1, 0, 2, 20, 0, time.UTC)
		p, err := Read(t.Context(), copyURL, body, at, Options{NoClock: true}, nil)
		if err != nil {
			return
		}
		c := NewCopy()
		if err := c.Observe(t.Context(), copyURL, body, noFetch); err != nil {
			return
		}
		var tracks []CopiedTrack
		for i, track := range p.Tracks {
			one := CopiedTrack{Key: track.Key}
			for s := range track.Timeline.Segments(at, 0, timeline.Forever) {
				if one.Segments = append(one.Segments, CopiedSegment{s, fmt.Sprintf("%d/%d.m4s", i, s.Number)}); len(one.Segments) == 100 {
					break
				}
			}
			tracks = append(tracks, one)
		}
		out, _, err := c.Write(tracks)
		if err != nil {
			return
		}
		again, err := Read(t.Context(), "http://copy.test/x.mpd", out, at, Options{}, nil)
		if err != nil || again.Live {
			t.Fatalf("the copy is no static MPD: %v\n%s", err, out)
		}
	})
}
