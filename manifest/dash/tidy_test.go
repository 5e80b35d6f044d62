package dash

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/google/go-cmp/cmp"
)

func tidyAndDecode(t *testing.T, body string) (*mpd.MPD, tidied) {
	t.Helper()
	clean, err := tidy([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := unmarshal(clean.body)
	if err != nil {
		t.Fatalf("%v\n%s", err, clean.body)
	}
	return doc, clean
}

// Each of these makes mpd.MPDFromBytes refuse the document.
func TestTidyRepairsWhatTheDecoderRefuses(t *testing.T) {
	for _, c := range []struct {
		name, body string
		check      func(doc *mpd.MPD, in information) bool
	}{
		{"year and month", `<MPD mediaPresentationDuration="P0Y0M1DT2H"/>`,
			func(d *mpd.MPD, _ information) bool {
				return *d.MediaPresentationDuration == mpd.Duration(26*time.Hour)
			}},
		{"fractional hour", `<MPD minimumUpdatePeriod="PT0.5H"/>`,
			func(d *mpd.MPD, _ information) bool { return *d.MinimumUpdatePeriod == mpd.Duration(30*time.Minute) }},
		{"space", `<MPD minBufferTime=" PT2S "/>`,
			func(d *mpd.MPD, _ information) bool { return *d.MinBufferTime == mpd.Duration(2*time.Second) }},
		{"nonsense", `<MPD minimumUpdatePeriod="soon"/>`,
			func(d *mpd.MPD, _ information) bool { return d.MinimumUpdatePeriod == nil }},
		{"negative", `<MPD minimumUpdatePeriod="-PT2S"/>`,
			func(d *mpd.MPD, _ information) bool { return *d.MinimumUpdatePeriod == 0 }},
		{"fraction in an integer", `<MPD><Period><SegmentTemplate duration="2000000.0" timescale='1000000.00'/></Period></MPD>`,
			func(_ *mpd.MPD, in information) bool { return in.duration == 2000000 && in.timescale == 1000000 }},
		{"negative offset", `<MPD><Period><SegmentTemplate presentationTimeOffset="-30000" indexRange="1-2"/></Period></MPD>`,
			func(_ *mpd.MPD, in information) bool { return in.offset == -30000 && in.indexRange == "1-2" }},
		{"wide numbers", `<MPD><Period><SegmentTemplate startNumber="10000000000" duration="5000000000"></SegmentTemplate></Period></MPD>`,
			func(_ *mpd.MPD, in information) bool {
				return in.startNumber == 10000000000 && in.duration == 5000000000
			}},
		{"named adaptation set", `<MPD><Period><AdaptationSet id="video" group="2"/></Period></MPD>`,
			func(d *mpd.MPD, _ information) bool {
				as := d.Periods[0].AdaptationSets[0]
				return as.Id == nil && as.Group == 2
			}},
		{"foreign attribute", `<MPD xmlns:x="urn:x"><Period><AdaptationSet x:id="video" id="4"/></Period></MPD>`,
			func(d *mpd.MPD, _ information) bool { return *d.Periods[0].AdaptationSets[0].Id == 4 }},
		{"boolean", `<MPD><Period bitstreamSwitching="yes" id="p"/></MPD>`,
			func(d *mpd.MPD, _ information) bool {
				return d.Periods[0].BitstreamSwitching == nil && d.Periods[0].Id == "p"
			}},
		{"S", `<MPD><Period><SegmentTemplate><SegmentTimeline><S t=" 5" d="4.0" r="2.0"/></SegmentTimeline></SegmentTemplate></Period></MPD>`,
			func(d *mpd.MPD, _ information) bool { return len(d.Periods[0].SegmentTemplate.SegmentTimeline.S) == 1 }},
		{"offset of availability", `<MPD><Period><SegmentTemplate availabilityTimeOffset=" 1.5 "/></Period></MPD>`,
			func(_ *mpd.MPD, in information) bool { return in.ahead == 1.5 }},
		{"prefixed names", `<d:MPD xmlns:d="urn:mpeg:dash:schema:mpd:2011"><d:Period><d:SegmentTemplate duration="1.0"/></d:Period></d:MPD>`,
			func(_ *mpd.MPD, in information) bool { return in.duration == 1 }},
		{"a greater-than sign in a value", `<MPD><Period id="a>b/" start="P1M"/></MPD>`,
			func(d *mpd.MPD, _ information) bool {
				return d.Periods[0].Id == "a>b/" && *d.Periods[0].Start == mpd.Duration(720*time.Hour)
			}},
		{"a greater-than sign in text", `<MPD>><ProgramInformation><Title>a > b >> c</Title></ProgramInformation><Period/>></MPD>>`,
			func(d *mpd.MPD, _ information) bool { return d.ProgramInformation[0].Title == "a > b >> c" }},
		{"a comment and CDATA that look like elements", `<MPD><!-- <Period start="soon> --><ProgramInformation><Title><![CDATA[<Period start=]]></Title></ProgramInformation><Period/></MPD>`,
			func(d *mpd.MPD, _ information) bool { return len(d.Periods) == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, clean := tidyAndDecode(t, c.body)
			var in information
			if len(doc.Periods) > 0 {
				p := doc.Periods[0]
				in = inherit(clean.widened, level{p.SegmentBase, p.SegmentList, p.SegmentTemplate})
			}
			if !c.check(doc, in) {
				t.Errorf("became %s", clean.body)
			}
		})
	}
}

func TestTidyTakesEntriesOut(t *testing.T) {
	doc, clean := tidyAndDecode(t, `<MPD><Period><SegmentTemplate><SegmentTimeline/></SegmentTemplate></Period><Period><SegmentTemplate><SegmentTimeline>
		<Pattern id="3"><P d="7"/></Pattern><S t=" 5" d="4.0" r="2.0"/><!-- S --><S d="3" r="-1" x:t="9" n="18446744073709551615"></S>
		<S t="-1" d="x" k="2"><S t="6"/></S><S p="3" pE="1"/></SegmentTimeline></SegmentTemplate></Period><Period><SegmentList><SegmentTimeline></SegmentTimeline></SegmentList></Period></MPD>`)
	want := [][]entry{{
		{time: 5, timed: true, length: 4, repeat: 2},
		{length: 3, repeat: -1, more: &entryMore{number: math.MaxUint64, numbered: true}},
		{more: &entryMore{subs: 2}},
		{more: &entryMore{pattern: 3, patterns: true, entered: 1}},
	}, nil}
	if diff := cmp.Diff(want, clean.entries, cmp.AllowUnexported(entry{}, entryMore{})); diff != "" {
		t.Error(diff)
	}
	tl := doc.Periods[1].SegmentTemplate.SegmentTimeline
	if len(entriesOf(tl, clean.entries)) != 4 || len(tl.Pattern) != 1 {
		t.Errorf("the timeline became %+v", tl)
	}
	for _, empty := range []*mpd.SegmentTimelineType{doc.Periods[0].SegmentTemplate.SegmentTimeline, doc.Periods[2].SegmentList.SegmentTimeline} {
		if n := len(entriesOf(empty, clean.entries)); n != 0 {
			t.Errorf("an empty timeline has %d entries", n)
		}
	}
}

func TestTidyLeavesGoodDocumentsAlone(t *testing.T) {
	const good = `<?xml version="1.0"?><MPD minBufferTime="PT2S"><Period id="1" start="PT0S"><AdaptationSet id="1"><SegmentTemplate timescale="90000" duration="180000"/></AdaptationSet></Period></MPD>`
	clean, err := tidy([]byte(good))
	if err != nil || string(clean.body) != good || len(clean.notes)+len(clean.widened) > 0 {
		t.Errorf("%v, %+v", err, clean)
	}
}

func TestEncodings(t *testing.T) {
	const text = `<MPD id="é"/>`
	utf16 := func(s string, bom string, big bool) string {
		out := bom
		for _, r := range s {
			if big {
				out += string([]byte{byte(r >> 8), byte(r)})
			} else {
				out += string([]byte{byte(r), byte(r >> 8)})
			}
		}
		return out
	}
	for name, body := range map[string]string{
		"byte order mark": "\xef\xbb\xbf" + text,
		"UTF-16LE":        utf16(`<?xml version="1.0" encoding="UTF-16"?>`+text, "\xff\xfe", false),
		"UTF-16BE":        utf16(text, "\xfe\xff", true),
		"ISO-8859-1":      `<?xml version="1.0" encoding='ISO-8859-1'?><MPD id="` + "\xe9" + `"/>`,
		"blank first":     "\n\n" + `<?xml version="1.0" encoding="UTF8"?>` + text,
	} {
		if doc, _ := tidyAndDecode(t, body); doc.Id != "é" {
			t.Errorf("%s: id %q", name, doc.Id)
		}
	}
	if _, err := tidy([]byte(`<?xml version="1.0" encoding="EBCDIC"?><MPD/>`)); !errors.Is(err, ErrSyntax) {
		t.Errorf("EBCDIC: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for name, body := range map[string]string{
		"document type":     `<!DOCTYPE MPD [<!ENTITY a "b">]><MPD id="&a;"/>`,
		"unknown entity":    `<MPD id="&a;"/>`,
		"another root":      `<html/>`,
		"truncated element": `<MPD><Period id="1`,
		"truncated":         `<MPD><Period id="1">`,
		"empty":             ``,
		"no value":          `<MPD id/>`,
		"no quotes":         `<MPD id=1/>`,
		"only a bracket":    `>`,
		"brackets":          `> <MPD>>`,
		"open comment":      `<MPD><!-- </MPD>`,
	} {
		_, _, err := NewReader(Options{}).Observe("http://h/x.mpd", []byte(body), time.Now())
		if !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each limit at its value and one past it.
func TestLimits(t *testing.T) {
	const open, end = `<MPD>`, `</MPD>`
	timeline := func(n int) string {
		return open + `<Period><SegmentTemplate><SegmentTimeline>` + strings.Repeat(`<S d="1"/>`, n) + `</SegmentTimeline></SegmentTemplate></Period>` + end
	}
	padded := func(n int) string {
		return open + strings.Repeat(" ", n-len(open)-len(end)) + end
	}
	for _, c := range []struct {
		name  string
		limit int
		make  func(n int) string
	}{
		{"bytes", MaxBytes, padded},
		{"depth", MaxDepth, func(n int) string {
			return open + strings.Repeat("<x>", n-1) + strings.Repeat("</x>", n-1) + end
		}},
		{"elements", MaxElements, func(n int) string { return open + strings.Repeat("<x/>", n-1) + end }},
		{"timeline entries", MaxTimelineEntries, timeline},
		{"periods", MaxPeriods, func(n int) string { return open + strings.Repeat("<Period/>", n) + end }},
		{"representations", MaxRepresentations, func(n int) string {
			return open + "<Period><AdaptationSet>" + strings.Repeat("<Representation/>", n) + "</AdaptationSet></Period>" + end
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := tidy([]byte(c.make(c.limit))); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if _, err := tidy([]byte(c.make(c.limit + 1))); !errors.Is(err, ErrLimit) {
				t.Errorf("one past the limit: %v", err)
			}
		})
	}
}

func TestNotesAreLimited(t *testing.T) {
	_, clean := tidyAndDecode(t, `<MPD>`+strings.Repeat(`<Period start="soon"/>`, 2*maxNotes)+`</MPD>`)
	if len(clean.notes) != maxNotes {
		t.Errorf("%d notes", len(clean.notes))
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	_, err := tidy([]byte("<MPD>\n<Period>\n<AdaptationSet id=4>"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Error(err)
	}
	_, err = tidy(fmt.Appendf(nil, "<MPD>%s", strings.Repeat("\n<Period>", MaxDepth)))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d:", MaxDepth+1)) {
		t.Error(err)
	}
}
