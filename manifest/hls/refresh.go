package hls

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Due is a playlist document to fetch, and when. With blocking reload the URL
// holds delivery directives and the server answers when there is news, so the
// fetch should be allowed three target durations (RFC 8216bis §6.2.5.2).
type Due struct {
	URL   string
	At    time.Time
	Track string // Track.ID
}

const (
	// minRefresh keeps a playlist with a target duration of zero, or a server
	// that answers blocking reloads at once, from being asked in a loop.
	minRefresh = 250 * time.Millisecond
	// maxRetry is the longest wait after failures.
	maxRetry = 30 * time.Second
	// defaultRetry is the wait while the target duration is not known.
	defaultRetry = 2 * time.Second
)

// directives are the delivery directives of a request (RFC 8216bis §6.2.5).
type directives struct{ blocking, delta bool }

// splitDirectives takes _HLS_msn, _HLS_part, _HLS_skip and their like out of a
// playlist's URL.
func splitDirectives(address string) (string, directives) {
	var d directives
	address, _, _ = strings.Cut(address, "#")
	base, query, found := strings.Cut(address, "?")
	if !found || !strings.Contains(query, "_HLS_") {
		return address, d
	}
	var keep []string
	for part := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(part, "="); {
		case name == "_HLS_msn":
			d.blocking = true
		case name == "_HLS_skip":
			d.delta = true
		case strings.HasPrefix(name, "_HLS_"):
		default:
			keep = append(keep, part)
		}
	}
	if len(keep) == 0 {
		return base, d
	}
	return base + "?" + strings.Join(keep, "&"), d
}

// latency is the distance from the live edge that the server asks for, three
// target durations where it does not (RFC 8216bis §4.4.3.8).
func (m *media) latency() time.Duration {
	switch {
	case m.ended:
		return 0
	case m.partTarget > 0 && m.control.partHoldBack > 0:
		return m.control.partHoldBack
	case m.control.holdBack > 0:
		return m.control.holdBack
	}
	return 3 * m.targetDuration()
}

// interval is the wait between two fetches: the target duration after a
// change, half of it when nothing has changed (RFC 8216bis §6.3.4).
func (f *follower) interval(changed bool) time.Duration {
	if f.media == nil {
		return defaultRetry
	}
	target := f.media.targetDuration()
	if f.media.control.blockReload && f.media.partTarget > 0 {
		target = f.media.partTarget
	}
	if !changed {
		target /= 2
	}
	return max(target, minRefresh)
}

// due says what to fetch next; ok is false for a playlist that will not change
// and for a redundant one that nobody plays.
func (f *follower) due() (d Due, ok bool) {
	d = Due{URL: f.url, At: f.wanted, Track: f.template.ID}
	m := f.media
	switch {
	case m == nil:
		return d, !f.template.redundant
	case m.ended && !f.reload:
		return d, false
	case f.reload, f.failures > 0:
		return d, true
	}
	blocking := m.control.blockReload
	at := f.began.Add(f.interval(f.changed))
	switch {
	case blocking && f.changed:
		at = f.fetched
	case f.changed:
		at = f.align(at)
	}
	if !f.wanted.IsZero() && f.wanted.Before(at) {
		at = f.wanted
	}
	d.At = at
	var query []string
	if blocking {
		query = append(query, "_HLS_msn="+strconv.FormatUint(m.next(), 10))
		if m.partTarget > 0 {
			query = append(query, "_HLS_part="+strconv.Itoa(len(m.parts)-int(m.trailing)))
		}
	}
	// A delta only from a copy younger than half the skip boundary, and only
	// when there is something to skip.
	if skip := m.control.skipUntil; skip > 0 && at.Sub(f.fetched) < skip/2 && m.end() > skip {
		version := "YES"
		if m.control.skipDateRanges {
			version = "v2"
		}
		query = append(query, "_HLS_skip="+version)
	}
	d.URL = withDirectives(f.url, query)
	return d, true
}

// align moves a poll from the earliest moment that the RFC allows to just
// after new media is expected. Polling at a fixed interval finds every segment
// as late as the first happened to be found, up to a whole segment; waiting
// once is enough to be early from then on. While it is not known when media
// appears, the poll goes to the middle of what is possible, which halves that.
// Where segments are not all alike, or shorter than the target duration, the
// interval would lose what was won at once: then the earliest moment it is.
func (f *follower) align(earliest time.Time) time.Time {
	low, high := f.clock.low, f.clock.high
	mean := f.media.meanDuration()
	if high.IsZero() || mean < minRefresh || !f.media.regular(mean) || mean < f.interval(true)*31/32 {
		return earliest
	}
	expected := high.Add(f.slack)
	if high.Sub(low) > mean/16 {
		expected = low.Add(high.Sub(low) / 2)
	}
	expected = expected.Add(f.origin + f.media.edge() + mean)
	// To be a little late is better than to wait for the segment after it.
	if behind := earliest.Add(-mean / 32).Sub(expected); behind > 0 {
		expected = expected.Add((behind + mean - 1) / mean * mean)
	}
	return latest(earliest, expected)
}

// learn adapts how long after the expected moment polls go: more when the
// media was not there yet, slowly less while it is.
func (f *follower) learn() {
	if f.media == nil {
		return
	}
	if mean := f.media.meanDuration(); f.changed {
		f.slack -= f.slack / 32
	} else {
		f.slack = min(f.slack+mean/16, mean/2)
	}
}

// started guesses when the request began whose answer has arrived at at: at
// the time it was due, if that is not long ago. The RFC counts from there.
func (f *follower) started(at time.Time) time.Time {
	const longFetch = 2 * time.Second
	if since := at.Sub(f.planned); since >= 0 && since < longFetch {
		return f.planned
	}
	return at
}

// withDirectives appends delivery directives, sorted by name among themselves
// so that caches see one form (RFC 8216bis §6.2.5.1).
func withDirectives(address string, query []string) string {
	if len(query) == 0 {
		return address
	}
	slices.SortFunc(query, cmp.Compare[string])
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + strings.Join(query, "&")
}
