package dash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const xlinkSpace = `xmlns:xlink="http://www.w3.org/1999/xlink" `

func remotePeriod(id string, more string) string {
	return `<Period id="` + id + `" duration="PT4S"` + more + `><AdaptationSet><SegmentTemplate duration="2" media="` + id + `$Number$"/><Representation id="v"/></AdaptationSet></Period>`
}

func TestXLink(t *testing.T) {
	own := remotePeriod("own", "")
	doc := func(periods string) string { return mpdOf(`type="static" `+xlinkSpace, own+periods) }
	for _, c := range []struct {
		name, body string
		site       map[string]string
		want       string // URLs of all tracks
		note       string
	}{
		{"a period", doc(`<Period xlink:href="r.xml" xlink:actuate="onLoad"/>`), map[string]string{"r.xml": remotePeriod("ad", "")}, "own1 own2 ad1 ad2", ""},
		{"several periods", doc(`<Period xlink:href="r.xml"/>`), map[string]string{"r.xml": `<?xml version="1.0"?>` + remotePeriod("a", "") + remotePeriod("b", "")}, "own1 own2 a1 a2 b1 b2", ""},
		{"to zero", doc(`<Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>`), nil, "own1 own2", ""},
		{"failing", doc(`<Period xlink:href="gone.xml"/>`), nil, "own1 own2", "gone.xml is left out"},
		{"failing, with content of its own", doc(strings.Replace(remotePeriod("fallback", ""), "<Period", `<Period xlink:href="gone.xml"`, 1)), nil, "own1 own2 fallback1 fallback2", "gone.xml"},
		{"of another kind", doc(`<Period xlink:href="r.xml"/>`), map[string]string{"r.xml": "<AdaptationSet/>"}, "own1 own2", ""},
		{"not http", doc(`<Period xlink:href="file:///etc/passwd"/>`), nil, "own1 own2", "not an http URL"},
		{"to itself", doc(`<Period xlink:href="r.xml"/>`), map[string]string{"r.xml": `<Period ` + xlinkSpace + ` xlink:href="r.xml"/>`}, "own1 own2", ""},
		{"an adaptation set", mpdOf(`type="static" mediaPresentationDuration="PT4S" `+xlinkSpace, `<Period id="p"><AdaptationSet xlink:href="r.xml"/></Period>`),
			map[string]string{"r.xml": `<AdaptationSet><SegmentTemplate duration="2" media="s$Number$"/><Representation id="v"/></AdaptationSet>`}, "s1 s2", ""},
		{"a document type in the target", doc(`<Period xlink:href="r.xml"/>`), map[string]string{"r.xml": `<!DOCTYPE x>` + remotePeriod("ad", "")}, "own1 own2", "document type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Read(t.Context(), here, []byte(c.body), time.Unix(0, 0), Options{}, site(c.site))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, track := range p.Tracks {
				got = append(got, urls(all(track.Timeline, time.Time{})))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s; %q", s, c.want, p.Notes)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q do not tell of %q", notes, c.note)
			}
		})
	}
}

func TestXLinkIsFetchedOnce(t *testing.T) {
	fetched := 0
	base := site(map[string]string{"r.xml": remotePeriod("ad", "")})
	count := func(ctx context.Context, r Request) (Answer, error) { fetched++; return base(ctx, r) }
	r := NewReader(Options{})
	for i := range 3 {
		body := mpdOf(fmt.Sprintf(`type="dynamic" minimumUpdatePeriod="PT2S" id="%d" %s`, i, xlinkSpace), `<Period xlink:href="r.xml"/>`)
		if _, _, err := r.Observe(here, []byte(body), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		p, err := r.Complete(t.Context(), count)
		if err != nil || len(p.Tracks) != 1 {
			t.Fatalf("%v, %d tracks", err, len(p.Tracks))
		}
	}
	if fetched != 1 {
		t.Errorf("the remote period was fetched %d times", fetched)
	}
}

func TestXLinkLimits(t *testing.T) {
	var b strings.Builder
	for i := range MaxLinks + 1 {
		fmt.Fprintf(&b, `<Period xlink:href="%d.xml"/>`, i)
	}
	r := NewReader(Options{})
	if _, _, err := r.Observe(here, []byte(mpdOf(xlinkSpace, b.String())), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.missing); n != MaxLinks {
		t.Errorf("%d links are to be fetched, the limit is %d", n, MaxLinks)
	}
	// A remote element that holds itself a thousand times must not grow for ever.
	bomb := `<Period ` + xlinkSpace + `>` + strings.Repeat(`<AdaptationSet xlink:href="b.xml"/>`, 1000) + `</Period>`
	set := `<AdaptationSet>` + strings.Repeat(`<Representation xlink:href="c.xml"/>`, 1000) + `</AdaptationSet>`
	rep := strings.Repeat(`<Representation id="x"/>`, 1000)
	p, err := Read(t.Context(), here, []byte(mpdOf(`type="static"`, bomb)), time.Unix(0, 0), Options{},
		site(map[string]string{"b.xml": set, "c.xml": rep}))
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%v; presentation with %d tracks", err, len(p.Tracks))
	}
}
