package segments

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

var (
	// ErrRedirect says that redirects were too many or led outside http(s).
	ErrRedirect = errors.New("segments: redirect refused")
	// ErrAddress says that CheckAddress refused a connection.
	ErrAddress = errors.New("segments: address refused")
)

// dialTimeout bounds one connection attempt.
const dialTimeout = 5 * time.Second

// originClient makes the client that c asks for, and whether its transport is
// the Origin's own to close.
func originClient(c OriginConfig) (client *http.Client, own bool, err error) {
	client = &http.Client{}
	if c.Client != nil {
		*client = *c.Client
	}
	if own = c.Client == nil || c.CheckAddress != nil; own {
		if client.Transport, err = originTransport(client.Transport, c.CheckAddress); err != nil {
			return nil, false, err
		}
	}
	before := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > c.MaxRedirects {
			return fmt.Errorf("%w: more than %d", ErrRedirect, c.MaxRedirects)
		}
		if err := checkURL(next.URL); err != nil {
			return fmt.Errorf("%w: %w", ErrRedirect, err)
		}
		if before != nil {
			return before(next, via)
		}
		return nil
	}
	return client, own, nil
}

// originTransport copies base, or Go's default, and puts check into its dialler.
func originTransport(base http.RoundTripper, check func(network, address string) error) (*http.Transport, error) {
	if base == nil {
		base = http.DefaultTransport
	}
	known, ok := base.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("segments: OriginConfig.CheckAddress needs an *http.Transport, the client has a %T", base)
	}
	t := known.Clone()
	t.MaxIdleConnsPerHost = 16 // one origin serves many segments at a time
	if check == nil {
		return t, nil
	}
	dialer := &net.Dialer{
		Timeout: dialTimeout,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			if err := check(network, address); err != nil {
				return fmt.Errorf("%w: %w", ErrAddress, err)
			}
			return nil
		},
	}
	t.Proxy, t.DialContext = nil, dialer.DialContext
	// Older hooks would go around the check.
	t.DialTLSContext = nil
	t.DialTLS, t.Dial = nil, nil //lint:ignore SA1019 a caller's transport may still set them
	return t, nil
}

func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("segments: URL scheme %q, want http or https", u.Scheme)
	}
	if u.Host == "" {
		return errors.New("segments: URL without a host")
	}
	return nil
}

// specialPrefixes are the ranges outside netip's own predicates that are not on
// the public Internet (IANA special-purpose address registries, RFC 6890), and
// those that embed an IPv4 address which would have to be checked in its place.
var specialPrefixes = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),   // shared address space, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("::/96"),           // IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64
	netip.MustParsePrefix("100::/64"),        // discard only
	netip.MustParsePrefix("2001::/23"),       // IETF protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("fec0::/10"),       // site-local
}

// RefusePrivate is an OriginConfig.CheckAddress that lets connections go to
// public unicast addresses only.
func RefusePrivate(_, address string) error {
	endpoint, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("segments: %q is not a literal address: %w", address, err)
	}
	ip := endpoint.Addr().Unmap().WithZone("")
	special := !ip.IsGlobalUnicast() || ip.IsPrivate()
	for _, prefix := range specialPrefixes {
		special = special || prefix.Contains(ip)
	}
	if special {
		return fmt.Errorf("segments: %s is not a public address", ip)
	}
	return nil
}
