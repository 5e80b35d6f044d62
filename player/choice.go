package player

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// maxChoice bounds the words of one specification.
const maxChoice = 256

// choice is what a person asked of the tracks, see Choose.
type choice struct {
	spec       string
	quantity   string // best, lowest, all; "" is best
	ids        []string
	languages  []string
	codecs     []string
	kinds      []timeline.Kind
	limits     []limit
	everywhere bool // an id may name a representation in every period
}

// limit is a condition on a number of a video track.
type limit struct {
	property, operator string
	value              float64
}

// properties that can be limited.
var properties = map[string]func(*timeline.Track) float64{
	"height":    func(t *timeline.Track) float64 { return float64(t.Height) },
	"width":     func(t *timeline.Track) float64 { return float64(t.Width) },
	"fps":       func(t *timeline.Track) float64 { return t.FrameRate },
	"bandwidth": func(t *timeline.Track) float64 { return float64(t.Bandwidth) },
}

// parseChoice reads a specification. tracks, where they are known, tell which
// words are ids.
func parseChoice(spec string, tracks []*timeline.Track) (choice, error) {
	c := choice{spec: spec}
	isID := func(s string) bool {
		return slices.ContainsFunc(tracks, func(t *timeline.Track) bool { return t.ID == s || t.Key == s })
	}
	n := 0
	for part := range strings.SplitSeq(spec, ",") {
		words := []string{strings.TrimSpace(part)}
		if !isID(words[0]) {
			words = strings.Fields(part)
		}
		for _, word := range words {
			if n++; n > maxChoice {
				return c, fmt.Errorf("player: more than %d words choose tracks", maxChoice)
			}
			if isID(word) {
				c.ids = append(c.ids, word)
			} else if err := c.word(word); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func (c *choice) word(word string) error {
	switch word {
	case "best", "lowest", "all":
		if c.quantity != "" && c.quantity != word {
			return fmt.Errorf("player: %s and %s contradict each other", c.quantity, word)
		}
		c.quantity = word
		return nil
	}
	at := strings.IndexAny(word, "<>=")
	if at <= 0 {
		c.ids = append(c.ids, word)
		return nil
	}
	name, operator, value := word[:at], word[at:at+1], word[at+1:]
	if operator != "=" && strings.HasPrefix(value, "=") {
		operator, value = operator+"=", value[1:]
	}
	_, isLimit := properties[name]
	switch {
	case value == "":
		return fmt.Errorf("player: %q has no value", word)
	case isLimit:
		v, err := amountOf(value)
		if err != nil {
			return fmt.Errorf("player: %q: %w", word, err)
		}
		c.limits = append(c.limits, limit{name, operator, v})
		return nil
	case operator != "=":
	case name == "lang":
		c.languages = append(c.languages, value)
		return nil
	case name == "codecs":
		c.codecs = append(c.codecs, value)
		return nil
	case name == "kind":
		kind := timeline.Kind(value)
		if !slices.Contains([]timeline.Kind{timeline.Video, timeline.Audio, timeline.Text, timeline.Image}, kind) {
			return fmt.Errorf("player: %q: want video, audio, text or image", word)
		}
		c.kinds = append(c.kinds, kind)
		return nil
	}
	return fmt.Errorf("player: %q: want lang=, codecs= or kind=, or height, width, fps or bandwidth with <, <=, =, >= or >", word)
}

// amountOf reads 720, 1.5M or 800k.
func amountOf(s string) (float64, error) {
	factor := 1.0
	switch s[len(s)-1] {
	case 'k', 'K':
		factor = 1e3
	case 'M':
		factor = 1e6
	}
	if factor > 1 {
		s = s[:len(s)-1]
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1e12) {
		return 0, fmt.Errorf("want a number")
	}
	return v * factor, nil
}

// picks reports whether anything is asked for besides tracks by id.
func (c *choice) picks() bool {
	return len(c.ids) == 0 || c.quantity != "" || len(c.languages)+len(c.codecs)+len(c.kinds)+len(c.limits) > 0
}

// kindsWanted are those of which best and lowest take one.
func (c *choice) kindsWanted() []timeline.Kind {
	if len(c.kinds) > 0 {
		return c.kinds
	}
	kinds := []timeline.Kind{timeline.Video, timeline.Audio}
	if len(c.languages) > 0 {
		kinds = append(kinds, timeline.Text)
	}
	return kinds
}

// fits reports whether t meets every condition that is about its kind.
func (c *choice) fits(t *timeline.Track) bool {
	sounds := t.Kind == timeline.Audio || t.Kind == timeline.Text
	switch {
	case t.TrickPlay:
		return false
	case len(c.kinds) > 0 && !slices.Contains(c.kinds, t.Kind):
		return false
	case sounds && len(c.languages) > 0 && !slices.ContainsFunc(c.languages, func(l string) bool { return speaks(t, l) }):
		return false
	case (t.Kind == timeline.Video || t.Kind == timeline.Audio) && !c.codecsFit(t):
		return false
	case t.Kind == timeline.Video:
		return c.withinLimits(t)
	}
	return true
}

// codecsFit holds a track against the codecs of its kind only: codecs=avc1 says
// nothing about audio.
func (c *choice) codecsFit(t *timeline.Track) bool {
	about := false
	for _, want := range c.codecs {
		if isAudioCodec(want) != (t.Kind == timeline.Audio) {
			continue
		}
		about = true
		for codec := range strings.SplitSeq(t.Codecs, ",") {
			if strings.HasPrefix(strings.TrimSpace(codec), want) {
				return true
			}
		}
	}
	return !about
}

// isAudioCodec knows the sample entry names of audio (RFC 6381).
func isAudioCodec(name string) bool {
	family, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch family {
	case "mp4a", "ac-3", "ec-3", "ac-4", "opus", "vorbis", "flac", "fla1", "alac", "mp3", "dtsc", "dtse", "dtsx", "mhm1", "mha1":
		return true
	}
	return false
}

// withinLimits: equalities of one property are alternatives. An unknown value
// meets no condition.
func (c *choice) withinLimits(t *timeline.Track) bool {
	for _, l := range c.limits {
		v := properties[l.property](t)
		if v == 0 || !slices.ContainsFunc(c.limits, func(other limit) bool {
			alternative := other == l || l.operator == "=" && other.operator == "=" && other.property == l.property
			return alternative && other.holds(v)
		}) {
			return false
		}
	}
	return true
}

func (l limit) holds(v float64) bool {
	switch l.operator {
	case "<":
		return v < l.value
	case "<=":
		return v <= l.value
	case ">=":
		return v >= l.value
	case ">":
		return v > l.value
	}
	return v == l.value
}

// speaks matches a language or a dialect of it (RFC 4647 §3.3.1, basic filtering).
func speaks(t *timeline.Track, language string) bool {
	tag, want := strings.ToLower(t.Language), strings.ToLower(language)
	return tag == want || strings.HasPrefix(tag, want+"-")
}
