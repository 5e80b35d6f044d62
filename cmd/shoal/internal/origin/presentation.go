package origin

import (
	"time"
)

// presentation is the clip as one of the two things viewers can ask for.
type presentation struct {
	name   string // first path component
	live   bool
	epoch  time.Time
	window uint64 // live: segments in a manifest
	length uint64 // VOD: segments in all
}

// listed are the segments of a manifest made at now: from first, count of them.
func (p *presentation) listed(now time.Time) (first, count uint64) {
	if !p.live {
		return 0, p.length
	}
	since := now.Sub(p.epoch)
	if since < SegmentDuration {
		return 0, 0
	}
	available := uint64(since / SegmentDuration)
	count = min(available, p.window)
	return available - count, count
}

// state of one segment at one moment.
type state int

const (
	tooEarly state = iota
	available
	expired
)

func (p *presentation) state(n uint64, now time.Time) state {
	first, count := p.listed(now)
	if n >= first+count {
		return tooEarly
	}
	// RFC 8216 §6.2.2: a segment removed from the playlist stays available for
	// its duration plus the duration of the longest playlist that held it.
	if linger := p.window + 1; p.live && n+linger < first {
		return expired
	}
	return available
}

// availableAt is when segment n is whole; the epoch for VOD.
func (p *presentation) availableAt(n uint64) time.Time {
	if !p.live {
		return p.epoch
	}
	return p.epoch.Add(time.Duration(n+1) * SegmentDuration)
}

// changed is when the list of segments last changed: publishTime and
// Last-Modified of a manifest that lists them.
func (p *presentation) changed(now time.Time) time.Time {
	first, count := p.listed(now)
	if !p.live || count == 0 {
		return p.epoch
	}
	return p.availableAt(first + count - 1)
}
