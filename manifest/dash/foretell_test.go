package dash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

func TestFollowingPeriod(t *testing.T) {
	at := func(list ...any) (past []begin) {
		for i := 0; i < len(list); i += 2 {
			past = append(past, begin{list[i].(string), time.Duration(list[i+1].(int)) * time.Second})
		}
		return past
	}
	for _, c := range []struct {
		name string
		past []begin
		want string
	}{
		{"counting up", at("P7", 0, "P8", 20, "P9", 40), "P10 at 60"},
		{"by tens", at("10", 0, "20", 5, "30", 10), "40 at 15"},
		{"leading zeros", at("ad-008", 0, "ad-009", 6, "ad-010", 12), "ad-011 at 18"},
		{"no ids", at("", 0, "", 20, "", 40), " at 60"},
		{"two are too few", at("P7", 0, "P8", 20), ""},
		{"other lengths", at("P7", 0, "P8", 20, "P9", 41), ""},
		{"another word", at("P7", 0, "P8", 20, "Q9", 40), ""},
		{"another step", at("P7", 0, "P8", 20, "P10", 40), ""},
		{"no numbers", at("a", 0, "b", 20, "c", 40), ""},
		{"counting down", at("P9", 0, "P8", 20, "P7", 40), ""},
		{"one id", at("P9", 0, "P9", 20, "P9", 40), ""},
		{"past any number", at("9223372036854775806", 0, "9223372036854775807", 20, "9223372036854775808", 40), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if next, ok := following(c.past); ok {
				got = fmt.Sprintf("%s at %g", next.id, next.start.Seconds())
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// regular writes the MPD of a service with Periods of 20 s at a time since 1970:
// those of the last minute that have begun, in the given addressing.
func regular(now, length time.Duration, addressing string) string {
	var b strings.Builder
	for k := (now - time.Minute) / length; k*length <= now; k++ {
		start := int(k * length / time.Second)
		fmt.Fprintf(&b, `<Period id="P%d" start="PT%dS"><AdaptationSet contentType="video">`, k, start)
		switch addressing {
		case "number":
			fmt.Fprintf(&b, `<SegmentTemplate media="$RepresentationID$/$Number$.m4s" duration="2" startNumber="%d" presentationTimeOffset="%d"/>`, start/2, start)
		default:
			// 2.4 s: Periods begin amid a segment, which belongs to the one it begins in.
			media := "$RepresentationID$/$" + addressing + "$.m4s"
			fmt.Fprintf(&b, `<SegmentTemplate media="%s" timescale="10" startNumber="%d" presentationTimeOffset="%d"><SegmentTimeline>`, media, (start*10+23)/24, start*10)
			for n := (start*10 + 23) / 24; n*24 < (start+int(length/time.Second))*10 && time.Duration(n*24+24)*100*time.Millisecond <= now; n++ {
				fmt.Fprintf(&b, `<S t="%d" d="24"/>`, n*24)
			}
			b.WriteString(`</SegmentTimeline></SegmentTemplate>`)
		}
		b.WriteString(`<Representation id="v" bandwidth="1000000"/></AdaptationSet></Period>`)
	}
	return mpdOf(`type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT1M"`, b.String())
}

// keysOf lists, in order of availability, what is there and what is foretold.
func keysOf(p *timeline.Presentation, now time.Time, ahead time.Duration) (known map[string]time.Time, coming []string) {
	known = map[string]time.Time{}
	for _, t := range p.Tracks {
		for s := range t.Timeline.Segments(now, 0, timeline.Forever) {
			known[string(s.Key)] = s.AvailableAt
		}
		for s := range t.Timeline.Predicted(now, ahead) {
			coming = append(coming, fmt.Sprintf("%s %s %d", s.Key, s.URL, s.AvailableAt.UnixMilli()))
		}
	}
	return known, coming
}

// What is foretold of a Period that no MPD has told of is what later MPDs say.
func TestForetoldPeriod(t *testing.T) {
	const began, ahead = 1000 * time.Second, 10 * time.Second
	for _, addressing := range []string{"number", "Time", "Number"} {
		t.Run(addressing, func(t *testing.T) {
			r := NewReader(Options{Foretell: true})
			foretold, came, crossed := map[string]bool{}, map[string]bool{}, 0
			for now := began; now < began+90*time.Second; now += 2 * time.Second {
				at := time.Unix(0, 0).Add(now)
				p, _, err := r.Observe("https://o.example/live.mpd", []byte(regular(now, 20*time.Second, addressing)), at)
				if err != nil {
					t.Fatal(err)
				}
				known, coming := keysOf(p, at, ahead)
				for k, available := range known {
					came[k] = true
					if u := time.Duration(available.UnixNano()); u > began+ahead && u < now && !foretold[k] {
						t.Errorf("%s came at %v and was not foretold", k, u)
					}
				}
				for _, s := range coming {
					key, _, _ := strings.Cut(s, " ")
					foretold[key] = true
					if !strings.HasPrefix(key, fmt.Sprintf("P%d/", now/(20*time.Second))) {
						crossed++
					}
				}
				if now > began+80*time.Second {
					continue
				}
				end := now + ahead + 4*time.Second
				later := NewReader(Options{})
				q, _, err := later.Observe("https://o.example/live.mpd", []byte(regular(end, 20*time.Second, addressing)), time.Unix(0, 0).Add(end))
				if err != nil {
					t.Fatal(err)
				}
				there, _ := keysOf(q, time.Unix(0, 0).Add(end), 0)
				for _, s := range coming {
					key, _, _ := strings.Cut(s, " ")
					if _, ok := there[key]; !ok {
						t.Errorf("at %v %s was foretold and did not come", now, s)
					}
				}
			}
			if crossed == 0 {
				t.Error("no prediction went past the end of a Period")
			}
		})
	}
}

// A Period that does not come as foretold takes every word about it back.
func TestForetoldPeriodIsTakenBack(t *testing.T) {
	r := NewReader(Options{Foretell: true})
	now := 1018 * time.Second
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }
	p, _, err := r.Observe("https://o.example/live.mpd", []byte(regular(now, 20*time.Second, "number")), at(now))
	if err != nil {
		t.Fatal(err)
	}
	if _, coming := keysOf(p, at(now), 10*time.Second); !strings.HasPrefix(fmt.Sprint(coming), "[P50/v/509 https://o.example/v/509.m4s 1020000 P51/v/510 ") {
		t.Fatalf("foretold: %v", coming)
	}
	// An advertisement of another length and name begins instead.
	ad := strings.Replace(regular(now, 20*time.Second, "number"), `</MPD>`,
		`<Period id="ad" start="PT1014S"><AdaptationSet contentType="video"><SegmentTemplate media="ad/$Number$.m4s" duration="2" startNumber="1"/><Representation id="v" bandwidth="1000000"/></AdaptationSet></Period></MPD>`, 1)
	if p, _, err = r.Observe("https://o.example/live.mpd", []byte(ad), at(now)); err != nil {
		t.Fatal(err)
	}
	if _, coming := keysOf(p, at(now), 6*time.Second); fmt.Sprint(coming) != "[ad/v/3 https://o.example/ad/3.m4s 1020000 ad/v/4 https://o.example/ad/4.m4s 1022000 ad/v/5 https://o.example/ad/5.m4s 1024000]" {
		t.Errorf("after the advertisement: %v", coming)
	}
}

// A single reading says nothing about what is not in the document.
func TestOneReadingForetellsNoPeriod(t *testing.T) {
	r := NewReader(Options{})
	now := 1018 * time.Second
	p, _, err := r.Observe("https://o.example/live.mpd", []byte(regular(now, 20*time.Second, "number")), time.Unix(0, 0).Add(now))
	if err != nil {
		t.Fatal(err)
	}
	if _, coming := keysOf(p, time.Unix(0, 0).Add(now), 10*time.Second); strings.Contains(fmt.Sprint(coming), "P51/") {
		t.Errorf("foretold: %v", coming)
	}
}
