package hls

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// multiDraft is the lexer's side table of a multivariant playlist: attributes
// that the library does not know, in the order of its own lists.
type multiDraft struct {
	variants   []attributes // of EXT-X-STREAM-INF and EXT-X-I-FRAME-STREAM-INF
	renditions []attributes // of EXT-X-MEDIA
	clean      []byte       // cleaned EXT-X-MEDIA lines
	open       bool         // an EXT-X-STREAM-INF waits for its URI
	opening    attributes
}

func (l *lexer) asMulti() *multiDraft {
	if l.ofMulti == 0 {
		l.ofMulti = l.line
	}
	if l.doc.multi == nil {
		l.doc.multi = &multiDraft{}
	}
	return l.doc.multi
}

// multiTag reads the tags of RFC 8216bis §4.4.6; known is false for any other.
func (l *lexer) multiTag(name, value []byte) (known bool, err error) {
	switch string(name) {
	case "#EXT-X-STREAM-INF":
		return true, l.variant(value)
	case "#EXT-X-I-FRAME-STREAM-INF":
		return true, l.iframeVariant(value)
	case "#EXT-X-MEDIA":
		return true, l.rendition(value)
	// Packagers put the next three into media playlists too, where they mean
	// nothing: they do not mark the kind.
	case "#EXT-X-SESSION-KEY":
		a, err := l.attributes(value)
		l.doc.notes.add(l.line, "session key %s %s: keys stay out of the swarm", a.get("METHOD"), a.get("KEYFORMAT"))
		return true, err
	case "#EXT-X-SESSION-DATA":
	case "#EXT-X-CONTENT-STEERING":
		l.doc.notes.add(l.line, "content steering is left to the player")
	default:
		return false, nil
	}
	return true, nil
}

// variant reads EXT-X-STREAM-INF; its URI is the next reference.
func (l *lexer) variant(value []byte) error {
	m := l.asMulti()
	if m.open {
		l.doc.notes.add(l.line, "the EXT-X-STREAM-INF before this one has no URI and is ignored")
	}
	a, err := l.attributes(value)
	m.open, m.opening = true, a
	return err
}

func (l *lexer) variantURI(text []byte) error {
	m := l.doc.multi
	uri, err := l.doc.vars.substitute(string(text))
	if err != nil {
		return err
	}
	if uri = strings.TrimSpace(uri); uri == "" || uri[0] == '#' {
		uri = "./" + uri
	}
	if err := m.addVariant(m.opening); err != nil {
		return err
	}
	m.open = false
	l.doc.clean = appendClean(l.doc.clean, "#EXT-X-STREAM-INF:", m.opening)
	l.doc.clean = append(append(l.doc.clean, uri...), '\n')
	return nil
}

func (l *lexer) iframeVariant(value []byte) error {
	m := l.asMulti()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	if a.get("URI") == "" {
		l.doc.notes.add(l.line, "EXT-X-I-FRAME-STREAM-INF without a URI is ignored")
		return nil
	}
	if err := m.addVariant(a); err != nil {
		return err
	}
	l.doc.clean = appendClean(l.doc.clean, "#EXT-X-I-FRAME-STREAM-INF:", a)
	return nil
}

func (m *multiDraft) addVariant(a attributes) error {
	if len(m.variants) >= MaxVariants {
		return fmt.Errorf("%w: more than %d variants", ErrLimit, MaxVariants)
	}
	m.variants = append(m.variants, a)
	return nil
}

// rendition reads EXT-X-MEDIA.
func (l *lexer) rendition(value []byte) error {
	m := l.asMulti()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	if len(m.renditions) >= MaxRenditions {
		return fmt.Errorf("%w: more than %d renditions", ErrLimit, MaxRenditions)
	}
	m.renditions = append(m.renditions, a)
	m.clean = appendClean(m.clean, "#EXT-X-MEDIA:", a)
	return nil
}

// finishMulti puts all renditions first and one I-frame variant of ours behind
// them. The library hands the renditions seen so far to the next I-frame
// variant and forgets them, which gives each once and in order instead of once
// for every variant of its group.
func (l *lexer) finishMulti() {
	m := l.doc.multi
	if m.open {
		l.doc.notes.add(l.line, "the last EXT-X-STREAM-INF has no URI and is ignored")
	}
	if len(m.clean) > 0 {
		l.header(string(m.clean) + "#EXT-X-I-FRAME-STREAM-INF:URI=\"renditions\"\n")
	}
}

// appendClean writes an attribute list the way the library's expression reads
// it back: all values quoted, BANDWIDTH within its 32 bits.
func appendClean(b []byte, tag string, list attributes) []byte {
	b = append(b, tag...)
	comma := false
	for i, a := range list {
		if a.value == "" || strings.Trim(a.name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" ||
			slices.ContainsFunc(list[:i], func(o attribute) bool { return o.name == a.name }) {
			continue // the library would misread it, or take the last of two
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = append(append(b, a.name...), `="`...)
		value := a.value
		if strings.HasSuffix(a.name, "BANDWIDTH") {
			value = bandwidth(value)
		}
		b = append(append(b, strings.Map(printable, value)...), '"')
	}
	return append(b, '\n')
}

// bandwidth clamps a decimal-integer to what the library's uint32 holds.
func bandwidth(text string) string {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err != nil && !strings.HasPrefix(text, "-") && strings.Trim(text, "0123456789") == "" && text != "":
		n = math.MaxUint32
	case err != nil:
		n = 0
	}
	return strconv.FormatUint(min(n, math.MaxUint32), 10)
}

func printable(r rune) rune {
	if r < ' ' || r == '"' || r == 0x7f {
		return -1
	}
	return r
}
