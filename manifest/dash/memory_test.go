package dash

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A day of DVR, four tracks of two-second segments of uneven length, refreshed
// many times: what a Reader holds must not grow.
func TestMemoryOfADayStaysBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 4 × 43,200 S elements again and again")
	}
	day := func(shift int) []byte {
		var b strings.Builder
		b.WriteString(`<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="P1D"><Period id="p" start="PT0S">`)
		for track := range 4 {
			fmt.Fprintf(&b, `<AdaptationSet id="%d"><SegmentTemplate timescale="48000" media="%d/$Time$.m4s"><SegmentTimeline><S t="%d" d="96256"/>`, track, track, 96256*shift)
			for i := range 43_199 {
				fmt.Fprintf(&b, `<S d="%d"/>`, 95232+i%2*1024)
			}
			fmt.Fprintf(&b, `</SegmentTimeline></SegmentTemplate><Representation id="%d"/></AdaptationSet>`, track)
		}
		b.WriteString(`</Period></MPD>`)
		return []byte(b.String())
	}
	bodies := [][]byte{day(0), day(1)}
	r := NewReader(Options{})
	resident := func(refreshes int) uint64 {
		for i := range refreshes {
			if _, _, err := r.Observe(here, bodies[i%2], time.Unix(int64(i), 0)); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := resident(2)
	last := resident(6)
	if growth := int64(last) - int64(first); growth > 1<<20 {
		t.Errorf("six refreshes grew the heap by %d KiB", growth>>10)
	}
	const limit = 48 << 20
	if last > limit {
		t.Errorf("%d MiB are held for 4 × 43,200 segments", last>>20)
	}
	runtime.KeepAlive(r)
	t.Logf("%d MiB resident, bodies included", last>>20)
}
