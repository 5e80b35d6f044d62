package swarm

import "time"

// allowance is how many messages of a kind may still come: it starts full and
// fills up again at a steady rate.
type allowance struct {
	left float64
	at   Time
}

func newAllowance(now Time, burst int) allowance { return allowance{float64(burst), now} }

// take uses up one of what is left:
//
//	left = min(burst, left + perSecond × seconds since the last)
func (a *allowance) take(now Time, burst, perSecond int) bool {
	a.left = min(float64(burst), a.left+float64(perSecond)*float64(now-a.at)/float64(time.Second))
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
