package hls

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gapVersion is the protocol version that knows EXT-X-GAP (RFC 8216bis §8).
const gapVersion = 8

// Media returns the playlist of one copied track as VOD. Media sequence numbers
// stay, because keys without an IV are used with them; segments that are not in
// the copy between two that are become gaps.
func (c *Copy) Media(t CopiedTrack) ([]byte, []string, error) {
	plain, _ := splitDirectives(t.Playlist)
	p := c.media[plain]
	if p == nil || len(t.Segments) == 0 {
		return nil, nil, fmt.Errorf("hls: no copied segment of %s", plain)
	}
	var body strings.Builder
	var notes []string
	missing := 0
	initFile := ""
	var keys []string
	state := func(want []string) {
		if slices.Equal(keys, want) {
			return
		}
		if len(want) < len(keys) || len(want) == 0 {
			body.WriteString("#EXT-X-KEY:METHOD=NONE\n")
		}
		for _, k := range want {
			fmt.Fprintf(&body, "#EXT-X-KEY:%s\n", k)
		}
		keys = want
	}
	first := t.Segments[0].Number
	next := first
	var longest time.Duration
	for _, s := range t.Segments {
		if s.Number < next {
			continue // a stream that began anew under used numbers
		}
		for ; next < s.Number; next++ {
			e := p.segments[next]
			if e == nil {
				e = &copiedTags{tags: []string{"#EXTINF:" + seconds(s.Duration) + ","}}
			}
			if !e.gap {
				missing++
			}
			writeTags(&body, e.tags)
			fmt.Fprintf(&body, "#EXT-X-GAP\ngap-%d\n", next)
		}
		next = s.Number + 1
		e := p.segments[s.Number]
		if e == nil {
			e = &copiedTags{tags: []string{"#EXTINF:" + seconds(s.Duration) + ","}}
		}
		if s.Init != initFile && s.Init != "" {
			state(e.initKeys)
			fmt.Fprintf(&body, "#EXT-X-MAP:URI=\"%s\"\n", s.Init)
			initFile = s.Init
		}
		state(e.keys)
		writeTags(&body, e.tags)
		body.WriteString(s.File + "\n")
		longest = max(longest, s.Duration)
		for _, k := range e.keys {
			if uri := parseAttributes(k).get("URI"); uri != "" {
				if n := "encrypted: players fetch the key from " + withoutQuery(uri); !slices.Contains(notes, n) && len(notes) < MaxNotes {
					notes = append(notes, n)
				}
			}
		}
	}
	version := p.version
	if missing > 0 {
		version = max(version, gapVersion)
		notes = append(notes, fmt.Sprintf("%d segments are missing and marked as gaps", missing))
	}
	var head strings.Builder
	head.WriteString("#EXTM3U\n")
	if version > 1 {
		fmt.Fprintf(&head, "#EXT-X-VERSION:%d\n", version)
	}
	target := p.target
	if target == "" {
		target = strconv.Itoa(int(longest.Round(time.Second) / time.Second))
	}
	fmt.Fprintf(&head, "#EXT-X-TARGETDURATION:%s\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:%d\n", target, first)
	if e := p.segments[first]; e != nil {
		before := e.discontinuity
		if slices.Contains(e.tags, "#EXT-X-DISCONTINUITY") {
			before-- // counted before its own tag
		}
		if before > 0 {
			fmt.Fprintf(&head, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", before)
		}
	}
	for _, f := range p.flags {
		head.WriteString(f + "\n")
	}
	return []byte(head.String() + body.String() + "#EXT-X-ENDLIST\n"), notes, nil
}

func writeTags(b *strings.Builder, tags []string) {
	for _, t := range tags {
		b.WriteString(t + "\n")
	}
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// Multivariant returns the multivariant playlist with the copied tracks alone,
// nil where a media playlist was opened by itself.
func (c *Copy) Multivariant(tracks []CopiedTrack) ([]byte, error) {
	if c.multi == nil {
		return nil, nil
	}
	files := make(map[string]string, len(tracks))
	for _, t := range tracks {
		plain, _ := splitDirectives(t.Playlist)
		files[plain] = t.File
	}
	w := multiCopier{files: files, resolver: newResolver(c.multiURL), vars: variables{values: c.variables}}
	lines := slices.Collect(bytes.Lines(bytes.TrimPrefix(c.multi, byteOrderMark)))
	for _, line := range lines {
		if err := w.groups(string(trim(line))); err != nil {
			return nil, err
		}
	}
	w.dropUnused()
	var out strings.Builder
	for _, line := range lines {
		if err := w.line(&out, string(trim(line))); err != nil {
			return nil, err
		}
	}
	return []byte(out.String()), nil
}

// multiCopier rewrites a multivariant playlist line by line.
type multiCopier struct {
	files    map[string]string // URL → name in the copy
	resolver *resolver
	vars     variables
	kept     map[string]bool // TYPE and GROUP-ID of renditions that stay
	inside   map[string]bool // of renditions without a playlist
	named    map[string]bool // groups that a kept variant names
	pending  string          // EXT-X-STREAM-INF that waits for its URI
}

// groupTypes are the attributes of a variant that name a group of renditions.
var groupTypes = []string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"}

// file is the copy's name for a playlist, "" for one that was not copied.
func (w *multiCopier) file(uri string) string {
	plain, _ := splitDirectives(w.resolver.resolve(uri))
	return w.files[plain]
}

// groups notes which groups of renditions the copy has.
func (w *multiCopier) groups(text string) error {
	name, value, _ := strings.Cut(text, ":")
	switch {
	case name == "#EXT-X-STREAM-INF":
		w.pending = value
	case text != "" && text[0] != '#' && w.pending != "":
		uri, err := w.vars.substitute(text)
		if err != nil {
			return err
		}
		a, err := w.vars.attributes(w.pending)
		if err != nil {
			return err
		}
		if w.named == nil {
			w.named = map[string]bool{}
		}
		for _, kind := range groupTypes {
			if id := a.get(kind); id != "" && w.file(uri) != "" {
				w.named[kind+" "+id] = true
			}
		}
		w.pending = ""
	case name == "#EXT-X-MEDIA":
		a, err := w.vars.attributes(value)
		if err != nil {
			return err
		}
		if w.kept == nil {
			w.kept, w.inside = map[string]bool{}, map[string]bool{}
		}
		group := a.get("TYPE") + " " + a.get("GROUP-ID")
		if uri := a.get("URI"); uri == "" {
			w.inside[group] = true
		} else if w.file(uri) != "" {
			w.kept[group] = true
		}
	}
	return nil
}

// dropUnused: renditions inside a variant stay where one that is kept names them.
func (w *multiCopier) dropUnused() {
	for group := range w.inside {
		if w.named[group] {
			w.kept[group] = true
		}
	}
	w.pending = ""
}

func (w *multiCopier) line(out *strings.Builder, text string) error {
	if text == "" {
		return nil
	}
	if text[0] != '#' {
		uri, err := w.vars.substitute(text)
		if file := w.file(uri); err == nil && file != "" && w.pending != "" {
			out.WriteString(w.pending + "\n" + file + "\n")
		}
		w.pending = ""
		return err
	}
	name, value, _ := strings.Cut(text, ":")
	switch name {
	case "#EXT-X-DEFINE", "#EXT-X-CONTENT-STEERING":
		return nil
	case "#EXT-X-STREAM-INF":
		a, err := w.vars.attributes(value)
		w.pending = name + ":" + format(slices.DeleteFunc(a, func(x attribute) bool {
			return slices.Contains(groupTypes, x.name) && x.value != "NONE" && !w.kept[x.name+" "+x.value]
		}))
		return err
	case "#EXT-X-MEDIA", "#EXT-X-I-FRAME-STREAM-INF":
		a, err := w.vars.attributes(value)
		if err != nil {
			return err
		}
		uri := a.get("URI")
		switch file := w.file(uri); {
		case uri == "" && w.kept[a.get("TYPE")+" "+a.get("GROUP-ID")]:
		case uri == "" || file == "":
			return nil
		default:
			for i := range a {
				if a[i].name == "URI" {
					a[i].value = file
				}
			}
		}
		out.WriteString(name + ":" + format(a) + "\n")
		return nil
	case "#EXT-X-SESSION-KEY", "#EXT-X-SESSION-DATA":
		a, err := w.vars.attributes(value)
		for i := range a {
			if abs := w.resolver.resolve(a[i].value); a[i].name == "URI" && abs != "" {
				a[i].value = abs
			}
		}
		out.WriteString(name + ":" + format(a) + "\n")
		return err
	}
	if strings.HasPrefix(text, "#EXT") {
		out.WriteString(text + "\n")
	}
	return nil
}

// quotedAttributes of multivariant playlists are quoted-strings; the others are
// numbers, resolutions and enumerated strings (RFC 8216bis §4.4.6).
func quotedAttribute(a attribute) bool {
	switch a.name {
	case "CLOSED-CAPTIONS":
		return a.value != "NONE"
	case "BANDWIDTH", "AVERAGE-BANDWIDTH", "SCORE", "RESOLUTION", "FRAME-RATE", "HDCP-LEVEL", "VIDEO-RANGE", "TYPE",
		"DEFAULT", "AUTOSELECT", "FORCED", "BIT-DEPTH", "SAMPLE-RATE", "METHOD", "IV", "FORMAT", "PROGRAM-ID":
		return false
	}
	return true
}

// format writes an attribute list.
func format(list attributes) string {
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if quotedAttribute(a) {
			fmt.Fprintf(&b, `%s="%s"`, a.name, strings.ReplaceAll(a.value, `"`, "%22"))
		} else {
			b.WriteString(a.name + "=" + a.value)
		}
	}
	return b.String()
}
