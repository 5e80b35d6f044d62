package player

import (
	"context"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// partLane fetches one track's partial segments: the hinted one before it exists,
// those that are listed and were not hinted at once. Viewers that play them find
// them here a network's way after the origin has them. The whole segments come
// too, for viewers that join.
func (s *Seed) partLane(ctx context.Context, track *timeline.Track) {
	var running sync.WaitGroup
	defer running.Wait()
	take := func(t *timeline.Track, part timeline.Segment) {
		running.Go(func() { s.hold(ctx, Match{t, part}) })
	}
	var end time.Duration // of the last part taken
	var asked timeline.Segment
	for ctx.Err() == nil {
		p, changed := s.stream.now()
		synced := time.Now().Add(p.ClockOffset)
		for _, t := range resolve(p, track) {
			if end == 0 {
				end = productionStart(t, synced)
			}
			for part := range parts(t, end) {
				if !sameResource(part, asked) {
					take(t, part)
				}
				end = part.Start + part.Duration
			}
			if hint, ok := hinted(t, synced); ok && !sameResource(hint, asked) {
				asked = hint
				take(t, hint)
			}
		}
		if !p.Live {
			return
		}
		sleep(ctx, changed, laneLook)
	}
}

// productionStart is where the segment that is being made begins.
func productionStart(t *timeline.Track, now time.Time) (end time.Duration) {
	if t.Timeline == nil {
		return 0
	}
	for seg := range t.Timeline.Segments(now, 0, timeline.Forever) {
		end = seg.Start + seg.Duration
	}
	return end
}

func sameResource(a, b timeline.Segment) bool {
	sameRange := a.Range == b.Range || a.Range != nil && b.Range != nil && *a.Range == *b.Range
	return a.Key == b.Key && a.URL == b.URL && sameRange
}
