package hls

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLimits reads each kind of document at the cap and one past it.
func TestLimits(t *testing.T) {
	media := func(lines string) string { return "#EXTM3U\n#EXT-X-TARGETDURATION:4\n" + lines }
	repeat := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name string
		cap  int
		body func(n int) string
	}{
		{"bytes", MaxPlaylistBytes, func(n int) string {
			head := media("#EXTINF:4,\na.ts\n")
			rest := n - len(head)
			return head + strings.Repeat("# a comment of 32 bytes........\n", rest/32) + strings.Repeat("\n", rest%32)
		}},
		{"line", MaxLineBytes, func(n int) string { return media("#EXTINF:4,\n" + strings.Repeat("a", n) + "\n") }},
		{"lines", MaxLines, func(n int) string { return media("#EXTINF:4,\na.ts") + strings.Repeat("\n", n-3) }},
		{"segments", MaxSegments, func(n int) string { return media(repeat(n, "#EXTINF:4,\n%d.ts\n")) }},
		{"parts", MaxParts, func(n int) string { return media(repeat(n, "#EXT-X-PART:DURATION=1,URI=\"%d.mp4\"\n")) }},
		{"inits", MaxInits, func(n int) string { return media(repeat(n, "#EXT-X-MAP:URI=\"%d.mp4\"\n")) }},
		{"keys", MaxKeys, func(n int) string { return media(repeat(n, "#EXT-X-KEY:METHOD=AES-128,URI=\"%d.key\"\n")) }},
		{"variables", MaxVariables, func(n int) string { return media(repeat(n, "#EXT-X-DEFINE:NAME=\"v%d\",VALUE=\"\"\n")) }},
		{"variants", MaxVariants, func(n int) string { return "#EXTM3U\n" + repeat(n, "#EXT-X-STREAM-INF:BANDWIDTH=1\n%d.m3u8\n") }},
		{"renditions", MaxRenditions, func(n int) string {
			return "#EXTM3U\n" + repeat(n, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"%d\",URI=\"a.m3u8\"\n")
		}},
		{"expanded line", MaxLineBytes, func(n int) string {
			// Two references to half of it.
			return media("#EXT-X-DEFINE:NAME=\"v\",VALUE=\"" + strings.Repeat("a", n/2) + "\"\n#EXTINF:4,\n{$v}{$v}" + strings.Repeat("b", n%2) + "\n")
		}},
		{"expanded document", MaxExpandedBytes, func(n int) string {
			const each = 1 << 16
			return media("#EXT-X-DEFINE:NAME=\"v\",VALUE=\"" + strings.Repeat("a", each) + "\"\n" +
				strings.Repeat("#EXTINF:4,\n{$v}\n", n/each) + "#EXT-X-DEFINE:NAME=\"w\",VALUE=\"" + strings.Repeat("a", n%each) + "\"\n" +
				strings.Repeat("#EXTINF:4,\n{$w}\n", min(n%each, 1)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Read(t.Context(), testURL, []byte(c.body(c.cap)), testTime, Options{}, nil); err != nil {
				t.Errorf("at the cap: %v", err)
			}
			if _, err := Read(t.Context(), testURL, []byte(c.body(c.cap+1)), testTime, Options{}, nil); !errors.Is(err, ErrLimit) {
				t.Errorf("one past the cap: %v", err)
			}
		})
	}
}

func TestAttributeCap(t *testing.T) {
	var b strings.Builder
	for i := range MaxAttributes + 1 {
		fmt.Fprintf(&b, "A%d=1,", i)
	}
	if got := parseAttributes(b.String()); len(got) != MaxAttributes {
		t.Errorf("%d attributes were read, want %d", len(got), MaxAttributes)
	}
}

func TestDurationCap(t *testing.T) {
	at := MaxSegmentDuration.Seconds()
	for _, seconds := range []float64{at, at + 1, 1e300} {
		p := mustRead(t, fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:%.0f,\na.ts\n#EXTINF:1,\nb.ts\n", seconds))
		s := listed(p.Tracks[0])
		if s[0].Duration != MaxSegmentDuration || s[1].Start != MaxSegmentDuration {
			t.Errorf("EXTINF of %g s: %v, next at %v", seconds, s[0].Duration, s[1].Start)
		}
	}
	// Sums stop short of overflow.
	p := mustRead(t, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"+strings.Repeat("#EXTINF:31622400,\na.ts\n", 400))
	for _, s := range listed(p.Tracks[0]) {
		if s.Start < 0 || s.Start > maxTimeline {
			t.Fatalf("segment %d starts at %v", s.Number, s.Start)
		}
	}
}

func TestNotesCap(t *testing.T) {
	for _, n := range []int{MaxNotes, MaxNotes + 1} {
		p := mustRead(t, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"+strings.Repeat("stray.ts\n", n))
		if len(p.Notes) > MaxNotes {
			t.Errorf("%d notes from %d remarks", len(p.Notes), n)
		}
	}
	var all notes
	for i := range MaxNotes + 3 {
		all.add(i, "x")
	}
	if got := all.all(); got[MaxNotes] != "and 3 more notes" {
		t.Errorf("the last note is %q", got[MaxNotes])
	}
}

func TestPredictedCap(t *testing.T) {
	p := mustRead(t, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.001,\na.ts\n")
	n := 0
	for range p.Tracks[0].Timeline.Predicted(testTime, 1000*time.Hour) {
		n++
	}
	if n != MaxPredicted {
		t.Errorf("%d predictions, want %d", n, MaxPredicted)
	}
}

// TestSequenceOverflow: numbers that leave no room for the segments to come.
func TestSequenceOverflow(t *testing.T) {
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{"#EXT-X-MEDIA-SEQUENCE:9223372036854775807\n#EXTINF:4,\na.ts\n", true},
		{"#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:4,\na.ts\n", false},
		{"#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n#EXTINF:4,\na.ts\n", false},
		{"#EXT-X-SKIP:SKIPPED-SEGMENTS=18446744073709551615\n#EXTINF:4,\na.ts\n", false},
		{"#EXT-X-SKIP:SKIPPED-SEGMENTS=4611686018427387904\n#EXTINF:4,\na.ts\n", true},
	} {
		_, err := Read(t.Context(), testURL, []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n"+c.body), testTime, Options{}, nil)
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.body, err)
		}
	}
}

// TestHostile: documents made to be slow to read, each a few megabytes, take
// no longer than their size.
func TestHostile(t *testing.T) {
	const lines = 60_000
	repeat := func(format string) string {
		var b strings.Builder
		for i := range lines {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	media := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n"
	for name, body := range map[string]string{
		"late sequence numbers":   media + repeat("#EXT-X-MEDIA-SEQUENCE:%d") + repeat("#EXTINF:4,\n%d.ts"),
		"key formats":             media + repeat("#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"%d\",URI=\"skd://1\""),
		"keys":                    media + strings.Repeat(repeat("#EXT-X-KEY:METHOD=AES-128,URI=\"%d\"")[:300_000/2], 6),
		"one init in two queries": media + strings.Repeat(repeat("#EXT-X-MAP:URI=\"i?%d\"\n#EXTINF:4,\na.ts")[:250_000], 6),
		"reports":                 media + repeat("#EXT-X-RENDITION-REPORT:URI=\"../%d/\""),
		"attributes":              media + "#EXT-X-MAP:URI=\"i\"" + strings.Repeat(",A=1", MaxLineBytes/4-5) + "\n",
		"empty brackets":          media + "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"\n" + strings.Repeat("#EXTINF:4,\n"+strings.Repeat("{$a}", 1000)+"x\n", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			p, err := Read(t.Context(), testURL, []byte(body), testTime, Options{}, nil)
			if err == nil {
				for range p.Tracks[0].Timeline.(*Timeline).Inits() {
				}
				listed(p.Tracks[0])
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%d bytes took %v (%v)", len(body), took, err)
			}
		})
	}
}

func TestReportCap(t *testing.T) {
	for _, n := range []int{MaxReports, MaxReports + 1} {
		doc, err := lex([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n"+strings.Repeat("#EXT-X-RENDITION-REPORT:URI=\"a\"\n", n)), surroundings{url: testBase})
		if err != nil || len(doc.media.reports) != MaxReports {
			t.Errorf("%d reports: %v", n, err)
		}
	}
}
