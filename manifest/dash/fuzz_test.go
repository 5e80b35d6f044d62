package dash

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// FuzzMPD reads anything as an MPD and checks what holds for every manifest: a
// segment is found by its own URL, keys are valid, lists are in bounds.
func FuzzMPD(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("..", "testdata", "*.mpd"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, int64(1714564805))
	}
	f.Fuzz(func(t *testing.T, body []byte, unix int64) {
		now := time.Unix(unix%(1<<40), 0)
		begin := time.Now()
		defer func() {
			if d := time.Since(begin); d > patience {
				t.Errorf("%d bytes took %v", len(body), d)
			}
		}()
		p, _, err := NewReader(Options{}).Observe("http://cdn.test/a/b.mpd", body, now)
		if err != nil {
			return
		}
		if len(p.Tracks) > 200 {
			return
		}
		ids := map[string]bool{}
		for _, track := range p.Tracks {
			if ids[track.Key] {
				t.Fatalf("two tracks have the key %q", track.Key)
			}
			ids[track.Key] = true
			checkTimeline(t, track, now)
		}
	})
}

// patience bounds the time for one small document, on a busy machine.
const patience = 5 * time.Second

func checkTimeline(t *testing.T, track *timeline.Track, now time.Time) {
	n := 0
	check := func(s timeline.Segment) bool {
		if len(s.Key) <= 400 {
			if err := s.Key.Validate(); err != nil {
				t.Fatal(err)
			}
		}
		if s.Duration < 0 {
			t.Fatalf("%s lasts %v", s.Key, s.Duration)
		}
		n++
		return n < 50
	}
	for s := range track.Timeline.Segments(now, 0, timeline.Forever) {
		if s.Predicted {
			t.Fatalf("%s is known and predicted", s.Key)
		}
		if !check(s) {
			break
		}
		if found, ok := track.Timeline.Find(s.URL, s.Range); ok && found.URL != s.URL {
			t.Fatalf("%s is found as %s", s.URL, found.URL)
		}
	}
	n = 0
	for s := range track.Timeline.Predicted(now, time.Minute) {
		if !s.Predicted || !check(s) {
			break
		}
	}
}
