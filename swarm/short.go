package swarm

import "math"

const (
	// shortStep is the weight of the latest segment in what a track is short of.
	shortStep = 0.3
	// shortSpare is left to the origin besides, so that what neighbours are asked for
	// first is complete by then and has no holes.
	shortSpare = 0.1
	// shortEase is how much less is left to the origin after a segment that came in time.
	shortEase = 0.1
)

func (c *Core) trackOf(it *item) *track {
	t := c.tracks[it.track]
	if t == nil {
		if len(c.tracks) >= MaxTracks {
			clear(c.tracks) // periods end; what still plays is learnt again
		}
		t = &track{}
		c.tracks[it.track] = t
	}
	return t
}

// fellShort books that the origin had to be asked for a part of a segment, because
// neighbours would have brought it too late; live, it looks for a better one.
func (c *Core) fellShort(it *item) {
	if it.short || it.n <= 0 {
		return
	}
	it.short = true
	if it.need.Available > 0 {
		c.hunt()
	}
	t := c.trackOf(it)
	t.short += shortStep * (min(1, float64(it.n-it.held)/float64(it.n)+shortSpare) - t.short)
}

// inTime books that it had not.
func (c *Core) inTime(it *item) {
	if t := c.tracks[it.track]; t != nil && !it.short {
		t.short = max(0, t.short-shortEase)
	}
}

// front is how many pieces from the first on neighbours are asked for before all
// others. Where a swarm uploads less than it watches, each peer has to get the rest
// from the origin: in one stretch at the end, not in a hundred holes.
func (c *Core) front(it *item) int {
	t := c.tracks[it.track]
	if t == nil || t.short <= 0 {
		return it.n
	}
	return it.n - int(math.Floor(t.short*float64(it.n)))
}
