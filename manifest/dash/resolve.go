package dash

import (
	"strings"
)

// reference is a URL cut into the five components of RFC 3986 §3. Text is kept
// as written: two parsers that normalise differently would give peers different
// URLs for the same bytes.
type reference struct {
	scheme, authority, path, query, fragment string
	hasAuthority, hasQuery                   bool
}

// split applies the expression of RFC 3986 appendix B.
func split(s string) reference {
	var r reference
	s, r.fragment, _ = strings.Cut(s, "#")
	s, r.query, r.hasQuery = strings.Cut(s, "?")
	if i := strings.IndexByte(s, ':'); i > 0 && isScheme(s[:i]) {
		r.scheme, s = s[:i], s[i+1:]
	}
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		r.hasAuthority = true
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			r.authority, s = rest[:i], rest[i:]
		} else {
			r.authority, s = rest, ""
		}
	}
	r.path = s
	return r
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if c >= 'a' && c <= 'z' {
			continue
		}
		if i == 0 || !(s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.') {
			return false
		}
	}
	return true
}

func (r reference) String() string {
	var b strings.Builder
	if r.scheme != "" {
		b.WriteString(strings.ToLower(r.scheme) + ":")
	}
	if r.hasAuthority {
		b.WriteString("//" + r.authority)
	}
	b.WriteString(r.path)
	if r.hasQuery {
		b.WriteString("?" + r.query)
	}
	return b.String()
}

// resolve is RFC 3986 §5.2.2 on text, with the characters that a browser would
// escape escaped. A fragment is dropped: it is never sent.
func resolve(base, ref string) string {
	b, r := split(base), split(escape(strings.TrimSpace(ref)))
	if r.scheme != "" {
		if r.hasAuthority && r.path == "" {
			r.path = "/"
		}
		if r.hasAuthority {
			r.path = removeDots(r.path)
		}
		return r.String()
	}
	r.scheme = b.scheme
	if !r.hasAuthority {
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
		switch {
		case r.path == "":
			r.path = b.path
			if !r.hasQuery {
				r.query, r.hasQuery = b.query, b.hasQuery
			}
			return r.String()
		case r.path[0] == '/':
		case b.hasAuthority && b.path == "":
			r.path = "/" + r.path
		default:
			r.path = b.path[:strings.LastIndexByte(b.path, '/')+1] + r.path
		}
	}
	if r.hasAuthority && r.path == "" {
		r.path = "/"
	}
	r.path = removeDots(r.path)
	return r.String()
}

// removeDots is RFC 3986 §5.2.4.
func removeDots(path string) string {
	if !strings.Contains(path, "/.") && !strings.HasPrefix(path, ".") {
		return path
	}
	segments := strings.Split(path, "/")
	kept := segments[:0:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			if n := len(kept); n > 1 || n == 1 && kept[0] != "" {
				kept = kept[:n-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	out := strings.Join(kept, "/")
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(out, "/") {
		out = "/" + out
	}
	return out
}

// escape percent-encodes what a browser does before it sends a path: controls,
// space, the delimiters of HTML and everything outside ASCII.
func escape(s string) string {
	clean := true
	for i := range len(s) {
		if mustEscape(s[i]) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\t' || c == '\r' || c == '\n':
		case mustEscape(c):
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func mustEscape(c byte) bool {
	return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>`{}", c) >= 0
}

// fetchable reports whether a URL is one that we may ever fetch or name.
func fetchable(u string) bool {
	return len(u) <= MaxURLLength && (strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://"))
}

// canonical brings a URL into the form in which two spellings of it are equal:
// lower-case host, no default port, no fragment.
func canonical(u string) string {
	r := split(u)
	r.fragment = ""
	r.scheme = strings.ToLower(r.scheme)
	r.authority = strings.ToLower(r.authority[strings.LastIndexByte(r.authority, '@')+1:])
	switch r.scheme {
	case "http":
		r.authority = strings.TrimSuffix(r.authority, ":80")
	case "https":
		r.authority = strings.TrimSuffix(r.authority, ":443")
	}
	return r.String()
}

func withoutQuery(u string) string {
	before, _, _ := strings.Cut(u, "?")
	return before
}
