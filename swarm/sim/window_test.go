package sim

import (
	"math"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// TestSlowStart: B bytes over a new link take rtt·log₂(1 + B/4404), less the first
// window's round trip, whatever the pieces they come in.
func TestSlowStart(t *testing.T) {
	const rtt = 100 * time.Millisecond
	for _, pieces := range []int{1, 2, 6} {
		var w window
		var at swarm.Time
		for range pieces {
			at = w.through(time.Second, rtt, 0, 16384)
		}
		want := time.Second + time.Duration(float64(rtt)*(math.Log2(1+float64(pieces*16384)/firstWindow)-1))
		if d := (at - want).Abs(); d > time.Millisecond {
			t.Errorf("%d pieces have left at %v, want %v", pieces, at, want)
		}
	}
}

// TestOpenWindow: a link that has sent enough delays nothing that fits its window.
func TestOpenWindow(t *testing.T) {
	const rtt = 100 * time.Millisecond
	w := window{bytes: fullWindow}
	for i := range 20 {
		now := time.Duration(i+1) * time.Second
		for range underWay {
			if at := w.through(now, rtt, 0, 16384); at != now {
				t.Fatalf("a piece waits %v", at-now)
			}
		}
	}
}

// TestLossLimitsThroughput: 1.22 · packet / (rtt · √loss), Mathis et al.
func TestLossLimitsThroughput(t *testing.T) {
	const rtt, loss, pieces = 100 * time.Millisecond, 0.01, 200
	var w window
	var at swarm.Time
	for range pieces {
		at = w.through(at, rtt, loss, 16384)
	}
	got := pieces * 16384 * 8 / at.Seconds()
	if want := 1.22 * packet * 8 / (rtt.Seconds() * math.Sqrt(loss)); math.Abs(got/want-1) > 0.05 {
		t.Errorf("%.0f bit/s, want %.0f", got, want)
	}
}
