package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// cursor walks one chosen track through a presentation that changes under it,
// periods included: whole segments in order, each once.
type cursor struct {
	track   *timeline.Track
	end     time.Duration // of the last segment taken
	started bool
}

// next is the segment after the last one, if it exists at synced time now.
func (c *cursor) next(p *timeline.Presentation, now time.Time) (Match, bool) {
	var best Match
	found := false
	for _, t := range resolve(p, c.track) {
		if t.Timeline == nil {
			continue
		}
		for s := range t.Timeline.Segments(now, c.end, timeline.Forever) {
			if s.Part >= 0 && s.Duration == 0 || !whole(s) || s.Start+s.Duration/2 < c.end {
				continue
			}
			if !found || s.Start < best.Segment.Start {
				best, found = Match{t, s}, true
			}
			break
		}
	}
	return best, found
}

// take moves past m.
func (c *cursor) take(m Match) {
	c.track, c.end, c.started = m.Track, m.Segment.Start+m.Segment.Duration, true
}

// atEdge places c behind segments before the newest one available now.
func (c *cursor) atEdge(p *timeline.Presentation, now time.Time, behind int) {
	var starts []time.Duration
	for _, t := range resolve(p, c.track) {
		if t.Timeline == nil {
			continue
		}
		for s := range t.Timeline.Segments(now, 0, timeline.Forever) {
			if !whole(s) {
				continue
			}
			if starts = append(starts, s.Start); len(starts) > behind {
				starts = starts[1:]
			}
		}
	}
	if len(starts) > 0 {
		c.end = starts[0]
	}
}

// upcoming is when the next segment can be asked for, on the synced clock.
func (c *cursor) upcoming(p *timeline.Presentation, now time.Time, ahead time.Duration) (time.Time, bool) {
	var at time.Time
	for _, t := range resolve(p, c.track) {
		if t.Timeline == nil {
			continue
		}
		for s := range t.Timeline.Predicted(now, ahead) {
			if whole(s) && s.Start+s.Duration/2 >= c.end {
				from := s.AvailableAt
				if s.URL != "" {
					from = fetchable(s)
				}
				if at.IsZero() || from.Before(at) {
					at = from
				}
				break
			}
		}
	}
	return at, !at.IsZero()
}

// whole leaves out partial segments: viewers and seeds take whole ones.
func whole(s timeline.Segment) bool { return s.Part < 0 && !s.Gap }
