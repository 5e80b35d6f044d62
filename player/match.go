package player

import (
	"net/url"
	"slices"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// maxAliases bounds the further manifest URLs of one stream: its Location,
// PatchLocation and redirects.
const maxAliases = 64

// Match is what a URL was found to ask for.
type Match struct {
	Track   *timeline.Track
	Segment timeline.Segment
}

// Find names the segment that a request for this absolute URL and byte range
// (nil: the whole resource) asks for. A CMCD parameter or a token that the
// player added to the manifest's URL does not matter.
func (s *Session) Find(rawURL string, r *timeline.Range) (Match, bool) {
	s.mu.Lock()
	p, lately := s.presentation, s.active.keys()
	s.mu.Unlock()
	if p == nil {
		return Match{}, false
	}
	for u := range undecorated(rawURL) {
		if m, ok := findIn(p, lately, u, r); ok {
			return m, true
		}
	}
	return Match{}, false
}

// findIn looks at the tracks in use first: nearly every request is for those.
func findIn(p *timeline.Presentation, lately []string, u string, r *timeline.Range) (Match, bool) {
	for _, pass := range [...]bool{true, false} {
		for _, t := range p.Tracks {
			if slices.Contains(lately, t.Key) != pass {
				continue
			}
			if isInit(t.Init, u, r) {
				return Match{t, *t.Init}, true
			}
			if t.Timeline == nil {
				continue
			}
			if seg, ok := t.Timeline.Find(u, r); ok {
				return Match{t, seg}, true
			}
		}
	}
	return Match{}, false
}

func isInit(init *timeline.Segment, u string, r *timeline.Range) bool {
	if init == nil || init.URL != u {
		return false
	}
	if init.Range == nil {
		return true
	}
	return r != nil && *r == *init.Range
}

// owns reports whether a canonical manifest URL belongs to this stream: its own,
// an alias, or a media playlist that its multivariant playlist names.
func (s *Session) owns(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.aliases[id]; ok {
		return true
	}
	if s.presentation == nil {
		return false
	}
	for _, t := range s.presentation.Tracks {
		if t.URL == "" {
			continue
		}
		if tu, err := url.Parse(t.URL); err == nil && canonical(tu) == id {
			s.addAlias(t.URL)
			return true
		}
	}
	return false
}

// addAlias remembers another URL of this stream's manifest. Callers hold mu.
func (s *Session) addAlias(rawURL string) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || len(s.aliases) >= maxAliases {
		return
	}
	s.aliases[canonical(u)] = struct{}{}
}
