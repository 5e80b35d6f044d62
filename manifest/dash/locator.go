package dash

import (
	"math"
	"strconv"
	"sync"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// templated names segments by a SegmentTemplate@media.
type templated struct {
	bases    []template // resolved against each alternative BaseURL, the first is used
	stripped []template // the same without their query
	byTime   bool
}

func newTemplated(t template, bases []string) *templated {
	w := &templated{byTime: t.has(timeIdentifier)}
	for _, b := range bases {
		r := t.resolve(b)
		w.bases = append(w.bases, r)
		c := make(template, len(r))
		copy(c, r)
		c[0].text = canonical(c[0].text)
		w.stripped = append(w.stripped, c)
	}
	return w
}

func (w *templated) key(track string, s slot) segments.Key {
	if w.byTime {
		return segments.TimeKey(track, uint64(max(s.time, 0)))
	}
	return segments.NumberKey(track, s.number)
}

func (w *templated) locate(s slot, sub int64) (string, *timeline.Range) {
	return w.bases[0].expand(address{s.number, uint64(max(s.time, 0)), uint64(sub)}), nil
}

func (w *templated) find(l *ladder, url string, _ *timeline.Range) (s slot, sub int64, outside, ok bool) {
	for _, t := range w.stripped {
		a, ok := t.match(url)
		if !ok && !t.queryVaries() {
			a, ok = t.withoutQuery().match(withoutQuery(url))
		}
		if !ok {
			continue
		}
		sub := int64(max(min(a.sub, maxSubs), 1))
		if w.byTime {
			if a.time > math.MaxInt64 {
				return slot{}, 0, false, false
			}
			if s, ok := l.byTime(int64(a.time)); ok {
				return s, sub, false, sub <= s.subs
			}
			s, ok := l.around(int64(a.time))
			return s, sub, true, ok
		}
		if !t.has(numberIdentifier) {
			s, ok := l.byOrdinal(0)
			return s, sub, false, ok
		}
		if s, ok := l.byNumber(a.number); ok {
			return s, sub, false, sub <= s.subs
		}
		s, ok := l.beyond(a.number)
		return s, sub, true, ok
	}
	return slot{}, 0, false, false
}

// listed names segments one by one (SegmentList).
type listed struct {
	items  []resource
	byTime bool // a timeline without startNumber slides: numbers start over with each refresh
	index  func() map[string][]int
}

// resource is a URL and a byte range of it.
type resource struct {
	url string // empty: cannot be fetched
	rng *timeline.Range
}

func newListed(items []resource, byTime bool) *listed {
	w := &listed{items: items, byTime: byTime}
	w.index = sync.OnceValue(func() map[string][]int {
		m := make(map[string][]int, len(items))
		for i, it := range items {
			u := canonical(it.url)
			m[u] = append(m[u], i)
		}
		return m
	})
	return w
}

func (w *listed) key(track string, s slot) segments.Key {
	if w.byTime {
		return segments.TimeKey(track, uint64(max(s.time, 0)))
	}
	return segments.NumberKey(track, s.number)
}

func (w *listed) locate(s slot, _ int64) (string, *timeline.Range) {
	if s.ordinal < 0 || s.ordinal >= int64(len(w.items)) {
		return "", nil
	}
	it := w.items[s.ordinal]
	return it.url, it.rng
}

func (w *listed) find(l *ladder, url string, r *timeline.Range) (s slot, sub int64, outside, ok bool) {
	for _, i := range w.index()[url] {
		if sameRange(w.items[i].rng, r) {
			s, ok := l.byOrdinal(int64(i))
			return s, 1, false, ok
		}
	}
	return slot{}, 0, false, false
}

// whole is a Representation that is one file without an index.
type whole struct {
	bases []string
}

func (w *whole) key(track string, s slot) segments.Key { return segments.NumberKey(track, s.number) }

func (w *whole) locate(slot, int64) (string, *timeline.Range) { return w.bases[0], nil }

func (w *whole) find(l *ladder, url string, r *timeline.Range) (s slot, sub int64, outside, ok bool) {
	for _, b := range w.bases {
		if r == nil && canonical(b) == url {
			s, ok := l.byOrdinal(0)
			return s, 1, false, ok
		}
	}
	return slot{}, 0, false, false
}

// ranged names segments by byte ranges of one file, from its index.
type ranged struct {
	bases  []string
	ranges []timeline.Range // Last −1: to the end of the file
}

func (w *ranged) key(track string, s slot) segments.Key {
	r := w.ranges[s.ordinal]
	if r.Last < 0 {
		return segments.Key(track + "/" + itoa(r.First) + "-")
	}
	return segments.RangeKey(track, r.First, r.Last)
}

func (w *ranged) locate(s slot, _ int64) (string, *timeline.Range) {
	return w.bases[0], &w.ranges[s.ordinal]
}

func (w *ranged) find(l *ladder, url string, r *timeline.Range) (s slot, sub int64, outside, ok bool) {
	if r == nil {
		return slot{}, 0, false, false
	}
	for _, b := range w.bases {
		if canonical(b) != url {
			continue
		}
		for i := range w.ranges {
			if w.ranges[i] == *r {
				s, ok := l.byOrdinal(int64(i))
				return s, 1, false, ok
			}
		}
	}
	return slot{}, 0, false, false
}
