package dash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// dvr is a live MPD of three video and two audio Representations in two
// AdaptationSets of their own SegmentTimelines: 5 × 3,600 S elements.
func dvr(extra int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT2H" minBufferTime="PT2S"><Period id="p" start="PT0S">`)
	for track := range 5 {
		fmt.Fprintf(&b, `<AdaptationSet id="%d"><SegmentTemplate timescale="90000" media="$RepresentationID$/$Time$.m4s" initialization="$RepresentationID$/i.mp4"><SegmentTimeline>`, track)
		at := uint64(1714564800 * 90000)
		for i := range 3600 + extra {
			d := uint64(180000 + i%2)
			if i == 0 {
				fmt.Fprintf(&b, `<S t="%d" d="%d"/>`, at, d)
			} else {
				fmt.Fprintf(&b, `<S d="%d"/>`, d)
			}
			at += d
		}
		fmt.Fprintf(&b, `</SegmentTimeline></SegmentTemplate><Representation id="r%d" bandwidth="1000"/></AdaptationSet>`, track)
	}
	b.WriteString(`</Period></MPD>`)
	return []byte(b.String())
}

func BenchmarkBareDecode(b *testing.B) {
	body := dvr(0)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := mpd.MPDFromBytes(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAndTimeline has the goal of 1.3 times BenchmarkBareDecode at most.
func BenchmarkParseAndTimeline(b *testing.B) {
	body := dvr(0)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, _, err := NewReader(Options{}).Observe(here, body, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefresh reads the next MPD of a stream, with one more segment. Its goal
// is 0.3 of a full parse at most.
func BenchmarkRefresh(b *testing.B) {
	bodies := [][]byte{dvr(0), dvr(1)}
	r := NewReader(Options{})
	b.SetBytes(int64(len(bodies[0])))
	for i := 0; b.Loop(); i++ {
		if _, _, err := r.Observe(here, bodies[i%2], time.Unix(int64(i), 0)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTidy(b *testing.B) {
	body := dvr(0)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := tidy(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAgainstDecoder reads the same MPD bare, into listed timelines and as a
// refresh, in turn, so that a busy machine is busy for all, and reports the ratios
// of the best times: parse goal 1.3, refresh goal 0.3, both of the bare decoder.
func BenchmarkAgainstDecoder(b *testing.B) {
	bodies := [][]byte{dvr(0), dvr(1)}
	follower, turn := NewReader(Options{}), 0
	best := [3]time.Duration{time.Hour, time.Hour, time.Hour}
	read := [3]func() error{
		func() error { _, err := mpd.MPDFromBytes(bodies[0]); return err },
		func() error {
			p, _, err := NewReader(Options{}).Observe(here, bodies[0], time.Unix(0, 0))
			if err != nil {
				return err
			}
			n := 0
			for _, t := range p.Tracks {
				for range t.Timeline.Segments(time.Unix(1714564800+7200, 0), 0, timeline.Forever) {
					n++
				}
			}
			if n < 5*3590 {
				return fmt.Errorf("%d segments listed", n)
			}
			return nil
		},
		func() error {
			turn++
			_, _, err := follower.Observe(here, bodies[turn%2], time.Unix(int64(turn), 0))
			return err
		},
	}
	for b.Loop() {
		for i, f := range read {
			start := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(best[1])/float64(best[0]), "parse×bare")
	b.ReportMetric(float64(best[2])/float64(best[0]), "refresh×bare")
	b.ReportMetric(float64(best[2])/float64(best[1]), "refresh×parse")
}
