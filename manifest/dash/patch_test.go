package dash

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func apply(t *testing.T, doc, ops string) (string, error) {
	t.Helper()
	r := NewReader(Options{})
	r.raw = []byte(doc)
	out, err := r.patched([]byte(`<Patch xmlns="urn:mpeg:dash:schema:mpd-patch:2020">` + ops + `</Patch>`))
	return string(out), err
}

func TestPatchOperations(t *testing.T) {
	const doc = `<MPD id="m"><Period id="a"><T><S t="0"/><S t="5"/></T></Period><Period id="b/[1]"><BaseURL>x</BaseURL></Period></MPD>`
	for _, c := range []struct{ name, ops, want string }{
		{"add last", `<add sel="/MPD/Period[@id='a']/T"><S t="9"/></add>`, `<S t="5"/><S t="9"/></T>`},
		{"add first", `<add sel="/MPD/Period[@id='a']/T" pos="prepend"><S t="9"/><S t="8"/></add>`, `<T><S t="9"/><S t="8"/><S t="0"/>`},
		{"add before", `<add sel="/MPD/Period[1]/T/S[2]" pos="before"><S t="1"/></add>`, `<S t="0"/><S t="1"/><S t="5"/>`},
		{"add after", `<add sel="/MPD/Period[1]/T/S[1]" pos="after"><S t="1"/></add>`, `<S t="0"/><S t="1"/><S t="5"/>`},
		{"add an attribute", `<add sel="/MPD/Period[1]/T/S[@t='5']" type="@r">7</add>`, `<S t="5" r="7"/>`},
		{"replace an attribute", `<replace sel="/MPD/Period[1]/T/S[2]/@t">6</replace>`, `<S t="6"/>`},
		{"replace an element", `<replace sel="/MPD/Period[1]/T/S[2]"><S d="1"/></replace>`, `<S t="0"/><S d="1"/></T>`},
		{"replace text", `<replace sel="/MPD/Period[2]/BaseURL/text()">y</replace>`, `<BaseURL>y</BaseURL>`},
		{"remove an element", `<remove sel="/MPD/Period[1]/T/S[1]"/>`, `<T><S t="5"/></T>`},
		{"remove an attribute", `<remove sel="/MPD/Period[1]/T/S[2]/@t"/>`, `<S/></T>`},
		{"remove text", `<remove sel="/MPD/Period[2]/BaseURL/text()"/>`, `<BaseURL/>`},
		{"a slash in a predicate", `<add sel="/MPD/Period[@id='b/[1]']"><T/></add>`, `</BaseURL><T/></Period>`},
		{"a child in a predicate", `<add sel='/MPD/Period[BaseURL="x"]/BaseURL[.="x"]' type="@id">1</add>`, `<BaseURL id="1">`},
		{"any name", `<remove sel="/*/Period[1]/*[1]"/>`, `<Period id="a"/>`},
		{"in order", `<remove sel="/MPD/Period[1]/T/S[1]"/><add sel="/MPD/Period[1]/T/S[1]" type="@d">2</add>`, `<T><S t="5" d="2"/></T>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := apply(t, doc, c.ops)
			if err != nil || !strings.Contains(got, c.want) {
				t.Errorf("%v\n%s\nwants %s", err, got, c.want)
			}
		})
	}
	for name, ops := range map[string]string{
		"nothing selected":         `<remove sel="/MPD/Period[3]"/>`,
		"two selected":             `<remove sel="/MPD/Period"/>`,
		"no selector":              `<remove/>`,
		"the root":                 `<remove sel="/MPD"/>`,
		"an attribute not there":   `<replace sel="/MPD/@none">1</replace>`,
		"an attribute twice":       `<add sel="/MPD" type="@id">1</add>`,
		"unknown operation":        `<move sel="/MPD"/>`,
		"unknown position":         `<add sel="/MPD" pos="somewhere"><Period/></add>`,
		"quotes left open":         `<add sel="/MPD/Period[@id='a]"/>`,
		"replaced by two":          `<replace sel="/MPD/Period[1]"><Period/><Period/></replace>`,
		"a predicate not of ours":  `<remove sel="/MPD/Period[last()]"/>`,
		"a position of zero":       `<remove sel="/MPD/Period[0]"/>`,
		"text of an attribute set": `<add sel="/MPD/Period[1]/text()"><S/></add>`,
	} {
		if got, err := apply(t, doc, ops); !errors.Is(err, ErrPatch) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

// patchable is a live MPD that offers patches.
const patchable = `<MPD id="m" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="2024-01-01T00:00:00Z" minimumUpdatePeriod="PT2S">
<PatchLocation ttl="60">p.mpp?1</PatchLocation><Period id="p" start="PT0S"><AdaptationSet id="1"><SegmentTemplate media="$Time$"><SegmentTimeline><S t="0" d="2" r="1"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`

func patchFrom(original, published, ops string) []byte {
	return []byte(`<?xml version="1.0"?><Patch mpdId="m" originalPublishTime="` + original + `" publishTime="` + published + `">` + ops + `</Patch>`)
}

func TestReaderAppliesPatches(t *testing.T) {
	r := NewReader(Options{})
	if _, due, err := r.Observe(here, []byte(patchable), time.Unix(100, 0)); err != nil || due[0].URL != "http://cdn.test/live/p.mpp?1" {
		t.Fatal(err, due)
	}
	p, due, err := r.Observe("http://cdn.test/live/p.mpp?1", patchFrom("2024-01-01T00:00:00Z", "2024-01-01T00:00:02Z", `
		<replace sel="/MPD/@publishTime">2024-01-01T00:00:02Z</replace>
		<replace sel="/MPD/PatchLocation[1]"><PatchLocation ttl="60">p.mpp?2</PatchLocation></replace>
		<add sel="/MPD/Period[@id='p']/AdaptationSet[@id='1']/SegmentTemplate/SegmentTimeline"><S d="3"/></add>`), time.Unix(102, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := urls(all(p.Tracks[0].Timeline, time.Unix(200, 0))); got != "0 2 4" {
		t.Errorf("after the patch: %s", got)
	}
	if p.URL != here || due[0].URL != "http://cdn.test/live/p.mpp?2" || !due[0].At.Equal(time.Unix(104, 0)) {
		t.Errorf("presentation of %s, due %v", p.URL, due)
	}
	// One that starts from another document: the whole MPD is due at once.
	still, due, err := r.Observe("http://cdn.test/live/p.mpp?2", patchFrom("2024-01-01T00:00:44Z", "2024-01-01T00:00:46Z", ""), time.Unix(104, 0))
	if !errors.Is(err, ErrPatch) || still != p || due[0].URL != here || due[0].At.After(time.Unix(104, 0)) {
		t.Errorf("%v, presentation changed: %v, due %v", err, still != p, due)
	}
	if _, due, err = r.Observe(here, []byte(patchable), time.Unix(105, 0)); !errors.Is(err, ErrOlder) || due[0].URL == here {
		t.Errorf("%v, due %v", err, due)
	}
}

func TestAPatchWithoutAnMPD(t *testing.T) {
	if _, _, err := NewReader(Options{}).Observe(here, patchFrom("", "", ""), time.Unix(0, 0)); !errors.Is(err, ErrPatch) {
		t.Error(err)
	}
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte(`<Patch><add sel="/MPD/Period[@id='p']" pos="after"><Period/></add></Patch>`))
	f.Add([]byte(`<Patch><remove sel="/MPD/Period[1]/AdaptationSet/@id"/><replace sel="//*"/></Patch>`))
	f.Fuzz(func(t *testing.T, patch []byte) {
		r := NewReader(Options{})
		before, _, err := r.Observe(here, []byte(patchable), time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := r.Observe(here+"p", patch, time.Unix(1, 0))
		if err != nil && after != before {
			t.Error("a failed patch has replaced the presentation")
		}
	})
}
