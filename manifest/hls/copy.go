package hls

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// MaxCopied bounds the segments that a Copy remembers of one media playlist: more
// than two days of 2 s segments.
const MaxCopied = MaxSegments

// Copy is the playlists of a static copy in the making. It keeps the tags of
// every segment that was ever listed, because a live playlist forgets segments
// that a copy still has.
type Copy struct {
	multi     []byte // the multivariant playlist, nil without one
	multiURL  *url.URL
	variables map[string]string
	media     map[string]*copiedPlaylist // by URL without delivery directives
}

// copiedPlaylist is all that a media playlist has said so far.
type copiedPlaylist struct {
	version  int
	target   string
	flags    []string // of the whole playlist: EXT-X-INDEPENDENT-SEGMENTS and the like
	segments map[uint64]*copiedTags
}

// copiedTags are what stands before one segment.
type copiedTags struct {
	tags          []string // of this segment alone, EXTINF included
	keys          []string // EXT-X-KEY in force, URIs absolute
	init          string   // URI and byte range of the EXT-X-MAP in force, "" none
	initKeys      []string // EXT-X-KEY in force where that EXT-X-MAP stood
	discontinuity uint64   // discontinuity sequence number
	gap           bool
}

// NewCopy returns an empty Copy. Variables as in Options.
func NewCopy(o Options) *Copy {
	return &Copy{variables: o.Variables, media: map[string]*copiedPlaylist{}}
}

// Observe learns a playlist that was asked for at one URL and came from another.
func (c *Copy) Observe(asked, final string, body []byte) error {
	base, err := url.Parse(sanitize(final))
	if err != nil {
		return fmt.Errorf("hls: the playlist's URL: %w", err)
	}
	doc, err := lex(body, surroundings{url: base, imports: c.variables})
	switch {
	case err == nil && doc.multi != nil:
		c.multi, c.multiURL, c.variables = bytes.Clone(body), base, doc.vars.values
		return nil
	case err != nil && !bytes.Contains(body, []byte("#EXT-X-SKIP")):
		return err // a delta update is refused without its base; here it needs none
	}
	plain, _ := splitDirectives(asked)
	p := c.media[plain]
	if p == nil {
		p = &copiedPlaylist{segments: map[uint64]*copiedTags{}}
		c.media[plain] = p
	}
	r := copyReader{playlist: p, resolver: newResolver(base), vars: variables{imports: c.variables, query: base.Query()}}
	for line := range bytes.Lines(bytes.TrimPrefix(body, byteOrderMark)) {
		if err := r.line(string(trim(line))); err != nil {
			return err
		}
	}
	return nil
}

// Has reports whether a media playlist has been observed.
func (c *Copy) Has(playlist string) bool {
	plain, _ := splitDirectives(playlist)
	return c.media[plain] != nil
}

// copyReader reads one media playlist's lines.
type copyReader struct {
	playlist *copiedPlaylist
	resolver *resolver
	vars     variables
	sequence uint64
	now      copiedTags // what the next segment gets
	duration string     // EXTINF, "" before one was seen
	stated   bool       // a KEY or MAP was seen: what is in force is known
	skipped  bool
}

func (r *copyReader) line(text string) error {
	if text == "" {
		return nil
	}
	if !strings.HasPrefix(text, "#") {
		uri, err := r.vars.substitute(text)
		if strings.TrimSpace(uri) == "" || r.duration == "" {
			return err // ignored by the lexer too
		}
		r.segment()
		return err
	}
	name, value, _ := strings.Cut(text, ":")
	name, value = string(trim([]byte(name))), string(trim([]byte(value)))
	p := r.playlist
	switch name {
	case "#EXTM3U", "#EXT-X-ENDLIST", "#EXT-X-PLAYLIST-TYPE", "#EXT-X-BYTERANGE", "#EXT-X-PART", "#EXT-X-PART-INF", "#EXT-X-PRELOAD-HINT",
		"#EXT-X-RENDITION-REPORT", "#EXT-X-SERVER-CONTROL", "#EXT-X-ALLOW-CACHE", "#EXT-X-START":
	case "#EXT-X-VERSION":
		if v, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
			p.version = max(p.version, v)
		}
	case "#EXT-X-TARGETDURATION":
		p.target = strings.TrimSpace(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		r.sequence, _ = strconv.ParseUint(strings.TrimSpace(value), 10, 64)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		r.now.discontinuity, _ = strconv.ParseUint(strings.TrimSpace(value), 10, 64)
	case "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-I-FRAMES-ONLY":
		if !slices.Contains(p.flags, name) {
			p.flags = append(p.flags, name)
		}
	case "#EXT-X-DEFINE":
		return r.vars.define(parseAttributes(value))
	case "#EXT-X-SKIP":
		n, _ := strconv.ParseUint(parseAttributes(value).get("SKIPPED-SEGMENTS"), 10, 64)
		r.sequence += n
		r.skipped = true
	case "#EXT-X-KEY":
		return r.key(value)
	case "#EXT-X-MAP":
		a, err := r.vars.attributes(value)
		if err != nil {
			return err
		}
		r.now.init, r.now.initKeys, r.stated = a.get("URI")+" "+a.get("BYTERANGE"), r.now.keys, true
	case "#EXTINF":
		n := number([]byte(value))
		_, title, _ := strings.Cut(value, ",")
		r.duration = fmt.Sprintf("#EXTINF:%s,%s", n, title)
	case "#EXT-X-DISCONTINUITY":
		r.now.discontinuity++
		r.now.tags = append(r.now.tags, text)
	case "#EXT-X-GAP":
		r.now.gap = true
	default: // EXT-X-PROGRAM-DATE-TIME, EXT-X-DATERANGE, cues of vendors
		if strings.HasPrefix(text, "#EXT") && len(r.now.tags) < MaxAttributes {
			r.now.tags = append(r.now.tags, text)
		}
	}
	return nil
}

