package signal

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestForwardedForOnlyFromTrustedProxies(t *testing.T) {
	address := BehindProxies([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")})
	for _, tt := range []struct {
		name, from string
		header     []string
		want       string
	}{
		{"no proxy", "192.0.2.1:5", nil, "192.0.2.1"},
		{"a client's own header", "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:5", []string{"192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:5", []string{"192.0.2.1, 10.9.9.9"}, "192.0.2.1"},
		{"two headers", "10.0.0.1:5", []string{"192.0.2.1", "10.9.9.9"}, "192.0.2.1"},
		{"the client wrote the first", "10.0.0.1:5", []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1"},
		{"the client poses as a proxy's client", "10.0.0.1:5", []string{"203.0.113.9, 10.1.1.1, 192.0.2.1"}, "192.0.2.1"},
		{"with a port", "10.0.0.1:5", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 with a port", "[2001:db8:f::1]:5", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"IPv6 in brackets", "10.0.0.1:5", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"mapped", "10.0.0.1:5", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"nonsense", "10.0.0.1:5", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"empty", "10.0.0.1:5", []string{""}, "10.0.0.1"},
		{"only proxies", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"a long row", "10.0.0.1:5", []string{"192.0.2.1" + strings.Repeat(", 10.0.0.2", 100)}, "10.0.0.2"},
	} {
		r := &http.Request{RemoteAddr: tt.from, Header: http.Header{}}
		for _, h := range tt.header {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := address(r).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
