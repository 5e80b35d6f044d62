package player

import (
	"context"
	"time"
)

// maxHold is how far before its availability a segment may be asked of the
// gateway and be waited for. ffmpeg's DASH demuxer computes what to ask next
// from the wall clock, without the duration of the segment that is being made:
// it skips what the origin answers with 404 and plays on with a hole. Ten
// seconds cover the longest segments in use, and stay below the shortest
// time-out that native players have for a first byte.
const maxHold = 10 * time.Second

// hold waits until the peer may be asked for a segment that is not there yet. It
// returns at once for those that are, and for those further away than maxHold,
// which get the origin's answer. It reports whether it waited.
func (n named) hold(ctx context.Context) bool {
	early := n.session.early(n.match.Segment, time.Now())
	if early <= maxEarly || early > maxHold {
		return false
	}
	timer := time.NewTimer(early - maxEarly)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}
