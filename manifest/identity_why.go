package manifest

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

const (
	// maxExamples of one resource under two keys.
	maxExamples = 3
	// sameLength is how far two durations of one segment may differ: playlists
	// round to milliseconds, and to frames.
	sameLength = 50 * time.Millisecond
)

// compare says of one couple whether the keys agree.
func (c couple) compare() TrackIdentity {
	t := TrackIdentity{Reasons: []Reason{}, Warnings: []Reason{}, Examples: []SamePath{}}
	if c.a != nil {
		t.A, t.Kind = c.a.named(), c.a.track.Kind
	}
	if c.b != nil {
		t.B, t.Kind = c.b.named(), c.b.track.Kind
	}
	switch {
	case c.b == nil:
		t.why("only-a", "only the first manifest has it")
		return t
	case c.a == nil:
		t.why("only-b", "only the second manifest has it")
		return t
	}
	c.segments(&t)
	c.trackNames(&t)
	c.addressing(&t)
	c.media(&t)
	c.init(&t)
	if len(t.Reasons) == 0 && t.SameKeys == 0 {
		t.why("no-overlap", "no segment is in both at this moment")
	}
	t.Agree = len(t.Reasons) == 0
	return t
}

func (t *TrackIdentity) why(code, format string, args ...any) {
	t.Reasons = append(t.Reasons, Reason{code, fmt.Sprintf(format, args...)})
}

func (t *TrackIdentity) warn(code, format string, args ...any) {
	t.Warnings = append(t.Warnings, Reason{code, fmt.Sprintf(format, args...)})
}

func (n *names) named() *NamedTrack {
	return &NamedTrack{ID: n.track.ID, Key: n.track.Key, Segments: len(n.list)}
}

// segments counts what both name, by key and by path.
func (c couple) segments(t *TrackIdentity) {
	for _, a := range c.a.list {
		if _, ok := c.b.byKey[a.Key]; ok && c.a.format == c.b.format {
			t.SameKeys++
		}
		p := pathOf(a)
		i, ok := c.b.byPath[p]
		if !ok {
			continue
		}
		t.SameURLs++
		if b := c.b.list[i]; b.Key != a.Key && len(t.Examples) < maxExamples {
			t.Examples = append(t.Examples, SamePath{p, a.Key, b.Key})
		}
	}
}

func (c couple) trackNames(t *TrackIdentity) {
	a, b := c.a.track, c.b.track
	switch {
	case c.a.format != c.b.format:
		text := "DASH names segments period/representation/number, HLS rendition/sequence: players of the two never share"
		if t.SameURLs > 0 {
			text += fmt.Sprintf(", although %d resources are at the same path in both", t.SameURLs)
		}
		t.why("format", "%s", text)
	case a.Key == b.Key:
	case c.a.format == timeline.DASH:
		pa, ra, _ := strings.Cut(a.Key, "/")
		pb, rb, _ := strings.Cut(b.Key, "/")
		if pa != pb {
			t.why("period", "the Period is called %q here and %q there: give it one @id in both", pa, pb)
		}
		if ra != rb {
			t.why("representation", "the Representation is called %q here and %q there: give it one @id in both", ra, rb)
		}
	case a.Key == "main" || b.Key == "main":
		t.why("opened-directly", "%q and %q: one is a media playlist opened by itself, the other comes from a multivariant playlist", a.Key, b.Key)
	default:
		t.why("rendition", "the playlist is called %q here and %q there, which its attributes make (%s): give it a STABLE-VARIANT-ID or STABLE-RENDITION-ID in both",
			a.Key, b.Key, attributesApart(a, b))
	}
}

// attributesApart says in which attributes two renditions differ.
func attributesApart(a, b *timeline.Track) string {
	var apart []string
	add := func(what string, x, y any) {
		if x != y {
			apart = append(apart, fmt.Sprintf("%s %v and %v", what, x, y))
		}
	}
	add("BANDWIDTH", a.Bandwidth, b.Bandwidth)
	add("CODECS", a.Codecs, b.Codecs)
	add("RESOLUTION", fmt.Sprintf("%dx%d", a.Width, a.Height), fmt.Sprintf("%dx%d", b.Width, b.Height))
	add("FRAME-RATE", a.FrameRate, b.FrameRate)
	if len(apart) == 0 {
		return "in what is not listed here, such as NAME, GROUP-ID or VIDEO-RANGE"
	}
	return strings.Join(apart, ", ")
}

