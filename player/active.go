package player

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// maxActiveTracks bounds what one player can make the session plan for. A
// recorder that takes every rendition of a stream stays below it.
const maxActiveTracks = 64

// active are the tracks a player asked for lately. A player that switches
// quality leaves its old track silently, so a track is dropped when a sibling of
// its kind was asked for later and got two segments ahead of it; a recorder that
// reads all renditions in turn keeps them all.
type active struct {
	turn   uint64
	tracks map[string]*activeTrack
}

type activeTrack struct {
	track    *timeline.Track
	turn     uint64        // of the last request, higher is later
	frontier time.Duration // end of the furthest segment asked for
}

// request notes a request for s of t. seek forgets siblings of t's kind.
func (a *active) request(t *timeline.Track, s timeline.Segment, seek bool) {
	if a.tracks == nil {
		a.tracks = make(map[string]*activeTrack)
	}
	a.turn++
	own, ok := a.tracks[t.Key]
	if !ok || seek {
		own = &activeTrack{}
		a.tracks[t.Key] = own
	}
	own.track, own.turn = t, a.turn
	own.frontier = max(own.frontier, s.Start+s.Duration)
	if s.Duration == 0 {
		own.frontier = max(own.frontier, a.frontier(t.Kind))
	}
	maps.DeleteFunc(a.tracks, func(_ string, other *activeTrack) bool {
		if other == own || other.track.Kind != t.Kind {
			return false
		}
		return seek || s.Duration > 0 && own.frontier >= other.frontier+2*s.Duration
	})
	for len(a.tracks) > maxActiveTracks {
		oldest := own
		for _, o := range a.tracks {
			if o.turn < oldest.turn {
				oldest = o
			}
		}
		delete(a.tracks, oldest.track.Key)
	}
}

// frontier is where the next segment of a kind is expected.
func (a *active) frontier(k timeline.Kind) time.Duration {
	var end time.Duration
	for _, t := range a.tracks {
		if t.track.Kind == k {
			end = max(end, t.frontier)
		}
	}
	return end
}

// list returns the active tracks, the one asked for last first.
func (a *active) list() []*activeTrack {
	return slices.SortedFunc(maps.Values(a.tracks), func(x, y *activeTrack) int {
		return cmp.Compare(y.turn, x.turn)
	})
}

// keys names the active tracks, in no order.
func (a *active) keys() []string {
	keys := make([]string, 0, len(a.tracks))
	for k := range a.tracks {
		keys = append(keys, k)
	}
	return keys
}

// resolve finds t in p and, for every other period, the track a player will go
// on with there: the same kind and language, the nearest bandwidth. A period is
// a track of its own in the model, a viewer sees one picture.
func resolve(p *timeline.Presentation, t *timeline.Track) []*timeline.Track {
	best := make(map[string]*timeline.Track)
	var order []string
	for _, c := range p.Tracks {
		if c.Key == t.Key {
			if _, seen := best[c.Period]; !seen {
				order = append(order, c.Period)
			}
			best[c.Period] = c
			continue
		}
		if c.Period == t.Period || !continues(t, c) {
			continue
		}
		b, seen := best[c.Period]
		if !seen {
			order = append(order, c.Period)
		}
		if !seen || distance(t, c) < distance(t, b) {
			best[c.Period] = c
		}
	}
	tracks := make([]*timeline.Track, len(order))
	for i, period := range order {
		tracks[i] = best[period]
	}
	return tracks
}

func continues(t, c *timeline.Track) bool {
	return c.Kind == t.Kind && c.Language == t.Language && c.TrickPlay == t.TrickPlay
}

func distance(t, c *timeline.Track) int {
	d := t.Bandwidth - c.Bandwidth
	if d < 0 {
		d = -d
	}
	if c.MimeType != t.MimeType {
		d += 1 << 30
	}
	return d
}
