package dash

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// builder turns one decoded MPD into a presentation.
type builder struct {
	doc     *mpd.MPD
	wide    []widened
	entries [][]entry
	url     string
	live    bool
	start   time.Time // availabilityStartTime
	depth   time.Duration
	notes   notes
	ladders map[ladderKey]*ladder
	indexes map[resourceName]*index // fetched so far
	wanted  []indexRequest          // to be fetched for a complete listing
	tracks  []*timeline.Track
	longest time.Duration
	begun   []begin // of Periods, for those that want the next one foretold
}

type ladderKey struct {
	timeline               *mpd.SegmentTimelineType
	timescale              uint64
	offset                 int64
	startNumber, endNumber uint64
	subs                   int64
	length                 time64
}

// notes are remarks for people: each once, boundedly many.
type notes []string

func (n *notes) add(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if len(*n) < maxNotes && !slices.Contains(*n, s) {
		*n = append(*n, s)
	}
}

func (b *builder) build() *timeline.Presentation {
	periods := placePeriods(b.doc)
	root := bases{urls: []string{b.url}}.enter(b.doc.BaseURL)
	for i, p := range periods {
		if !p.known {
			if !unlinked(p.mpd) {
				b.notes.add("period %q is announced without a start (early available) and is left out", p.mpd.Id)
			}
			continue
		}
		b.period(p, root, i == len(periods)-1)
	}
	b.foretell(periods)
	b.nameTracks()
	out := &timeline.Presentation{
		URL: b.url, Format: timeline.DASH, Live: b.live,
		Tracks: b.tracks, TargetDuration: b.longest, TargetLatency: b.latency(),
	}
	if d := b.doc.MaxSegmentDuration; d != nil && *d > 0 {
		out.TargetDuration = time.Duration(*d)
	}
	if end, ok := presentationEnd(b.doc, periods); ok {
		out.Duration = end
	}
	if b.live {
		out.Refresh = b.refresh(out.TargetDuration)
		out.Announces = b.doc.MinimumUpdatePeriod != nil && *b.doc.MinimumUpdatePeriod == 0
	}
	b.remark(root)
	out.Notes = b.notes
	return out
}

// latency is the distance from the live edge that the service asks for.
func (b *builder) latency() time.Duration {
	for _, sd := range b.doc.ServiceDescription {
		for _, l := range sd.Latencies {
			if l.Target != nil {
				return time.Duration(*l.Target) * time.Millisecond
			}
		}
	}
	if d := b.doc.SuggestedPresentationDelay; d != nil {
		return time.Duration(*d)
	}
	return 0
}

// MinRefresh keeps a follower from asking more than twice a second.
const MinRefresh = 500 * time.Millisecond

// refresh is minimumUpdatePeriod. Zero there means that updates are announced in
// the media (emsg) or unforeseeable: once a segment is often enough then. Without
// the attribute the MPD is final (ISO/IEC 23009-1 §5.4.1).
func (b *builder) refresh(segment time.Duration) time.Duration {
	p := b.doc.MinimumUpdatePeriod
	if p == nil {
		return 0
	}
	d := time.Duration(*p)
	if d == 0 {
		d = segment
	}
	return max(d, MinRefresh)
}

// remark notes what was seen and left alone.
func (b *builder) remark(root bases) {
	if len(root.places) > 1 {
		b.notes.add("service locations %s: the first is used", strings.Join(root.places, ", "))
	}
	if b.doc.ContentSteering != nil {
		b.notes.add("content steering is left to the player")
	}
	for _, t := range b.tracks {
		if t.Protected {
			b.notes.add("content protection: segments are shared as they are, licences never")
			break
		}
	}
}