// addressing explains keys that differ behind the track's name.
func (c couple) addressing(t *TrackIdentity) {
	if len(c.a.list) == 0 || len(c.b.list) == 0 || c.a.format != c.b.format {
		return
	}
	wayA, wayB := way(c.a.list[0].Key), way(c.b.list[0].Key)
	if wayA != wayB {
		t.why("addressing", "segments are named by %s here and by %s there", wayA, wayB)
		return
	}
	x, y, ok := c.counterparts()
	if !ok {
		return
	}
	switch wayA {
	case byNumber:
		from := "startNumber"
		if c.a.format == timeline.HLS {
			from = "EXT-X-MEDIA-SEQUENCE"
		}
		t.why("number-offset", "numbers are %+d there: what is %d here is %d there; align %s", int64(y.Number)-int64(x.Number), x.Number, y.Number, from)
	case byTime:
		t.why("time-offset", "media times differ: what is %s here is %s there; align @timescale and the packagers' clocks", last(x.Key), last(y.Key))
	default:
		t.why("range-offset", "byte ranges differ: what is %s here is %s there; the files are not the same", last(x.Key), last(y.Key))
	}
}

// counterparts finds a segment of each that are the same media by different
// names: at one URL; else at one start, where both count from the same zero, which
// live HLS playlists do not; else at one path.
func (c couple) counterparts() (x, y timeline.Segment, ok bool) {
	sameURL := false
	for _, a := range c.a.list {
		i, found := c.b.byPath[pathOf(a)]
		if !found {
			continue
		}
		b := c.b.list[i]
		sameURL = sameURL || a.URL == b.URL
		if last(a.Key) != last(b.Key) {
			x, y, ok = a, b, true
			break
		}
	}
	if sameURL || c.a.format == timeline.HLS && (c.a.live || c.b.live) {
		return x, y, ok
	}
	j := 0
	for _, a := range c.a.list {
		for j < len(c.b.list) && c.b.list[j].Start < a.Start-sameLength {
			j++
		}
		if j == len(c.b.list) {
			break
		}
		b := c.b.list[j]
		if (b.Start-a.Start).Abs() <= sameLength && (b.Duration-a.Duration).Abs() <= sameLength && last(a.Key) != last(b.Key) {
			return a, b, true
		}
	}
	return x, y, ok
}

// media looks for one key that names two things.
func (c couple) media(t *TrackIdentity) {
	if c.a.format != c.b.format {
		return
	}
	a, b := c.a.track, c.b.track
	if a.Encrypted != b.Encrypted || a.Protected != b.Protected {
		t.why("encryption", "one is encrypted and the other is not: the same key would name different bytes")
	}
	if a.Key != b.Key {
		return
	}
	if a.Codecs != b.Codecs {
		t.why("codecs", "one name, but codecs %q here and %q there: the same key would name different bytes", a.Codecs, b.Codecs)
	}
	if a.Bandwidth != b.Bandwidth {
		t.warn("bandwidth", "one name, but %d bit/s here and %d there: make sure that it is one encoding", a.Bandwidth, b.Bandwidth)
	}
	files := false
	for _, x := range c.a.list {
		i, ok := c.b.byKey[x.Key]
		if !ok {
			continue
		}
		y := c.b.list[i]
		if (x.Duration - y.Duration).Abs() > sameLength {
			t.why("length", "%s lasts %s here and %s there: the same key would name different bytes", x.Key, x.Duration, y.Duration)
			return
		}
		if p, q := path.Base(pathOf(x)), path.Base(pathOf(y)); p != q && !files {
			files = true
			t.warn("file-name", "%s is the file %q here and %q there: make sure that the bytes are the same", x.Key, p, q)
		}
	}
	if n := min(len(c.a.list), len(c.b.list)); t.SameKeys > 0 && t.SameKeys < n && !c.a.live && !c.b.live {
		t.warn("partly", "%d of %d segments have the same key", t.SameKeys, n)
	}
}

// init compares the names of the init segments.
func (c couple) init(t *TrackIdentity) {
	a, b := c.a.track, c.b.track
	switch {
	case c.a.format != c.b.format || len(c.a.list) == 0 || len(c.b.list) == 0:
	case (a.Init == nil) != (b.Init == nil):
		t.why("init", "only one has an init segment: the media are packed differently")
	case a.Init == nil || last(a.Init.Key) == last(b.Init.Key):
	default:
		t.why("init", "the init segment is %q here and %q there, and HLS names it by path and byte range", pathOf(*a.Init), pathOf(*b.Init))
	}
}

// Ways of naming a segment behind its track.
const (
	byNumber = "number"
	byTime   = "time"
	byRange  = "byte range"
)

func way(k segments.Key) string {
	switch s := last(k); {
	case strings.HasPrefix(s, "t"):
		return byTime
	case strings.Contains(s, "-"):
		return byRange
	}
	return byNumber
}

// last is what a key adds to its track.
func last(k segments.Key) string { return string(k)[strings.LastIndexByte(string(k), '/')+1:] }

// pathOf is where a segment is but for scheme, host and query, which two viewers
// of the same bytes may differ in; its byte range is appended.
func pathOf(s timeline.Segment) string {
	u, err := url.Parse(s.URL)
	if err != nil || s.URL == "" {
		return ""
	}
	if s.Range == nil {
		return u.EscapedPath()
	}
	return u.EscapedPath() + " " + rangeText(s.Range)
}
