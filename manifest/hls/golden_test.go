package hls

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestFeatures dumps what is read of each self-written playlist in
// testdata/features and compares it with the .golden beside it.
func TestFeatures(t *testing.T) {
	files, err := filepath.Glob("testdata/features/*.m3u8")
	if err != nil || len(files) == 0 {
		t.Fatal("no playlists", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Read(t.Context(), "https://origin.test/live/ch1/main.m3u8?token=T%2B1", body, testTime, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(file, ".m3u8")+".golden", dump(p))
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func dump(p *timeline.Presentation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "live=%v duration=%v target=%v latency=%v refresh=%v\n", p.Live, p.Duration, p.TargetDuration, p.TargetLatency, p.Refresh)
	for _, n := range p.Notes {
		fmt.Fprintln(&b, "note", n)
	}
	for _, track := range p.Tracks {
		fmt.Fprintf(&b, "track %s kind=%s group=%s default=%v trick=%v encrypted=%v protected=%v", track.ID, track.Kind, track.Group, track.Default, track.TrickPlay, track.Encrypted, track.Protected)
		fmt.Fprintf(&b, " bandwidth=%d codecs=%q %dx%d@%g lang=%q %s\n", track.Bandwidth, track.Codecs, track.Width, track.Height, track.FrameRate, track.Language, track.URL)
		view := track.Timeline.(*Timeline)
		for s := range view.Inits() {
			b.WriteString("  init " + line(s))
		}
		for s := range view.Segments(testTime, 0, timeline.Forever) {
			b.WriteString("  " + line(s))
		}
		for s := range view.Parts() {
			b.WriteString("  part " + line(s))
		}
		for s := range view.Predicted(testTime, 6*time.Second) {
			b.WriteString("  predicted " + line(s))
		}
		for k := range view.Keys() {
			b.WriteString("  key at " + k + "\n")
		}
	}
	return b.String()
}

func line(s timeline.Segment) string {
	text := fmt.Sprintf("%s %s", s.Key, s.URL)
	if s.Range != nil {
		text += " " + rangeText(s.Range)
	}
	text += fmt.Sprintf(" %v+%v", s.Start, s.Duration)
	if !s.AvailableAt.IsZero() {
		text += " at " + s.AvailableAt.Format("15:04:05.000")
	}
	if !s.GrowsFrom.IsZero() {
		text += " from " + s.GrowsFrom.Format("15:04:05.000")
	}
	if s.Gap {
		text += " gap"
	}
	if !s.Shareable {
		text += " not shared"
	}
	return text + "\n"
}
