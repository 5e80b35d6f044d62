package prefetch

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

var update = flag.Bool("update", false, "rewrite the golden copies in testdata")

// library serves made-up documents; all else is a file of 4,000 numbered words.
type library map[string]string

func (l library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := l[r.URL.Path]
	if !ok {
		var b strings.Builder
		for i := range 4000 {
			fmt.Fprintf(&b, "%s %d\n", r.URL.Path, i)
		}
		body = b.String()
	}
	http.ServeContent(w, r, filepath.Base(r.URL.Path), manifestNow, strings.NewReader(body))
}

const encryptedMulti = `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-DEFINE:NAME="dir",VALUE="deep/er"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/1.bin"
#EXT-X-CONTENT-STEERING:SERVER-URI="https://steer.test/"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",LANGUAGE="en",DEFAULT=YES,URI="{$dir}/audio.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Deutsch",LANGUAGE="de",URI="{$dir}/subs.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC1",LANGUAGE="en",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="aac",SUBTITLES="subs",CLOSED-CAPTIONS="cc"
{$dir}/video.m3u8?token=secret
#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,AUDIO="aac",CLOSED-CAPTIONS=NONE
{$dir}/low.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=1280x720,URI="{$dir}/iframes.m3u8"
`

// encryptedMedia has what changes on the way: the init section, keys, byte ranges,
// a discontinuity, a gap.
const encryptedMedia = `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-DEFINE:IMPORT="dir"
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="file.mp4",BYTERANGE="600@0"
#EXT-X-KEY:METHOD=AES-128,URI="/{$dir}/key?id=1"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:4,first
#EXT-X-BYTERANGE:1000@600
file.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:1000
file.mp4
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=NONE
#EXT-X-MAP:URI="https://ads.test/init.mp4"
#EXTINF:3.5,
https://ads.test/ad.m4s?session=1
#EXT-X-GAP
#EXTINF:4,
lost.m4s
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://licence",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-MAP:URI="file.mp4",BYTERANGE="600@0"
#EXTINF:2,
#EXT-X-BYTERANGE:500@9000
file.mp4
#EXT-X-ENDLIST
`

const plainMedia = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts\n#EXT-X-ENDLIST\n"

// severalPeriods has an advertisement by URL list between two parts of a film in
// byte ranges and templates, subtitles in one file and what a copy must not keep.
const severalPeriods = `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" type="static" mediaPresentationDuration="PT14S" profiles="urn:mpeg:dash:profile:isoff-live:2011" publishTime="2026-01-01T00:00:00Z">
<BaseURL serviceLocation="a">https://a.test/media/</BaseURL><BaseURL serviceLocation="b">https://b.test/media/</BaseURL>
<Location>https://a.test/elsewhere.mpd</Location>
<Period id="film" duration="PT6S"><BaseURL>one/</BaseURL>
<EventStream schemeIdUri="urn:example"><Event id="1"/></EventStream>
<AdaptationSet id="1" contentType="video" mimeType="video/mp4" maxWidth="1280">
<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc" cenc:default_KID="34e5db32-8625-47cd-ba06-68fca0655a72"/>
<SegmentTemplate timescale="30000" presentationTimeOffset="900" media="$Bandwidth$/$Number%03d$.m4s?t=1" initialization="$Bandwidth$/i.mp4" startNumber="5">
<SegmentTimeline><S t="900" d="60060" r="1"/><S d="59880"/></SegmentTimeline></SegmentTemplate>
<Representation id="v/1" codecs="avc1.64001f" bandwidth="900" width="1280" height="720"/><Representation id="v2" codecs="avc1.64001e" bandwidth="300" width="640" height="360"/></AdaptationSet>
<AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" lang="en"><Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<SegmentTemplate timescale="48000" media="a/$Time$.m4s" initialization="a/i.mp4"><SegmentTimeline><S t="0" d="96256"/><S d="95232"/><S d="96512"/></SegmentTimeline></SegmentTemplate>
<Representation id="a1" codecs="mp4a.40.2" bandwidth="64"/></AdaptationSet>
<AdaptationSet id="3" mimeType="text/vtt" lang="de"><Representation id="t1" bandwidth="1"><BaseURL>subs/de.vtt</BaseURL></Representation></AdaptationSet>
</Period>
<Period id="ad" duration="PT4S"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentList timescale="1" duration="2"><Initialization sourceURL="ad.mp4" range="0-99"/>
<SegmentURL media="ad.mp4" mediaRange="100-299"/><SegmentURL media="ad.mp4" mediaRange="300-999"/></SegmentList>
<Representation id="v/1" codecs="avc1.64001f" bandwidth="900" width="1280" height="720"/></AdaptationSet></Period>
<Period id="rest" duration="PT4S"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate media="r$Number$.m4s" duration="2"/>
<Representation id="v/1" codecs="avc1.64001f" bandwidth="900" width="1280" height="720"/></AdaptationSet></Period>
</MPD>`

