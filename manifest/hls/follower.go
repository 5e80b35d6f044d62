package hls

import (
	"fmt"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// follower is one track's media playlist over time.
type follower struct {
	template playlistTrack
	url      string // of the playlist, without delivery directives
	media    *media // the last good document, nil before
	origin   time.Duration
	clock    edgeClock
	notes    []string
	dirty    bool
	current  *timeline.Track

	fetched  time.Time     // of the last good document
	began    time.Time     // of the request for it
	planned  time.Time     // when that was due
	slack    time.Duration // see learn
	changed  bool          // it differed from the one before
	failures int
	wanted   time.Time // earliest time of the first fetch, or of a retry or a forced reload
	reload   bool      // fetch all of it: a delta update did not fit
}

// update takes a new document and reports whether the stream began anew.
func (f *follower) update(m *media, notes []string, d directives, at time.Time) (began bool) {
	f.failures, f.wanted = 0, time.Time{}
	old := f.media
	if old != nil && m.skipped > 0 && old.skipped == 0 {
		// A delta update that does not reach back to what is known (RFC 8216bis
		// §6.3.7): ask again for everything and keep the last good one.
		f.reload, f.wanted = true, at
		return false
	}
	f.reload = m.skipped > 0
	if f.reload {
		f.wanted = at
	}
	event := ""
	f.changed = true
	if old != nil {
		origin, relation := f.continues(m)
		switch relation {
		case stale:
			f.fetched, f.began, f.changed = at, f.started(at), false
			return false
		case restarted:
			event = fmt.Sprintf("the media sequence went back from %d to %d: taken as a new stream", old.next()-1, m.sequence)
			f.clock = edgeClock{}
		}
		f.origin = origin
		f.changed = m.next() != old.next() || len(m.parts) != len(old.parts) || m.ended != old.ended || m.edge() != old.edge()
	}
	f.media, f.dirty, f.fetched, f.began, f.notes = m, true, at, f.started(at), notes
	if old != nil {
		f.learn()
	}
	if event != "" {
		f.notes = append([]string{event}, notes...)
	}
	f.observeEdge(d.blocking, at)
	return event != ""
}

func (f *follower) observeEdge(blocking bool, at time.Time) {
	m := f.media
	if m.ended {
		return
	}
	newest := m.meanDuration()
	if n := len(m.parts); n > 0 && m.parts[n-1].duration > 0 {
		newest = m.parts[n-1].duration
	}
	if len(m.entries) == 0 && len(m.parts) == 0 {
		return
	}
	dated, ok := m.date()
	if ok {
		dated = dated.Add(m.edge())
	}
	f.clock.observe(at, f.origin+m.edge(), newest, blocking, dated)
}

// move shifts the track along the presentation timeline.
func (f *follower) move(offset time.Duration) {
	f.origin += offset
	f.clock = edgeClock{}
	f.dirty = true
	f.observeEdge(false, f.fetched)
}

type relation int

const (
	successor relation = iota
	stale              // an older copy of what is known, from a slow cache
	restarted          // another stream under the same URL
)

// continues places m after the last good document: it returns where m's first
// segment starts on the timeline.
func (f *follower) continues(m *media) (origin time.Duration, r relation) {
	old := f.media
	if len(m.entries) == 0 || len(old.entries) == 0 {
		return f.origin + old.end(), successor
	}
	first, oldFirst := m.entries[0].number, old.entries[0].number
	switch {
	case old.skipped > 0:
		return f.origin, successor // the first document was a delta; now it is whole
	case m.next() < old.next():
		if m.next() > oldFirst && f.sameNames(m) {
			return f.origin, stale
		}
		return f.origin + old.end(), restarted
	case first < oldFirst:
		// The window has grown backwards.
		if at := oldFirst - first; at < uint64(len(m.entries)) {
			return f.origin - m.entries[at].start, successor
		}
		return f.origin, successor
	case first < old.next():
		if at := first - oldFirst; at < uint64(len(old.entries)) {
			return f.origin + old.entries[at].start, successor
		}
	}
	// Segments were missed: by the dates where both have them, else by count.
	missed := time.Duration(min(first-old.next(), MaxSegments)) * old.meanDuration()
	origin = f.origin + old.end() + missed
	before, ok1 := old.date()
	now, ok2 := m.date()
	if dated := f.origin + now.Sub(before); ok1 && ok2 && dated >= f.origin+old.end() {
		origin = dated
	}
	return min(origin, maxTimeline), successor
}

// sameNames reports that the segments both documents list have the same file
// names, looking at the newest common one.
func (f *follower) sameNames(m *media) bool {
	old := f.media
	last := &m.entries[len(m.entries)-1]
	at := last.number - old.entries[0].number
	return last.number >= old.entries[0].number && at < uint64(len(old.entries)) &&
		fileName(old.entries[at].uri) == fileName(last.uri)
}

// failed notes a fetch or a document that was no good: the last good one
// stays, and the retry waits longer each time.
func (f *follower) failed(at time.Time) {
	wait := f.interval(false) << min(f.failures, 4)
	f.failures++
	f.wanted = at.Add(min(wait, maxRetry))
}

// reported takes another rendition's word that this one has newer media.
func (f *follower) reported(r report, at time.Time) {
	if f.media == nil || !r.known || f.failures > 0 || f.media.ended {
		return
	}
	newest := f.media.next()
	if r.number > newest || r.number == newest && f.media.partTarget == 0 {
		f.wanted = at
	}
}

// track returns the immutable track of the present state.
func (f *follower) track() *timeline.Track {
	if f.current != nil && !f.dirty {
		return f.current
	}
	t := f.template.Track
	f.dirty = false
	f.current = &t
	m := f.media
	if m == nil {
		t.Timeline = emptyTimeline(t.Key, &resolver{})
		return f.current
	}
	t.Encrypted, t.Protected = m.encrypted, m.protected
	t.TrickPlay = t.TrickPlay || m.iframes
	switch {
	case len(m.entries) > 0:
		t.Init = m.initSegment(t.Key, m.entries[0].init)
	default:
		t.Init = m.initSegment(t.Key, m.nextInit)
	}
	view := &Timeline{m: m, track: t.Key, origin: f.origin}
	if !m.ended {
		view.anchor = f.clock.anchor()
	}
	t.Timeline = view
	return f.current
}
