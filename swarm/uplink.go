package swarm

import "time"

const (
	// uplinkWindow is how long pieces must have been waiting to leave, all the time, for
	// a reading of the uplink.
	uplinkWindow = 500 * time.Millisecond
	// quickWindow is enough where quickPieces left in it, 1 MiB: a fast uplink is seldom
	// busy for longer.
	quickWindow, quickPieces = 200 * time.Millisecond, 64
	// queueTime is how much of the uplink's time may be handed to links at once: more
	// would make urgent pieces wait, and pieces that are no longer wanted leave.
	queueTime = 50 * time.Millisecond
	// fewestLanes and mostLanes bound the pieces that are handed to links at a time.
	fewestLanes, mostLanes = 3, 64
	// staleLane is when a piece that has not left is a matter of its link, not of the
	// uplink: it no longer counts, so that a dead neighbour holds up nobody else.
	staleLane = 300 * time.Millisecond
	// strongUplink is the rate, in bit/s, for each of which a receiver weighs one more.
	strongUplink = 5_000_000
	// mostWeight is the largest weight: who claims a fast uplink gets no more than that.
	mostWeight = 4
	// tellUplink is the least time between two words on this peer's uplink.
	tellUplink = 5 * time.Second
)

// uplink measures how fast pieces leave. Only the sum over all links counts, and only
// while something waits all the time: a slow neighbour does not look like a slow
// uplink.
type uplink struct {
	since Time // something has been waiting since then
	sent  int  // pieces that left since
	rate  float64
	told  float64 // the rate neighbours know
	at    Time    // when they were told
}

// left books pieces that left; busy says whether more are waiting.
func (u *uplink) left(now Time, n int, busy bool) {
	if u.sent += n; !busy {
		u.since, u.sent = now, 0
		return
	}
	if d := now - u.since; d >= uplinkWindow || d >= quickWindow && u.sent >= quickPieces {
		u.rate = max(float64(u.sent)/d.Seconds(), 0.8*u.rate)
		u.since, u.sent = now, 0
	}
}

// lanes is how many pieces may be handed to links and not have left.
func (u *uplink) lanes() int {
	if u.rate == 0 {
		return fewestLanes + 1
	}
	return min(max(int(u.rate*queueTime.Seconds()), fewestLanes), mostLanes)
}

// weight is a receiver's part of the uplink beside others: those who can pass on more
// get more, because from them it reaches everybody sooner; nobody gets nothing.
func (p *peer) weight() float64 {
	if p.hello.Metered {
		return 0.5
	}
	return min(1+float64(p.hello.Uplink)/strongUplink, mostWeight)
}
