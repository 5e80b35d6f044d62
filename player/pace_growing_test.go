package player

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// A growing segment is whole g after it can be asked for, and its last chunk is
// needed g after its first: asking for it while it grows must not look late.
func TestPaceOfGrowingSegments(t *testing.T) {
	const g = 1500 * time.Millisecond
	epoch := time.Unix(1_700_000_000, 0)
	at := func(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }
	seg := func(n int) timeline.Segment {
		whole := at(2 * float64(n+1))
		return timeline.Segment{Start: time.Duration(n) * 2 * time.Second, Duration: 2 * time.Second, Part: -1,
			AvailableAt: whole, GrowsFrom: whole.Add(-g)}
	}
	p := &pace{}
	for n := range 3 { // each is asked for with its first chunk, and whole g later
		s := seg(n)
		p.request(s.GrowsFrom, s.GrowsFrom, timeline.Video, s)
		p.complete(s.AvailableAt.Add(20*time.Millisecond), timeline.Video, s)
	}
	s := seg(3)
	deadline, urgent, seek := p.request(s.GrowsFrom, s.GrowsFrom, timeline.Video, s)
	if urgent || seek {
		t.Fatalf("urgent %v, seek %v", urgent, seek)
	}
	if left := deadline.Sub(s.AvailableAt); left < 0 || left > 2*time.Second {
		t.Errorf("the deadline is %v after the segment is whole", left)
	}
	if wait := p.originBy(s.GrowsFrom, s.GrowsFrom, s).Sub(s.AvailableAt); wait != time.Second {
		t.Errorf("peers are waited for until %v after the segment is whole, want half a segment", wait)
	}
	if moved := p.need(s).Sub(s.GrowsFrom); moved > 2*time.Second {
		t.Errorf("the estimated play head fell %v behind a player that never waited", moved)
	}
}
