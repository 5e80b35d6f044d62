package hls

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafov/m3u8"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const testURL = "https://origin.test/live/main.m3u8?token=1"

func mustRead(t testing.TB, body string) *timeline.Presentation {
	t.Helper()
	p, err := Read(t.Context(), testURL, []byte(body), testTime, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var testTime = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func listed(track *timeline.Track) []timeline.Segment {
	return slices.Collect(track.Timeline.Segments(testTime, 0, timeline.Forever))
}

// bareMedia is the library alone; panicked says that it did.
func bareMedia(body string) (p *m3u8.MediaPlaylist, panicked bool) {
	defer func() { panicked = recover() != nil || panicked }()
	decoded, _, err := m3u8.DecodeFrom(strings.NewReader(body), false)
	if err != nil {
		return nil, false
	}
	p, _ = decoded.(*m3u8.MediaPlaylist)
	return p, false
}

// TestDecoderDefects has one case for each defect listed in decode.go: bare
// shows that the library still has it, want is what we read.
func TestDecoderDefects(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		bare func(*m3u8.MediaPlaylist) bool // true: the defect is still there
		want string                         // number url [range] duration
	}{
		{
			name: "panic-blank-line",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i.mp4\"\n\n#EXTINF:4,\na.m4s\n",
			want: "0 a.m4s 4s",
		},
		{
			name: "lost-uri",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n\na.ts\n#EXTINF:4,\nb.ts\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.Segments[0].URI == "" },
			want: "0 a.ts 4s, 1 b.ts 4s",
		},
		{
			name: "trailing-key",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-MAP:URI=\"next.mp4\"\n",
			bare: func(*m3u8.MediaPlaylist) bool {
				p, err := m3u8.NewMediaPlaylist(0, 1)
				if err != nil {
					return false
				}
				body := "#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-MAP:URI=\"next.mp4\"\n"
				return p.Decode(*bytes.NewBufferString(body), false) == nil && p.Segments[0].Map != nil
			},
			want: "0 a.ts 4s",
		},
		{
			name: "range-offset-zero",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:10\na.ts\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.Segments[1].Offset != 150 },
			want: "0 a.ts 50-149 4s, 1 a.ts 150-159 4s",
		},
		{
			name: "raised-target",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.4,\na.ts\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.TargetDuration == 5 },
			want: "0 a.ts 4.4s",
		},
		{
			name: "sequence-late",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-MEDIA-SEQUENCE:7\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.Segments[0].SeqId == 0 },
			want: "7 a.ts 4s",
		},
		{
			name: "duration-text",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.ts\n#EXTINF: 4 title\nb.ts\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.Segments[1].Duration != 4 },
			want: "0 a.ts 9s, 1 b.ts 4s",
		},
		{
			name: "not-a-number",
			body: "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:NaN,\na.ts\n#EXTINF:Inf,\nb.ts\n#EXTINF:-1,\nc.ts\n",
			bare: func(p *m3u8.MediaPlaylist) bool { return p.Segments[0].Duration != p.Segments[0].Duration },
			want: "0 a.ts 0s, 1 b.ts 0s, 2 c.ts 0s",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bare, panicked := bareMedia(c.body)
			if c.bare == nil && !panicked || c.bare != nil && (bare == nil || !c.bare(bare)) {
				t.Errorf("the library no longer has this defect (panic %v, %v): the workaround can go", panicked, bare)
			}
			var got []string
			p := mustRead(t, c.body)
			for _, s := range listed(p.Tracks[0]) {
				got = append(got, strings.Join(strings.Fields(fmt.Sprint(s.Number, " ", strings.TrimPrefix(s.URL, "https://origin.test/live/"), " ", rangeText(s.Range), " ", s.Duration)), " "))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
			if c.name == "raised-target" && p.TargetDuration != 4*time.Second {
				t.Errorf("target duration %v", p.TargetDuration)
			}
		})
	}
}

func TestDecoderDefectsOfMultivariant(t *testing.T) {
	const body = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="one",URI="one.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="unused",NAME="two",URI="two.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1
#EXT-X-STREAM-INF:BANDWIDTH=5000000000,AUDIO="a"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=200,AUDIO="a"
low.m3u8
`
	decoded, _, err := m3u8.DecodeFrom(strings.NewReader(body), false)
	if err != nil {
		t.Fatal(err)
	}
	bare := decoded.(*m3u8.MasterPlaylist)
	// stream-inf-twice: the variant of 5 Gbit/s is given the first one's attributes.
	if len(bare.Variants) != 2 || bare.Variants[0].Bandwidth != 1 {
		t.Errorf("stream-inf-twice is gone: %v", bare.Variants)
	}
	wraps, _, err := m3u8.DecodeFrom(strings.NewReader("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5000000000\nhigh.m3u8\n"), false)
	if err != nil || wraps.(*m3u8.MasterPlaylist).Variants[0].Bandwidth != 5_000_000_000-1<<32 {
		t.Errorf("bandwidth-wraps is gone: %v %v", wraps, err)
	}
	// group-renditions: once for each variant (and, undecided, for each line), the unused one never.
	var named []string
	for _, v := range bare.Variants {
		for _, a := range v.Alternatives {
			named = append(named, a.Name)
		}
	}
	if slices.Contains(named, "two") || len(named) < 2 {
		t.Errorf("group-renditions is gone: %v", named)
	}
	p := mustRead(t, body)
	var got []string
	for _, track := range p.Tracks {
		got = append(got, fmt.Sprint(track.Kind, " ", track.Bandwidth, " ", track.URL))
	}
	want := []string{
		"video 4294967295 https://origin.test/live/high.m3u8",
		"video 200 https://origin.test/live/low.m3u8",
		"audio 0 https://origin.test/live/one.m3u8",
		"audio 0 https://origin.test/live/two.m3u8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDecoderLastKeyOnly: two EXT-X-KEYs of different KEYFORMAT hold together;
// the library keeps the last.
func TestDecoderLastKeyOnly(t *testing.T) {
	const body = `#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-KEY:METHOD=AES-128,URI="a.key"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://b",KEYFORMAT="com.apple.streamingkeydelivery"
#EXTINF:4,
a.ts
`
	bare, _ := bareMedia(body)
	if bare == nil || bare.Segments[0].Key.URI != "skd://b" {
		t.Error("last-key-only is gone")
	}
	p := mustRead(t, body)
	track := p.Tracks[0]
	if !track.Encrypted || !track.Protected {
		t.Errorf("encrypted %v, protected %v", track.Encrypted, track.Protected)
	}
	keys := slices.Collect(track.Timeline.(*Timeline).Keys())
	if diff := cmp.Diff([]string{"https://origin.test/live/a.key"}, keys); diff != "" {
		t.Error(diff)
	}
	s, ok := track.Timeline.Find("https://origin.test/live/a.key", nil)
	if !ok || s.Shareable {
		t.Errorf("a key must be found and not be shareable: %+v %v", s, ok)
	}
	if s, ok := track.Timeline.Find("https://origin.test/live/a.ts", nil); !ok || !s.Shareable || s.Key != "main/0" {
		t.Errorf("encrypted segments may be shared: %+v %v", s, ok)
	}
}

func TestFence(t *testing.T) {
	err := func() (err error) {
		defer fence(&err)
		panic("index out of range")
	}()
	if err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Error(err)
	}
}
