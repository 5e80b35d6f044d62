package player

import (
	"errors"
	"net/url"
)

var errManifestSize = errors.New("player: manifest exceeds 16 MiB")

// withoutFragment is the URL as it goes over the wire.
func withoutFragment(u *url.URL) string {
	c := *u
	c.Fragment, c.RawFragment = "", ""
	return c.String()
}

// redacted is a URL fit for a log: queries and users carry tokens.
func redacted(u *url.URL) string {
	c := *u
	c.User, c.RawQuery, c.Fragment, c.RawFragment = nil, "", "", ""
	return c.String()
}
