package dash

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// MaxCopiedPeriods bounds the Periods that a Copy remembers.
const MaxCopiedPeriods = MaxPeriods

// Copy is the MPD of a static copy in the making. It keeps of every Period what
// describes its tracks, because a live MPD forgets Periods that a copy still has.
type Copy struct {
	root    *node // MPD, without Periods
	periods []*copiedPeriod
	known   map[string]*copiedPeriod // by key
	live    bool
}

// copiedPeriod is a Period without its segments.
type copiedPeriod struct {
	start time.Duration
	end   time.Duration // endOpen
	node  *node
	reps  map[string]*copiedRepresentation // by track key
}

type copiedRepresentation struct {
	set, node *node
	timescale uint64
	offset    int64 // presentationTimeOffset
	oneFile   bool  // neither template nor list nor index: the file is the segment
}

// NewCopy returns an empty Copy.
func NewCopy() *Copy { return &Copy{known: map[string]*copiedPeriod{}} }

// Has reports whether the Period of a track has been observed.
func (c *Copy) Has(trackKey string) bool {
	period, _, _ := strings.Cut(trackKey, "/")
	_, ok := c.known[period]
	return ok
}

// Observe learns the Periods of an MPD; those known already stay as they were.
// fetch gets remote elements.
func (c *Copy) Observe(ctx context.Context, url string, body []byte, fetch Fetch) error {
	r := NewReader(Options{NoClock: true})
	if _, _, err := r.Observe(url, body, time.Time{}); err != nil {
		return err
	}
	if len(r.missing) > 0 {
		if _, err := r.Complete(ctx, fetch); err != nil {
			return err
		}
	}
	linked, _, err := r.resolveLinks(url, body)
	if err != nil {
		return err
	}
	top, err := parseTree(linked)
	if err != nil {
		return err
	}
	root := rootOf(top, "MPD")
	if root == nil {
		return fmt.Errorf("dash: no MPD element: %w", ErrSyntax)
	}
	nodes := root.named("Period")
	placed := placePeriods(r.doc)
	if len(nodes) != len(placed) {
		return fmt.Errorf("dash: %d Period elements are read as %d: %w", len(nodes), len(placed), ErrSyntax)
	}
	for i, p := range placed {
		key, _, _ := strings.Cut(segments.DASHTrack(p.key, ""), "/")
		if known := c.known[key]; known != nil {
			known.end = p.end // an open Period gets its end later
			continue
		}
		if !p.known || len(c.periods) >= MaxCopiedPeriods {
			continue
		}
		copied := &copiedPeriod{start: p.start, end: p.end, node: nodes[i], reps: map[string]*copiedRepresentation{}}
		copied.describe(r, p)
		c.known[key] = copied
		c.periods = append(c.periods, copied)
	}
	if c.root == nil {
		c.root = root
		c.live = root.value("type") == "dynamic"
	}
	return nil
}

// describe names the Period's Representations as builder.period does.
func (c *copiedPeriod) describe(r *Reader, p period) {
	outer := level{p.mpd.SegmentBase, p.mpd.SegmentList, p.mpd.SegmentTemplate}
	seen := map[string]bool{}
	sets := c.node.named("AdaptationSet")
	for i, as := range p.mpd.AdaptationSets {
		if as == nil || i >= len(sets) {
			continue
		}
		asLevel := level{as.SegmentBase, as.SegmentList, as.SegmentTemplate}
		nodes := sets[i].named("Representation")
		for j, rep := range as.Representations {
			if rep == nil || j >= len(nodes) {
				continue
			}
			id := representationName(rep.Id, i, j, seen)
			in := inherit(r.wide, outer, asLevel, level{rep.SegmentBase, rep.SegmentList, rep.SegmentTemplate})
			c.reps[segments.DASHTrack(p.key, id)] = &copiedRepresentation{
				set: sets[i], node: nodes[j], timescale: in.timescale, offset: in.offset,
				oneFile: in.addressing == unaddressed || in.addressing == byBase && in.indexRange == "" && in.initResource == nil,
			}
		}
	}
}

// CopiedTrack is one Representation of a copy: files relative to the MPD, whose
// names need no escaping.
type CopiedTrack struct {
	Key      string
	Init     string // "" without one
	Segments []CopiedSegment
}

// CopiedSegment is one file and its place on the presentation timeline that it
// was fetched from.
type CopiedSegment struct {
	timeline.Segment
	File string
}

// Write returns the static MPD of what tracks hold, and what a person should
// know. A copy of a live presentation begins at zero with its first segment.
func (c *Copy) Write(tracks []CopiedTrack) ([]byte, []string, error) {
	if c.root == nil {
		return nil, nil, fmt.Errorf("dash: no MPD was observed")
	}
	var notes notes
	w := copyWriter{templates: true, notes: &notes}
	slices.SortStableFunc(c.periods, func(a, b *copiedPeriod) int { return int(min(max(a.start-b.start, -1), 1)) })
	var out []*node
	now := time.Duration(0)
	for _, p := range c.periods {
		first, end := time.Duration(math.MaxInt64), time.Duration(0)
		var here []CopiedTrack
		for _, t := range tracks {
			if p.reps[t.Key] == nil || len(t.Segments) == 0 {
				continue
			}
			here = append(here, t)
			last := t.Segments[len(t.Segments)-1]
			first, end = min(first, t.Segments[0].Start), max(end, last.Start+last.Duration)
		}
		if len(here) == 0 {
			continue
		}
		end = min(end, p.end)
		cut := time.Duration(0)
		if c.live {
			cut = max(0, first-p.start)
		}
		length := end - p.start - cut
		if length <= 0 {
			continue
		}
		n := w.period(p, here, cut)
		n.set("start", isoDuration(now))
		n.set("duration", isoDuration(length))
		out = append(out, n)
		now += length
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("dash: no segment of a known Period")
	}
	return append([]byte(xmlHead), c.mpd(out, now, w.templates).bytes()...), notes, nil
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// mpd is the root element with what makes it live, or point elsewhere, left out.
func (c *Copy) mpd(periods []*node, length time.Duration, templates bool) *node {
	root := &node{name: c.root.name}
	for _, a := range c.root.attrs {
		switch a.name {
		case "type", "availabilityStartTime", "availabilityEndTime", "publishTime", "minimumUpdatePeriod",
			"timeShiftBufferDepth", "suggestedPresentationDelay", "mediaPresentationDuration":
		default:
			root.attrs = append(root.attrs, a)
		}
	}
	root.set("type", "static")
	root.set("mediaPresentationDuration", isoDuration(length))
	if _, ok := root.attr("minBufferTime"); !ok {
		root.set("minBufferTime", "PT2S")
	}
	if !templates || root.value("profiles") == "" {
		root.set("profiles", "urn:mpeg:dash:profile:full:2011")
	}
	for _, n := range c.root.children {
		switch localName(n.name) {
		case "", "Period", "BaseURL", "Location", "PatchLocation", "UTCTiming", "ServiceDescription", "ContentSteering",
			"Metrics", "LeapSecondInformation", "InitializationSet", "InitializationGroup", "InitializationPresentation":
		default:
			root.children = append(root.children, n)
		}
	}
	root.children = append(root.children, periods...)
	return root
}
