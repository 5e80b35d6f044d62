package hls

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const copyURL = "https://origin.test/live/main.m3u8"

// TestCopyAcrossRefreshes copies a window that slides, by a full document and then
// delta updates that say nothing of the key and the init section in force.
func TestCopyAcrossRefreshes(t *testing.T) {
	docs := []string{
		"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n" +
			"#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:2,\n10.m4s\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n11.m4s\n",
		"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXT-X-MEDIA-SEQUENCE:11\n" +
			"#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:2,\n12.m4s\n#EXT-X-PART:DURATION=1,URI=\"13.0.m4s\"\n",
		"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXT-X-MEDIA-SEQUENCE:12\n" +
			"#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n13.m4s\n",
	}
	c := NewCopy(Options{})
	for i, d := range docs {
		asked := copyURL
		if i > 0 {
			asked += "?_HLS_skip=YES"
		}
		if err := c.Observe(asked, asked, []byte(d)); err != nil {
			t.Fatal(err)
		}
	}
	if !c.Has(copyURL) || c.Has(copyURL+"x") || c.IsMultivariant() {
		t.Error("it has other playlists than it was shown")
	}
	track := CopiedTrack{Playlist: copyURL}
	for _, n := range []uint64{11, 12, 13} {
		track.Segments = append(track.Segments, CopiedSegment{timeline.Segment{Number: n, Duration: 2 * time.Second}, fmt.Sprintf("%d.m4s", n), "init.mp4"})
	}
	got, notes, err := c.Media(track)
	if err != nil {
		t.Fatal(err)
	}
	want := `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MEDIA-SEQUENCE:11
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-MAP:URI="init.mp4"
#EXT-X-KEY:METHOD=AES-128,URI="https://origin.test/live/key"
#EXT-X-DISCONTINUITY
#EXTINF:2,
11.m4s
#EXTINF:2,
12.m4s
#EXT-X-KEY:METHOD=NONE
#EXT-X-DISCONTINUITY
#EXTINF:2,
13.m4s
#EXT-X-ENDLIST
`
	if diff := gocmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "https://origin.test/live/key") {
		t.Errorf("notes %q", notes)
	}
	if _, _, err := c.Media(CopiedTrack{Playlist: copyURL}); err == nil {
		t.Error("a playlist without segments was written")
	}
}

func TestRewriteAttribute(t *testing.T) {
	for list, want := range map[string]string{
		`METHOD=AES-128,URI="a"`:           `METHOD=AES-128,URI="new"`,
		`URI="a",IV=0x1`:                   `URI="new",IV=0x1`,
		`X-URI="a",URI="b"`:                `X-URI="a",URI="new"`,
		`KEYFORMAT="has URI=",URI="b"`:     `KEYFORMAT="has URI=",URI="new"`,
		`METHOD=AES-128`:                   `METHOD=AES-128`,
		`URI="never closed`:                `URI="never closed`,
		`X-URI="a", URI="b"`:               `X-URI="a", URI="new"`,
		`METHOD=AES-128,X-URI="only this"`: `METHOD=AES-128,X-URI="only this"`,
	} {
		if got := rewriteAttribute(list, "URI", func(string) string { return "new" }); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
}

// FuzzCopy copies whatever a playlist lists and reads the copy.
func FuzzCopy(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na.ts\n#EXT-X-GAP\n#EXTINF:2,\nb.ts\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",URI=\"{$a}.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\"\n{$a}v.m3u8\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := Read(t.Context(), copyURL, body, time.Time{}, Options{}, nil)
		if err != nil {
			return
		}
		c := NewCopy(Options{})
		if err := c.Observe(copyURL, copyURL, body); err != nil {
			t.Fatalf("what can be read cannot be copied: %v", err)
		}
		var tracks []CopiedTrack
		for i, track := range p.Tracks {
			one := CopiedTrack{Playlist: track.URL, File: fmt.Sprintf("%d/playlist.m3u8", i)}
			for s := range track.Timeline.Segments(time.Time{}, 0, timeline.Forever) {
				if !s.Gap {
					one.Segments = append(one.Segments, CopiedSegment{s, fmt.Sprintf("%d.ts", s.Number), ""})
				}
				if len(one.Segments) == 100 {
					break
				}
			}
			tracks = append(tracks, one)
		}
		multi, err := c.Multivariant(tracks)
		if err != nil {
			return
		}
		if c.IsMultivariant() {
			if again, err := Read(t.Context(), "https://copy.test/x.m3u8", multi, time.Time{}, Options{}, nil); err == nil && len(again.Tracks) > len(p.Tracks) {
				t.Errorf("%d tracks of %d", len(again.Tracks), len(p.Tracks))
			}
			return
		}
		out, _, err := c.Media(tracks[0])
		if err != nil {
			return
		}
		again, err := Read(t.Context(), "https://copy.test/x.m3u8", out, time.Time{}, Options{}, nil)
		if err != nil || again.Live {
			t.Fatalf("the copy is no VOD playlist: %v\n%s", err, out)
		}
		n := 0
		for s := range again.Tracks[0].Timeline.Segments(time.Time{}, 0, timeline.Forever) {
			if !s.Gap {
				n++
			}
		}
		if n != len(tracks[0].Segments) {
			t.Errorf("%d segments, want %d\n%s", n, len(tracks[0].Segments), out)
		}
	})
}
