package dash

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// The mpd package (v0.17.0) refuses a whole document for one attribute that it
// cannot decode, and holds some in types narrower than players accept:
//
//   - a duration with years, months or a fractional hour, with a sign, or with
//     space around it;
//   - "2000000.0", or anything above 32 bits, in @duration and @startNumber;
//   - a negative @presentationTimeOffset;
//   - an AdaptationSet@id that is not a number;
//   - an attribute of a foreign namespace whose local name is one of its own.
//
// and it never returns for a ">" in character data, which is legal XML: its
// decoder yields no token and no error there, for ever.
//
// tidy rewrites those in one pass over the bytes, takes the S elements out (see
// entry), and copies nothing when there is nothing to rewrite. It is also where the document's size is counted and
// where a document type declaration, the door to entity bombs and to reading
// local files, is refused.

// widened are the attributes of one SegmentBase, SegmentList or SegmentTemplate
// that the mpd package's types cannot hold. Its number in the list is appended
// to @indexRange behind widenedMark, which mpd keeps as text.
type widened map[string]int64

const widenedMark = "|"

// tidied is a document that mpd.MPDFromBytes decodes.
type tidied struct {
	body    []byte
	widened []widened
	entries [][]entry // of each SegmentTimeline
	notes   []string
}

type edit struct {
	from, to int
	text     string
}

type tidier struct {
	in     []byte
	out    []byte
	copied int // in[:copied] is in out already
	pos    int

	stack    []*element
	elements int
	entries  int
	periods  int
	reps     int

	edits []edit
	wide  widened
	done  tidied
}

func tidy(body []byte) (tidied, error) {
	if len(body) > MaxBytes {
		return tidied{}, fmt.Errorf("dash: MPD of %d bytes, the limit is %d: %w", len(body), MaxBytes, ErrLimit)
	}
	body, err := toUTF8(body)
	if err != nil {
		return tidied{}, err
	}
	t := tidier{in: body}
	if err := t.run(); err != nil {
		return tidied{}, err
	}
	t.done.body = body
	if t.out != nil {
		t.done.body = append(t.out, body[t.copied:]...)
	}
	return t.done, nil
}

func (t *tidier) line(pos int) int { return 1 + bytes.Count(t.in[:min(pos, len(t.in))], []byte{'\n'}) }

func (t *tidier) syntax(pos int, what string) error {
	return fmt.Errorf("dash: line %d: %s: %w", t.line(pos), what, ErrSyntax)
}

