package hls

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const multiURL = "https://origin.test/live/multi.m3u8"

// site serves documents by path; an absent one is an error.
type site map[string]string

var errNotFound = errors.New("HTTP status 404")

func (s site) fetch(_ context.Context, url string) ([]byte, string, error) {
	body, ok := s[strings.TrimPrefix(withoutQuery(url), "https://origin.test/live/")]
	if !ok {
		return nil, "", errNotFound
	}
	if to, moved := strings.CutPrefix(body, "302 "); moved {
		return []byte(s[to]), "https://cdn.test/" + to, nil
	}
	return []byte(body), url, nil
}

const vod = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\n1.m4s\n#EXTINF:3,\n2.m4s\n#EXT-X-ENDLIST\n"

func TestReadMultivariant(t *testing.T) {
	s := site{
		"hi.m3u8":     vod,
		"lo.m3u8":     "302 elsewhere/lo.m3u8",
		"sub.m3u8":    "<html>",
		"b/mid.m3u8":  vod,
		"nested.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmulti.m3u8\n",

		"elsewhere/lo.m3u8": vod,
	}
	const multi = `#EXTM3U
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="n",URI="sub.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="gone",URI="gone.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=300
hi.m3u8?token=1
#EXT-X-STREAM-INF:BANDWIDTH=200
a/mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=200
b/mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=100
lo.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=50
nested.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=40
multi.m3u8
`
	p, err := Read(t.Context(), multiURL, []byte(multi), testTime, Options{}, s.fetch)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, track := range p.Tracks {
		var segments []string
		for _, segment := range listed(track) {
			segments = append(segments, segment.URL)
		}
		got[fileName(track.URL)+" "+track.Key] = strings.Join(segments, " ")
	}
	at := func(base string) string { return base + "1.m4s " + base + "2.m4s" }
	want := map[string]string{
		"hi.m3u8 variant:300::" + hashOf("300"):   at("https://origin.test/live/"),
		"mid.m3u8 variant:200::" + hashOf("200"):  at("https://origin.test/live/b/"),
		"lo.m3u8 variant:100::" + hashOf("100"):   at("https://cdn.test/elsewhere/"),
		"nested.m3u8 variant:50::" + hashOf("50"): "",
		"sub.m3u8 subtitles:s:n":                  "",
		"gone.m3u8 audio:a:gone":                  "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Live || p.Duration != 7*time.Second {
		t.Errorf("live %v, duration %v", p.Live, p.Duration)
	}
	for _, want := range []string{"nested.m3u8 is listed as a media playlist", "lists itself", "audio:a:gone: no segments known: HTTP status 404", "subtitles:s:n: no segments known: hls: line 1"} {
		if !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, want) }) {
			t.Errorf("no note about %q in %q", want, p.Notes)
		}
	}
}

func hashOf(bandwidth string) string { return shortHash(bandwidth + strings.Repeat("\n", 10)) }

