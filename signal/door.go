package signal

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// originAllowed checks a request's Origin (RFC 6455 §4.2.2, RFC 6454 §7) against the
// allow-list. Scheme and host compare without regard to case.
func originAllowed(list []string, origin string) bool {
	if len(list) == 0 || origin == "" {
		return true
	}
	origin = strings.ToLower(origin)
	scheme, host, _ := strings.Cut(origin, "://")
	for _, allowed := range list {
		allowed = strings.ToLower(strings.TrimSuffix(allowed, "/"))
		if allowed == origin {
			return true
		}
		allowedScheme, pattern, _ := strings.Cut(allowed, "://")
		suffix, wild := strings.CutPrefix(pattern, "*.")
		if wild && scheme == allowedScheme && strings.HasSuffix(host, "."+suffix) {
			return true
		}
	}
	return false
}

func remoteAddress(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// hostOf is the host of the URL that a request was made to, without its port.
func hostOf(r *http.Request) string {
	u := url.URL{Host: r.Host}
	return u.Hostname()
}

// household is the unit the connection cap counts: an IPv4 address, or an IPv6
// /64, which is what one subscriber gets at least (RFC 6177 §2).
func household(a netip.Addr) netip.Addr {
	if a.Is4() || !a.IsValid() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// newBucket is a token bucket; a negative rate or burst lets everything pass.
func newBucket(perSecond, burst int) rate.Limiter {
	if perSecond < 0 || burst < 0 {
		return *rate.NewLimiter(rate.Inf, 0)
	}
	return *rate.NewLimiter(rate.Limit(perSecond), burst)
}

// joinGate bounds how often each member id joins. A bucket outlives the member,
// otherwise leaving would refill it; full ones are swept out when the table has
// doubled, so it holds at most twice what joined within the refill time.
type joinGate struct {
	perSecond, burst int
	buckets          map[MemberID]*rate.Limiter
	sweepAt          int
}

const joinGateMin = 1024

func (g *joinGate) allow(id MemberID, now time.Time) bool {
	if g.perSecond < 0 || g.burst < 0 {
		return true
	}
	if g.buckets == nil {
		g.buckets, g.sweepAt = make(map[MemberID]*rate.Limiter), joinGateMin
	}
	b := g.buckets[id]
	if b == nil {
		if len(g.buckets) >= g.sweepAt {
			for id, b := range g.buckets {
				if b.TokensAt(now) >= float64(g.burst) {
					delete(g.buckets, id)
				}
			}
			g.sweepAt = max(joinGateMin, 2*len(g.buckets))
		}
		b = rate.NewLimiter(rate.Limit(g.perSecond), g.burst)
		g.buckets[id] = b
	}
	return b.AllowN(now, 1)
}