func (t *tidier) run() error {
	for {
		i := bytes.IndexByte(t.in[t.pos:], '<')
		if i < 0 || t.pos+i+1 >= len(t.in) {
			t.escapeText(t.pos, len(t.in))
			return nil
		}
		t.escapeText(t.pos, t.pos+i)
		t.pos += i
		var err error
		switch rest := t.in[t.pos:]; {
		case rest[1] == '/':
			var e *element
			if n := len(t.stack); n > 0 {
				e, t.stack = t.stack[n-1], t.stack[:n-1]
			}
			from := t.pos
			if err = t.skipPast(">"); err == nil && e != nil && e.entry {
				t.cut(from, t.pos, "")
			}
		case rest[1] == '?':
			err = t.skipPast("?>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = t.skipPast("-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			err = t.skipPast("]]>")
		case rest[1] == '!':
			return t.syntax(t.pos, "document type declarations are refused")
		default:
			err = t.start()
		}
		if err != nil {
			return err
		}
	}
}

// escapeText writes "&gt;" for each ">" in the character data in[from:to].
func (t *tidier) escapeText(from, to int) {
	for {
		i := bytes.IndexByte(t.in[from:to], '>')
		if i < 0 {
			return
		}
		t.cut(from+i, from+i+1, "&gt;")
		from += i + 1
	}
}

func (t *tidier) skipPast(end string) error {
	i := bytes.Index(t.in[t.pos:], []byte(end))
	if i < 0 {
		return t.syntax(t.pos, "markup without its "+strconv.Quote(end))
	}
	t.pos += i + len(end)
	return nil
}

// start reads one start tag with its attributes.
func (t *tidier) start() error {
	begin := t.pos
	t.pos++
	name := local(t.name())
	e := t.enter(name)
	if err := t.count(begin, name); err != nil {
		return err
	}
	t.edits, t.wide = t.edits[:0], nil
	var s entry
	indexRange := -1 // in t.edits
	for {
		t.space()
		if t.pos >= len(t.in) {
			return t.syntax(begin, "element without its end")
		}
		if c := t.in[t.pos]; c == '>' || c == '/' {
			break
		}
		from := t.pos
		full := t.name()
		t.space()
		if len(full) == 0 || t.pos >= len(t.in) || t.in[t.pos] != '=' {
			return t.syntax(from, "attribute without a value in "+string(name))
		}
		t.pos++
		t.space()
		if t.pos >= len(t.in) || t.in[t.pos] != '"' && t.in[t.pos] != '\'' {
			return t.syntax(from, "attribute value without quotes in "+string(name))
		}
		quote := t.in[t.pos]
		t.pos++
		n := bytes.IndexByte(t.in[t.pos:], quote)
		if n < 0 {
			return t.syntax(from, "attribute value without its end in "+string(name))
		}
		val := t.in[t.pos : t.pos+n]
		t.pos += n + 1
		if e == nil {
			continue
		}
		if e.entry {
			s.set(full, val)
			continue
		}
		if e.segments && string(full) == "indexRange" {
			indexRange = len(t.edits)
			t.edits = append(t.edits, edit{t.pos - 1, t.pos - 1, ""})
			continue
		}
		t.repair(e, full, val, from)
	}
	if t.wide != nil {
		mark := widenedMark + strconv.Itoa(len(t.done.widened))
		t.done.widened = append(t.done.widened, t.wide)
		if indexRange >= 0 {
			t.edits[indexRange].text = mark
		} else {
			t.edits = append(t.edits, edit{t.pos, t.pos, ` indexRange="` + mark + `"`})
		}
	}
	for _, ed := range t.edits {
		if ed.from == ed.to && ed.text == "" {
			continue
		}
		t.cut(ed.from, ed.to, ed.text)
	}
	closed := t.in[t.pos] == '/'
	if closed {
		t.stack = t.stack[:len(t.stack)-1]
		if t.pos++; t.pos >= len(t.in) || t.in[t.pos] != '>' {
			return t.syntax(begin, "a slash inside the tag of "+string(name))
		}
	}
	t.pos++
	switch {
	case e == nil:
	case e.entry:
		t.cut(begin, t.pos, "")
		t.addEntry(s)
	case e.timeline && !closed:
		t.timelineStart()
	}
	return nil
}

// cut puts text in the place of in[from:to].
func (t *tidier) cut(from, to int, text string) {
	t.out = append(append(t.out, t.in[t.copied:from]...), text...)
	t.copied = to
}

func (t *tidier) enter(name []byte) *element {
	var e *element
	if n := len(t.stack); n > 0 {
		if parent := t.stack[n-1]; parent != nil {
			e = parent.children[string(name)]
		}
	} else if string(name) == "MPD" {
		e = schema()
	}
	t.stack = append(t.stack, e)
	return e
}

func (t *tidier) count(begin int, name []byte) error {
	if len(t.stack) > MaxDepth {
		return overLimit(t.line(begin), "levels of nested elements", MaxDepth)
	}
	if string(name) == "S" {
		if t.entries++; t.entries > MaxTimelineEntries {
			return overLimit(t.line(begin), "S elements", MaxTimelineEntries)
		}
		return nil
	}
	if t.elements++; t.elements > MaxElements {
		return overLimit(t.line(begin), "elements", MaxElements)
	}
	switch string(name) {
	case "Period":
		if t.periods++; t.periods > MaxPeriods {
			return overLimit(t.line(begin), "Period elements", MaxPeriods)
		}
	case "Representation":
		if t.reps++; t.reps > MaxRepresentations {
			return overLimit(t.line(begin), "Representation elements", MaxRepresentations)
		}
	}
	return nil
}

func (t *tidier) space() {
	for t.pos < len(t.in) {
		switch t.in[t.pos] {
		case ' ', '\t', '\r', '\n':
			t.pos++
		default:
			return
		}
	}
}

func (t *tidier) name() []byte {
	from := t.pos
	for t.pos < len(t.in) {
		switch t.in[t.pos] {
		case ' ', '\t', '\r', '\n', '=', '>', '/', '"', '\'', '<':
			return t.in[from:t.pos]
		}
		t.pos++
	}
	return t.in[from:t.pos]
}

func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// repair replaces or drops an attribute that the mpd package would refuse.
func (t *tidier) repair(e *element, full, val []byte, from int) {
	a, typed := e.attributes[string(local(full))]
	if !typed {
		return
	}
	to := t.pos
	drop := func() {
		t.edits = append(t.edits, edit{from, to, ""})
	}
	if len(local(full)) != len(full) {
		if string(full[:bytes.IndexByte(full, ':')]) != "xmlns" {
			drop()
		}
		return
	}
	replace := func(text string) {
		t.edits = append(t.edits, edit{from, to, string(full) + `="` + text + `"`})
	}
	text := strings.TrimSpace(string(val))
	switch a.value {
	case valueBool:
		if _, err := strconv.ParseBool(text); err != nil {
			drop()
			t.note(from, e, full, val)
		}
	case valueFloat:
		if text == "INF" && len(text) == len(val) {
			return
		}
		if f, err := strconv.ParseFloat(text, 64); err != nil || math.IsNaN(f) {
			drop()
			t.note(from, e, full, val)
		} else if len(text) != len(val) {
			replace(text)
		}
	case valueDuration:
		d, err := ParseDuration(text)
		if err != nil {
			drop()
			t.note(from, e, full, val)
			return
		}
		if got, err := mpd.ParseDuration(string(val)); err != nil || (got-d).Abs() > 1000 {
			replace("PT" + strconv.FormatFloat(max(d, 0).Seconds(), 'f', -1, 64) + "S")
		}
	case valueSigned, valueUnsigned:
		t.repairInteger(e, a, full, text, drop, replace)
	}
}

func (t *tidier) repairInteger(e *element, a attribute, full []byte, text string, drop func(), replace func(string)) {
	if a.value == valueUnsigned {
		if _, err := strconv.ParseUint(text, 10, a.bits); err == nil {
			return
		}
	} else if _, err := strconv.ParseInt(text, 10, a.bits); err == nil {
		return
	}
	whole, ok := integerOf(text)
	switch {
	case ok && e.segments:
		drop()
		if t.wide == nil {
			t.wide = widened{}
		}
		t.wide[string(full)] = whole
	case ok && a.value == valueUnsigned && whole >= 0 && (a.bits == 64 || whole < 1<<a.bits):
		replace(strconv.FormatInt(whole, 10))
	case ok && a.value == valueSigned && (a.bits == 64 || whole < 1<<(a.bits-1) && whole >= -1<<(a.bits-1)):
		replace(strconv.FormatInt(whole, 10))
	default:
		drop()
		if string(full) != "id" {
			t.note(t.pos, e, full, []byte(text))
		}
	}
}

// maxNotes bounds what is said about one document.
const maxNotes = 32

func (t *tidier) note(pos int, e *element, attr, val []byte) {
	if len(t.done.notes) < maxNotes {
		t.done.notes = append(t.done.notes, fmt.Sprintf("line %d: %s@%s=%.40q cannot be read and is ignored",
			t.line(pos), e.name, attr, val))
	}
}

func trimmed(val []byte) string { return string(bytes.TrimSpace(val)) }

// integerOf reads an integer that may carry a sign or a zero fraction, and
// saturates at ±2⁶³.
func integerOf(text string) (int64, bool) {
	if i := strings.IndexByte(text, '.'); i >= 0 && strings.Trim(text[i+1:], "0") == "" {
		text = text[:i]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, true
	}
	if ne, isNum := err.(*strconv.NumError); isNum && ne.Err == strconv.ErrRange {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) >= 1<<62 {
		return 0, false
	}
	return int64(math.Round(f)), true
}
