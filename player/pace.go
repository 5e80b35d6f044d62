package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const (
	// startupSegments of a lane are urgent after a start or a seek: the player
	// shows nothing until it has them.
	startupSegments = 2
	// maxMargin before the moment of need, for decryption, append and decode; of
	// what is shorter than 2 s a quarter of its duration, or a partial segment
	// would never have time to come from a peer.
	maxMargin = 500 * time.Millisecond
	// The wait budget when the caller sets none: half a segment, within these.
	minWaitBudget = 500 * time.Millisecond
	maxWaitBudget = 2 * time.Second
)

// pace estimates a play head from nothing but requests and completions, and
// says by when a segment must be there. It is not safe for concurrent use.
//
// Anchor: media position base plays at wall time at, so
//
//	N(s) = at + (s.Start − base)                      the moment s is needed
//
// The anchor starts at the first request with base the end of that segment: the
// player may begin anywhere inside it and cannot begin before. That makes every
// N too early rather than too late. A segment of video or audio that completes
// at c > N(s) has kept the player waiting: the anchor moves by c − N(s), or for
// the first of a lane by c − N(its end). A request outside what is buffered is a seek and
// starts over. A player that waited although the next segment was there had
// enough: if its estimated buffer ran out meanwhile it was paused, and the
// estimate becomes half of the largest buffer seen.
//
// Deadline of a planned segment, available at A, with a = max(now, A):
//
//	D(s) = a + max(0, min(¾·(N − a), (N − a) − min(500 ms, ¼·duration)))
//
// A segment that grows for g after A is whole at A + g, and its last chunk is
// needed at N + g: both are counted from there. The quarter covers players that catch up with the live edge by playing
// faster. A player that waits for s now must not wait longer than it would
// for plain HTTP plus the budget B, so a request also says when to stop hoping:
//
//	O(s) = max(now, A) + B
//
// The brain asks the origin at O(s), or when D(s) is near, whichever comes
// first. B is Config.WaitBudget or half of the segment's duration within
// 0.5–2 s. Since D holds as well it never takes more than the buffer has: what
// plain HTTP would not stall on, this does not.
type pace struct {
	budget time.Duration // 0: half a segment

	anchored bool
	base     time.Duration
	at       time.Time
	peak     time.Duration // largest buffer estimated since the anchor
	lanes    map[timeline.Kind]*lane
}

// lane is one kind of media: a player fills video and audio separately.
type lane struct {
	count     int
	frontier  time.Duration // end of the furthest segment asked for
	delivered time.Time     // of the last completion
	parts     bool          // the player asks for partial segments
}

func (p *pace) need(s timeline.Segment) time.Time { return p.at.Add(s.Start - p.base) }

// head is the estimated play position.
func (p *pace) head(now time.Time) (time.Duration, bool) {
	if !p.anchored {
		return 0, false
	}
	return p.base + max(0, now.Sub(p.at)), true
}

// request notes that the player asks for s, available at avail on the local
// clock (zero: long ago), and says by when it must be whole. seek is true when
// the lane starts over.
func (p *pace) request(now, avail time.Time, kind timeline.Kind, s timeline.Segment) (deadline time.Time, urgent, seek bool) {
	l := p.lane(kind)
	if s.Duration == 0 { // an init segment holds up all media behind it
		return now, true, false
	}
	if seek = p.isSeek(now, l, s); seek {
		p.anchored, p.base, p.at, p.peak = true, s.Start+s.Duration, now, 0
		clear(p.lanes)
		l = p.lane(kind)
	}
	p.notePause(now, avail, l, s)
	l.count++
	l.frontier = max(l.frontier, s.Start+s.Duration)
	l.parts = s.Part >= 0
	if l.count <= startupSegments {
		return now, true, seek
	}
	return p.deadline(now, avail, s), false, seek
}

// originBy is when a player that waits for s has waited enough for peers.
func (p *pace) originBy(now, avail time.Time, s timeline.Segment) time.Time {
	budget := p.budget
	if budget == 0 {
		budget = min(max(s.Duration/2, minWaitBudget), maxWaitBudget)
	}
	return later(now, avail.Add(growth(s))).Add(budget)
}

// isSeek tells a jump from ABR replacing what is buffered and from small gaps.
func (p *pace) isSeek(now time.Time, l *lane, s timeline.Segment) bool {
	if !p.anchored {
		return true
	}
	head, _ := p.head(now)
	if l.count == 0 { // another lane set the anchor: this one starts near it
		return s.Start > head+maxLaneOffset(s) || s.Start+s.Duration < head-maxLaneOffset(s)
	}
	return s.Start > l.frontier+s.Duration || s.Start+2*s.Duration < min(head, l.frontier)
}

// maxLaneOffset is how far apart audio and video of one start may lie: their
// segments need not align.
func maxLaneOffset(s timeline.Segment) time.Duration { return 3 * s.Duration }

func (p *pace) notePause(now, avail time.Time, l *lane, s timeline.Segment) {
	if l.count < startupSegments || l.delivered.IsZero() || avail.After(l.delivered) {
		return
	}
	idle := now.Sub(l.delivered)
	if idle > s.Duration/2 && p.need(s).Before(now) {
		p.at = p.at.Add(now.Add(p.peak / 2).Sub(p.need(s)))
	}
}

// complete notes that s is whole at now.
func (p *pace) complete(now time.Time, kind timeline.Kind, s timeline.Segment) {
	if s.Duration == 0 || !p.anchored {
		return
	}
	l := p.lane(kind)
	l.delivered = now
	needed := p.need(s).Add(growth(s))
	if l.count <= 1 {
		needed = needed.Add(s.Duration)
	}
	if late := now.Sub(needed); late > 0 && (kind == timeline.Video || kind == timeline.Audio) {
		p.at = p.at.Add(late)
	}
	p.peak = max(p.peak, p.at.Add(l.frontier-p.base).Sub(now))
}

// deadline is D(s) for a segment that nobody waits for yet.
func (p *pace) deadline(now, avail time.Time, s timeline.Segment) time.Time {
	from := later(now, avail.Add(growth(s)))
	if !p.anchored { // nothing plays: one duration after it exists is soon enough
		return from.Add(s.Duration)
	}
	slack := p.need(s).Add(growth(s)).Sub(from)
	return from.Add(max(0, min(slack*3/4, slack-min(maxMargin, s.Duration/4))))
}

func (p *pace) lane(k timeline.Kind) *lane {
	if p.lanes == nil {
		p.lanes = make(map[timeline.Kind]*lane)
	}
	l, ok := p.lanes[k]
	if !ok {
		l = &lane{}
		p.lanes[k] = l
	}
	return l
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