func (b *builder) period(p period, root bases, last bool) {
	at := root.enter(p.mpd.BaseURLs)
	outer := level{p.mpd.SegmentBase, p.mpd.SegmentList, p.mpd.SegmentTemplate}
	defaults := map[timeline.Kind]bool{}
	seen := map[string]bool{}
	for i, as := range p.mpd.AdaptationSets {
		if as == nil {
			continue
		}
		asBases := at.enter(as.BaseURLs)
		asLevel := level{as.SegmentBase, as.SegmentList, as.SegmentTemplate}
		preferred := false
		for j, rep := range as.Representations {
			if rep == nil {
				continue
			}
			id := representationName(rep.Id, i, j, seen)
			in := inherit(b.wide, outer, asLevel, level{rep.SegmentBase, rep.SegmentList, rep.SegmentTemplate})
			t := describeTrack(p, as, rep, i)
			t.ID, t.Key = id, segments.DASHTrack(p.key, id)
			if j == 0 {
				preferred = !t.TrickPlay && !defaults[t.Kind]
				defaults[t.Kind] = defaults[t.Kind] || preferred
			}
			t.Default = preferred
			b.segments(t, p, in, asBases.enter(rep.BaseURLs), rep, last)
			b.tracks = append(b.tracks, t)
		}
	}
}

// nameTracks makes ids unique: one that occurs in several Periods gets its
// Period in front.
func (b *builder) nameTracks() {
	count := map[string]int{}
	for _, t := range b.tracks {
		count[t.ID]++
	}
	for _, t := range b.tracks {
		if count[t.ID] > 1 {
			t.ID = t.Period + "/" + t.ID
		}
	}
}

// segments sets the track's init segment and timeline.
func (b *builder) segments(t *timeline.Track, p period, in information, at bases, rep *mpd.RepresentationType, last bool) {
	l := &line{track: t.Key, from: p.start, until: p.end, ladder: &ladder{timescale: 1}, where: &whole{bases: at.urls}}
	t.Timeline = l
	if b.live {
		l.live = &availability{start: b.start, depth: b.depth, growing: in.growing}
		var ahead float64
		ahead, l.live.always = aheadOf(at, in)
		if !l.live.always {
			l.live.ahead = saturate(ahead)
		}
		l.grows = last && in.timeline != nil && (p.end == endOpen || b.doc.MinimumUpdatePeriod != nil)
	}
	length := p.length(in.timescale, b.live)
	var err error
	switch {
	case in.addressing == byTemplate && in.media == "" && at.stated && len(rep.BaseURLs) > 0:
		b.file(l, t, p, in, at) // a template meant for the others: this one is a file of its own
	case in.addressing == byTemplate:
		err = b.template(l, t, in, at, rep, length)
	case in.addressing == byList:
		err = b.list(l, in, at, length)
	default:
		b.file(l, t, p, in, at)
	}
	if err != nil {
		b.notes.add("%s has no segments: %v", t.Key, err)
		l.ladder = &ladder{timescale: 1}
	}
	if t.Init == nil {
		t.Init = initSegment(t.Key, in, at)
	}
	if t.Init != nil && !fetchable(t.Init.URL) {
		t.Init.Shareable = false
	}
	l.init = t.Init
	if len(l.ladder.runs) > 0 {
		b.longest = max(b.longest, l.ladder.duration(l.ladder.runs[len(l.ladder.runs)-1].length))
	}
}

func (b *builder) template(l *line, t *timeline.Track, in information, at bases, rep *mpd.RepresentationType, length time64) error {
	media, err := parseTemplate(in.media, rep.Id, uint64(rep.Bandwidth))
	if err != nil {
		return err
	}
	if in.initialization != "" {
		init, err := parseInitialization(in.initialization, rep.Id, uint64(rep.Bandwidth))
		if err != nil {
			return err
		}
		t.Init = &timeline.Segment{
			Key: segments.DASHInitKey(t.Key), Part: -1, Shareable: true,
			URL: resolve(at.urls[0], init),
		}
	}
	if in.media == "" {
		return fmt.Errorf("its SegmentTemplate has no @media")
	}
	l.where = newTemplated(media, at.urls)
	varies := media.has(numberIdentifier) || media.has(timeIdentifier)
	switch {
	case in.timeline != nil:
		l.ladder = b.explicit(t.Key, in, length)
	case in.duration > 0:
		l.ladder = uniform(in, length)
	case !varies:
		l.ladder = single(in, length)
	default:
		return fmt.Errorf("its SegmentTemplate has neither @duration nor a SegmentTimeline")
	}
	if !varies {
		l.ladder = first(l.ladder)
	}
	return nil
}

