package player

import (
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// hopByHop headers concern one connection (RFC 9110 §7.6.1) and are never
// passed on. Proxy-Authorization is the gateway's own.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// forwardable returns h without hop-by-hop headers, those that Connection names
// included.
func forwardable(h http.Header) http.Header {
	out := h.Clone()
	if out == nil {
		out = make(http.Header)
	}
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			out.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		out.Del(name)
	}
	return out
}

// originHeader is what of a player's media request goes to the origin. Ranges
// and conditions are answered here, since the peer fetches whole segments, and
// the transfer coding is the fetcher's.
func originHeader(h http.Header) http.Header {
	out := forwardable(h)
	for _, name := range []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Accept-Encoding"} {
		out.Del(name)
	}
	return out
}

// ambient remembers the headers of the player's last media request per origin,
// so that segments fetched ahead carry the same credentials. CMCD headers
// (CTA-5004) describe one request and are left out.
type ambient map[string]http.Header

// maxAmbientOrigins bounds it; a stream on more hosts goes without.
const maxAmbientOrigins = 16

func (a ambient) note(rawURL string, h http.Header) {
	key := originOf(rawURL)
	known, ok := a[key]
	if key == "" || !ok && len(a) >= maxAmbientOrigins || ok && sameButCMCD(known, h) {
		return
	}
	kept := h.Clone()
	maps.DeleteFunc(kept, func(name string, _ []string) bool { return isCMCD(name) })
	a[key] = kept
}

func isCMCD(name string) bool { return strings.HasPrefix(name, "Cmcd-") }

// sameButCMCD spares a copy for each of a player's many requests.
func sameButCMCD(known, h http.Header) bool {
	n := 0
	for name, values := range h {
		if isCMCD(name) {
			continue
		}
		if n++; !slices.Equal(known[name], values) {
			return false
		}
	}
	return n == len(known)
}

func (a ambient) forURL(rawURL string) http.Header { return a[originOf(rawURL)] }

// originOf is scheme and authority of an absolute URL, "" of another.
func originOf(rawURL string) string {
	scheme := strings.Index(rawURL, "://")
	if scheme < 0 {
		return ""
	}
	if end := strings.IndexAny(rawURL[scheme+3:], "/?#"); end >= 0 {
		return rawURL[:scheme+3+end]
	}
	return rawURL
}

// undecorated yields rawURL and, for the look-up in the manifest only, what
// players may have made it from: without its CMCD parameter, without its query.
func undecorated(rawURL string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(rawURL) {
			return
		}
		base, query, ok := strings.Cut(rawURL, "?")
		if !ok {
			return
		}
		var kept []string
		for pair := range strings.SplitSeq(query, "&") {
			if name, _, _ := strings.Cut(pair, "="); name != "CMCD" {
				kept = append(kept, pair)
			}
		}
		rest := strings.Join(kept, "&")
		if rest != query && rest != "" && !yield(base+"?"+rest) {
			return
		}
		yield(base)
	}
}
