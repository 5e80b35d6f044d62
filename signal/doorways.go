package signal

import (
	"net/http"
	"net/netip"
)

// OriginAllowed says whether the allow-list lets a request's page in. With
// ClientAddress it lends the server's door to other handlers beside it.
func (c Config) OriginAllowed(r *http.Request) bool {
	return originAllowed(c.AllowedOrigins, r.Header.Get("Origin"))
}

// ClientAddress says whom a request comes from.
func (c Config) ClientAddress(r *http.Request) netip.Addr {
	if c.Address == nil {
		return remoteAddress(r)
	}
	return c.Address(r)
}