// TestCopyOfEverything copies what manifests can hold and pins the manifests of
// the copy; -update rewrites them.
func TestCopyOfEverything(t *testing.T) {
	docs := library{
		"/multi.m3u8": encryptedMulti, "/deep/er/video.m3u8": encryptedMedia, "/deep/er/low.m3u8": plainMedia,
		"/deep/er/audio.m3u8": plainMedia, "/deep/er/subs.m3u8": plainMedia, "/deep/er/iframes.m3u8": plainMedia,
		"/periods.mpd": severalPeriods,
	}
	for _, c := range []struct {
		name, path, tracks string
		segments           map[string]int // by kind
		notes              int
	}{
		{"multi", "/multi.m3u8", "height=720,kind=video,kind=audio", map[string]int{"video": 4, "audio": 2}, 2},
		{"multi-subs", "/multi.m3u8", "height=720 lang=de", map[string]int{"video": 4, "text": 2}, 2},
		{"media", "/deep/er/low.m3u8", "best", map[string]int{"video": 2}, 0},
		{"periods", "/periods.mpd", "all height=720", map[string]int{"video": 7, "audio": 3, "text": 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			client := &http.Client{Transport: direct{docs}}
			config, done := over(t, client, "https://cdn.test"+c.path, Config{Tracks: c.tracks, Out: dir})
			defer done()
			r, err := Run(t.Context(), config)
			if err != nil || len(r.Failed) > 0 {
				t.Fatalf("%+v: %v", r, err)
			}
			if len(r.Notes) != c.notes {
				t.Errorf("notes %q", r.Notes)
			}
			var manifests strings.Builder
			err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
				if ext := filepath.Ext(name); err != nil || ext != ".mpd" && ext != ".m3u8" {
					return err
				}
				body, err := os.ReadFile(name)
				rel, _ := filepath.Rel(dir, name)
				fmt.Fprintf(&manifests, "== %s\n%s\n", filepath.ToSlash(rel), body)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", c.name+".txt"), manifests.String())
			if text := manifests.String(); strings.Contains(text, "secret") || strings.Contains(text, "steer.test") || strings.Contains(text, "a.test") {
				t.Error("the copy points at servers of the original")
			}

			original := staticCopy(t, client.Transport, "https://cdn.test"+c.path)
			copied := staticCopy(t, direct{http.FileServer(http.Dir(dir))}, "http://copy.test/"+r.Copy)
			count := map[string]int{}
			for _, track := range copied.Tracks {
				media, inits := listed(copied, track)
				for i, s := range media {
					if s.Gap {
						continue
					}
					count[string(track.Kind)]++
					w, init := counterpart(t, original, track, s)
					if diff := read(t, direct{http.FileServer(http.Dir(dir))}, s) != read(t, client.Transport, w); diff {
						t.Errorf("%s is not %s", s.URL, w.URL)
					}
					if (inits[i] == nil) != (init == nil) {
						t.Errorf("the init segment of %s: %v, want %v", s.URL, inits[i], init)
					} else if init != nil && read(t, direct{http.FileServer(http.Dir(dir))}, *inits[i]) != read(t, client.Transport, *init) {
						t.Errorf("%s is not %s", inits[i].URL, init.URL)
					}
				}
			}
			if diff := cmp.Diff(c.segments, count); diff != "" {
				t.Errorf("segments: %s", diff)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// counterpart is the segment of the original that is at the same place.
func counterpart(t *testing.T, original *timeline.Presentation, track *timeline.Track, s timeline.Segment) (timeline.Segment, *timeline.Segment) {
	t.Helper()
	for _, o := range original.Tracks {
		if likeness(o) != likeness(track) {
			continue
		}
		media, inits := listed(original, o)
		for i, w := range media {
			if w.Start == s.Start && w.Duration == s.Duration && !w.Gap {
				return w, inits[i]
			}
		}
	}
	t.Fatalf("%s at %s for %s is not in the original", s.URL, s.Start, s.Duration)
	return s, nil
}
