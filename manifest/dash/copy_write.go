package dash

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// copyWriter writes the Periods of a Copy. Whatever the original's addressing
// was, the copy has a SegmentTemplate with a SegmentTimeline where file names are
// made of numbers or times, and a SegmentList otherwise.
type copyWriter struct {
	templates bool // nothing but templates so far
	notes     *notes
}

func (w *copyWriter) period(p *copiedPeriod, tracks []CopiedTrack, cut time.Duration) *node {
	out := p.node.shell("start", "duration", "actuate", "href")
	if cut > 0 && len(p.node.named("EventStream")) > 0 {
		w.notes.add("events of the Period are left out: they count from where it began")
	}
	for _, n := range p.node.children {
		switch localName(n.name) {
		case "", "BaseURL", "SegmentBase", "SegmentList", "SegmentTemplate", "Subset", "Preselection":
			continue
		case "EventStream":
			if cut > 0 {
				continue
			}
		case "AdaptationSet":
			if n = w.set(p, n, tracks, cut); n == nil {
				continue
			}
		}
		out.children = append(out.children, n)
	}
	return out
}

// set is the AdaptationSet with the copied Representations alone, nil without.
func (w *copyWriter) set(p *copiedPeriod, set *node, tracks []CopiedTrack, cut time.Duration) *node {
	out := set.shell("actuate", "href")
	some := false
	for _, n := range set.children {
		switch localName(n.name) {
		case "", "BaseURL", "SegmentBase", "SegmentList", "SegmentTemplate":
			continue
		case "Representation":
			i := slices.IndexFunc(tracks, func(t CopiedTrack) bool { return p.reps[t.Key].node == n })
			if i < 0 {
				continue
			}
			n, some = w.representation(p, tracks[i], cut), true
		}
		out.children = append(out.children, n)
	}
	if !some {
		return nil
	}
	return out
}

func (w *copyWriter) representation(p *copiedPeriod, t CopiedTrack, cut time.Duration) *node {
	r := p.reps[t.Key]
	out := r.node.shell("actuate", "href")
	for _, n := range r.node.children {
		switch localName(n.name) {
		case "", "BaseURL", "SegmentBase", "SegmentList", "SegmentTemplate":
		default:
			out.children = append(out.children, n)
		}
	}
	// Elements keep the prefix that the document gives its own.
	prefix := out.name[:len(out.name)-len("Representation")]
	if len(t.Segments) == 1 && r.oneFile && t.Init == "" {
		out.children = append(out.children, &node{name: prefix + "BaseURL", children: []*node{{text: t.Segments[0].File}}})
		return out
	}
	entries := r.entries(p.start, t.Segments)
	n := &node{name: prefix + "SegmentTemplate"}
	n.set("timescale", strconv.FormatUint(r.timescale, 10))
	if offset := addSat(r.offset, r.ticks(cut)); offset != 0 {
		n.set("presentationTimeOffset", strconv.FormatInt(offset, 10))
	}
	if media, first, ok := pattern(t.Segments, entries); ok {
		if t.Init != "" {
			n.set("initialization", t.Init)
		}
		n.set("media", media)
		n.set("startNumber", strconv.FormatUint(first, 10))
		n.children = []*node{timelineNode(prefix, entries)}
	} else {
		w.templates = false
		n.name = prefix + "SegmentList"
		if t.Init != "" {
			init := &node{name: prefix + "Initialization"}
			init.set("sourceURL", t.Init)
			n.children = append(n.children, init)
		}
		n.children = append(n.children, timelineNode(prefix, entries))
		for _, s := range t.Segments {
			u := &node{name: prefix + "SegmentURL"}
			u.set("media", s.File)
			n.children = append(n.children, u)
		}
	}
	out.children = append(out.children, n)
	return out
}

// span is one S element without repetition.
type span struct{ time, length int64 }

