package player

import "time"

// playback models a player's buffer: it starts when the first segment of every
// lane is there, plays in real time, stops when a lane has nothing left and goes
// on when it has. It knows no clock; times must not go backwards.
type playback struct {
	lanes    []time.Duration // end of what is delivered without a gap
	have     []bool
	playing  bool
	begun    bool
	stopped  time.Time // since when it stalls
	position time.Duration
	at       time.Time // of position
	end      time.Duration
	ended    bool

	stalls   int
	stallFor time.Duration
}

func newPlayback(lanes int) *playback {
	return &playback{lanes: make([]time.Duration, lanes), have: make([]bool, lanes)}
}

// buffered is the end of what all lanes have.
func (p *playback) buffered() time.Duration {
	end := time.Duration(1<<63 - 1)
	for _, e := range p.lanes {
		end = min(end, e)
	}
	return end
}

// advance plays up to now.
func (p *playback) advance(now time.Time) {
	if !p.playing {
		return
	}
	until := p.buffered()
	reach := p.position + now.Sub(p.at)
	if p.end > 0 && until >= p.end && reach >= p.end {
		p.position, p.at, p.playing, p.ended = p.end, now, false, true
		return
	}
	if reach <= until {
		p.position, p.at = reach, now
		return
	}
	p.stopped = p.at.Add(until - p.position)
	p.position, p.at, p.playing = until, p.stopped, false
	p.stalls++
}

// deliver adds media of a lane that ends at end. ready is true when all lanes
// have their first segment and playback may begin.
func (p *playback) deliver(now time.Time, lane int, end time.Duration) (ready bool) {
	p.advance(now)
	p.have[lane] = true
	p.lanes[lane] = max(p.lanes[lane], end)
	for _, h := range p.have {
		if !h {
			return false
		}
	}
	if p.begun && !p.playing && !p.ended && p.buffered() > p.position {
		p.stallFor += now.Sub(p.stopped)
		p.at, p.playing = now, true
	}
	return !p.begun
}

// begin starts playback at position.
func (p *playback) begin(now time.Time, position time.Duration) {
	p.begun, p.playing, p.position, p.at = true, true, position, now
}

// jump moves on, past what cannot be had. To whoever watches, the hole is a
// stall of its length.
func (p *playback) jump(lane int, end time.Duration) {
	if hole := end - p.lanes[lane]; p.begun && hole > 0 {
		p.stalls++
		p.stallFor += hole
	}
	p.lanes[lane] = max(p.lanes[lane], end)
}

// stalled is the stalled time so far, a stall that lasts included.
func (p *playback) stalled(now time.Time) time.Duration {
	if p.begun && !p.playing && !p.ended {
		return p.stallFor + now.Sub(p.stopped)
	}
	return p.stallFor
}

// buffer is how much is left to play at now.
func (p *playback) buffer(now time.Time) time.Duration {
	p.advance(now)
	if !p.begun {
		return 0
	}
	return max(0, p.buffered()-p.position)
}