// TestReadFetchesAFewAtATime and stops with its context.
func TestReadFetchesAFewAtATime(t *testing.T) {
	var multi strings.Builder
	multi.WriteString("#EXTM3U\n")
	for i := range 20 {
		fmt.Fprintf(&multi, "#EXT-X-STREAM-INF:BANDWIDTH=%d\n%d.m3u8\n", i+1, i)
	}
	var now, most atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Read(ctx, multiURL, []byte(multi.String()), testTime, Options{}, func(ctx context.Context, url string) ([]byte, string, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer now.Add(-1)
		cancel()
		return nil, "", ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || most.Load() > maxFetches {
		t.Errorf("%v, %d at a time", err, most.Load())
	}
}

const twoTracks = `#EXTM3U
#EXT-X-DEFINE:NAME="dir",VALUE="d"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="n",URI="audio.m3u8?t=1"
#EXT-X-STREAM-INF:BANDWIDTH=300,AUDIO="a"
video.m3u8?t=1
`

func dated(sequence int, at time.Time, n int, more ...string) string {
	lines := []string{"#EXT-X-PROGRAM-DATE-TIME:" + at.Format("2006-01-02T15:04:05.000Z")}
	return playlistOf(sequence, append(append(lines, numbered(sequence, sequence+n-1)...), more...)...)
}

// TestObserveMultivariant: renditions share the timeline by their dates,
// variables are imported, other hosts and tokens are the same track, and what
// belongs to no track is refused.
func TestObserveMultivariant(t *testing.T) {
	r := NewReader(Options{})
	p, due := observe(t, r, multiURL, twoTracks, testTime)
	want := []Due{
		{URL: "https://origin.test/live/video.m3u8?t=1", At: testTime, Track: p.Tracks[0].ID},
		{URL: "https://origin.test/live/audio.m3u8?t=1", At: testTime, Track: "audio:a:n"},
	}
	if diff := cmp.Diff(want, due); diff != "" {
		t.Fatal(diff)
	}
	observe(t, r, "https://origin.test/live/video.m3u8?t=2&_HLS_msn=4", dated(100, testTime, 3), testTime)
	p, due = observe(t, r, "https://other.test/live/audio.m3u8", "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"dir\"\n"+strings.TrimPrefix(dated(7, testTime.Add(4*time.Second), 2, "#EXTINF:4,", "{$dir}/x.ts"), "#EXTM3U\n"), testTime)
	if len(due) != 2 {
		t.Errorf("due: %v", due)
	}
	audio := listed(p.Tracks[1])
	if audio[0].Start != 4*time.Second || audio[2].URL != "https://other.test/live/d/x.ts" || audio[2].Key != "audio:a:n/9" {
		t.Errorf("audio %+v", audio)
	}
	if got := listed(p.Tracks[0]); got[0].Start != 0 || !p.Live {
		t.Errorf("video %+v", got)
	}
	if _, _, err := r.Observe("https://origin.test/live/stranger.m3u8", []byte(vod), testTime); !errors.Is(err, ErrForeign) {
		t.Errorf("a playlist of another presentation: %v", err)
	}
	if _, _, err := r.Observe("https://origin.test/live/video.m3u8?t=1", []byte(twoTracks), testTime); !errors.Is(err, ErrSyntax) {
		t.Errorf("a multivariant playlist in place of a media playlist: %v", err)
	}
	before := p.Tracks[1]
	p, _ = observe(t, r, "https://origin.test/live/video.m3u8?t=1", dated(101, testTime.Add(4*time.Second), 3), testTime.Add(4*time.Second))
	if p.Tracks[1] != before {
		t.Error("a track that did not change was made anew")
	}
	// The multivariant playlist again: what is known stays.
	p, _ = observe(t, r, multiURL, twoTracks, testTime)
	if got := span(p); got != "101@4s…103@12s" {
		t.Error(got)
	}
}

// TestRenditionReport: another rendition's word that there is newer media
// brings the next fetch forward.
func TestRenditionReport(t *testing.T) {
	r := NewReader(Options{})
	observe(t, r, multiURL, twoTracks, testTime)
	observe(t, r, "https://origin.test/live/audio.m3u8?t=1", playlistOf(1, numbered(1, 3)...), testTime)
	at := testTime.Add(time.Second)
	_, due := observe(t, r, "https://origin.test/live/video.m3u8?t=1",
		playlistOf(1, append(numbered(1, 5), `#EXT-X-RENDITION-REPORT:URI="audio.m3u8?t=1",LAST-MSN=5,LAST-PART=0`)...), at)
	if due[1].Track != "audio:a:n" || !due[1].At.Equal(at) {
		t.Errorf("due %v", due)
	}
}

// TestFind answers what a player's request asks for.
func TestFind(t *testing.T) {
	body := strings.Join([]string{
		"#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-PART-INF:PART-TARGET=1", "#EXT-X-MEDIA-SEQUENCE:5",
		`#EXT-X-KEY:METHOD=AES-128,URI="k.php?u=1"`, `#EXT-X-MAP:URI="i.mp4",BYTERANGE="10@0"`,
		"#EXTINF:4,", "https://cdn.test/a b.ts?tok=1", "#EXTINF:4,", "plain.ts",
		"#EXT-X-BYTERANGE:100@0", "#EXTINF:4,", "all.mp4", "#EXT-X-BYTERANGE:50", "#EXTINF:4,", "all.mp4", "#EXT-X-GAP", "#EXTINF:4,", "gap.ts",
		`#EXT-X-PART:DURATION=1,URI="10.mp4",BYTERANGE="30@0"`, `#EXT-X-PART:DURATION=1,URI="10.mp4",BYTERANGE="30@30"`,
		`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="10.mp4",BYTERANGE-START=60`, `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="next.mp4"`,
	}, "\n")
	track := mustRead(t, body).Tracks[0]
	for _, c := range []struct {
		url         string
		first, last int64 // -2: no range
		want        string
	}{
		{"https://cdn.test/a%20b.ts?tok=1", -2, 0, "main/5 true"},
		{"https://cdn.test/a%20b.ts", -2, 0, ""},
		{"https://origin.test/live/plain.ts", -2, 0, "main/6 true"},
		{"https://origin.test/live/plain.ts", 100, 199, "main/6 true"},
		{"https://origin.test/live/plain.ts?CMCD=bl%3D100", -2, 0, "main/6 true"},
		{"https://cdn.test/a%20b.ts?tok=1&CMCD=bl%3D100", -2, 0, "main/5 true"},
		{"https://origin.test/live/plain.ts?added=by-the-page#frag", -2, 0, "main/6 true"},
		{"https://other.test/live/plain.ts", -2, 0, ""},
		{"https://origin.test/live/all.mp4", 0, 99, "main/7 true"},
		{"https://origin.test/live/all.mp4", 100, 149, "main/8 true"},
		{"https://origin.test/live/all.mp4", 110, 120, "main/8 true"},
		{"https://origin.test/live/all.mp4", 50, 120, ""},
		{"https://origin.test/live/all.mp4", -2, 0, ""},
		{"https://origin.test/live/gap.ts", -2, 0, "main/9 false"},
		{"https://origin.test/live/10.mp4", 30, 59, "main/10.1 true"},
		{"https://origin.test/live/10.mp4", 60, -1, "main/10.2 true"},
		{"https://origin.test/live/i.mp4", 0, 9, "main/init.87b21252 true"},
		{"https://origin.test/live/next.mp4", -2, 0, "main/init.189d1cfc true"},
		{"https://origin.test/live/k.php?u=1", -2, 0, "url/3376204178f53afd1a7fbbef3fe63520b34bda00d053c2c576249b54 false"},
	} {
		var r *timeline.Range
		if c.first >= 0 {
			r = &timeline.Range{First: c.first, Last: c.last}
		}
		got := ""
		if s, ok := track.Timeline.Find(c.url, r); ok {
			got = fmt.Sprint(s.Key, " ", s.Shareable)
		}
		if got != c.want {
			t.Errorf("%s %v: %q, want %q", c.url, r, got, c.want)
		}
	}
}

// TestInitsThatDifferInQueryOnly would have one key: they are not shared.
func TestInitsThatDifferInQueryOnly(t *testing.T) {
	p := mustRead(t, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i.mp4?v=1\"\n#EXTINF:4,\n1.m4s\n#EXT-X-MAP:URI=\"i.mp4?v=2\"\n#EXTINF:4,\n2.m4s\n#EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:4,\n3.m4s\n")
	var shared []bool
	for s := range p.Tracks[0].Timeline.(*Timeline).Inits() {
		shared = append(shared, s.Shareable)
	}
	if diff := cmp.Diff([]bool{false, false, true}, shared); diff != "" {
		t.Error(diff)
	}
}

// TestResolve is RFC 3986 §5.4 as far as playlists use it, and what may not be
// fetched.
func TestResolve(t *testing.T) {
	for _, c := range []struct{ base, ref, want string }{
		{"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
		{"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
		{"http://a/b/c/d;p?q", ".//g", "http://a/b/c//g"},
		{"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
		{"http://a/b/c/d;p?q", "/g", "http://a/g"},
		{"http://a/b/c/d;p?q", "//g/x", "http://g/x"},
		{"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
		{"http://a/b/c/d;p?q", "g?y=./x", "http://a/b/c/g?y=./x"},
		{"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g"},
		{"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
		{"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
		{"http://a", "g", "http://a/g"},
		{"https://u:p@a/b", "g", "https://u:p@a/g"},
		{"https://u:p@a/b", "//c/g", "https://c/g"},
		{"https://a/b", "https://u:p@c/g", "https://c/g"},
		{"https://a/b", "a b{c}|d.ts?x y", "https://a/a%20b%7Bc%7D%7Cd.ts?x%20y"},
		{"https://a/b", "100%.ts", "https://a/100%25.ts"},
		{"https://a/b", "\xed.ts", "https://a/%ED.ts"},
		{"https://a/b", "file:///etc/passwd", ""},
		{"https://a/b", "data:video/mp4;base64,AA", ""},
		{"https://a/b", "javascript:alert(1)", ""},
		{"https://a/b", "http:///x", ""},
		{"file:///home/x/m.m3u8", "seg.ts", "file:///home/x/seg.ts"},
		{"file:///home/x/m.m3u8", "file:///etc/passwd", ""},
		{"dir/m.m3u8", "seg.ts", "/dir/seg.ts"},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		if got := newResolver(base).resolve(c.ref); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.ref, c.base, got, c.want)
		}
	}
}
