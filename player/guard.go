package player

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// ErrForbidden is why a guard refuses a host or an address.
var ErrForbidden = errors.New("not allowed")

const (
	dialTimeout      = 10 * time.Second
	maxRedirectSteps = 10
)

// Guard decides which origins a gateway may reach. Names are checked when a
// request or a redirect names them, addresses when a connection is made, after
// DNS: a public name that resolves to 127.0.0.1 is refused.
//
// Patterns, "host" or "host:port" (without port: any):
//
//	cdn.example      this host, on whatever address, private ones included
//	127.0.0.1:8080   this address
//	*.cdn.example    any host below it, on public addresses
//	10.0.0.0/8       these addresses, for hosts that another pattern allows
//	*                any host, on public addresses
//
// No pattern allows any host on public addresses. Those patterns that end in
// addresses say so explicitly; a wildcard never opens a private network, because
// whoever runs DNS below it could point into yours.
type Guard struct {
	any       bool
	exact     map[string]bool
	wildcards []hostPattern
	prefixes  []netip.Prefix
}

type hostPattern struct{ suffix, port string }

// NewGuard reads patterns; a malformed one is an error.
func NewGuard(allow []string) (*Guard, error) {
	g := &Guard{exact: make(map[string]bool)}
	hosts := 0
	for _, raw := range allow {
		p := strings.ToLower(strings.TrimSpace(raw))
		if strings.Contains(p, "/") {
			prefix, err := netip.ParsePrefix(p)
			if err != nil {
				return nil, fmt.Errorf("player: allow %q: want a host, *.host or an address range like 10.0.0.0/8", raw)
			}
			g.prefixes = append(g.prefixes, prefix.Masked())
			continue
		}
		hosts++
		host, port, err := splitHostPort(p)
		switch {
		case err != nil || host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:*") != "":
			return nil, fmt.Errorf("player: allow %q: want a host, host:port or *.host", raw)
		case host == "*":
			if port != "" {
				g.wildcards = append(g.wildcards, hostPattern{"", port})
			} else {
				g.any = true
			}
		case strings.HasPrefix(host, "*."):
			g.wildcards = append(g.wildcards, hostPattern{host[1:], port})
		case strings.Contains(host, "*"):
			return nil, fmt.Errorf("player: allow %q: a * stands for whole labels at the front only", raw)
		default:
			g.exact[join(host, port)] = true
		}
	}
	if hosts == 0 && len(g.prefixes) == 0 {
		g.any = true
	}
	return g, nil
}

// Host reports whether a URL may name host, with or without port; scheme says
// which port is meant without one.
func (g *Guard) Host(scheme, hostport string) error {
	host, port, err := splitHostPort(strings.ToLower(hostport))
	if err != nil || host == "" {
		return fmt.Errorf("player: host %q is malformed: %w", hostport, ErrForbidden)
	}
	if port == "" {
		port = defaultPort(scheme)
	}
	if g.named(host, port) || g.any {
		return nil
	}
	for _, w := range g.wildcards {
		if strings.HasSuffix(host, w.suffix) && len(host) > len(w.suffix) && (w.port == "" || w.port == port) {
			return nil
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil && g.inPrefix(addr.Unmap()) {
		return nil
	}
	return fmt.Errorf("player: host %s is not on the allow list: %w", hostport, ErrForbidden)
}

func (g *Guard) named(host, port string) bool {
	return g.exact[host] || g.exact[join(host, port)]
}

func (g *Guard) inPrefix(a netip.Addr) bool {
	for _, p := range g.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Address reports whether a connection to addr may be made on behalf of
// host:port.
func (g *Guard) Address(host, port string, addr netip.Addr) error {
	addr = addr.Unmap()
	if public(addr) || g.named(strings.ToLower(host), port) || g.inPrefix(addr) {
		return nil
	}
	return fmt.Errorf("player: %s is at %s, a private address; name the host in the allow list to permit it: %w", host, addr, ErrForbidden)
}

// special are ranges without a method of netip.Addr that lead into somebody's
// own network or nowhere (IANA special-purpose address registries, RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("::/96"),           // IPv4-compatible, deprecated
	netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("fec0::/10"),       // site-local, deprecated
}

// embedding are IPv6 ranges that hold an IPv4 address, by its offset in bytes.
var embedding = []struct {
	prefix netip.Prefix
	offset int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64, RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4, RFC 3056
}

// public reports whether a is on the open internet.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			b := a.As16()
			return public(netip.AddrFrom4([4]byte(b[e.offset : e.offset+4])))
		}
	}
	return true
}

// DialContext connects as net.Dialer does, to permitted addresses only.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("player: dial %q: %w", address, err)
	}
	d := net.Dialer{
		Timeout: dialTimeout,
		Control: func(_, resolved string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("player: dial %s: address %q: %w", address, resolved, ErrForbidden)
			}
			return g.Address(host, port, ap.Addr())
		},
	}
	return d.DialContext(ctx, network, address)
}

// Client returns an HTTP client that reaches permitted origins only, redirects
// included. It uses no proxy of the environment: a proxy would resolve names
// where the guard cannot see.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         g.DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        128,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: dialTimeout,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirectSteps {
				return fmt.Errorf("player: stopped after %d redirects", maxRedirectSteps)
			}
			if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
				return fmt.Errorf("player: redirect to scheme %q: %w", req.URL.Scheme, ErrForbidden)
			}
			return g.Host(req.URL.Scheme, req.URL.Host)
		},
	}
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// splitHostPort takes host, host:port, [v6] and [v6]:port, and bare v6.
func splitHostPort(s string) (host, port string, err error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.String(), "", nil
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return s[1 : len(s)-1], "", nil
	}
	if !strings.Contains(s, ":") {
		return s, "", nil
	}
	return net.SplitHostPort(s)
}

func join(host, port string) string {
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}
