package player

import (
	"bytes"
	"net/url"
	"strings"
)

// maxVariables bounds the EXT-X-DEFINE variables of one playlist.
const maxVariables = 256

// uriAttributes of HLS tags hold URLs (RFC 8216bis §4.4).
var uriAttributes = map[string]bool{"URI": true, "SERVER-URI": true, "X-ASSET-URI": true, "X-ASSET-LIST": true}

// rewriteHLS replaces the URLs of a playlist at base that would lead past the
// gateway; all other bytes stay. imported are the variables of the multivariant
// playlist (EXT-X-DEFINE:IMPORT); those that this playlist defines come back.
func rewriteHLS(m mirror, base reference, body []byte, imported map[string]string) ([]byte, map[string]string) {
	vars := variables{defined: make(map[string]string), imported: imported, query: queryOf(base)}
	out := make([]byte, 0, len(body)+len(body)/8)
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line = body[:i+1]
		}
		body = body[len(line):]
		out = append(out, rewriteLine(m, base, string(line), &vars)...)
	}
	return out, vars.defined
}

func rewriteLine(m mirror, base reference, line string, vars *variables) string {
	text := strings.TrimPrefix(line, "\ufeff")
	lead := line[:len(line)-len(text)]
	if strings.HasPrefix(text, "#EXT") {
		if attrs, ok := strings.CutPrefix(text, "#EXT-X-DEFINE:"); ok {
			vars.define(attrs)
			return line
		}
		return lead + rewriteTag(m, base, text, vars)
	}
	if strings.HasPrefix(text, "#") {
		return line
	}
	uri := strings.TrimSpace(text)
	if uri == "" {
		return line
	}
	replaced, changed := rewriteURI(m, base, uri, vars)
	if !changed {
		return line
	}
	at := strings.Index(text, uri)
	return lead + text[:at] + replaced + text[at+len(uri):]
}

func rewriteTag(m mirror, base reference, tag string, vars *variables) string {
	var b strings.Builder
	done := 0
	for a := range attributes(tag) {
		if !uriAttributes[a.name] || !a.quoted {
			continue
		}
		if replaced, changed := rewriteURI(m, base, a.value, vars); changed && !strings.ContainsAny(replaced, "\"\r\n") {
			b.WriteString(tag[done:a.at])
			b.WriteString(replaced)
			done = a.at + len(a.value)
		}
	}
	if done == 0 {
		return tag
	}
	b.WriteString(tag[done:])
	return b.String()
}

// rewriteURI decides on the URI with its variables filled in, and keeps the
// original where no change is needed: the player fills them in itself.
func rewriteURI(m mirror, base reference, uri string, vars *variables) (string, bool) {
	filled, ok := vars.fill(uri)
	if !ok {
		return uri, false
	}
	return m.rewrite(base, filled)
}

// attribute of a tag's attribute list (RFC 8216bis §4.2); at is the value's
// offset in the line, inside the quotes when quoted.
type attribute struct {
	name, value string
	at          int
	quoted      bool
}

func attributes(tag string) func(yield func(attribute) bool) {
	return func(yield func(attribute) bool) {
		i := strings.IndexByte(tag, ':')
		if i < 0 {
			return
		}
		for i++; i < len(tag); {
			eq := strings.IndexByte(tag[i:], '=')
			if eq < 0 {
				return
			}
			a := attribute{name: strings.TrimSpace(tag[i : i+eq]), at: i + eq + 1}
			if comma := strings.LastIndexByte(a.name, ','); comma >= 0 {
				a.name = strings.TrimSpace(a.name[comma+1:]) // EXTINF-like or valueless items before it
			}
			end := len(tag)
			if a.at < len(tag) && tag[a.at] == '"' {
				a.quoted = true
				a.at++
				if q := strings.IndexByte(tag[a.at:], '"'); q >= 0 {
					end = a.at + q
				} else {
					return
				}
			} else if c := strings.IndexByte(tag[a.at:], ','); c >= 0 {
				end = a.at + c
			}
			a.value = tag[a.at:end]
			if !yield(a) {
				return
			}
			if a.quoted {
				end++
			}
			if i = end; i < len(tag) && tag[i] == ',' {
				i++
			}
		}
	}
}

// variables of EXT-X-DEFINE (RFC 8216bis §4.4.2.3).
type variables struct {
	defined, imported map[string]string
	query             url.Values // of the playlist's URL, for QUERYPARAM
}

func (v *variables) define(attrs string) {
	if len(v.defined) >= maxVariables {
		return
	}
	values := make(map[string]string)
	for a := range attributes(":" + attrs) {
		values[a.name] = a.value
	}
	if name, ok := values["NAME"]; ok {
		if filled, ok := v.fill(values["VALUE"]); ok {
			v.defined[name] = filled
		}
	} else if name, ok := values["IMPORT"]; ok {
		if value, ok := v.imported[name]; ok {
			v.defined[name] = value
		}
	} else if name, ok := values["QUERYPARAM"]; ok && v.query.Has(name) {
		v.defined[name] = v.query.Get(name)
	}
}

// fill replaces {$name}; ok is false when one is not known.
func (v *variables) fill(s string) (string, bool) {
	if !strings.Contains(s, "{$") {
		return s, true
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "{$")
		if i < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			return "", false
		}
		value, ok := v.defined[s[i+2:i+j]]
		if !ok || b.Len()+len(value) > maxFilled {
			return "", false
		}
		b.WriteString(s[:i])
		b.WriteString(value)
		s = s[i+j+1:]
	}
}

// maxFilled bounds a URI after its variables are filled in, in bytes: a value
// may hold earlier variables, which doubles with each definition.
const maxFilled = 8 << 10

func queryOf(base reference) url.Values {
	query, _, _ := strings.Cut(strings.TrimPrefix(base.rest, "?"), "#")
	values, _ := url.ParseQuery(query) // what is malformed is left out
	return values
}
