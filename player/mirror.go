package player

import (
	"fmt"
	"net/url"
	"strings"
)

// mirror maps origin URLs to gateway URLs and back. A path keeps its bytes: MPD
// templates hold $Number%05d$, which no URL parser returns as it was.
//
//	https://cdn.example:8443/a/b.m4s?t=1  ⇄  <prefix>/https/cdn.example:8443/a/b.m4s?t=1
type mirror struct {
	prefix string // of the gateway: scheme and host, no slash at the end
	// allowed says which hosts go through the gateway; URLs of others stay as
	// they are and the player fetches them itself.
	allowed func(scheme, host string) bool
}

// reference is a URL or relative reference in parts (RFC 3986 §5.2), undecoded.
type reference struct {
	scheme, host string
	path         string // with a leading slash when host is set, unless empty
	rest         string // query and fragment
}

// splitReference cuts s without decoding anything.
func splitReference(s string) reference {
	var r reference
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s, r.rest = s[:i], s[i:]
	}
	if i := strings.IndexAny(s, ":/"); i > 0 && s[i] == ':' {
		r.scheme, s = strings.ToLower(s[:i]), s[i+1:]
	}
	if after, ok := strings.CutPrefix(s, "//"); ok {
		r.host, s = after, ""
		if i := strings.IndexByte(after, '/'); i >= 0 {
			r.host, s = after[:i], after[i:]
		}
	}
	r.path = s
	return r
}

func (base reference) String() string {
	var b strings.Builder
	if base.scheme != "" {
		b.WriteString(base.scheme + ":")
	}
	if base.host != "" {
		b.WriteString("//" + base.host)
	}
	b.WriteString(base.path + base.rest)
	return b.String()
}

// resolve makes ref absolute against base, which is absolute.
func (base reference) resolve(ref reference) reference {
	switch {
	case ref.scheme != "":
		return ref
	case ref.host != "":
		ref.scheme = base.scheme
		return ref
	}
	out := reference{scheme: base.scheme, host: base.host, rest: ref.rest}
	switch {
	case strings.HasPrefix(ref.path, "/"):
		out.path = ref.path
	case ref.path == "":
		out.path = base.path
		if ref.rest == "" {
			out.rest = base.rest
		}
	default:
		out.path = base.path[:strings.LastIndexByte(base.path, '/')+1] + ref.path
		if !strings.HasPrefix(out.path, "/") {
			out.path = "/" + out.path
		}
	}
	out.path = removeDots(out.path)
	return out
}

// removeDots is RFC 3986 §5.2.4: a path never climbs above its root.
func removeDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	parts := strings.Split(path, "/")
	out := parts[:0:0]
	for i, p := range parts {
		last := i == len(parts)-1
		switch p {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, p)
		}
	}
	return strings.Join(out, "/")
}

// climbs reports whether a relative path leaves the root of base: under the
// gateway it would reach into another host's paths.
func (base reference) climbs(ref reference) bool {
	if !strings.Contains(ref.path, "..") {
		return false
	}
	depth := strings.Count(base.path, "/") - 1
	for p := range strings.SplitSeq(ref.path, "/") {
		switch p {
		case "..":
			if depth--; depth < 0 {
				return true
			}
		case ".":
		default:
			depth++
		}
	}
	return false
}

// rewrite returns what to write in a manifest at base instead of ref. changed is
// false when the mirrored paths make it right as it is, and for what is not
// http, has a user in it, or is on a host that is not allowed.
func (m mirror) rewrite(base reference, ref string) (out string, changed bool) {
	r := splitReference(ref)
	switch {
	case r.scheme != "" && (r.host == "" || r.scheme != "http" && r.scheme != "https"):
		return ref, false
	case r.scheme == "" && r.host == "" && !strings.HasPrefix(r.path, "/") && !base.climbs(r):
		return ref, false
	}
	abs := base.resolve(r)
	if strings.Contains(abs.host, "@") || strings.ContainsAny(abs.host, "{}$ ") || !m.allowed(abs.scheme, abs.host) {
		if r.scheme == "" {
			return abs.String(), true // a mirrored path would not lead there
		}
		return ref, false
	}
	if abs.path == "" {
		abs.path = "/"
	}
	return m.prefix + "/" + abs.scheme + "/" + abs.host + abs.path + abs.rest, true
}

// target reads a gateway path, as it came over the wire, into the origin's URL.
func target(escapedPath, rawQuery string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(strings.TrimPrefix(escapedPath, "/"), "/")
	if scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("the path must start with /http/ or /https/, not /%s/", scheme)
	}
	host, path, _ := strings.Cut(rest, "/")
	host, err := url.PathUnescape(host)
	if err != nil || host == "" || strings.ContainsAny(host, "@/?#\\ %") {
		return nil, fmt.Errorf("the path must name a host: /%s/<host>/<path>", scheme)
	}
	u, err := url.Parse(scheme + "://" + host + "/" + path)
	if err != nil {
		return nil, fmt.Errorf("the path does not make a URL: %w", err)
	}
	u.RawQuery = rawQuery
	return u, nil
}