// explicit shares one ladder between Representations of one SegmentTimeline.
func (b *builder) explicit(track string, in information, length time64) *ladder {
	key := ladderKey{in.timeline, in.timescale, in.offset, in.startNumber, in.endNumber, in.subs, length}
	if l, ok := b.ladders[key]; ok {
		return l
	}
	l, dropped := explicit(in, entriesOf(in.timeline, b.entries), in.timeline.Pattern, length)
	if dropped > 0 {
		b.notes.add("%s: %d S elements without a usable time or duration are left out", track, dropped)
	}
	b.ladders[key] = l
	return l
}

func (b *builder) list(l *line, in information, at bases, length time64) error {
	items := make([]resource, len(in.urls))
	for i, u := range in.urls {
		if u == nil {
			continue
		}
		rng, ok := parseRange(string(u.MediaRange))
		switch {
		case ok:
			items[i] = resource{resolve(at.urls[0], string(u.Media)), &rng}
		case u.MediaRange != "":
			b.notes.add("%s: mediaRange %.40q is not a byte range, its segment is left out", l.track, u.MediaRange)
		case u.Media != "":
			items[i] = resource{url: resolve(at.urls[0], string(u.Media))}
		}
	}
	count := int64(len(items))
	if count == 0 {
		return fmt.Errorf("its SegmentList is empty")
	}
	l.where = newListed(items, b.live && in.timeline != nil && !in.numbered)
	switch {
	case in.timeline != nil:
		l.ladder = b.explicit(l.track, in, length)
		l.ladder = firstN(l.ladder, count)
	case in.duration > 0:
		limit := in
		if b.live && in.startNumber > 1 {
			// A sliding list keeps its Period's start: segment number k starts at
			// (k−1) × duration (§5.3.9.5.3).
			limit.delta = addSat(limit.delta, mulSat(int64(min(in.startNumber-1, math.MaxInt64)), in.duration))
		}
		limit.endNumber = min(in.endNumber, in.startNumber+uint64(count)-1)
		l.ladder = uniform(limit, time64{open: true})
	case count == 1:
		l.ladder = single(in, length)
	default:
		return fmt.Errorf("its SegmentList has neither @duration nor a SegmentTimeline (§5.3.9.3.1)")
	}
	return nil
}

// single is the ladder of the one segment that fills a Period.
func single(in information, length time64) *ladder {
	ticks := int64(1)
	if length.known {
		ticks = max(length.ticks, 1)
	}
	return &ladder{timescale: in.timescale, runs: []run{{length: ticks, count: 1, number: in.startNumber, subs: 1}}}
}

func first(l *ladder) *ladder { return firstN(l, 1) }

// firstN cuts a copy of l after n segments.
func firstN(l *ladder, n int64) *ladder {
	out := &ladder{timescale: l.timescale, offset: l.offset}
	for _, r := range l.runs {
		if n <= 0 {
			break
		}
		r.count = min(r.count, n)
		n -= r.count
		out.runs = append(out.runs, r)
	}
	return out
}

// initSegment is the one of an Initialization element.
func initSegment(track string, in information, at bases) *timeline.Segment {
	if in.initResource == nil {
		return nil
	}
	s := &timeline.Segment{Key: segments.DASHInitKey(track), Part: -1, Shareable: true}
	if rng, ok := parseRange(in.initResource.Range); ok {
		s.Range = &rng
	} else if in.initResource.SourceURL == "" {
		return nil
	}
	s.URL = resolve(at.urls[0], string(in.initResource.SourceURL))
	return s
}
