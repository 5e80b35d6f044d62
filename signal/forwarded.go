package signal

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxForwarded bounds how many addresses of X-Forwarded-For are looked at.
const maxForwarded = 16

// BehindProxies is a Config.Address for a server behind proxies of these networks:
// the client is the last address in X-Forwarded-For that is not one of them. What
// is further left was written by the client itself and is not believed; neither is
// the header of a request that comes from anywhere else.
func BehindProxies(trusted []netip.Prefix) func(*http.Request) netip.Addr {
	isProxy := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return func(r *http.Request) netip.Addr {
		at := remoteAddress(r)
		if !isProxy(at) {
			return at
		}
		// A proxy may append to the header or add another one: their order is that of
		// the request (RFC 9110 §5.3).
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for range maxForwarded {
			if len(hops) == 0 {
				break
			}
			hop, ok := parseHop(hops[len(hops)-1])
			if !ok {
				break // nobody vouches for what is left of nonsense
			}
			at, hops = hop, hops[:len(hops)-1]
			if !isProxy(at) {
				break
			}
		}
		return at
	}
}

// parseHop reads an address with or without a port, as proxies write either.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
