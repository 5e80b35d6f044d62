package node

import "time"

// clockJump is how far wall and monotonic clock may come apart between two looks
// before the swarm's clock is in doubt: the machine slept, or somebody set the time.
const clockJump = 250 * time.Millisecond

// wallClock compares the wall clock with the monotonic one.
type wallClock struct {
	wall   time.Time
	steady time.Duration
}

// jumped says whether they came apart since the last call.
func (w *wallClock) jumped(wall time.Time, steady time.Duration) bool {
	last := *w
	*w = wallClock{wall.Round(0), steady} // Round(0) strips the monotonic reading
	if last.wall.IsZero() {
		return false
	}
	return (w.wall.Sub(last.wall) - (steady - last.steady)).Abs() > clockJump
}
