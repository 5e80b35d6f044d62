//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
)

// TestInspectAtTheLimits reads the largest documents that are accepted, each at
// one limit, and asks for the same memory as of any other.
func TestInspectAtTheLimits(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector multiplies memory")
	}
	const head = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">`
	const representation = `<AdaptationSet><SegmentTemplate media="$Number$.m4s" duration="1"/><Representation id="1"/></AdaptationSet>`
	each := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, doc := range map[string]string{
		"bytes.mpd": head + `<Period><AdaptationSet><Label>` + strings.Repeat("x", dash.MaxBytes-300) + `</Label></AdaptationSet></Period></MPD>`,
		"s.mpd": head + `<Period><AdaptationSet><SegmentTemplate media="$Number$.m4s"><SegmentTimeline>` +
			each(dash.MaxTimelineEntries/2, `<S t="%[1]d00" d="99"/><S t="%[1]d99" d="1"/>`) + `</SegmentTimeline></SegmentTemplate><Representation id="1"/></AdaptationSet></Period></MPD>`,
		"representations.mpd": head + `<Period><AdaptationSet><SegmentTemplate media="$RepresentationID$/$Number$.m4s" duration="1"/>` +
			each(dash.MaxRepresentations, `<Representation id="r%d"/>`) + `</AdaptationSet></Period></MPD>`,
		"periods.mpd": head + each(dash.MaxRepresentations, `<Period id="p%d" duration="PT5S">`+representation+`</Period>`) + `</MPD>`,
		"urls.mpd": head + `<Period><AdaptationSet><SegmentList duration="1">` + each(dash.MaxElements-10, `<SegmentURL media="segment-%d.m4s"/>`) +
			`</SegmentList><Representation id="1"/></AdaptationSet></Period></MPD>`,
		"descriptors.mpd": head + `<Period><AdaptationSet>` + each(dash.MaxElements-10, `<ContentProtection schemeIdUri="x%d"/>`) +
			`<Representation id="1"/></AdaptationSet></Period></MPD>`,
		"segments.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + each(hls.MaxSegments, "#EXTINF:2,\nhttps://media.test/a/b/%d.ts\n"),
		"keys.m3u8":     "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + each(hls.MaxSegments, "#EXT-X-KEY:METHOD=AES-128,URI=\"k%[1]d\"\n#EXTINF:2,\n%[1]d.ts\n"),
		"tokens.m3u8":   "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + each(43_200, "#EXTINF:2,\n%010d.ts?"+strings.Repeat("x", 300)+"\n"),
		"bytes.m3u8":    "#EXTM3U\n#EXTINF:2,\n1.ts\n" + strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", hls.MaxPlaylistBytes/1024-1),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
			o := shoal(t, nil, "inspect", "--json", "--base", "https://cdn.test/"+name, file)
			if o.code != 0 {
				t.Errorf("refused: %s", o.stderr.String())
			}
			checkMemory(t, o)
			t.Logf("%d bytes: %d MiB, %v", len(doc), o.memory>>20, o.took)
		})
	}
}
