package hls

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/segments"
)

// TestTrackNames has the vectors that another implementation must reproduce.
// Their hashes were computed by one: Python's hashlib, from the package comment.
func TestTrackNames(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		want []string // key and URL, in order
	}{
		{
			name: "attributes",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=01280000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000
hi.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=640000
lo.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=1280X720,URI="if.m3u8"`,
			want: []string{
				"variant:1280000:1280x720:1bd35ce7 hi.m3u8",
				"variant:640000::e7e4a227 lo.m3u8",
				"iframes:90000:1280x720:b16b4715 if.m3u8",
			},
		},
		{
			name: "stable ids",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=1,STABLE-VARIANT-ID="v/1+a"
hi.m3u8
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",STABLE-RENDITION-ID="r=1",URI="x.m3u8"`,
			want: []string{"variant@v%2F1%2Ba hi.m3u8", "audio@r%3D1 x.m3u8"},
		},
		{
			name: "separators in names stay apart",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=1
v.m3u8
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a:b",NAME="c",URI="1.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b:c",URI="2.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="a",NAME="b~2",URI="3.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="a",NAME="é b",URI="4.m3u8"`,
			want: []string{
				"variant:0::530e0987 v.m3u8",
				"audio:a%253Ab:c 1.m3u8",
				"audio:a:b%253Ac 2.m3u8",
				"subtitles:a:b%257E2 3.m3u8",
				"subtitles:a:%C3%A9%20b 4.m3u8",
			},
		},
		{
			name: "one playlist in two variants is one track",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO="aac"
v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=200,AUDIO="ac3"
v.m3u8`,
			want: []string{"variant:100::77ce7da9 v.m3u8"},
		},
		{
			name: "redundant variants share a name",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO="a"
https://one.test/low/v.m3u8?t=1
#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO="b",PATHWAY-ID="two",SCORE=2
https://two.test/x/v.m3u8?t=2`,
			want: []string{"variant:0::530e0987 https://one.test/low/v.m3u8?t=1", "variant:0::530e0987 https://two.test/x/v.m3u8?t=2"},
		},
		{
			name: "same attributes, other files",
			body: `#EXT-X-STREAM-INF:BANDWIDTH=100
news.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=100
sport.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=100
https://backup.test/sport.m3u8`,
			want: []string{"variant:0::530e0987 news.m3u8", "variant:0::530e0987~2 sport.m3u8", "variant:0::530e0987~2 https://backup.test/sport.m3u8"},
		},
		{
			name: "audio inside the variant makes it another",
			body: `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="en",NAME="English",LANGUAGE="en"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="fr",NAME="Français",LANGUAGE="fr"
#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO="en"
en/v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO="fr"
fr/v.m3u8`,
			want: []string{"variant:0::a5f2670d en/v.m3u8", "variant:0::85ec5856 fr/v.m3u8"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, track := range mustRead(t, "#EXTM3U\n"+c.body).Tracks {
				if err := segments.NumberKey(track.Key, 1).Validate(); err != nil {
					t.Error(err)
				}
				got = append(got, track.Key+" "+strings.TrimPrefix(track.URL, "https://origin.test/live/"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNamesIgnoreHostAndQuery: the same multivariant playlist from another CDN
// with another token names its tracks the same.
func TestNamesIgnoreHostAndQuery(t *testing.T) {
	body := func(host, token string) string {
		return "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100,CODECS=\"avc1.4d401f\"\nhttps://" + host + "/v.m3u8?t=" + token +
			"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\",URI=\"https://" + host + "/a.m3u8?t=" + token + "\"\n"
	}
	a, b := mustRead(t, body("one.test", "1")), mustRead(t, body("two.test", "2"))
	for i := range a.Tracks {
		if a.Tracks[i].Key != b.Tracks[i].Key || a.Tracks[i].ID != b.Tracks[i].ID {
			t.Errorf("%q and %q", a.Tracks[i].Key, b.Tracks[i].Key)
		}
	}
}

// TestMeasuredBandwidth: the BANDWIDTH of a single variant may differ from one
// answer to the next without changing the name; where there are several it
// tells them apart.
func TestMeasuredBandwidth(t *testing.T) {
	one := func(bandwidth int) string {
		return mustRead(t, fmt.Sprintf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=%d,RESOLUTION=320x180\nv.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=7,URI=\"i.m3u8\"\n", bandwidth)).Tracks[0].Key
	}
	if a, b := one(181_940), one(182_007); a != b {
		t.Errorf("%q and %q", a, b)
	}
	two := mustRead(t, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100\nv.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=200\na/v.m3u8\n").Tracks
	if two[0].Key == two[1].Key {
		t.Errorf("two variants are named %q", two[0].Key)
	}
}

// TestLongNames: whatever the playlist says, a key is short enough, and two
// long names that differ at the end stay two.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("ü", 300)
	p := mustRead(t, "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\""+long+"1\",URI=\"1.m3u8\"\n"+
		"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\""+long+"2\",URI=\"2.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")
	seen := make(map[string]bool)
	for _, track := range p.Tracks {
		if err := segments.HLSInitKey(track.Key, "/a", "0-1").Validate(); err != nil {
			t.Error(err)
		}
		seen[track.Key] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different names, want 3: %v", len(seen), seen)
	}
}

func TestNameLengthCap(t *testing.T) {
	at := strings.Repeat("a", maxNameBytes)
	if got := shorten(at); got != at {
		t.Errorf("a name of %d bytes was cut to %q", len(at), got)
	}
	if got := shorten(at + "a"); len(got) != maxNameBytes || !strings.Contains(got, "~") {
		t.Errorf("one past the cap became %q", got)
	}
}
