package dash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// sidx builds a box. A ref is its size, duration and whether it is a sidx itself.
func sidx(t *testing.T, timescale uint32, ept, gap uint64, refs ...[3]uint32) string {
	t.Helper()
	box := &mp4.SidxBox{Version: 1, Timescale: timescale, EarliestPresentationTime: ept, FirstOffset: gap}
	for _, r := range refs {
		box.SidxRefs = append(box.SidxRefs, mp4.SidxRef{ReferencedSize: r[0], SubSegmentDuration: r[1], ReferenceType: uint8(r[2])})
	}
	var b bytes.Buffer
	if err := box.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func onDemand(indexRange, more string) string {
	return static("PT20S", `<Representation id="v"><BaseURL>f.mp4</BaseURL><SegmentBase indexRange="`+indexRange+`" `+more+`><Initialization range="0-99"/></SegmentBase></Representation>`)
}

func readSite(t *testing.T, body string, resources map[string]string) ([]string, string) {
	t.Helper()
	p, err := Read(t.Context(), here, []byte(body), time.Unix(0, 0), Options{}, site(resources))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all(p.Tracks[0].Timeline, time.Time{}) {
		r := "whole"
		if s.Range != nil {
			r = fmt.Sprintf("%d-%d", s.Range.First, s.Range.Last)
		}
		got = append(got, fmt.Sprintf("%s@%g+%g", r, s.Start.Seconds(), s.Duration.Seconds()))
		if found, ok := p.Tracks[0].Timeline.Find(s.URL, s.Range); !ok || found.Key != s.Key {
			t.Errorf("%s is found as %s", s.Key, found.Key)
		}
	}
	return got, strings.Join(p.Notes, "\n")
}

func TestSidx(t *testing.T) {
	flat := sidx(t, 1000, 0, 0, [3]uint32{50, 2000}, [3]uint32{60, 2000}, [3]uint32{70, 1500})
	inner1 := sidx(t, 500, 0, 0, [3]uint32{50, 1000}, [3]uint32{60, 1000})
	inner2 := sidx(t, 1000, 4000, 10, [3]uint32{70, 1500})
	outer := sidx(t, 1000, 0, 0, [3]uint32{uint32(len(inner1)) + 110, 4000, 1}, [3]uint32{uint32(len(inner2)) + 80, 1500, 1})
	index := func(s string) string { return fmt.Sprintf("100-%d", 100+len(s)-1) }
	at := 100 + len(flat)
	flatWant := fmt.Sprintf("%d-%d@0+2 %d-%d@2+2 %d-%d@4+1.5", at, at+49, at+50, at+109, at+110, at+179)
	o := 100 + len(outer)
	p := o + len(inner1) + 110
	for _, c := range []struct {
		name, body string
		site       map[string]string
		want, note string
	}{
		{"flat", onDemand(index(flat), ""), map[string]string{"f.mp4 " + index(flat): flat}, flatWant, ""},
		{"after another box", onDemand(index("12345678"+flat), ""), map[string]string{"f.mp4 " + index("12345678"+flat): "\x00\x00\x00\x08free" + flat},
			strings.NewReplacer("@0", "@0").Replace(fmt.Sprintf("%d-%d@0+2 %d-%d@2+2 %d-%d@4+1.5", at+8, at+57, at+58, at+117, at+118, at+187)), ""},
		{"offset in the manifest's timescale", onDemand(index(flat), `timescale="10" presentationTimeOffset="20"`), map[string]string{"f.mp4 " + index(flat): flat},
			fmt.Sprintf("%d-%d@0+2 %d-%d@2+1.5", at+50, at+109, at+110, at+179), ""},
		{"hierarchical", onDemand(index(outer), ""), map[string]string{
			"f.mp4 " + index(outer):                            outer,
			fmt.Sprintf("f.mp4 %d-%d", o, o+len(inner1)+110-1): inner1 + strings.Repeat(".", 110),
			fmt.Sprintf("f.mp4 %d-%d", p, p+len(inner2)+80-1):  inner2 + strings.Repeat(".", 80),
		}, fmt.Sprintf("%d-%d@0+2 %d-%d@2+2 %d-%d@4+1.5", o+len(inner1), o+len(inner1)+49, o+len(inner1)+50, o+len(inner1)+109,
			p+len(inner2)+10, p+len(inner2)+79), ""},
		{"cannot be had", onDemand("100-199", ""), nil, "whole@0+20", "HTTP status 404"},
		{"not a sidx", onDemand("100-107", ""), map[string]string{"f.mp4 100-107": "\x00\x00\x00\x08free"}, "whole@0+20", "no sidx box"},
		{"cut off", onDemand("100-120", ""), map[string]string{"f.mp4 100-120": flat[:21]}, "whole@0+20", "no sidx box"},
		{"too large a range", onDemand(fmt.Sprintf("0-%d", MaxIndexBytes), ""), nil, "whole@0+20", ErrLimit.Error()},
		{"no range", onDemand("", ""), nil, "whole@0+20", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, notes := readSite(t, c.body, c.site)
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s\nwant %s; %s", s, c.want, notes)
			}
			if !strings.Contains(notes, c.note) {
				t.Errorf("notes %q do not tell of %q", notes, c.note)
			}
		})
	}
}

