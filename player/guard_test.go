package player

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
)

func TestGuardHost(t *testing.T) {
	for _, tc := range []struct {
		allow  []string
		scheme string
		host   string
		want   bool
	}{
		{nil, "https", "cdn.example", true},
		{nil, "https", "", false},
		{[]string{"cdn.example"}, "https", "cdn.example", true},
		{[]string{"cdn.example"}, "https", "CDN.example:8443", true},
		{[]string{"cdn.example:443"}, "https", "cdn.example", true},
		{[]string{"cdn.example:443"}, "http", "cdn.example", false},
		{[]string{"cdn.example"}, "https", "evil.example", false},
		{[]string{"cdn.example"}, "https", "cdn.example.evil", false},
		{[]string{"*.example"}, "https", "a.b.example", true},
		{[]string{"*.example"}, "https", "example", false},
		{[]string{"*.example"}, "https", "badexample", false},
		{[]string{"*.example:8080"}, "http", "a.example:8080", true},
		{[]string{"*.example:8080"}, "http", "a.example", false},
		{[]string{"*", "localhost"}, "https", "anything.example", true},
		{[]string{"10.0.0.0/8"}, "http", "10.1.2.3:80", true},
		{[]string{"10.0.0.0/8"}, "http", "11.1.2.3", false},
		{[]string{"10.0.0.0/8"}, "http", "cdn.example", false},
		{[]string{"::1"}, "http", "[::1]:8080", true},
		{[]string{"[::1]:8080"}, "http", "[::1]:8080", true},
		{[]string{"[::1]:8080"}, "http", "[::1]:8081", false},
	} {
		g, err := NewGuard(tc.allow)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Host(tc.scheme, tc.host); (err == nil) != tc.want {
			t.Errorf("allow %v: %s://%s: %v, want allowed %t", tc.allow, tc.scheme, tc.host, err, tc.want)
		}
	}
	for _, bad := range []string{"", "a*b.example", "https://cdn.example", "10.0.0.0/99", "a:b:c"} {
		if _, err := NewGuard([]string{bad}); err == nil {
			t.Errorf("pattern %q is accepted", bad)
		}
	}
}

func TestGuardAddress(t *testing.T) {
	refused := []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
		"fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:db8::1", "fec0::1",
	}
	open, _ := NewGuard(nil)
	wild, _ := NewGuard([]string{"*.example"})
	named, _ := NewGuard([]string{"nas.example"})
	ranged, _ := NewGuard([]string{"nas.example:8080", "10.0.0.0/8"})
	for _, a := range refused {
		addr := netip.MustParseAddr(a)
		for _, g := range []*Guard{open, wild} {
			if err := g.Address("x.example", "80", addr); !errors.Is(err, ErrForbidden) {
				t.Errorf("%s: %v, want refused", a, err)
			}
		}
		if err := named.Address("NAS.example", "80", addr); err != nil {
			t.Errorf("%s of a named host: %v", a, err)
		}
	}
	for _, a := range []string{"8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "172.32.0.1", "64:ff9b::808:808", "2002:808:808::"} {
		if err := open.Address("x.example", "80", netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v, want allowed", a, err)
		}
	}
	if err := ranged.Address("other.example", "80", netip.MustParseAddr("10.1.1.1")); err != nil {
		t.Errorf("address in an allowed range: %v", err)
	}
	if err := ranged.Address("nas.example", "80", netip.MustParseAddr("192.168.1.1")); err == nil {
		t.Error("nas.example:8080 must not open port 80")
	}
}

// TestGuardClient dials for real: what matters is the address after resolution,
// and where a redirect leads.
func TestGuardClient(t *testing.T) {
	reached := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	port := u.Port()
	fetch := func(allow []string, target string) error {
		g, err := NewGuard(allow)
		if err != nil {
			t.Fatal(err)
		}
		c := g.Client()
		defer c.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), "GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for _, target := range []string{
		"http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port,
		"http://0.0.0.0:" + port, "http://0:" + port, "http://2130706433:" + port, "http://0x7f000001:" + port, "http://127.1:" + port,
	} {
		if err := fetch(nil, target); err == nil {
			t.Errorf("%s was reached", target)
		}
	}
	if reached != 0 {
		t.Fatalf("%d requests reached loopback", reached)
	}
	own := "127.0.0.1:" + port
	if err := fetch([]string{own}, srv.URL); err != nil || reached != 1 {
		t.Errorf("named address: %v", err)
	}
	if err := fetch([]string{own}, srv.URL+"?to=http://localhost:"+port); !errors.Is(err, ErrForbidden) {
		t.Errorf("redirect off the list: %v", err)
	}
	if err := fetch([]string{own, "*"}, srv.URL+"?to=http://localhost:"+port); !errors.Is(err, ErrForbidden) {
		t.Errorf("redirect to a name at a private address: %v", err)
	}
	if err := fetch([]string{own, "*"}, srv.URL+"?to=ftp://localhost/"); err == nil {
		t.Error("redirect to another scheme was followed")
	}
}
