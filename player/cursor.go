package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// cursor walks one chosen track through a presentation that changes under it,
// periods included: whole segments in order, each once; by parts, the segment that
// is being made as well.
type cursor struct {
	track   *timeline.Track
	end     time.Duration // of the last segment taken
	started bool
	byParts bool
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
			if !whole(s) || c.passed(s) {
				continue
			}
			if !found || s.Start < best.Segment.Start {
				best, found = Match{t, s}, true
			}
			break
		}
	}
	if c.byParts && (!found || best.Segment.Start > c.end+partGap) {
		if m, ok := c.nextPart(p, now); ok {
			return m, true
		}
	}
	return best, found
}

// nextPart is the part at the cursor, listed or hinted.
func (c *cursor) nextPart(p *timeline.Presentation, now time.Time) (Match, bool) {
	for _, t := range resolve(p, c.track) {
		for s := range parts(t, c.end) {
			if s.Start <= c.end+partGap {
				return Match{t, s}, true
			}
			break
		}
		if s, ok := hinted(t, now); ok && !c.passed(s) && s.Start <= c.end+partGap {
			return Match{t, s}, true
		}
	}
	return Match{}, false
}

// passed reports whether s lies behind the cursor: most of it does, or, where
// the cursor may stand inside a segment, its beginning.
func (c *cursor) passed(s timeline.Segment) bool {
	if c.byParts {
		return s.Start < c.end-partGap
	}
	return s.Start+s.Duration/2 < c.end
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
			if (whole(s) || c.byParts && s.Part >= 0) && !c.passed(s) {
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

// whole leaves out partial segments and gaps.
func whole(s timeline.Segment) bool { return s.Part < 0 && !s.Gap }
