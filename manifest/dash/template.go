package dash

import (
	"fmt"
	"strconv"
	"strings"
)

// identifier is a variable of a URL template that differs between the segments
// of one Representation (ISO/IEC 23009-1 §5.3.9.4.4).
type identifier uint8

const (
	none identifier = iota
	numberIdentifier
	timeIdentifier
	subNumberIdentifier
)

// piece is literal text followed by one identifier, or by none at the end.
type piece struct {
	text  string
	ident identifier
	width int    // minimum digits
	token string // as written
}

// template is a URL template, resolved against its base: what remains to do for
// a segment is to write digits between literals.
type template []piece

// address is what a template's identifiers stand for.
type address struct {
	number, time, sub uint64
}

// parseInitialization reads SegmentTemplate@initialization, in which identifiers
// that differ between segments have no meaning and stay as written (§5.3.9.4.2).
func parseInitialization(s, representation string, bandwidth uint64) (string, error) {
	t, err := parseTemplate(s, representation, bandwidth)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		if p.ident != none {
			b.WriteString("$" + p.token + "$")
		}
	}
	return b.String(), nil
}

// parseTemplate substitutes $RepresentationID$, $Bandwidth$ and $$ in s and cuts
// it at the identifiers that vary. An identifier that is unknown or not closed
// stays literal, as players leave it.
func parseTemplate(s, representation string, bandwidth uint64) (template, error) {
	var t template
	var text strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '$')
		j := -1
		if i >= 0 {
			j = strings.IndexByte(s[i+1:], '$')
		}
		if j < 0 {
			text.WriteString(s)
			break
		}
		text.WriteString(s[:i])
		token := s[i+1 : i+1+j]
		s = s[i+j+2:]
		name, format, formatted := strings.Cut(token, "%")
		width := 1
		if formatted {
			var err error
			if width, err = formatWidth(format); err != nil {
				return nil, err
			}
		}
		var ident identifier
		switch name {
		case "":
			text.WriteByte('$')
			continue
		case "RepresentationID":
			text.WriteString(representation)
			continue
		case "Bandwidth":
			fmt.Fprintf(&text, "%0*d", width, bandwidth)
			continue
		case "Number":
			ident = numberIdentifier
		case "Time":
			ident = timeIdentifier
		case "SubNumber":
			ident = subNumberIdentifier
		default:
			text.WriteString("$" + token)
			s = "$" + s
			if j2 := strings.IndexByte(s[1:], '$'); j2 < 0 {
				text.WriteByte('$')
				s = s[1:]
			}
			continue
		}
		t = append(t, piece{text.String(), ident, width, token})
		text.Reset()
	}
	return append(t, piece{text: text.String()}), nil
}

// formatWidth reads the "0Nd" of "%0Nd".
func formatWidth(format string) (int, error) {
	digits, ok := strings.CutSuffix(format, "d")
	if !ok || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("dash: template format %%%.20s is not %%0Nd", format)
	}
	n, err := strconv.Atoi("0" + digits)
	if err != nil || n > MaxFormatWidth {
		return 0, fmt.Errorf("dash: template format %%%.20s asks for more than %d digits: %w", format, MaxFormatWidth, ErrLimit)
	}
	return max(n, 1), nil
}

func (t template) has(id identifier) bool {
	for _, p := range t {
		if p.ident == id {
			return true
		}
	}
	return false
}

// resolve makes the template absolute. A token of letters stands in for each
// identifier meanwhile, because "%05d" is not a legal part of a URL.
func (t template) resolve(base string) template {
	token := "qzq"
	for strings.Contains(base, token) || t.contains(token) {
		token += "zq"
	}
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		if p.ident != none {
			b.WriteString(token)
		}
	}
	texts := strings.Split(resolve(base, b.String()), token)
	out := make(template, len(texts))
	for i, text := range texts {
		out[i] = t[i]
		out[i].text = text
	}
	return out
}

func (t template) contains(token string) bool {
	for _, p := range t {
		if strings.Contains(p.text, token) {
			return true
		}
	}
	return false
}

func (t template) expand(a address) string {
	buf := make([]byte, 0, 128)
	for _, p := range t {
		buf = append(buf, p.text...)
		switch p.ident {
		case numberIdentifier:
			buf = appendPadded(buf, a.number, p.width)
		case timeIdentifier:
			buf = appendPadded(buf, a.time, p.width)
		case subNumberIdentifier:
			buf = appendPadded(buf, a.sub, p.width)
		}
	}
	return string(buf)
}

func appendPadded(buf []byte, n uint64, width int) []byte {
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], n, 10)
	for i := len(d); i < width; i++ {
		buf = append(buf, '0')
	}
	return append(buf, d...)
}

// match is the inverse of expand.
func (t template) match(url string) (a address, ok bool) {
	p := t[0]
	rest, found := strings.CutPrefix(url, p.text)
	if !found {
		return a, false
	}
	if p.ident == none {
		return a, rest == "" && len(t) == 1
	}
	digits := 0
	for digits < len(rest) && digits < MaxFormatWidth && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	// Longest first; shorter ones only matter when a digit follows in the text.
	for ; digits >= p.width; digits-- {
		if digits > p.width && rest[0] == '0' {
			continue
		}
		n, err := strconv.ParseUint(rest[:digits], 10, 64)
		if err != nil {
			continue
		}
		if a, ok = t[1:].match(rest[digits:]); !ok {
			continue
		}
		switch p.ident {
		case numberIdentifier:
			a.number = n
		case timeIdentifier:
			a.time = n
		case subNumberIdentifier:
			a.sub = n
		}
		return a, true
	}
	return address{}, false
}

// queryVaries reports whether the query must be looked at to tell segments apart.
func (t template) queryVaries() bool {
	inQuery := false
	for _, p := range t {
		inQuery = inQuery || strings.Contains(p.text, "?")
		if inQuery && p.ident != none {
			return true
		}
	}
	return false
}

// withoutQuery cuts a template whose query does not vary.
func (t template) withoutQuery() template {
	last := len(t) - 1
	text := withoutQuery(t[last].text)
	if len(text) == len(t[last].text) {
		return t
	}
	out := append(template(nil), t...)
	out[last].text = text
	return out
}
