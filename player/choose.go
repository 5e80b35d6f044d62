package player

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Choose picks tracks of p by what a person wrote: words separated by commas or
// spaces.
//
//	best              the video and the audio of the highest bandwidth (the default)
//	lowest            those of the lowest
//	all               every track but trick play
//	lang=de           audio and text in this language or a dialect of it (de-AT)
//	height<=720       video by height; also width, fps and bandwidth (bit/s, k, M)
//	                  and the operators < > = >=
//	codecs=avc1       video and audio whose codecs begin so
//	kind=audio        only video, audio, text or image
//	anything else     a track by id or key
//
// Conditions of one sort with "=" are alternatives (lang=de,lang=en); all others
// must hold together. best and lowest then take one video, and one audio for each
// language asked for; text and images only where kind or lang asks for them. A
// track named by id comes in any case, and best and lowest add none of its kind;
// with ids alone nothing else is taken. A word with blanks in it is an id when it
// is one between two commas.
//
// Of a stream with several periods it picks in the first one that has media; the
// others are followed by likeness. Default tracks are preferred for audio.
func Choose(p *timeline.Presentation, spec string) ([]*timeline.Track, error) {
	usable, c, err := choices(p, spec)
	if err != nil {
		return nil, err
	}
	named, err := c.named(usable)
	if err != nil || !c.picks() {
		return named, err
	}
	first := usable[0].Period
	return c.pick(slices.DeleteFunc(usable, func(t *timeline.Track) bool { return t.Period != first && !c.names(t) }))
}

// ChooseEach is Choose over all periods: in each it picks anew. An id names the
// representation in every period that has it.
func ChooseEach(p *timeline.Presentation, spec string) ([]*timeline.Track, error) {
	usable, c, err := choices(p, spec)
	if err != nil {
		return nil, err
	}
	c.everywhere = true
	if _, err := c.named(usable); err != nil {
		return nil, err
	}
	var chosen []*timeline.Track
	for len(usable) > 0 {
		period := usable[0].Period
		var here, later []*timeline.Track
		for _, t := range usable {
			if t.Period == period {
				here = append(here, t)
			} else {
				later = append(later, t)
			}
		}
		some, failed := c.pick(here)
		if chosen = append(chosen, some...); err == nil {
			err = failed
		}
		usable = later
	}
	if len(chosen) == 0 {
		return nil, err
	}
	return chosen, nil
}

// CheckChoice reports what is wrong with a specification, before any manifest is
// there. An unknown word is taken for an id and no error.
func CheckChoice(spec string) error {
	_, err := parseChoice(spec, nil)
	return err
}

func choices(p *timeline.Presentation, spec string) ([]*timeline.Track, choice, error) {
	now := manifest.Clock(p, time.Now())
	usable := slices.DeleteFunc(slices.Clone(p.Tracks), func(t *timeline.Track) bool { return !hasMedia(t, now) })
	if len(usable) == 0 {
		return nil, choice{}, fmt.Errorf("player: %s has no track with segments", p.URL)
	}
	c, err := parseChoice(spec, usable)
	return usable, c, err
}

// named returns the tracks given by id, in the order in which they were.
func (c *choice) named(tracks []*timeline.Track) ([]*timeline.Track, error) {
	var chosen []*timeline.Track
	for _, id := range c.ids {
		found := false
		for _, t := range tracks {
			if c.is(t, id) {
				found = true
				if !slices.Contains(chosen, t) {
					chosen = append(chosen, t)
				}
				if !c.everywhere {
					break
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("player: no track %q; there are %s", id, strings.Join(trackIDs(tracks), ", "))
		}
	}
	return chosen, nil
}

// names reports whether t was given by id.
func (c *choice) names(t *timeline.Track) bool {
	return slices.ContainsFunc(c.ids, func(id string) bool { return c.is(t, id) })
}

func (c *choice) is(t *timeline.Track, id string) bool {
	return t.ID == id || t.Key == id || c.everywhere && strings.HasSuffix(t.Key, "/"+id)
}

// pick chooses among the tracks of one period.
func (c *choice) pick(tracks []*timeline.Track) ([]*timeline.Track, error) {
	var chosen, fit []*timeline.Track
	taken := make(map[timeline.Kind]bool)
	for _, t := range tracks {
		switch {
		case c.names(t):
			chosen = append(chosen, t)
			taken[t.Kind] = true
		case c.picks() && c.fits(t):
			fit = append(fit, t)
		}
	}
	if c.quantity == "all" {
		chosen = append(chosen, fit...)
	} else {
		for _, kind := range c.kindsWanted() {
			if !taken[kind] {
				chosen = append(chosen, c.extremes(fit, kind)...)
			}
		}
	}
	if len(chosen) == 0 && len(fit) > 0 {
		chosen = fit[:1]
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("player: no track is %s; there are %s", c.spec, strings.Join(described(tracks), ", "))
	}
	return chosen, nil
}

// extremes are the best or the lowest of one kind, one for each language wanted.
func (c *choice) extremes(tracks []*timeline.Track, kind timeline.Kind) []*timeline.Track {
	languages := []string{""}
	if kind != timeline.Video && len(c.languages) > 0 {
		languages = c.languages
	}
	var chosen []*timeline.Track
	for _, language := range languages {
		var best *timeline.Track
		for _, t := range tracks {
			if t.Kind != kind || t.TrickPlay || language != "" && !speaks(t, language) {
				continue
			}
			if best == nil || better(t, best, c.quantity == "lowest") {
				best = t
			}
		}
		if best != nil && !slices.Contains(chosen, best) {
			chosen = append(chosen, best)
		}
	}
	return chosen
}

func better(t, than *timeline.Track, lowest bool) bool {
	switch {
	case t.Kind == timeline.Audio && t.Default != than.Default:
		return t.Default
	case lowest:
		return t.Bandwidth < than.Bandwidth
	}
	return t.Bandwidth > than.Bandwidth
}

func trackIDs(tracks []*timeline.Track) []string {
	ids := make([]string, len(tracks))
	for i, t := range tracks {
		ids[i] = t.ID
	}
	return ids
}

// described is what a person needs to choose otherwise.
func described(tracks []*timeline.Track) []string {
	var list []string
	for _, t := range tracks {
		s := t.ID + " (" + string(t.Kind)
		if t.Language != "" {
			s += " " + t.Language
		}
		if t.Height > 0 {
			s += fmt.Sprintf(" %dx%d", t.Width, t.Height)
		}
		list = append(list, s+")")
	}
	return list
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