// entries turns places on the presentation timeline back into media time. Half a
// nanosecond of rounding is less than half a tick, so ticks come back exactly; a
// segment lasts to the next one where the two touch.
func (r *copiedRepresentation) entries(period time.Duration, list []CopiedSegment) []span {
	out := make([]span, len(list))
	for i, s := range list {
		out[i] = span{max(0, addSat(r.offset, r.ticks(s.Start-period))), max(1, r.ticks(s.Duration))}
		if i == 0 {
			continue
		}
		const touching = 2 // ticks, or a microsecond
		before := &out[i-1]
		if gap := out[i].time - before.time - before.length; gap != 0 && max(gap, -gap) <= max(touching, r.ticks(time.Microsecond)) && out[i].time > before.time {
			before.length = out[i].time - before.time
		}
	}
	return out
}

// ticks rounds to the nearest tick.
func (r *copiedRepresentation) ticks(d time.Duration) int64 {
	whole, rest := d/time.Second, d%time.Second
	ticks := float64(rest) * float64(r.timescale) / float64(time.Second)
	return addSat(mulSat(int64(whole), int64(min(r.timescale, math.MaxInt64))), int64(math.Round(ticks)))
}

// pattern is the template that makes all the files' names, if there is one.
func pattern(list []CopiedSegment, entries []span) (media string, first uint64, ok bool) {
	dir, ext := path.Dir(list[0].File), path.Ext(list[0].File)
	if dir == "." {
		dir = ""
	} else {
		dir += "/"
	}
	if strings.Contains(dir+ext, "$") {
		return "", 0, false
	}
	numbers, times := true, true
	for i, s := range list {
		numbers = numbers && s.Number == list[0].Number+uint64(i) && s.File == dir+strconv.FormatUint(s.Number, 10)+ext
		times = times && s.File == dir+"t"+strconv.FormatInt(entries[i].time, 10)+ext
	}
	switch {
	case numbers:
		return dir + "$Number$" + ext, list[0].Number, true
	case times:
		return dir + "t$Time$" + ext, 1, true
	}
	return "", 0, false
}

// timelineNode writes spans as S elements, equal neighbours as repetitions.
func timelineNode(prefix string, entries []span) *node {
	out := &node{name: prefix + "SegmentTimeline"}
	for i := 0; i < len(entries); {
		repeat := 0
		for j := i + 1; j < len(entries) && entries[j].length == entries[i].length &&
			entries[j].time == entries[j-1].time+entries[j-1].length; j++ {
			repeat++
		}
		s := &node{name: prefix + "S"}
		if i == 0 || entries[i].time != entries[i-1].time+entries[i-1].length {
			s.set("t", strconv.FormatInt(entries[i].time, 10))
		}
		s.set("d", strconv.FormatInt(entries[i].length, 10))
		if repeat > 0 {
			s.set("r", strconv.Itoa(repeat))
		}
		out.children = append(out.children, s)
		i += 1 + repeat
	}
	return out
}

// named are the child elements of that name.
func (n *node) named(name string) []*node {
	var out []*node
	for _, c := range n.children {
		if c.is(name) {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) value(name string) string {
	v, _ := n.attr(name)
	return v
}

func (n *node) set(name, value string) {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			n.attrs[i].value = value
			return
		}
	}
	n.attrs = append(n.attrs, attr{name, value})
}

// shell is a copy of n without children and without the attributes of these
// local names.
func (n *node) shell(drop ...string) *node {
	out := &node{name: n.name}
	for _, a := range n.attrs {
		if !slices.Contains(drop, localName(a.name)) {
			out.attrs = append(out.attrs, a)
		}
	}
	return out
}

// isoDuration writes a duration as xs:duration, to the millisecond and beyond
// only where there is more.
func isoDuration(d time.Duration) string {
	return "PT" + strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second), "0"), ".") + "S"
}

// representationName is a Representation's id, made unique in its Period.
func representationName(id string, set, index int, seen map[string]bool) string {
	if id == "" || seen[id] {
		id += fmt.Sprintf("@%d.%d", set, index)
	}
	seen[id] = true
	return id
}
