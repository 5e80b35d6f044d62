package player

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// SwarmID returns the canonical name of the stream behind a manifest URL:
// lower-case host, port unless it is the scheme's own, and path. Scheme, user,
// query and fragment are left out, because they carry tokens and because a page
// on http and one on https play the same bytes:
//
//	https://CDN.example:443/live/a.mpd?token=1#t=3  →  cdn.example/live/a.mpd
//
// The path keeps its percent-encoding and case: servers may tell them apart.
func SwarmID(manifestURL string) (string, error) {
	u, err := url.Parse(manifestURL)
	if err != nil {
		return "", fmt.Errorf("player: manifest URL: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("player: manifest URL %q: want http:// or https:// and a host", manifestURL)
	}
	return swarmName(canonical(u)), nil
}

// maxSwarmName is what signalling accepts, in bytes. A longer name becomes its
// host, "/~" and the SHA-224 of all of it in hex.
const maxSwarmName = 256

func swarmName(canonical string) string {
	if len(canonical) <= maxSwarmName {
		return canonical
	}
	host, _, _ := strings.Cut(canonical, "/")
	sum := sha256.Sum224([]byte(canonical))
	return host[:min(len(host), maxSwarmName-2-2*len(sum))] + "/~" + hex.EncodeToString(sum[:])
}

func canonical(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return host + path
}