func TestSidxThatPointsAtItself(t *testing.T) {
	loop := sidx(t, 1000, 0, 0, [3]uint32{68, 1000, 1})
	fetches := 0
	fetch := func(_ context.Context, r Request) (Answer, error) {
		fetches++
		return Answer{Body: []byte(loop)}, nil
	}
	ix := readIndex(t.Context(), fetch, resourceName{"http://h/f", 0, 99})
	if !errors.Is(ix.err, ErrLimit) || fetches != MaxIndexDepth {
		t.Errorf("%v after %d fetches", ix.err, fetches)
	}
}

// ebml builds an EBML element with an eight-byte size.
func ebml(id string, body string) string {
	n := len(body)
	return id + string([]byte{1, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

func TestCues(t *testing.T) {
	cue := func(ms, at byte) string {
		return ebml("\xbb", ebml("\xb3", string([]byte{ms, 0}))+ebml("\xb7", ebml("\xf7", "\x01")+ebml("\xf1", string([]byte{1, at}))))
	}
	head := ebml("\x1a\x45\xdf\xa3", "webm") + "\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" +
		ebml("\x15\x49\xa9\x66", ebml("\x2a\xd7\xb1", "\x07\xa1\x20")) // half a million ns
	payload := int64(len(ebml("\x1a\x45\xdf\xa3", "webm")) + 12)
	cues := ebml("\x1c\x53\xbb\x6b", cue(0, 0)+cue(16, 100)+cue(16, 120)+cue(32, 200))
	first, last := len(head), len(head)+len(cues)-1
	got, notes := readSite(t, onDemand(fmt.Sprintf("%d-%d", first, last), ""), map[string]string{
		fmt.Sprintf("f.mp4 %d-%d", first, last): cues,
		fmt.Sprintf("f.mp4 0-%d", first-1):      head,
	})
	// 16 × 256 units of 0.5 ms = 2.048 s; the third cue repeats a time.
	want := fmt.Sprintf("%d-%d@0+2.048 %d-%d@2.048+2.048 %d--1@4.096+15.904",
		payload+256, payload+355, payload+356, payload+455, payload+456)
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s\nwant %s; %s", s, want, notes)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08free"), []byte{})
	f.Add([]byte(ebml("\x1c\x53\xbb\x6b", ebml("\xbb", ebml("\xb3", "\x01")))), []byte("\x18\x53\x80\x67\x81\x00"))
	f.Fuzz(func(t *testing.T, data, head []byte) {
		first := true
		fetch := func(_ context.Context, r Request) (Answer, error) {
			if first {
				first = false
				return Answer{Body: data}, nil
			}
			return Answer{Body: head}, nil
		}
		ix := readIndex(t.Context(), fetch, resourceName{"http://h/f", 100, 199})
		if ix.err == nil && len(ix.ranges) != len(ix.lengths) {
			t.Errorf("%d ranges, %d lengths", len(ix.ranges), len(ix.lengths))
		}
	})
}
