package hls

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

var testBase = &url.URL{Scheme: "https", Host: "origin.test", Path: "/live/main.m3u8", RawQuery: "token=1"}

// FuzzPlaylist reads any bytes twice over, as a first document and as an update
// of itself, and checks what must hold of whatever comes out.
func FuzzPlaylist(f *testing.F) {
	files, err := filepath.Glob("testdata/features/*.m3u8")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, body)
	}
	full := playlistOf(10, numbered(10, 14)...)
	f.Add([]byte(full), []byte(playlistOf(11, append([]string{"#EXT-X-SKIP:SKIPPED-SEGMENTS=3"}, numbered(14, 15)...)...)))
	f.Add([]byte(full), []byte(playlistOf(3, numbered(3, 5)...)))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		r := NewReader(Options{})
		for i, body := range [][]byte{first, second, first} {
			at := testTime.Add(time.Duration(i) * 3 * time.Second)
			p, due, err := r.Observe(testURL, body, at)
			if err != nil && strings.Contains(err.Error(), "m3u8 decoder") {
				t.Fatalf("our own clean text was not understood: %v", err)
			}
			for _, d := range due {
				if d.URL == "" || d.Track == "" {
					t.Fatalf("due %+v", d)
				}
			}
			if p != nil {
				checkPresentation(t, p, at)
			}
		}
		compareReadings(t, first)
	})
}

// compareReadings: of a plain playlist that hls-m3u8 accepts and we do too,
// both read as many segments.
func compareReadings(t *testing.T, body []byte) {
	if bytes.ContainsAny(body, "\r\x00 \t") || bytes.Contains(body, []byte("EXT-X-S")) {
		return
	}
	theirs, ok := otherReading(body)
	ours, err := ourReading(body)
	if ok && err == nil && len(ours) != len(theirs) && plainTags(body) {
		t.Errorf("%d segments, the other decoder has %d", len(ours), len(theirs))
	}
}

// plainTags: every line is a well-formed EXTINF, a URI or a header tag, in pairs.
func plainTags(body []byte) bool {
	expectURI := false
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#EXTINF:") && strings.HasSuffix(line, ",") && !expectURI:
			expectURI = true
		case line != "" && line[0] > ' ' && line[0] != '#' && expectURI:
			expectURI = false
		case strings.HasPrefix(line, "#EXT-X-TARGETDURATION:") || line == "#EXTM3U":
		default:
			return false
		}
	}
	return !expectURI
}

func checkPresentation(t *testing.T, p *timeline.Presentation, now time.Time) {
	ids := make(map[string]bool)
	for _, track := range p.Tracks {
		if ids[track.ID] || track.ID == "" {
			t.Fatalf("track id %q", track.ID)
		}
		ids[track.ID] = true
		var last time.Duration = -1 << 62
		n := 0
		for s := range track.Timeline.Segments(now, -1<<62, timeline.Forever) {
			checkSegment(t, s)
			if s.Start < last {
				t.Fatalf("%s starts at %v, after one at %v", s.Key, s.Start, last)
			}
			last = s.Start
			if n++; n > 200 {
				break
			}
		}
		for s := range track.Timeline.Predicted(now, 10*time.Second) {
			checkSegment(t, s)
			if !s.Predicted || !s.AvailableAt.After(now) || s.AvailableAt.After(now.Add(10*time.Second)) {
				t.Fatalf("predicted %+v at %v", s, now)
			}
			if n++; n > 500 {
				break
			}
		}
		for s := range track.Timeline.(*Timeline).Parts() {
			checkSegment(t, s)
		}
		for s := range track.Timeline.(*Timeline).Inits() {
			checkSegment(t, s)
		}
	}
}

func checkSegment(t *testing.T, s timeline.Segment) {
	if err := s.Key.Validate(); err != nil {
		t.Fatal(err)
	}
	if s.Duration < 0 || s.Range != nil && (s.Range.First < 0 || s.Range.Last < s.Range.First && s.Range.Last != -1) {
		t.Fatalf("%+v", s)
	}
	if s.URL != "" && !strings.HasPrefix(s.URL, "https://") && !strings.HasPrefix(s.URL, "http://") {
		t.Fatalf("%q is not for fetching", s.URL)
	}
	if s.Shareable && (s.Gap || s.URL == "" && !s.Predicted) {
		t.Fatalf("shared: %+v", s)
	}
	if s.Key.Track() == segments.Key("url/x").Track() && s.Shareable {
		t.Fatalf("a key is shared: %+v", s)
	}
}
