package manifest

import (
	"io"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

func TestSecondsAreExact(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", time.Second: "1", 1500 * time.Millisecond: "1.5", 1: "0.000000001", 10 * time.Millisecond: "0.01",
		-2500 * time.Millisecond: "-2.5", 1714564800*time.Second + 333333333: "1714564800.333333333",
	} {
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%d ns: %s, want %s", d, got, want)
		}
	}
}

func TestRangeText(t *testing.T) {
	for want, r := range map[string]*timeline.Range{`null`: nil, `"5-9"`: {First: 5, Last: 9}, `"313-"`: {First: 313, Last: -1}} {
		if got := rangeText(r); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// BenchmarkList writes a day of two-second segments.
func BenchmarkList(b *testing.B) {
	src := sourceFunc(func(Request) (Response, error) {
		return Response{Status: 200, Body: []byte(`<MPD mediaPresentationDuration="P1D"><Period><AdaptationSet><SegmentTemplate duration="2" media="$RepresentationID$/$Number$.m4s"/><Representation id="v"/></AdaptationSet></Period></MPD>`)}, nil
	})
	p, err := Load(b.Context(), src, "http://origin.test/live/stream.mpd", Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		n, err := List(p, time.Time{}, 0).WriteTo(io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
