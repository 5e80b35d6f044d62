package dash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Request asks for something that reading an MPD needs.
type Request struct {
	URL         string
	First, Last int64  // byte range, Last −1: to the end (First 0: the whole resource)
	Method      string // "" or GET; HEAD when only the answer's Date is wanted
}

// Answer is what came back.
type Answer struct {
	Body []byte // exactly the bytes of the range that was asked for
	URL  string // after redirects
	Date time.Time
}

// Fetch gets a resource over HTTP. It may be called concurrently.
type Fetch func(ctx context.Context, r Request) (Answer, error)

// Due is a document to fetch for the next refresh.
type Due struct {
	URL   string
	At    time.Time
	Track string // always empty for DASH: one document describes all tracks
}

// Options of a Reader. The zero value is ready for use.
type Options struct {
	// NoClock leaves UTCTiming alone: the caller's clock is synchronised already.
	NoClock bool
	// Now is the local clock, time.Now by default.
	Now func() time.Time
	// Foretell adds the tracks of a Period that no MPD has told of yet, where those
	// before it leave no doubt. For readers that see the MPD which takes it back.
	Foretell bool
}

// Reader reads the successive MPDs of one stream. What one refresh has fetched
// (segment indexes, remote elements, the clock's offset) serves the next ones.
// It is not safe for concurrent use.
type Reader struct {
	options Options
	state
	indexes map[resourceName]*index
	links   map[string]*link
	offset  time.Duration
	synced  bool // offset holds an answer
	asked   bool // UTCTiming has been consulted
	remarks []string
	full    bool      // a patch did not fit: the next refresh loads the whole MPD
	checked time.Time // when a document was last seen, good or not
	older   int       // documents in a row with an earlier publishTime
	begun   []begin   // Periods of this and earlier documents
}

// ErrOlder is returned for an MPD that was published before the one in force:
// a cache behind the times. The newer one stays in force, until maxOlder
// answers in a row agree that time has gone back.
var ErrOlder = errors.New("published before the MPD in force")

const maxOlder = 3

// state is what one document says. It is replaced as a whole, so that a bad
// document leaves the good one in force.
type state struct {
	url       string
	sum       [sha256.Size]byte
	raw       []byte // kept when a patch or a remote element will need it
	at        time.Time
	doc       *mpd.MPD
	wide      []widened
	entries   [][]entry
	notes     []string
	missing   []string // remote elements not yet fetched
	wanted    []indexRequest
	current   *timeline.Presentation
	published time.Time
}

// NewReader returns a Reader for one stream.
func NewReader(o Options) *Reader {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Reader{options: o, indexes: map[resourceName]*index{}, links: map[string]*link{}}
}

// Read reads one MPD with everything that it needs fetched: remote elements,
// segment indexes and, for a live one, the clock. url is where body came from;
// fetch may be nil, then nothing is fetched.
func Read(ctx context.Context, url string, body []byte, fetchedAt time.Time, o Options, fetch Fetch) (*timeline.Presentation, error) {
	r := NewReader(o)
	p, _, err := r.Observe(url, body, fetchedAt)
	if err != nil || fetch == nil {
		return p, err
	}
	return r.Complete(ctx, fetch)
}

// Sniff reports whether body looks like an MPD or an MPD patch.
func Sniff(body []byte) bool {
	name := rootName(body)
	return name == "MPD" || name == "Patch"
}

// IsPatch reports whether body looks like an MPD patch.
func IsPatch(body []byte) bool { return rootName(body) == "Patch" }

// rootName is the local name of the document element, "" when none is near the
// start.
func rootName(body []byte) string {
	const window = 4 << 10
	b, err := toUTF8(body[:min(len(body), window)])
	if err != nil {
		return ""
	}
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return ""
		}
		b = b[i:]
		end := ">"
		switch {
		case bytes.HasPrefix(b, []byte("<!--")):
			end = "-->"
		case b[1] == '?' || b[1] == '!':
		default:
			t := tidier{in: b, pos: 1}
			return string(local(t.name()))
		}
		if i = bytes.Index(b, []byte(end)); i < 0 {
			return ""
		}
		b = b[i+len(end):]
	}
}

// Observe reads an MPD, or an MPD patch to the one in force, that was fetched by
// whomever. p is the presentation as far as it can be told without fetching
// anything; Complete fetches the rest. due is empty once the stream is static.
// After an error the previous presentation stays in force.
func (r *Reader) Observe(url string, body []byte, fetchedAt time.Time) (p *timeline.Presentation, due []Due, err error) {
	next := state{url: url, at: fetchedAt, sum: sha256.Sum256(body)}
	if r.current != nil && next.sum == r.sum && url == r.url {
		r.Unchanged(fetchedAt)
		return r.current, r.Due(), nil
	}
	if rootName(body) == "Patch" {
		next.url = r.url
		if body, err = r.patched(body); err != nil {
			r.Reload()
			return r.current, r.Due(), err
		}
	}
	next.raw = body
	if err := r.decode(&next); err != nil {
		return r.current, r.Due(), err
	}
	if next.published.Before(r.published) && !next.published.IsZero() && r.older < maxOlder {
		r.older++
		r.Unchanged(fetchedAt)
		return r.current, r.Due(), fmt.Errorf("dash: publishTime %s: %w", next.published.Format(time.RFC3339), ErrOlder)
	}
	r.older = 0
	r.full = false
	r.checked = fetchedAt
	r.state = next
	r.assemble()
	return r.current, r.Due(), nil
}

// Unchanged tells the Reader that the origin has nothing new at that moment.
func (r *Reader) Unchanged(at time.Time) { r.checked, r.full = at, false }

// Reload makes the next refresh load the whole MPD, at once: the patch could not
// be had or did not fit.
func (r *Reader) Reload() { r.full = true }

