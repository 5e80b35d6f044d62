package node

import (
	"testing"
	"time"
)

func TestWallClockJumps(t *testing.T) {
	var w wallClock
	start := time.Date(2026, 3, 29, 0, 59, 50, 0, time.UTC)
	for _, step := range []struct {
		name         string
		wall, steady time.Duration
		want         bool
	}{
		{"first look", 0, 0, false},
		{"ten seconds", 10 * time.Second, 10 * time.Second, false},
		{"slewed by NTP", 20*time.Second + 5*time.Millisecond, 20 * time.Second, false},
		{"the machine slept", time.Hour, 30 * time.Second, true},
		{"and runs again", time.Hour + 10*time.Second, 40 * time.Second, false},
		{"set back", time.Hour + 19*time.Second, 50 * time.Second, true},
	} {
		if got := w.jumped(start.Add(step.wall), step.steady); got != step.want {
			t.Errorf("%s: jumped %v, want %v", step.name, got, step.want)
		}
	}
}
