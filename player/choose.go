package player

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Choose picks tracks of p by what a person wrote:
//
//	best, ""     the video and the audio of the highest bandwidth
//	lowest       those of the lowest
//	all          every track but trick play
//	id,id,…      by track id or key
//
// Of a stream with several periods it picks in the first one that has media; the
// others are followed by likeness. Default tracks are preferred for audio.
func Choose(p *timeline.Presentation, spec string) ([]*timeline.Track, error) {
	now := manifest.Clock(p, time.Now())
	usable := slices.DeleteFunc(slices.Clone(p.Tracks), func(t *timeline.Track) bool { return !hasMedia(t, now) })
	if len(usable) == 0 {
		return nil, fmt.Errorf("player: %s has no track with segments", p.URL)
	}
	switch spec {
	case "", "best", "lowest":
		first := usable[0].Period
		var chosen []*timeline.Track
		for _, kind := range [...]timeline.Kind{timeline.Video, timeline.Audio} {
			if t := pick(usable, first, kind, spec == "lowest"); t != nil {
				chosen = append(chosen, t)
			}
		}
		if len(chosen) == 0 {
			chosen = usable[:1]
		}
		return chosen, nil
	case "all":
		first := usable[0].Period
		return slices.DeleteFunc(usable, func(t *timeline.Track) bool { return t.TrickPlay || t.Period != first }), nil
	}
	var chosen []*timeline.Track
	for id := range strings.SplitSeq(spec, ",") {
		id = strings.TrimSpace(id)
		i := slices.IndexFunc(usable, func(t *timeline.Track) bool { return t.ID == id || t.Key == id })
		if i < 0 {
			return nil, fmt.Errorf("player: no track %q; there are %s", id, strings.Join(trackIDs(usable), ", "))
		}
		chosen = append(chosen, usable[i])
	}
	return chosen, nil
}

func pick(tracks []*timeline.Track, period string, kind timeline.Kind, lowest bool) *timeline.Track {
	var best *timeline.Track
	for _, t := range tracks {
		if t.Kind != kind || t.Period != period || t.TrickPlay {
			continue
		}
		switch {
		case best == nil:
			best = t
		case kind == timeline.Audio && t.Default != best.Default:
			if t.Default {
				best = t
			}
		case lowest && t.Bandwidth < best.Bandwidth, !lowest && t.Bandwidth > best.Bandwidth:
			best = t
		}
	}
	return best
}

func trackIDs(tracks []*timeline.Track) []string {
	ids := make([]string, len(tracks))
	for i, t := range tracks {
		ids[i] = t.ID
	}
	return ids
}

// hasMedia reports whether t has a segment at synced time now. An HLS rendition
// has none before its media playlist came.
func hasMedia(t *timeline.Track, now time.Time) bool {
	if t.Timeline == nil {
		return false
	}
	for range t.Timeline.Segments(now, 0, timeline.Forever) {
		return true
	}
	return false
}
