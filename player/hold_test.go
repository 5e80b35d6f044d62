package player

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

func TestHoldWaitsForPredictedSegments(t *testing.T) {
	for _, tt := range []struct {
		name   string
		early  time.Duration // before its availability on the presentation's clock
		offset time.Duration // of that clock
		known  bool          // listed, not predicted
		gone   time.Duration // when the player leaves, 0: never
		want   time.Duration
	}{
		{name: "there", early: -time.Second},
		{name: "as early as the peer takes it", early: maxEarly},
		{name: "a segment ahead", early: 3 * time.Second, want: 3*time.Second - maxEarly},
		{name: "at the cap", early: maxHold, want: maxHold - maxEarly},
		{name: "past the cap", early: maxHold + time.Nanosecond},
		{name: "listed early", early: 3 * time.Second, known: true},
		{name: "clock ahead", early: 5 * time.Second, offset: 2 * time.Second, want: 5*time.Second - maxEarly},
		{name: "the player leaves", early: 5 * time.Second, gone: time.Second, want: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.gone > 0 {
					time.AfterFunc(tt.gone, cancel)
				}
				begun := time.Now()
				n := named{
					session: &Session{presentation: &timeline.Presentation{ClockOffset: tt.offset}},
					match:   Match{Segment: timeline.Segment{Predicted: !tt.known, AvailableAt: begun.Add(tt.early + tt.offset)}},
				}
				waited := n.hold(ctx)
				if took := time.Since(begun); took != tt.want || waited != (tt.want > 0) {
					t.Errorf("waited %v for %v, want %v", waited, took, tt.want)
				}
			})
		})
	}
}
