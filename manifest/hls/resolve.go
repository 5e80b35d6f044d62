package hls

import (
	"net/url"
	"strings"
)

// resolver turns the references of one document into absolute URLs. Segments
// keep their reference and are resolved when somebody looks, because a window
// of 43,200 segments is refreshed far more often than it is read.
type resolver struct {
	base *url.URL
	dir  string // scheme://host/path/ up to the last slash, "" when not hierarchical
	root string // scheme://host
}

func newResolver(base *url.URL) *resolver {
	r := &resolver{base: base}
	if base.Scheme != "" && base.Opaque == "" {
		clean := url.URL{Scheme: base.Scheme, User: base.User, Host: base.Host}
		r.root = clean.String()
		if base.Scheme == "file" {
			r.root = "file://" + base.Host
		}
		path := base.EscapedPath()
		r.dir = r.root + path[:strings.LastIndexByte(path, '/')+1]
		if !strings.HasSuffix(r.dir, "/") {
			r.dir += "/"
		}
	}
	return r
}

// resolve makes ref absolute by RFC 3986 §5. It returns "" for what may not be
// fetched: a scheme other than http(s), unless the playlist itself has it.
func (r *resolver) resolve(ref string) string {
	if r.dir != "" && plainReference(ref) {
		if ref[0] == '/' {
			return r.root + ref
		}
		return r.dir + ref
	}
	u, err := url.Parse(sanitize(ref))
	if err != nil {
		return ""
	}
	abs := r.base.ResolveReference(u)
	if abs.Scheme != "http" && abs.Scheme != "https" && (u.Scheme != "" || abs.Scheme != r.base.Scheme) {
		return ""
	}
	if abs.Scheme != "" && abs.Scheme != "file" && abs.Host == "" {
		return ""
	}
	// Credentials of the playlist's own URL stay with its host.
	if abs.User != nil && !strings.EqualFold(abs.Host, r.base.Host) {
		abs.User = nil
	}
	abs.Fragment, abs.RawFragment = "", ""
	return abs.String()
}

// plainReference reports a path reference whose resolution is concatenation:
// no scheme, authority, dot segment or byte that needs escaping.
func plainReference(ref string) bool {
	if ref == "" || strings.HasPrefix(ref, "//") {
		return false
	}
	query, segment := false, 0
	for i := 0; i < len(ref); i++ {
		c := ref[i]
		switch {
		case plainByte[c]:
		case c == '?' && i > 0:
			query = true
		case c == '%':
			if i+2 >= len(ref) || !isHex(ref[i+1]) || !isHex(ref[i+2]) {
				return false
			}
		case c == '/':
			segment = i + 1
		case c == '.':
			if i == segment && !query {
				return false
			}
		case c == ':':
			if segment == 0 && !query {
				return false
			}
		default:
			return false
		}
	}
	return true
}

var plainByte = func() (t [256]bool) {
	for c := range 256 {
		b := byte(c)
		t[c] = 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
			strings.IndexByte("-_~!$&'()*+,;=@", b) >= 0
	}
	return
}()

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// sanitize escapes the bytes that url.Parse refuses or leaves raw in a query:
// controls, blanks, quotes, angle brackets, braces, non-ASCII, a stray "%".
func sanitize(ref string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(ref) {
		c := ref[i]
		stray := c == '%' && (i+2 >= len(ref) || !isHex(ref[i+1]) || !isHex(ref[i+2]))
		if stray || c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>`{}\\^|", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// fileName returns the last path component of an absolute or relative URL,
// without its query.
func fileName(u string) string {
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		u = u[:i]
	}
	return u[strings.LastIndexByte(u, '/')+1:]
}

// withoutQuery cuts the query and the fragment off.
func withoutQuery(u string) string {
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		return u[:i]
	}
	return u
}

// urlPath returns the escaped path of an absolute URL.
func urlPath(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return withoutQuery(u)
	}
	return parsed.EscapedPath()
}