// Due is what to fetch for the next refresh: the patch when there is one that
// has not expired, else the MPD's Location, else where the last MPD came from.
func (r *Reader) Due() []Due {
	if r.current == nil || r.current.Refresh <= 0 {
		return nil
	}
	d := Due{URL: r.url, At: r.checked.Add(r.current.Refresh)}
	if r.full {
		d.At = r.checked
	}
	if len(r.doc.Location) > 0 && r.doc.Location[0] != nil {
		d.URL = resolve(r.url, r.doc.Location[0].Value)
	}
	for _, l := range r.doc.PatchLocation {
		if l == nil || r.full || r.raw == nil {
			break
		}
		if ttl := saturate(l.Ttl); ttl == 0 || r.current.Refresh <= ttl {
			d.URL = resolve(r.url, string(l.Value))
			break
		}
	}
	return []Due{d}
}

// Published is MPD@publishTime of the document in force, zero without one.
func (r *Reader) Published() time.Time { return r.published }

// Incomplete reports whether Complete has something to fetch.
func (r *Reader) Incomplete() bool {
	return len(r.missing)+len(r.wanted) > 0 || r.clockWanted()
}

func (r *Reader) clockWanted() bool {
	return !r.options.NoClock && !r.asked && !r.synced && r.doc != nil && r.doc.GetType() == mpd.DYNAMIC_TYPE && len(r.doc.UTCTimings) > 0
}

// Complete fetches what the document in force refers to and returns the
// completed presentation. What cannot be had is noted in it. The error is
// ctx's.
func (r *Reader) Complete(ctx context.Context, fetch Fetch) (*timeline.Presentation, error) {
	for range MaxLinkDepth {
		if len(r.missing) == 0 {
			break
		}
		r.fetchLinks(ctx, fetch)
		if err := r.decode(&r.state); err != nil {
			return r.current, err
		}
		r.assemble()
	}
	if r.clockWanted() {
		r.asked = true
		r.offset, r.synced, r.remarks = synchronise(ctx, r.doc.UTCTimings, r.url, r.options.Now, fetch)
	}
	r.fetchIndexes(ctx, fetch)
	r.assemble()
	return r.current, ctx.Err()
}

// maxFetches bounds the requests under way for one MPD.
const maxFetches = 6

func (r *Reader) fetchIndexes(ctx context.Context, fetch Fetch) {
	got := make([]*index, len(r.wanted))
	slots := make(chan struct{}, maxFetches)
	var wg sync.WaitGroup
	for i, w := range r.wanted {
		if i > 0 && r.wanted[i-1].name == w.name {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			got[i] = readIndex(ctx, fetch, w.name)
			<-slots
		})
	}
	wg.Wait()
	for i, w := range r.wanted {
		if got[i] != nil {
			r.indexes[w.name] = got[i]
		}
	}
}

// decode fills in s.doc from s.raw.
func (r *Reader) decode(s *state) error {
	linked, links, err := r.resolveLinks(s.url, s.raw)
	if err != nil {
		return err
	}
	clean, err := tidy(linked)
	if err != nil {
		return err
	}
	doc, err := unmarshal(clean.body)
	if err != nil {
		return err
	}
	s.doc, s.wide, s.entries = doc, clean.widened, clean.entries
	s.notes, s.missing = clean.notes, links
	if len(doc.PatchLocation) == 0 && len(links) == 0 {
		s.raw = nil
	}
	s.published, _ = ParseDateTime(string(doc.PublishTime))
	return nil
}

// unmarshal is the one place where the mpd package meets outside input.
func unmarshal(body []byte) (doc *mpd.MPD, err error) {
	defer func() {
		if v := recover(); v != nil {
			doc, err = nil, fmt.Errorf("dash: the MPD decoder failed: %v: %w", v, ErrSyntax)
		}
	}()
	doc, err = mpd.MPDFromBytes(body)
	if err != nil {
		return nil, fmt.Errorf("dash: %w: %w", err, ErrSyntax)
	}
	return doc, nil
}

// assemble builds r.current from the document in force and what was fetched.
func (r *Reader) assemble() {
	doc := r.doc
	b := &builder{
		doc: doc, wide: r.wide, entries: r.entries, url: r.url,
		live:    doc.GetType() == mpd.DYNAMIC_TYPE,
		depth:   endOpen,
		notes:   append(notes(nil), r.notes...),
		ladders: map[ladderKey]*ladder{},
		indexes: r.indexes,
	}
	if b.live {
		var err error
		if b.start, err = ParseDateTime(string(doc.AvailabilityStartTime)); err != nil {
			b.start = time.Unix(0, 0).UTC()
			b.notes.add("availabilityStartTime is missing or cannot be read: 1970 is assumed")
		}
		if doc.TimeShiftBufferDepth != nil {
			b.depth = time.Duration(*doc.TimeShiftBufferDepth)
		}
	}
	for _, l := range r.missing {
		b.notes.add("xlink %.120s is not resolved", l)
	}
	for _, url := range slices.Sorted(maps.Keys(r.links)) {
		if err := r.links[url].err; err != nil {
			b.notes.add("xlink %.120s is left out: %v", url, err)
		}
	}
	for _, s := range r.remarks {
		b.notes.add("%s", s)
	}
	if r.options.Foretell && b.live {
		r.begun = remember(r.begun, placePeriods(doc))
		b.begun = r.begun
	}
	r.current = b.build()
	r.wanted = b.wanted
	if b.live && !r.options.NoClock {
		if offset, ok := direct(doc.UTCTimings, r.at); ok && !r.synced {
			r.offset = offset
		}
		r.current.ClockOffset = r.offset
	}
}
