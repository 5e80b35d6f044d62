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
		listed bool          // by an HLS playlist
		gone   time.Duration // when the player leaves, 0: never
		want   time.Duration
	}{
		{name: "there", early: -time.Second},
		{name: "as early as the peer takes it", early: maxEarly},
		{name: "a segment ahead", early: 3 * time.Second, want: 3*time.Second - maxEarly},
		{name: "at the cap", early: maxHold, want: maxHold - maxEarly},
		{name: "past the cap", early: maxHold + time.Nanosecond},
		{name: "an hour ahead", early: time.Hour},
		{name: "listed, whatever its date says", early: 3 * time.Second, listed: true},
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
				p := &timeline.Presentation{Format: timeline.DASH, ClockOffset: tt.offset}
				if tt.listed {
					p.Format = timeline.HLS
				}
				n := named{session: &Session{presentation: p}}
				n.match.Segment.AvailableAt = begun.Add(tt.early + tt.offset)
				waited := n.hold(ctx)
				if far := tt.early > maxHold && !tt.listed; n.session.premature(n.match.Segment, time.Now()) != far && tt.gone == 0 {
					t.Errorf("after that the peer may be asked: %t, want %t", far, !far)
				}
				if took := time.Since(begun); took != tt.want || waited != (tt.want > 0) {
					t.Errorf("waited %v for %v, want %v", waited, took, tt.want)
				}
			})
		})
	}
}
