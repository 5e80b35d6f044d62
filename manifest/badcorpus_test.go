package manifest

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// badAnswers adds to BAD.tsv's "accept" and "reject" what a lister must find.
var badAnswers = map[string]func(t *testing.T, l listed){
	"bad/dash-synth/prefixed-namespace.mpd": func(t *testing.T, l listed) {
		s := l.Tracks[0].Segments
		if len(s) != 30 || s[0].URL != corpusHost+"bad/dash-synth/1.m4s" || s[29].URL != corpusHost+"bad/dash-synth/30.m4s" ||
			l.Tracks[0].Init == nil || l.Tracks[0].Init.URL != corpusHost+"bad/dash-synth/i.mp4" {
			t.Errorf("%d segments, %s", len(s), ends(s))
		}
	},
	"bad/dash-real/empty-timeline.mpd":               noSegments,
	"bad/dash-synth/many-periods.mpd":                noSegments,
	"bad/dash-synth/zero-duration.mpd":               noSegments,
	"bad/dash-synth/zero-d-open-r.mpd":               noSegments,
	"bad/dash-synth/seglist-indexrange-reversed.mpd": noSegments,
	"bad/dash-real/large_file.mpd": func(t *testing.T, l listed) { // its bulk is a comment
		if n := len(l.Tracks[0].Segments); n != 1 {
			t.Errorf("%d segments of a large SegmentList", n)
		}
	},
}

func noSegments(t *testing.T, l listed) {
	for _, track := range l.Tracks {
		if len(track.Segments) > 0 {
			t.Errorf("track %s lists %s", track.ID, ends(track.Segments))
		}
	}
}

const badMemory = 64 << 20

func TestBadCorpus(t *testing.T) {
	dir := corpus(t)
	for _, row := range readTSV(t, filepath.Join(dir, "BAD.tsv")) {
		file := row["file"]
		if !strings.HasPrefix(file, "bad/dash") {
			continue
		}
		t.Run(file, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "manifests", file)); err != nil {
				t.Fatal(err)
			}
			o := Options{At: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
			limit := time.Second
			if strings.Contains(row["detail"], "< 100 ms") && !strings.Contains(file, "deep-nesting") {
				limit = 100 * time.Millisecond
			}
			memory := watchMemory()
			var err error
			quickest := time.Hour // of a few: other work on the machine is not counted
			for i := 0; i < 5 && (i == 0 || quickest > limit); i++ {
				begin := time.Now()
				var p *timeline.Presentation
				if p, err = Load(t.Context(), corpusSource(dir), corpusHost+file, o); err == nil {
					_, err = List(p, o.At, 10*time.Second).WriteTo(io.Discard)
				}
				quickest = min(quickest, time.Since(begin))
			}
			if quickest > limit && !raceDetector {
				t.Errorf("answered after %v, want %v", quickest, limit)
			}
			if peak := memory(); peak > badMemory {
				t.Errorf("needed %d MiB", peak>>20)
			}
			switch row["expect"] {
			case "reject":
				if err == nil {
					t.Error("accepted")
				}
			case "accept":
				if err != nil {
					t.Error(err)
				}
			}
			if check := badAnswers[file]; check != nil && err == nil {
				l, err := listing(t, corpusSource(dir), corpusHost+file, o)
				if err != nil {
					t.Fatal(err)
				}
				check(t, l)
			}
		})
	}
}

// watchMemory samples the heap until the returned function is called, which
// gives the growth at its peak.
func watchMemory() func() uint64 {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	base, peak := heap(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, heap())
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		peak = max(peak, heap())
		return peak - min(base, peak)
	}
}
