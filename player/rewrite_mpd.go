package player

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// maxDepth of an MPD's elements; the schema needs 8.
const maxDepth = 64

// urlElements have a URL as their content, urlAttributes as their value, each
// with the elements they count on (ISO/IEC 23009-1 §5.6, §5.3.9; XLink 1.0).
var (
	urlElements   = map[string]bool{"BaseURL": true, "Location": true, "PatchLocation": true}
	urlAttributes = map[string]map[string]bool{
		"SegmentTemplate":     {"media": true, "initialization": true, "index": true, "bitstreamSwitching": true},
		"SegmentURL":          {"media": true, "index": true},
		"Initialization":      {"sourceURL": true},
		"RepresentationIndex": {"sourceURL": true},
		"BitstreamSwitching":  {"sourceURL": true},
	}
)

// mpdRewriter walks an MPD's tokens and copies its bytes, with URLs that would
// lead past the gateway replaced in place.
type mpdRewriter struct {
	m     mirror
	src   []byte
	out   bytes.Buffer
	done  int // bytes of src copied or replaced
	bases []reference
	fixed []bool // the element's base came from a BaseURL of its own: the first one counts

	text  string // name of the URL element being read
	begin int    // offset of its content
	chars strings.Builder
}

// rewriteMPD replaces the URLs of an MPD or MPD patch at base; all other bytes
// stay. Relative URLs resolve against the nearest first BaseURL (§5.6.4).
func rewriteMPD(m mirror, base reference, body []byte) ([]byte, error) {
	w := &mpdRewriter{m: m, src: body, bases: []reference{base}, fixed: []bool{false}}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // markup is ASCII in all that players accept
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("player: rewrite MPD at byte %d: %w", start, err)
		}
		if err := w.token(token, start, int(d.InputOffset())); err != nil {
			return nil, err
		}
	}
	w.out.Write(w.src[w.done:])
	return w.out.Bytes(), nil
}

func (w *mpdRewriter) token(token xml.Token, start, end int) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(w.bases) > maxDepth {
			return fmt.Errorf("player: rewrite MPD at byte %d: more than %d elements deep", start, maxDepth)
		}
		w.attributes(t, start, end)
		if urlElements[t.Name.Local] {
			w.text, w.begin = t.Name.Local, end
			w.chars.Reset()
		}
		w.bases = append(w.bases, w.bases[len(w.bases)-1])
		w.fixed = append(w.fixed, false)
	case xml.EndElement:
		if len(w.bases) == 1 {
			return fmt.Errorf("player: rewrite MPD at byte %d: </%s> closes nothing", start, t.Name.Local)
		}
		w.bases, w.fixed = w.bases[:len(w.bases)-1], w.fixed[:len(w.fixed)-1]
		if w.text == t.Name.Local {
			w.content(start)
		}
		w.text = ""
	case xml.CharData:
		if w.text != "" {
			w.chars.Write(t)
		}
	}
	return nil
}

// content replaces a URL element's text, white space around it kept, and makes
// the first BaseURL the base of its siblings. A BaseURL resolves against its
// grandparent's level, Location and PatchLocation against the MPD's own URL.
func (w *mpdRewriter) content(end int) {
	if end <= w.begin { // <BaseURL/>
		return
	}
	level := len(w.bases) - 1
	outer := w.bases[0]
	if w.text == "BaseURL" && level > 0 {
		outer = w.bases[level-1]
	}
	url := strings.TrimSpace(w.chars.String())
	if url == "" {
		return
	}
	if w.text == "BaseURL" && !w.fixed[level] {
		w.fixed[level] = true
		w.bases[level] = outer.resolve(splitReference(url))
	}
	replaced, changed := w.m.rewrite(outer, url)
	if !changed {
		return
	}
	raw := w.src[w.begin:end]
	lead := len(raw) - len(bytes.TrimLeft(raw, " \t\r\n"))
	trail := len(raw) - len(bytes.TrimRight(raw, " \t\r\n"))
	w.replace(w.begin+lead, end-trail, replaced)
}

func (w *mpdRewriter) attributes(t xml.StartElement, start, end int) {
	names := urlAttributes[t.Name.Local]
	base := w.bases[len(w.bases)-1]
	scheme := ""
	for _, a := range t.Attr {
		if a.Name.Local == "schemeIdUri" {
			scheme = a.Value
		}
	}
	clock := t.Name.Local == "UTCTiming" && strings.Contains(scheme, ":http-")
	for _, at := range rawAttributes(w.src[start:end]) {
		local := at.name[strings.IndexByte(at.name, ':')+1:]
		link := local == "href" && at.name != local
		if !names[local] && !link && !(clock && at.name == "value") {
			continue
		}
		value, ok := valueOf(t, at.name)
		if !ok {
			continue
		}
		if replaced, changed := w.urls(base, value, clock); changed {
			w.replace(start+at.from, start+at.to, replaced)
		}
	}
}

// urls rewrites one URL, or the white-space separated list of a UTCTiming.
func (w *mpdRewriter) urls(base reference, value string, list bool) (string, bool) {
	if !list {
		return w.m.rewrite(base, strings.TrimSpace(value))
	}
	parts := strings.Fields(value)
	changed := false
	for i, p := range parts {
		if r, ok := w.m.rewrite(base, p); ok {
			parts[i], changed = r, true
		}
	}
	return strings.Join(parts, " "), changed
}

func (w *mpdRewriter) replace(from, to int, text string) {
	w.out.Write(w.src[w.done:from])
	_ = xml.EscapeText(&w.out, []byte(text)) // a Buffer does not fail
	w.done = to
}

// valueOf returns the unescaped value of an attribute by its raw name.
func valueOf(t xml.StartElement, name string) (string, bool) {
	for _, a := range t.Attr {
		full := a.Name.Local
		if a.Name.Space != "" {
			full = a.Name.Space + ":" + full
		}
		if full == name {
			return a.Value, true
		}
	}
	return "", false
}

// rawAttribute is where a value lies in a start tag, between its quotes.
type rawAttribute struct {
	name     string
	from, to int
}

// rawAttributes finds quoted values in a start tag that the decoder accepted;
// unquoted ones (not XML) are skipped.
func rawAttributes(tag []byte) []rawAttribute {
	const space = " \t\r\n"
	var found []rawAttribute
	i := bytes.IndexAny(tag, space)
	for i >= 0 && i < len(tag) {
		eq := bytes.IndexByte(tag[i:], '=')
		if eq < 0 {
			return found
		}
		name := string(bytes.Trim(tag[i:i+eq], space))
		if f := strings.Fields(name); len(f) > 0 {
			name = f[len(f)-1]
		}
		v := i + eq + 1
		for v < len(tag) && bytes.IndexByte([]byte(space), tag[v]) >= 0 {
			v++
		}
		if v >= len(tag) || tag[v] != '"' && tag[v] != '\'' {
			i = v
			continue
		}
		to := bytes.IndexByte(tag[v+1:], tag[v])
		if to < 0 {
			return found
		}
		found = append(found, rawAttribute{name: name, from: v + 1, to: v + 1 + to})
		i = v + to + 2
	}
	return found
}
