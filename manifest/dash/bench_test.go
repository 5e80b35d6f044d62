package dash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
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

func BenchmarkParseAndTimeline(b *testing.B) {
	body := dvr(0)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, _, err := NewReader(Options{}).Observe(here, body, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefresh reads the next MPD of a stream, with one more segment.
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
