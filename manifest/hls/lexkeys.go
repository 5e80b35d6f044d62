package hls

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// section is a Media Initialization Section.
type section struct {
	uri  string
	span byteRange
}

// key reads EXT-X-KEY. Several may be in force, one a KEYFORMAT (RFC 8216bis
// §4.4.4.4); which segment needs which does not matter here. Keys never enter
// the swarm: their URIs are kept so that a request for one can be told apart.
func (l *lexer) key(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	if method := a.get("METHOD"); method == "" || method == "NONE" {
		return nil
	}
	m.encrypted = true
	if format := a.get("KEYFORMAT"); format != "" && format != "identity" {
		m.protected = true
	}
	uri := a.get("URI")
	if uri == "" || m.keys[uri] {
		return nil
	}
	if len(m.keyURIs) >= MaxKeys {
		return fmt.Errorf("%w: more than %d keys", ErrLimit, MaxKeys)
	}
	if m.keys == nil {
		m.keys = make(map[string]bool)
	}
	m.keys[uri] = true
	m.keyURIs = append(m.keyURIs, uri)
	return nil
}

// initSection reads EXT-X-MAP, in force until the next one. A BYTERANGE
// without an offset begins at 0: there is nothing that it could follow.
func (l *lexer) initSection(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	s := section{a.get("URI"), whole}
	if s.uri == "" {
		return fmt.Errorf("%w: EXT-X-MAP without a URI", ErrSyntax)
	}
	if text := a.get("BYTERANGE"); text != "" {
		length, offset, err := splitRange(text)
		if err != nil {
			return err
		}
		offset = max(offset, 0)
		if offset > math.MaxInt64-length {
			return fmt.Errorf("%w: byte range %q ends past 2^63", ErrSyntax, text)
		}
		s.span = byteRange{offset, offset + length - 1}
	}
	m.init, err = m.addInit(s)
	return err
}

// addInit returns the index of s among the playlist's different sections.
func (m *mediaDraft) addInit(s section) (int32, error) {
	if i, ok := m.known[s]; ok {
		return i, nil
	}
	if len(m.inits) >= MaxInits {
		return -1, fmt.Errorf("%w: more than %d different EXT-X-MAP", ErrLimit, MaxInits)
	}
	if m.known == nil {
		m.known = make(map[section]int32)
	}
	plain := section{withoutQuery(s.uri), s.span}
	if other, seen := m.paths[plain]; seen && other != s.uri {
		if m.unclear == nil {
			m.unclear = make(map[section]bool)
		}
		m.unclear[plain] = true
	}
	if m.paths == nil {
		m.paths = make(map[section]string)
	}
	m.paths[plain] = s.uri
	m.known[s] = int32(len(m.inits))
	m.inits = append(m.inits, s)
	return m.known[s], nil
}

// part reads EXT-X-PART. One that cannot be addressed is left out with a note:
// its parent segment will come.
func (l *lexer) part(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	if len(m.parts) >= MaxParts {
		return fmt.Errorf("%w: more than %d parts", ErrLimit, MaxParts)
	}
	p := part{uri: a.get("URI"), span: whole, init: m.init, gap: a.yes("GAP"), independent: a.yes("INDEPENDENT")}
	p.duration = time.Duration(l.seconds("DURATION", a.get("DURATION")))
	if p.uri == "" {
		l.doc.notes.add(l.line, "EXT-X-PART without a URI")
		p.lost = true
	}
	if text := a.get("BYTERANGE"); text != "" {
		if p.span, err = m.partly.parse(text, p.uri); err != nil {
			l.doc.notes.add(l.line, "EXT-X-PART: %v", err)
			p.lost = true
		}
	} else {
		m.partly.next = -1
	}
	m.parts = append(m.parts, p)
	return nil
}

// serverControl reads EXT-X-SERVER-CONTROL (RFC 8216bis §4.4.3.8).
func (l *lexer) serverControl(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	duration := func(name string) time.Duration {
		text := a.get(name)
		if text == "" {
			return 0
		}
		return time.Duration(l.seconds(name, text))
	}
	m.control = serverControl{
		blockReload:    a.yes("CAN-BLOCK-RELOAD"),
		skipUntil:      duration("CAN-SKIP-UNTIL"),
		skipDateRanges: a.yes("CAN-SKIP-DATERANGES"),
		holdBack:       duration("HOLD-BACK"),
		partHoldBack:   duration("PART-HOLD-BACK"),
	}
	return nil
}

// preloadHint reads EXT-X-PRELOAD-HINT of TYPE PART and MAP; the RFC tells a
// client to ignore others.
func (l *lexer) preloadHint(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	h := hint{uri: a.get("URI"), span: whole}
	if h.uri == "" {
		l.doc.notes.add(l.line, "EXT-X-PRELOAD-HINT without a URI")
		return nil
	}
	start, length := a.get("BYTERANGE-START"), a.get("BYTERANGE-LENGTH")
	if start != "" || length != "" {
		first, err := strconv.ParseInt(orZero(start), 10, 64)
		if err != nil || first < 0 {
			return fmt.Errorf("%w: BYTERANGE-START %q is not a number", ErrSyntax, start)
		}
		h.span, h.open = byteRange{first, math.MaxInt64}, true
		if length != "" {
			n, err := strconv.ParseInt(length, 10, 64)
			if err != nil || n <= 0 || first > math.MaxInt64-n {
				return fmt.Errorf("%w: BYTERANGE-LENGTH %q is not a usable number", ErrSyntax, length)
			}
			h.span, h.open = byteRange{first, first + n - 1}, false
		}
	}
	switch a.get("TYPE") {
	case "PART":
		m.hintPart = &h
	case "MAP":
		m.hintMap = &h
	}
	return nil
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// renditionReport reads EXT-X-RENDITION-REPORT (RFC 8216bis §4.4.5.4).
func (l *lexer) renditionReport(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	uri := a.get("URI")
	if uri == "" || len(m.reports) >= MaxReports {
		return nil
	}
	r := report{uri: uri, part: -1}
	if text := a.get("LAST-MSN"); text != "" {
		if r.number, err = l.integer("LAST-MSN", text); err != nil {
			return err
		}
		r.known = true
	}
	if n, err := strconv.Atoi(strings.TrimSpace(a.get("LAST-PART"))); err == nil && n >= 0 {
		r.part = n
	}
	m.reports = append(m.reports, r)
	return nil
}
