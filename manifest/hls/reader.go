package hls

import (
	"fmt"
	"net/url"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Options of a Reader. The zero value is ready for use.
type Options struct {
	// Variables are those of the multivariant playlist (EXT-X-DEFINE), for a media
	// playlist that is opened by itself. A multivariant playlist has its own.
	Variables map[string]string
}

// Reader follows one presentation: it keeps the timeline continuous while
// playlists slide, merges delta updates and learns the rhythm of the live
// edge. It is not safe for concurrent use, fetches nothing and reads no clock.
type Reader struct {
	options   Options
	url       string // of the first document, as asked for
	final     string // and where it came from
	multi     *multi // nil for a media playlist opened directly
	tracks    []*follower
	epoch     time.Time // EXT-X-PROGRAM-DATE-TIME of the timeline's zero; zero: none yet
	current   *timeline.Presentation
	mainNotes []string
	restarted bool
}

// NewReader makes a reader for one presentation.
func NewReader(o Options) *Reader { return &Reader{options: o} }

// Observe takes any playlist document of the presentation, fetched by us or by
// the player, at the moment fetchedAt. The first one decides what the
// presentation is: a multivariant playlist, or one media playlist.
//
// It returns the presentation as it is known now, and the complete schedule:
// one Due for every playlist that wants to be fetched (again), replacing all
// earlier ones. After an error the presentation is the last good one (nil
// before the first) and the schedule has the retry. A media playlist that the
// presentation does not list is ErrForeign.
func (r *Reader) Observe(address string, body []byte, fetchedAt time.Time) (*timeline.Presentation, []Due, error) {
	return r.ObserveRedirected(address, address, body, fetchedAt)
}

// ObserveRedirected is Observe for a document that was asked for at one URL
// and came from another, which its references are relative to.
func (r *Reader) ObserveRedirected(asked, final string, body []byte, fetchedAt time.Time) (*timeline.Presentation, []Due, error) {
	base, err := url.Parse(sanitize(final))
	if err != nil {
		return r.current, r.schedule(), fmt.Errorf("hls: the playlist's URL: %w", err)
	}
	plain, directives := splitDirectives(asked)
	track := r.match(plain)
	around := surroundings{url: base, imports: r.options.Variables}
	if r.multi != nil {
		around.imports = r.multi.variables
	}
	if track != nil {
		around.base = track.media
	}
	r.restarted = false
	doc, err := lex(body, around)
	switch {
	case err != nil:
	case doc.multi != nil && track != nil && r.multi != nil && plain != r.url:
		err = fmt.Errorf("hls: %w: %s is listed as a media playlist and is a multivariant one", ErrSyntax, plain)
	case doc.multi != nil:
		err = r.observeMulti(plain, base, doc, fetchedAt)
	default:
		err = r.observeMedia(track, plain, final, directives, doc, fetchedAt)
	}
	if err != nil {
		if track != nil {
			track.failed(fetchedAt)
		}
		return r.current, r.schedule(), err
	}
	r.publish(fetchedAt)
	return r.current, r.schedule(), nil
}

// Restarted reports whether the latest document went back in time to other
// segments than were known: the stream began anew under the same URL, and what
// was predicted is void. An older copy of the same playlist is not that; it
// changes nothing.
func (r *Reader) Restarted() bool { return r.restarted }

// observeMulti replaces the list of tracks; those that were there already keep
// what is known of them.
func (r *Reader) observeMulti(plain string, base *url.URL, doc *document, at time.Time) error {
	m, err := doc.readMulti(base)
	if err != nil {
		return err
	}
	known := make(map[string]*follower, len(r.tracks))
	for _, f := range r.tracks {
		known[f.url] = f
	}
	tracks := make([]*follower, 0, len(m.tracks))
	for _, t := range m.tracks {
		if t.URL == plain || t.URL == base.String() {
			m.notes = append(m.notes, fmt.Sprintf("%s lists itself as a media playlist", t.Key))
			continue
		}
		f := known[t.URL]
		if f == nil {
			f = &follower{url: t.URL, wanted: at}
		}
		f.template, f.dirty = t, true
		tracks = append(tracks, f)
	}
	r.url, r.multi, r.tracks, r.mainNotes = plain, m, tracks, m.notes
	r.final, _ = splitDirectives(base.String())
	return nil
}

// observeMedia updates one track.
func (r *Reader) observeMedia(track *follower, plain, final string, d directives, doc *document, at time.Time) error {
	m, err := assemble(doc)
	if err != nil {
		return err
	}
	if track == nil {
		if r.multi != nil || len(r.tracks) > 0 {
			return fmt.Errorf("hls: %w: %s", ErrForeign, plain)
		}
		track = &follower{url: plain}
		track.template.Track = timeline.Track{ID: mainTrack, Key: mainTrack, Kind: timeline.Video, Group: "variants", Default: true, URL: plain}
		if len(m.entries) > 0 {
			track.template.Kind = kindOfFile(m.entries[0].uri)
		}
		r.url, r.tracks = plain, []*follower{track}
		r.final, _ = splitDirectives(final)
	}
	first := track.media == nil
	r.restarted = track.update(m, doc.notes.all(), d, at)
	if first {
		r.align(track)
	}
	for _, report := range m.reports {
		if other := r.match(m.resolver.resolve(report.uri)); other != nil && other != track {
			other.reported(report, at)
		}
	}
	return nil
}

// align puts a live track that is seen for the first time on the timeline that
// the others are on, by its EXT-X-PROGRAM-DATE-TIME. The first track's first
// segment is at zero.
func (r *Reader) align(track *follower) {
	date, ok := track.media.date()
	if !ok || track.media.ended {
		return
	}
	if r.epoch.IsZero() {
		r.epoch = date
		return
	}
	const implausible = 24 * time.Hour
	if offset := date.Sub(r.epoch); offset.Abs() < implausible {
		track.move(offset)
	}
}

// match finds the track whose playlist is at address: exactly, else but for
// the query (a renewed token), else but for the host (another CDN).
func (r *Reader) match(address string) *follower {
	for _, same := range []func(string) string{
		func(s string) string { return s }, withoutQuery, urlPath,
	} {
		var found *follower
		want := same(address)
		for _, f := range r.tracks {
			if same(f.url) != want {
				continue
			}
			if found != nil && same(address) != address {
				found = nil // several tracks differ in what was ignored
				break
			}
			found = f
			if want == f.url {
				return f
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// publish makes the presentation of what is known now.
func (r *Reader) publish(now time.Time) {
	p := &timeline.Presentation{URL: r.final, Format: timeline.HLS, Notes: append([]string(nil), r.mainNotes...)}
	var notes int
	for _, f := range r.tracks {
		p.Tracks = append(p.Tracks, f.track())
		if f.media == nil {
			continue
		}
		m := f.media
		p.Live = p.Live || !m.ended
		p.TargetDuration = max(p.TargetDuration, m.targetDuration())
		p.TargetLatency = max(p.TargetLatency, m.latency())
		if m.ended {
			p.Duration = max(p.Duration, f.origin+m.end())
		}
		for _, n := range f.notes {
			if notes++; notes <= MaxNotes {
				if r.multi != nil {
					n = f.template.ID + ": " + n
				}
				p.Notes = append(p.Notes, n)
			}
		}
	}
	if p.Live {
		p.Duration = 0
	}
	for _, d := range r.schedule() {
		if wait := max(d.At.Sub(now), time.Millisecond); p.Refresh == 0 || wait < p.Refresh {
			p.Refresh = wait
		}
	}
	r.current = p
}

// schedule lists what to fetch.
func (r *Reader) schedule() []Due {
	var list []Due
	for _, f := range r.tracks {
		if d, ok := f.due(); ok {
			f.planned = d.At
			list = append(list, d)
		}
	}
	return list
}
