package hls

import (
	"hash/maphash"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

var hashSeed = maphash.MakeSeed()

func nameHash(uri string) uint32 { return uint32(maphash.String(hashSeed, fileName(uri))) }

// Find implements timeline.Timeline: media segments, parts, init segments,
// what a preload hint names, and keys, which come back not shareable. A CMCD
// parameter is ignored, and so is a query that the playlist's own URL does not
// have (a token the page adds). A range within a segment finds the segment.
func (t *Timeline) Find(address string, r *timeline.Range) (timeline.Segment, bool) {
	address, _, _ = strings.Cut(address, "#")
	for _, candidate := range spellings(address) {
		if s, ok := t.find(candidate, r); ok {
			return s, true
		}
	}
	return timeline.Segment{}, false
}

// spellings lists the URLs that a request's URL may have in the playlist.
func spellings(address string) []string {
	list := []string{address}
	if !strings.Contains(address, "?") {
		return list
	}
	if strings.Contains(address, "CMCD=") {
		if u, err := url.Parse(address); err == nil {
			parts := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(p string) bool { return strings.HasPrefix(p, "CMCD=") })
			u.RawQuery = strings.Join(parts, "&")
			list = append(list, u.String())
		}
	}
	return append(list, withoutQuery(address))
}

// find looks for one exact URL.
func (t *Timeline) find(address string, r *timeline.Range) (timeline.Segment, bool) {
	if s, ok := t.findPart(address, r); ok {
		return s, true
	}
	t.once.Do(t.buildIndex)
	best, found := -1, false
	for _, i := range t.index[nameHash(address)] {
		e := &t.m.entries[i]
		fit := fits(e.span, false, r)
		if fit == noFit || !t.same(e.uri, address) {
			continue
		}
		if fit == exactFit {
			return t.segment(e), true
		}
		best, found = int(i), true
	}
	if found {
		return t.segment(&t.m.entries[best]), true
	}
	for i := range t.m.inits {
		if s := t.m.inits[i]; fits(s.span, false, r) != noFit && t.same(s.uri, address) {
			return *t.m.initSegment(t.track, int32(i)), true
		}
	}
	return t.findHint(address, r)
}

// findPart goes from the newest part back: it is the newest that is asked for.
func (t *Timeline) findPart(address string, r *timeline.Range) (timeline.Segment, bool) {
	for i := len(t.m.parts) - 1; i >= 0; i-- {
		p := &t.m.parts[i]
		if p.lost || fits(p.span, false, r) != exactFit || !t.same(p.uri, address) {
			continue
		}
		var found timeline.Segment
		for s := range t.Parts() {
			if s.URL == address && equalRange(s.Range, p.span.model()) {
				found = s
			}
		}
		return found, found.Key != ""
	}
	return timeline.Segment{}, false
}

// findHint looks at EXT-X-PRELOAD-HINT and EXT-X-KEY.
func (t *Timeline) findHint(address string, r *timeline.Range) (timeline.Segment, bool) {
	if h := t.m.hintPart; h != nil && fits(h.span, h.open, r) == exactFit && t.same(h.uri, address) {
		index := len(t.m.parts) - int(t.m.trailing)
		s := t.partSegment(t.m.next(), index, t.origin+t.m.edge(), t.m.partTarget)
		s.URL, s.Range, s.Predicted = address, h.span.model(), true
		if h.open {
			s.Range.Last = -1
		}
		return s, true
	}
	if h := t.m.hintMap; h != nil && fits(h.span, h.open, r) == exactFit && t.same(h.uri, address) && !h.open {
		s := t.m.sectionSegment(t.track, section{h.uri, h.span}, true)
		s.Predicted = true
		return *s, true
	}
	for _, uri := range t.m.keyURIs {
		if t.same(uri, address) {
			u, err := url.Parse(address)
			if err != nil {
				continue
			}
			return timeline.Segment{Key: segments.ResourceKey(u), URL: address, Part: -1}, true
		}
	}
	return timeline.Segment{}, false
}

// same reports whether a reference of the playlist resolves to address.
func (t *Timeline) same(uri, address string) bool {
	return t.m.resolver.resolve(uri) == address
}

func (t *Timeline) buildIndex() {
	t.index = make(map[uint32][]int32, len(t.m.entries))
	for i := range t.m.entries {
		uri := t.m.entries[i].uri
		if !plainReference(uri) {
			uri = t.m.resolver.resolve(uri)
		}
		h := nameHash(uri)
		t.index[h] = append(t.index[h], int32(i))
	}
}

func (t *Timeline) numberKey(number uint64) segments.Key { return segments.NumberKey(t.track, number) }

type fit int

const (
	noFit fit = iota
	within
	exactFit
)

// fits compares what a segment is with what a request asks for. open: the
// segment's end is not known. A request's Last of -1 means to the end.
func fits(have byteRange, open bool, want *timeline.Range) fit {
	switch {
	case have.isWhole() && want == nil:
		return exactFit
	case have.isWhole():
		return within
	case want == nil:
		return noFit
	}
	last := want.Last
	if last < 0 {
		last = math.MaxInt64
	}
	switch {
	case have.first == want.First && (have.last == last || open):
		return exactFit
	case have.first <= want.First && last <= have.last:
		return within
	}
	return noFit
}

func equalRange(a, b *timeline.Range) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// emptyTimeline is a track's whose playlist has not been seen.
func emptyTimeline(track string, base *resolver) *Timeline {
	return &Timeline{m: &media{resolver: base, ended: true, nextInit: -1}, track: track}
}

var _ timeline.Timeline = (*Timeline)(nil)