// key keeps the EXT-X-KEYs in force, one a KEYFORMAT (RFC 8216bis §4.4.4.4), with
// absolute URIs: keys are never copied.
func (r *copyReader) key(value string) error {
	a, err := r.vars.attributes(value)
	if err != nil {
		return err
	}
	r.stated = true
	if a.get("METHOD") == "NONE" {
		r.now.keys = nil
		return nil
	}
	format := func(line string) string { return keyFormat(parseAttributes(line)) }
	line := rewriteAttribute(value, "URI", func(string) string {
		if abs := r.resolver.resolve(a.get("URI")); abs != "" {
			return abs
		}
		return a.get("URI") // data: and skd: stay
	})
	keys := slices.DeleteFunc(slices.Clone(r.now.keys), func(k string) bool { return format(k) == format(line) })
	r.now.keys = append(keys, line)
	return nil
}

func keyFormat(a attributes) string {
	if f := a.get("KEYFORMAT"); f != "" {
		return f
	}
	return "identity"
}

// segment ends a segment's tags.
func (r *copyReader) segment() {
	e := r.now
	e.tags = append(e.tags[:len(e.tags):len(e.tags)], r.duration)
	if before := r.playlist.segments[r.sequence-1]; r.skipped && before != nil {
		// A delta update does not say what is in force behind what it skips.
		if !r.stated {
			e.keys, e.init, e.initKeys = before.keys, before.init, before.initKeys
			r.now.keys, r.now.init, r.now.initKeys = e.keys, e.init, e.initKeys
		}
		e.discontinuity = before.discontinuity
		for _, t := range e.tags {
			if t == "#EXT-X-DISCONTINUITY" {
				e.discontinuity++
			}
		}
	}
	if _, known := r.playlist.segments[r.sequence]; !known && len(r.playlist.segments) < MaxCopied {
		r.playlist.segments[r.sequence] = &e
	}
	r.sequence++
	r.now.tags, r.now.gap, r.duration = nil, false, ""
}

// rewriteAttribute replaces the value of one quoted attribute in a list.
func rewriteAttribute(list, name string, replace func(string) string) string {
	for at := 0; at < len(list); {
		equals := strings.IndexByte(list[at:], '=')
		if equals < 0 {
			return list
		}
		is := strings.TrimLeft(list[at:at+equals], " \t,") == name
		begin := at + equals + 1
		if begin >= len(list) || list[begin] != '"' {
			comma := strings.IndexByte(list[begin:], ',')
			if comma < 0 {
				return list
			}
			at = begin + comma
			continue
		}
		length := strings.IndexByte(list[begin+1:], '"')
		if length < 0 {
			return list
		}
		end := begin + 1 + length
		if is {
			return list[:begin+1] + strings.ReplaceAll(replace(list[begin+1:end]), `"`, "%22") + list[end:]
		}
		at = end + 1
	}
	return list
}

// CopiedTrack is one media playlist of a copy. File names are relative to the
// playlist's folder in the copy and need no escaping.
type CopiedTrack struct {
	Playlist string // where it came from
	File     string // its name in the copy, relative to the multivariant playlist
	Segments []CopiedSegment
}

// CopiedSegment is one file of a copy.
type CopiedSegment struct {
	timeline.Segment
	File, Init string // Init is "" where there is none
}

// IsMultivariant reports that a multivariant playlist was observed.
func (c *Copy) IsMultivariant() bool { return c.multi != nil }
