package manifest

import (
	"fmt"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

// MaxCompared is the number of segments of one track that Compare looks at: the
// first ones of a static presentation, the newest of a live one.
const MaxCompared = 2000

// Side is one of two manifests to compare.
type Side struct {
	Name         string // for people: the URL or file it was read from
	Swarm        string // the swarm its viewers join, "" when nobody can tell
	Presentation *timeline.Presentation
	At           time.Time // synchronised clock
}

// Identity says whether the viewers of two manifests share. They do when they
// join one swarm and every track that both have gives its segments the same
// keys. A track that only one has is told of and spoils nothing.
type Identity struct {
	Shared  bool            `json:"shared"`
	Verdict string          `json:"verdict"`
	A       string          `json:"a"`
	B       string          `json:"b"`
	Swarm   SwarmIdentity   `json:"swarm"`
	Tracks  []TrackIdentity `json:"tracks"`
}

// SwarmIdentity compares the swarms' names.
type SwarmIdentity struct {
	A    string `json:"a"`
	B    string `json:"b"`
	Same bool   `json:"same"`
	Why  string `json:"why,omitempty"`
}

// TrackIdentity compares one track of each manifest.
type TrackIdentity struct {
	A        *NamedTrack   `json:"a"` // nil: only B has it
	B        *NamedTrack   `json:"b"`
	Kind     timeline.Kind `json:"kind"`
	Agree    bool          `json:"agree"`
	SameKeys int           `json:"same_keys"` // segments that both name alike
	SameURLs int           `json:"same_urls"` // segments at one path and byte range in both
	Reasons  []Reason      `json:"reasons"`   // why they do not agree
	Warnings []Reason      `json:"warnings"`  // what might be wrong although they do
	Examples []SamePath    `json:"examples"`  // of one resource under two keys
}

// NamedTrack is a track and the part of the keys that it gives to its segments.
type NamedTrack struct {
	ID       string `json:"id"`
	Key      string `json:"key"`
	Segments int    `json:"segments"` // compared
}

// Reason is a stable code for programs and a sentence for people.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// SamePath is one resource that both manifests name, by different keys.
type SamePath struct {
	Path string       `json:"path"` // and byte range
	A    segments.Key `json:"a"`
	B    segments.Key `json:"b"`
}

// Compare reads two presentations side by side. Tracks are paired by their name
// in keys, else by the files that both name, else by kind, language, codecs and
// size.
func Compare(a, b Side) Identity {
	id := Identity{A: a.Name, B: b.Name, Swarm: compareSwarms(a.Swarm, b.Swarm), Tracks: []TrackIdentity{}}
	paired, differ := 0, 0
	for _, p := range pair(collect(a), collect(b)) {
		t := p.compare()
		if t.A != nil && t.B != nil {
			if paired++; !t.Agree {
				differ++
			}
		}
		id.Tracks = append(id.Tracks, t)
	}
	switch {
	case paired == 0:
		id.Verdict = "no track of one is in the other"
	case differ > 0:
		id.Verdict = fmt.Sprintf("%d of %d tracks that both have are named differently", differ, paired)
	case !id.Swarm.Same:
		id.Verdict = "the keys agree, the swarms do not"
	default:
		id.Shared, id.Verdict = true, fmt.Sprintf("one swarm, %d tracks agree", paired)
	}
	return id
}

func compareSwarms(a, b string) SwarmIdentity {
	s := SwarmIdentity{A: a, B: b, Same: a == b && a != ""}
	switch {
	case a == "" || b == "":
		s.Why = "a file has no swarm: say with --base which URL it came from, or name one with --swarm"
	case !s.Same:
		s.Why = "swarms are named by host and path (scheme, query and user do not count): give the players of both one --swarm name"
	}
	return s
}

// names is one track with what its segments are called.
type names struct {
	track  *timeline.Track
	format timeline.Format
	live   bool
	list   []timeline.Segment
	byKey  map[segments.Key]int
	byPath map[string]int
}

func collect(s Side) []*names {
	var all []*names
	for _, t := range s.Presentation.Tracks {
		n := &names{track: t, format: s.Presentation.Format, live: s.Presentation.Live}
		if t.Timeline != nil {
			for seg := range t.Timeline.Segments(s.At, 0, timeline.Forever) {
				if len(n.list) == MaxCompared && !n.live {
					break
				}
				if n.list = append(n.list, seg); len(n.list) == 2*MaxCompared {
					n.list = append(n.list[:0], n.list[MaxCompared:]...)
				}
			}
		}
		n.list = n.list[max(0, len(n.list)-MaxCompared):]
		n.byKey, n.byPath = make(map[segments.Key]int, len(n.list)), make(map[string]int, len(n.list))
		for i, seg := range n.list {
			n.byKey[seg.Key] = i
			if p := pathOf(seg); p != "" {
				n.byPath[p] = i
			}
		}
		all = append(all, n)
	}
	return all
}

// couple is a pair of tracks, one of them nil when the other is alone.
type couple struct{ a, b *names }

func pair(as, bs []*names) []couple {
	partner := make(map[*names]*names)
	taken := make(map[*names]bool)
	for _, likeness := range []func(a, b *names) int{sameName, sameFiles, sameShape} {
		for _, a := range as {
			if partner[a] != nil {
				continue
			}
			var best *names
			most := 0
			for _, b := range bs {
				if n := likeness(a, b); !taken[b] && n > most {
					best, most = b, n
				}
			}
			if best != nil {
				partner[a], taken[best] = best, true
			}
		}
	}
	var out []couple
	for _, a := range as {
		out = append(out, couple{a, partner[a]})
	}
	for _, b := range bs {
		if !taken[b] {
			out = append(out, couple{nil, b})
		}
	}
	return out
}

func sameName(a, b *names) int {
	if a.track.Key == b.track.Key && a.format == b.format {
		return 1
	}
	return 0
}

func sameFiles(a, b *names) int {
	n := 0
	for p := range a.byPath {
		if _, ok := b.byPath[p]; ok {
			n++
		}
	}
	return n
}

// sameShape is how many of bandwidth, codecs, size and group two tracks of one
// kind and language have in common, one of the first three at least.
func sameShape(a, b *names) int {
	x, y := a.track, b.track
	if x.Kind != y.Kind || x.Language != y.Language || x.TrickPlay != y.TrickPlay {
		return 0
	}
	n := 0
	if x.Bandwidth == y.Bandwidth && x.Bandwidth > 0 {
		n += 4
	}
	if x.Codecs == y.Codecs && x.Codecs != "" {
		n++
	}
	if x.Height == y.Height && x.Width == y.Width && x.Height > 0 {
		n += 2
	}
	return n
}
