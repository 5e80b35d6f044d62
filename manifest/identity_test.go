package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// documents serves what a test wrote down, by URL.
type documents map[string]string

func (d documents) Fetch(_ context.Context, r Request) (Response, error) {
	url, _, _ := strings.Cut(r.URL, "?")
	body, ok := d[url]
	if !ok {
		return Response{Status: 404}, nil
	}
	return Response{Status: 200, URL: r.URL, Body: []byte(body)}, nil
}

const identityMPD = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S" profiles="urn:mpeg:dash:profile:isoff-live:2011">
<Period id="p0"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate media="$RepresentationID$/$Number$.m4s" initialization="$RepresentationID$/init.mp4" timescale="1000" duration="2000" startNumber="0"/>
<Representation id="v1" codecs="avc1.64001f" bandwidth="900000" width="1280" height="720"/></AdaptationSet>
<AdaptationSet contentType="audio" mimeType="audio/mp4" lang="en"><SegmentTemplate media="$RepresentationID$/$Number$.m4s" initialization="$RepresentationID$/init.mp4" timescale="1000" duration="2000" startNumber="0"/>
<Representation id="a1" codecs="mp4a.40.2" bandwidth="64000"/></AdaptationSet></Period></MPD>`

const identityMulti = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",LANGUAGE="en",DEFAULT=YES,URI="a1/main.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=964000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="a"
v1/main.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,AUDIO="a"
v0/main.m3u8
`

func identityMedia(first int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-MAP:URI=\"init.mp4\"\n", first)
	for i := range 4 {
		fmt.Fprintf(&b, "#EXTINF:2.000,\n%d.m4s\n", i)
	}
	return b.String() + "#EXT-X-ENDLIST\n"
}

