package hls

import (
	"bytes"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The lexer stands between the wire and grafov/m3u8. It walks the document
// once, checks it, keeps a side table of all that the library lacks or gets
// wrong, and writes the clean text that the library is then given.

// surroundings are what a document needs to know from outside itself.
type surroundings struct {
	url     *url.URL
	imports map[string]string // the multivariant playlist's variables, nil without one
	base    *media            // the playlist that a delta update updates, nil without one
}

// document is a playlist after lexing: at most one of media and multi is set.
type document struct {
	media *mediaDraft
	multi *multiDraft
	vars  variables
	notes notes
	clean []byte // what the library decodes
}

// notes collects remarks for people, bounded.
type notes struct {
	list []string
	more int
}

func (n *notes) add(line int, format string, args ...any) {
	if len(n.list) >= MaxNotes {
		n.more++
		return
	}
	n.list = append(n.list, fmt.Sprintf("line %d: "+format, append([]any{line}, args...)...))
}

func (n *notes) all() []string {
	if n.more == 0 {
		return n.list
	}
	return append(n.list[:len(n.list):len(n.list)], fmt.Sprintf("and %d more notes", n.more))
}

type lexer struct {
	doc      *document
	ctx      surroundings
	line     int
	head     []byte // header lines for the library
	bareCR   bool   // the document may have carriage returns inside lines
	cues     int    // EXT-X-DATERANGE seen
	cueLine  int    // line of the first
	expected int    // segments, for allocation
	ofMedia  int    // line of the first tag that only a media playlist has
	ofMulti  int    // line of the first tag that only a multivariant playlist has
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Sniff reports whether body looks like an HLS playlist: #EXTM3U first, after
// an optional byte order mark and blanks.
func Sniff(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, byteOrderMark), " \t\r\n")
	rest, ok := bytes.CutPrefix(body, []byte("#EXTM3U"))
	return ok && (len(rest) == 0 || rest[0] <= ' ')
}

// lex reads a document. Its errors name the line.
func lex(body []byte, ctx surroundings) (*document, error) {
	if len(body) > MaxPlaylistBytes {
		return nil, fmt.Errorf("hls: %w: %d bytes, at most %d are read", ErrLimit, len(body), MaxPlaylistBytes)
	}
	if !Sniff(body) {
		return nil, fmt.Errorf("hls: line 1: %w: it must begin with #EXTM3U", ErrNotPlaylist)
	}
	l := &lexer{doc: &document{}, ctx: ctx, bareCR: bytes.IndexByte(body, '\r') >= 0}
	// A segment takes two lines at least. Clean lines are about as long as the
	// original ones; an EXTINF gains an index.
	l.expected = min(bytes.Count(body, []byte{'\n'})/2+1, MaxSegments)
	l.doc.clean = append(cleanBuffer(len(body)+8*l.expected+64), cleanStart...)
	l.doc.vars.imports = ctx.imports
	if ctx.url != nil {
		l.doc.vars.query = ctx.url.Query()
	}
	for rest := bytes.TrimPrefix(body, byteOrderMark); len(rest) > 0; {
		l.line++
		var text []byte
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			text, rest = rest[:end], rest[end+1:]
		} else {
			text, rest = rest, nil
		}
		if err := l.take(text); err != nil {
			return nil, fmt.Errorf("hls: line %d: %w", l.line, err)
		}
	}
	if err := l.finish(); err != nil {
		return nil, fmt.Errorf("hls: line %d: %w", l.line, err)
	}
	return l.doc, nil
}

