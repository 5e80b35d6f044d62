package player

import (
	"context"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const (
	// laneLook is how long a lane waits before it looks again for a segment that
	// should be there, and how long before it repeats a failed request.
	laneLook = 250 * time.Millisecond
	// laneAttempts of one segment before it is skipped.
	laneAttempts = 20
	// laneAhead is how far ahead a lane looks for the next availability.
	laneAhead = 30 * time.Second
)

// lane fetches one track's segments in order, one at a time.
func (v *Viewer) lane(ctx context.Context, index int, c *cursor) {
	initOf := ""
	failures := 0
	for ctx.Err() == nil {
		p, changed := v.stream.now()
		now := manifest.Clock(p, time.Now())
		m, ok := c.next(p, now)
		if !ok {
			if !p.Live {
				return
			}
			v.awaitNext(ctx, p, c, now, changed)
			continue
		}
		if !v.awaitRoom(ctx, m.Segment) {
			return
		}
		if init := m.Track.Init; init != nil && string(init.Key) != initOf {
			if _, err := v.fetch(ctx, index, Match{m.Track, *init}); err != nil {
				v.failed(ctx, &failures, m, err)
				continue
			}
			initOf = string(init.Key)
		}
		if _, err := v.fetch(ctx, index, m); err != nil {
			if !v.failed(ctx, &failures, m, err) {
				continue
			}
			v.mu.Lock()
			v.play.jump(index, m.Segment.Start+m.Segment.Duration)
			v.mu.Unlock()
		}
		failures = 0
		c.take(m)
	}
}

// awaitNext sleeps until the manifest changes or the segment after those that
// exist at synced time now should.
func (v *Viewer) awaitNext(ctx context.Context, p *timeline.Presentation, c *cursor, now time.Time, changed <-chan struct{}) {
	wait := laneLook
	if at, ok := c.upcoming(p, now, laneAhead); ok {
		wait = min(max(at.Sub(now), time.Millisecond), laneAhead)
	}
	sleep(ctx, changed, wait)
}

// awaitRoom sleeps while the buffer is full.
func (v *Viewer) awaitRoom(ctx context.Context, s timeline.Segment) bool {
	for {
		v.mu.Lock()
		v.play.advance(time.Now())
		over := time.Duration(0)
		if v.play.begun {
			over = s.Start - v.play.position - v.cfg.Buffer
		}
		v.mu.Unlock()
		if over <= 0 {
			return true
		}
		if sleep(ctx, nil, over); ctx.Err() != nil {
			return false
		}
	}
}

// failed waits before the next attempt; true: the segment is given up.
func (v *Viewer) failed(ctx context.Context, failures *int, m Match, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	*failures++
	v.mu.Lock()
	v.measure.errors++
	v.mu.Unlock()
	v.cfg.Log.Warn("segment failed", "key", m.Segment.Key, "attempt", *failures, "err", err)
	sleep(ctx, nil, laneLook)
	return *failures >= laneAttempts
}

// fetch takes one segment to the last byte.
func (v *Viewer) fetch(ctx context.Context, index int, m Match) (int64, error) {
	n, body, err := v.stream.fetch(ctx, m, v.cfg.OnSegment != nil)
	if err != nil {
		return n, err
	}
	v.arrived(index, m, n)
	if v.cfg.OnSegment != nil {
		v.cfg.OnSegment(m, body)
	}
	return n, nil
}

// arrived feeds the buffer model and the measurement.
func (v *Viewer) arrived(index int, m Match, size int64) {
	now := time.Now()
	p, _ := v.stream.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	seg := m.Segment
	v.measure.segment(seg, size)
	if seg.Duration == 0 {
		return
	}
	available := seg.AvailableAt.Add(-p.ClockOffset)
	if p.Live && !seg.AvailableAt.IsZero() && available.After(v.started) {
		v.measure.deliveries = append(v.measure.deliveries, delivery{seg.Key, available, now})
	}
	if v.play.deliver(now, index, seg.Start+seg.Duration) {
		v.play.begin(now, v.firstPosition(p, seg, now))
		v.measure.startup = now.Sub(v.started)
	}
}

// firstPosition is Behind segments before the live edge, which may lie inside
// the first segment: a player does not start at a boundary. Callers hold mu.
func (v *Viewer) firstPosition(p *timeline.Presentation, seg timeline.Segment, now time.Time) time.Duration {
	start := seg.Start
	if !p.Live || seg.AvailableAt.IsZero() {
		return start
	}
	edge := v.edge(p, seg, now)
	v.duration = seg.Duration
	return min(max(start, edge-time.Duration(v.cfg.Behind)*seg.Duration), v.play.buffered())
}

// edge is the media time that happens at now: a segment's end happens when it
// becomes available.
func (v *Viewer) edge(p *timeline.Presentation, seg timeline.Segment, now time.Time) time.Duration {
	return seg.Start + seg.Duration + now.Add(p.ClockOffset).Sub(seg.AvailableAt)
}