func edited(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			panic("not in the document: " + pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// TestIdentity compares pairs as an operator would, and pins what is said.
// Each case has its golden text; -update rewrites them.
func TestIdentity(t *testing.T) {
	const a, b = "https://a.test/film/", "https://b.test/film/"
	docs := documents{}
	addHLS := func(base string, first int, multi string) {
		docs[base+"main.m3u8"] = multi
		for _, track := range []string{"v0/", "v1/", "a1/"} {
			docs[base+track+"main.m3u8"] = identityMedia(first)
		}
	}
	mpd := func(pairs ...string) func(base string) {
		return func(base string) { docs[base+"main.mpd"] = edited(identityMPD, pairs...) }
	}
	hls := func(first int, pairs ...string) func(base string) {
		return func(base string) { addHLS(base, first, edited(identityMulti, pairs...)) }
	}
	for _, c := range []struct {
		name         string
		left, right  string
		first, other func(base string)
		swarms       [2]string
		shared       bool
		codes        []string // of reasons, over all tracks
	}{
		{"token", a + "main.mpd?token=1", a + "main.mpd?token=2", mpd(), mpd(), [2]string{"s", "s"}, true, nil},
		{"cdn-pair", a + "main.mpd", b + "main.mpd", mpd(), mpd(), [2]string{"a.test/film/main.mpd", "b.test/film/main.mpd"}, false, nil},
		{"cdn-pair-named", a + "main.mpd", b + "main.mpd", mpd(), mpd(), [2]string{"s", "s"}, true, nil},
		{"file", a + "main.mpd", b + "main.mpd", mpd(), mpd(), [2]string{"s", ""}, false, nil},
		{"representation", a + "main.mpd", b + "main.mpd", mpd(), mpd(`id="v1"`, `id="video"`), [2]string{"s", "s"}, false, []string{"representation"}},
		{"period", a + "main.mpd", b + "main.mpd", mpd(), mpd(`id="p0"`, `id="P"`), [2]string{"s", "s"}, false, []string{"period", "period"}},
		{"period-unnamed", a + "main.mpd", b + "main.mpd", mpd(), mpd(` id="p0"`, ``), [2]string{"s", "s"}, false, []string{"period", "period"}},
		{"number-offset", a + "main.mpd", b + "main.mpd", mpd(), mpd(`startNumber="0"`, `startNumber="1"`), [2]string{"s", "s"}, false, []string{"number-offset", "number-offset"}},
		{"time-addressing", a + "main.mpd", b + "main.mpd", mpd(), mpd(`$Number$`, `$Time$`), [2]string{"s", "s"}, false, []string{"addressing", "addressing"}},
		{"timescale", a + "main.mpd", b + "main.mpd", mpd(`$Number$`, `$Time$`),
			mpd(`$Number$`, `$Time$`, `timescale="1000" duration="2000"`, `timescale="90000" duration="180000"`), [2]string{"s", "s"}, false, []string{"time-offset", "time-offset"}},
		{"length", a + "main.mpd", b + "main.mpd", mpd(), mpd(`duration="2000"`, `duration="4000"`), [2]string{"s", "s"}, false, []string{"length", "length"}},
		{"codecs", a + "main.mpd", b + "main.mpd", mpd(), mpd(`avc1.64001f`, `hvc1.1.6.L93.90`, `bandwidth="64000"`, `bandwidth="96000"`), [2]string{"s", "s"}, false, []string{"codecs"}},
		{"fewer-tracks", a + "main.mpd", b + "main.mpd", mpd(), func(base string) {
			head, _, _ := strings.Cut(identityMPD, `<AdaptationSet contentType="audio"`)
			docs[base+"main.mpd"] = head + `</Period></MPD>`
		}, [2]string{"s", "s"}, true, []string{"only-a"}},
		{"hls-pair", a + "main.m3u8", b + "main.m3u8", hls(0), hls(0), [2]string{"s", "s"}, true, nil},
		{"hls-moved", a + "main.m3u8", "https://b.test/cdn/main.m3u8", hls(0), hls(0), [2]string{"s", "s"}, false, []string{"init", "init", "init"}},
		{"hls-sequence", a + "main.m3u8", b + "main.m3u8", hls(0), hls(5), [2]string{"s", "s"}, false, []string{"number-offset", "number-offset", "number-offset"}},
		{"hls-bandwidth", a + "main.m3u8", b + "main.m3u8", hls(0), hls(0, "BANDWIDTH=964000", "BANDWIDTH=980000"), [2]string{"s", "s"}, false, []string{"rendition"}},
		{"hls-direct", a + "main.m3u8", a + "v1/main.m3u8", hls(0), func(string) {}, [2]string{"s", "s"}, false, []string{"opened-directly", "only-a", "only-a"}},
		{"formats", a + "main.mpd", a + "main.m3u8", mpd(), hls(0), [2]string{"s", "s"}, false, []string{"format", "format", "only-b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clear(docs)
			base := func(url string) string { return url[:strings.LastIndexByte(url, '/')+1] }
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			var sides [2]Side
			for i, url := range []string{c.left, c.right} {
				[]func(string){c.first, c.other}[i](base(url))
				p, err := Load(t.Context(), docs, url, Options{At: at})
				if err != nil {
					t.Fatal(err)
				}
				sides[i] = Side{Name: url, Swarm: c.swarms[i], Presentation: p, At: at}
			}
			id := Compare(sides[0], sides[1])
			var codes []string
			for _, track := range id.Tracks {
				for _, r := range track.Reasons {
					codes = append(codes, r.Code)
				}
			}
			if diff := cmp.Diff(c.codes, codes); diff != "" || id.Shared != c.shared {
				t.Errorf("shared %v (%s), want %v; reasons: %s", id.Shared, id.Verdict, c.shared, diff)
			}
			var text, doc bytes.Buffer
			if err := id.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "identity", c.name+".txt"), text.Bytes())
			if err := id.WriteJSON(&doc); err != nil {
				t.Fatal(err)
			}
			var back Identity
			if err := json.Unmarshal(doc.Bytes(), &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(id, back); diff != "" {
				t.Errorf("the JSON says something else: %s", diff)
			}
			if c.name == "formats" {
				golden(t, filepath.Join("testdata", "identity", c.name+".json"), doc.Bytes())
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestIdentityLooksAtSoMuch holds a live pair to the newest MaxCompared segments.
func TestIdentityLooksAtSoMuch(t *testing.T) {
	const doc = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" minimumUpdatePeriod="PT2S">
<Period id="p" start="PT0S"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate media="$Number$.m4s" duration="1" startNumber="0"/><Representation id="v" bandwidth="1"/></AdaptationSet></Period></MPD>`
	for _, c := range []struct {
		segments, want int
	}{{MaxCompared, MaxCompared}, {MaxCompared + 1, MaxCompared}, {10*MaxCompared + 7, MaxCompared}} {
		at := time.Date(2026, 1, 1, 0, 0, c.segments, 0, time.UTC)
		p, err := Load(t.Context(), documents{"https://a.test/l.mpd": doc}, "https://a.test/l.mpd", Options{At: at})
		if err != nil {
			t.Fatal(err)
		}
		side := Side{Swarm: "s", Presentation: p, At: at}
		id := Compare(side, side)
		if got := id.Tracks[0]; got.A.Segments != c.want || got.SameKeys != c.want || !id.Shared {
			t.Errorf("of %d segments %+v are compared, want %d", c.segments, got.A, c.want)
		}
	}
}
