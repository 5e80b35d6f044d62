package hls

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// mediaDraft is the lexer's side table of a media playlist.
type mediaDraft struct {
	media
	pending  pendingSegment
	partEnd  int32              // parts before this index belong to a finished segment
	carry    rangeCarry         // of segments
	partly   rangeCarry         // of parts
	init     int32              // the EXT-X-MAP in force, -1 none
	keys     map[string]bool    // URIs in keyURIs
	known    map[section]int32  // index in inits
	adopted  []int32            // a delta update's base: index there → index in inits
	paths    map[section]string // section without query → its URI
	skipBase uint64             // segments skipped so far, added to the library's numbering
	fresh    int                // entries[fresh:] are listed in this document, those before come from the base
}

// pendingSegment holds the tags seen since the last URI.
type pendingSegment struct {
	duration      []byte // EXTINF's number; nil: no EXTINF yet
	byteRange     string
	date          []byte
	gap           bool
	discontinuity bool
}

// asMedia marks the document as a media playlist.
func (l *lexer) asMedia() *mediaDraft {
	if l.ofMedia == 0 {
		l.ofMedia = l.line
	}
	if l.doc.media == nil {
		l.doc.media = &mediaDraft{init: -1, carry: rangeCarry{next: -1}, partly: rangeCarry{next: -1}}
		l.doc.media.resolver = newResolver(l.ctx.url)
	}
	return l.doc.media
}

// mediaTag reads the tags of RFC 8216bis §4.4.3 (playlist), §4.4.4 (segment)
// and §4.4.5 (metadata of a playlist); known is false for any other.
func (l *lexer) mediaTag(name, value []byte) (known bool, err error) {
	switch string(name) {
	case "#EXTINF":
		l.extinf(value)
	case "#EXT-X-PROGRAM-DATE-TIME":
		l.asMedia().pending.date = value
	case "#EXT-X-BYTERANGE":
		text, err := l.doc.vars.substitute(string(value))
		l.asMedia().pending.byteRange = unquote(text)
		return true, err
	case "#EXT-X-DISCONTINUITY":
		l.asMedia().pending.discontinuity = true
	case "#EXT-X-GAP":
		l.asMedia().pending.gap = true
	case "#EXT-X-ENDLIST":
		l.asMedia().ended = true
	case "#EXT-X-TARGETDURATION":
		l.asMedia().target = time.Duration(l.seconds(string(name), string(value)))
	case "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE":
		l.asMedia()
		n, err := l.integer(string(name), string(value))
		if err != nil {
			return true, err
		}
		l.header(fmt.Sprintf("%s:%d\n", name, n))
		if string(name) == "#EXT-X-MEDIA-SEQUENCE" {
			l.doc.media.sequence = n
		}
	case "#EXT-X-PLAYLIST-TYPE":
		// Seen in multivariant playlists in the wild: it does not mark the kind.
		if v := string(value); v == "EVENT" || v == "VOD" {
			l.header("#EXT-X-PLAYLIST-TYPE:" + v + "\n")
		}
	case "#EXT-X-I-FRAMES-ONLY":
		l.asMedia()
		l.header("#EXT-X-I-FRAMES-ONLY\n")
	case "#EXT-X-DATERANGE":
		if l.cues++; l.cues == 1 {
			l.cueLine = l.line
		}
	case "#EXT-X-KEY":
		return true, l.key(value)
	case "#EXT-X-MAP":
		return true, l.initSection(value)
	case "#EXT-X-SKIP":
		return true, l.skip(value)
	case "#EXT-X-PART":
		return true, l.part(value)
	case "#EXT-X-PART-INF":
		a, err := l.attributes(value)
		l.asMedia().partTarget = time.Duration(l.seconds("PART-TARGET", a.get("PART-TARGET")))
		return true, err
	case "#EXT-X-SERVER-CONTROL":
		return true, l.serverControl(value)
	case "#EXT-X-PRELOAD-HINT":
		return true, l.preloadHint(value)
	case "#EXT-X-RENDITION-REPORT":
		return true, l.renditionReport(value)
	default:
		return false, nil
	}
	return true, nil
}

func (l *lexer) extinf(value []byte) {
	m := l.asMedia()
	if m.pending.duration != nil {
		l.doc.notes.add(l.line, "the EXTINF before this one has no URI and is ignored")
	}
	m.pending.duration = number(value)
}

// segmentURI closes a segment: side-table entry here, clean lines for the
// library. The clean EXTINF's title is the entry's index, which is how the
// library's segments are matched with the side table: a custom tag, the way
// the library offers, costs it a map for every segment.
func (l *lexer) segmentURI(text []byte) error {
	m := l.doc.media
	if len(m.entries) >= MaxSegments {
		return fmt.Errorf("%w: more than %d segments", ErrLimit, MaxSegments)
	}
	if m.sequence > ^uint64(0)-m.skipBase-MaxSegments {
		return fmt.Errorf("%w: the media sequence number does not fit 64 bits", ErrSyntax)
	}
	p := m.pending
	m.pending = pendingSegment{}
	if len(l.doc.vars.values) > 0 {
		uri, err := l.doc.vars.substitute(string(text))
		if err != nil {
			return err
		}
		if text = trim([]byte(uri)); len(text) == 0 {
			l.doc.notes.add(l.line, "a URI that is empty after substitution is ignored")
			return nil
		}
	}
	if m.entries == nil {
		m.entries = make([]entry, 0, l.expected)
	}
	m.entries = slices.Grow(m.entries, 1)[:len(m.entries)+1]
	e := &m.entries[len(m.entries)-1]
	*e = entry{span: whole, number: m.skipBase, init: m.init, gap: p.gap, partFrom: m.partEnd, partTo: int32(len(m.parts))}
	m.partEnd = e.partTo
	if p.byteRange != "" {
		var err error
		if e.span, err = m.carry.parse(p.byteRange, string(text)); err != nil {
			return err
		}
	} else {
		m.carry.next = -1
	}
	b := l.doc.clean
	if p.discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if p.date != nil {
		b = append(append(append(b, "#EXT-X-PROGRAM-DATE-TIME:"...), p.date...), '\n')
	}
	b = append(append(append(b, "#EXTINF:"...), p.duration...), ',')
	b = append(strconv.AppendInt(b, int64(len(m.entries)-1), 10), '\n')
	if text[0] == '#' {
		// Only substitution can do this; the library would take it for a tag.
		b = append(b, "./"...)
	}
	l.doc.clean = append(append(b, text...), '\n')
	return nil
}

// finishMedia writes the closing tag for the library and drops what belongs to
// no segment.
func (l *lexer) finishMedia() {
	m := l.doc.media
	if m.ended {
		l.doc.clean = append(l.doc.clean, "#EXT-X-ENDLIST\n"...)
	}
	if l.cues > 0 {
		l.doc.notes.add(l.cueLine, "the first of %d EXT-X-DATERANGE, left to the player", l.cues)
	}
	m.trailing = m.partEnd
}

// number returns the leading number of an EXTINF value: blanks, a missing
// comma and a title do not matter.
func number(value []byte) []byte {
	end := 0
	for end < len(value) {
		c := value[end]
		if c < '0' && c != '.' && c != '-' && c != '+' || c > '9' {
			break
		}
		end++
	}
	if end == 0 {
		return []byte{'0'}
	}
	return value[:end]
}

// unquote drops the quotes that some packagers put around a byte range.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
