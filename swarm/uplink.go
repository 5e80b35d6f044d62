package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

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
	// fewestLanes and mostLanes bound the pieces that are handed to links at a time,
	// firstLanes are while the uplink is unknown.
	fewestLanes, firstLanes, mostLanes = 2, 4, 64
	// staleLane is the soonest, and while the uplink is unknown firstStale, when a piece
	// that has not left is a matter of its link, not of the uplink: it no longer counts, so
	// that a dead neighbour holds up nobody else.
	staleLane, firstStale = 300 * time.Millisecond, time.Second
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
		return firstLanes
	}
	return min(max(int(u.rate*queueTime.Seconds()), fewestLanes), mostLanes)
}

// ahead is how long what may be handed to links takes to leave; 0 while unknown.
func (u *uplink) ahead() time.Duration {
	if u.rate == 0 {
		return 0
	}
	return time.Duration(float64(u.lanes()) / u.rate * float64(time.Second))
}

// stale is how long a piece may wait for those before it, twice over.
func (u *uplink) stale() time.Duration {
	if u.rate == 0 {
		return firstStale
	}
	return max(staleLane, 2*u.ahead())
}

// yields says whether uploads wait for what this peer asks the origin for itself. On a
// weak line, and on one of which nothing is known yet, requests and acknowledgements would
// stand behind the pieces, and a segment that plain HTTP brings in time would come late.
func (c *Core) yields() bool {
	up := c.ownUplink()
	if up == 0 {
		up = int64(c.uplink.rate * 8 * segments.PieceSize)
	}
	return c.owning > 0 && !c.cfg.Seed && up < weakUplink
}

// weight is a receiver's part of the uplink beside others: those who can pass on more
// get more, because from them it reaches everybody sooner; nobody gets nothing.
func (p *peer) weight() float64 {
	if p.hello.Metered {
		return 0.5
	}
	return min(1+float64(p.hello.Uplink)/strongUplink, mostWeight)
}
