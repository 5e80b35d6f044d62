package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Guard lets in who shows the token, as a bearer token (RFC 6750 §2.1) or as the
// password of Basic authentication with any user name (RFC 7617), which browsers
// ask their user for and send with event streams too. refused is called for
// everybody else.
//
// Without a token only requests to a literal address or localhost pass: a web page
// could otherwise point a name of its own at a loopback listener and read it (DNS
// rebinding).
func Guard(token string, next http.Handler, refused func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case token == "" && literalHost(r.Host), token != "" && shows(r, token):
			next.ServeHTTP(w, r)
			return
		case token == "":
			http.Error(w, "without an admin token this address answers to its literal address only", http.StatusForbidden)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="shoal", charset="UTF-8"`)
			http.Error(w, "the admin token is missing or wrong", http.StatusUnauthorized)
		}
		if refused != nil {
			refused(r)
		}
	})
}

func shows(r *http.Request, token string) bool {
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, shown, ok = r.BasicAuth()
	}
	// Hashes are of equal length, so that the time tells nothing of the token's.
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func literalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