// take reads one line. Blank lines, blanks around a line and comments mean
// nothing (RFC 8216bis §4.1).
func (l *lexer) take(text []byte) error {
	if l.line > MaxLines {
		return fmt.Errorf("%w: more than %d lines", ErrLimit, MaxLines)
	}
	if len(text) > MaxLineBytes {
		return fmt.Errorf("%w: a line of more than %d bytes", ErrLimit, MaxLineBytes)
	}
	text = trim(text)
	if len(text) == 0 {
		return nil
	}
	if l.bareCR && bytes.IndexByte(text, '\r') >= 0 {
		return fmt.Errorf("%w: a bare carriage return; lines end with LF or CRLF", ErrSyntax)
	}
	if text[0] != '#' {
		return l.reference(text)
	}
	if !bytes.HasPrefix(text, []byte("#EXT")) {
		return nil
	}
	if value, ok := bytes.CutPrefix(text, []byte("#EXTINF:")); ok {
		l.extinf(trim(value)) // nearly every tag of a long playlist is this one
		return nil
	}
	name, value := text, []byte(nil)
	if colon := bytes.IndexByte(text, ':'); colon >= 0 {
		name, value = trim(text[:colon]), trim(text[colon+1:])
	}
	known, err := l.mediaTag(name, value)
	if !known && err == nil {
		known, err = l.multiTag(name, value)
	}
	if !known && err == nil && string(name) == "#EXT-X-DEFINE" {
		err = l.doc.vars.define(parseAttributes(string(value)))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// reference reads a line that is a URI.
func (l *lexer) reference(text []byte) error {
	if m := l.doc.multi; m != nil && m.open {
		return l.variantURI(text)
	}
	if m := l.doc.media; m != nil && m.pending.duration != nil {
		return l.segmentURI(text)
	}
	l.doc.notes.add(l.line, "a URI without EXTINF or EXT-X-STREAM-INF before it is ignored")
	return nil
}

// finish refuses what is neither or both (RFC 8216bis §4.1: a client must fail
// to parse a playlist that has tags of both kinds) and completes the clean text.
func (l *lexer) finish() error {
	switch {
	case l.ofMedia > 0 && l.ofMulti > 0:
		return fmt.Errorf("%w: media playlist tags (line %d) and multivariant playlist tags (line %d) in one playlist", ErrSyntax, l.ofMedia, l.ofMulti)
	case l.ofMedia == 0 && l.ofMulti == 0:
		return fmt.Errorf("%w: no segments and no variants", ErrNotPlaylist)
	}
	if l.doc.media != nil {
		l.finishMedia()
	}
	if l.doc.multi != nil {
		l.finishMulti()
	}
	l.doc.clean = slices.Insert(l.doc.clean, len(cleanStart), l.head...)
	return nil
}

// cleanStart begins every clean text.
const cleanStart = "#EXTM3U\n"

// header keeps a line for the library that must precede all segments, which in
// a document out of order is not where it was found.
func (l *lexer) header(line string) { l.head = append(l.head, line...) }

// attributes parses the value of the current tag.
func (l *lexer) attributes(value []byte) (attributes, error) {
	return l.doc.vars.attributes(string(value))
}

// integer reads a decimal-integer. Players take a negative or unreadable one
// for 0; so do we, with a note. One that does not fit is refused.
func (l *lexer) integer(name string, text string) (uint64, error) {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		return n, nil
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, fmt.Errorf("%w: %q does not fit 64 bits", ErrSyntax, text)
	}
	l.doc.notes.add(l.line, "%s %.40q is read as 0", name, text)
	return 0, nil
}

// seconds reads a decimal-floating-point number of seconds into nanoseconds,
// rounded. Negative and unreadable ones are 0, as players have it.
func (l *lexer) seconds(name, text string) int64 {
	s, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(s) || s < 0 {
		l.doc.notes.add(l.line, "%s %.40q is read as 0", name, text)
		return 0
	}
	if s > MaxSegmentDuration.Seconds() {
		l.doc.notes.add(l.line, "%s of %.40s seconds is cut to %v", name, text, MaxSegmentDuration)
		return int64(MaxSegmentDuration)
	}
	return int64(math.Round(s * 1e9))
}

// trim drops blanks and controls at both ends; bytes.TrimSpace would also look
// for Unicode blanks, which no playlist means.
func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}
