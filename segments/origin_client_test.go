package segments

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRefusePrivate(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1:80", "127.8.9.1:80", "10.0.0.1:80", "172.16.0.1:80", "172.31.255.255:443", "192.168.1.1:80",
		"169.254.169.254:80", "0.0.0.0:80", "0.1.2.3:80", "100.64.0.1:80", "192.0.0.1:80", "198.18.0.1:80",
		"224.0.0.1:80", "255.255.255.255:80", "240.0.0.1:80", "192.0.2.1:80",
		"[::1]:80", "[::]:80", "[fe80::1]:80", "[fe80::1%eth0]:80", "[fc00::1]:80", "[fd12::1]:80", "[ff02::1]:80",
		"[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80", "[::127.0.0.1]:80", "[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80",
		"[2001:0:1::]:80", "[2001:db8::1]:80", "[fec0::1]:80",
		"localhost:80", "127.0.0.1", "",
	} {
		if RefusePrivate("tcp", address) == nil {
			t.Errorf("%s was let through", address)
		}
	}
	for _, address := range []string{"8.8.8.8:443", "172.32.0.1:80", "100.128.0.1:80", "192.0.1.1:80", "[2606:4700::1111]:443", "[::ffff:8.8.8.8]:80"} {
		if err := RefusePrivate("tcp", address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAddressIsCheckedAfterResolution: the name is public-looking, what it
// resolves to is not, and no request arrives.
func TestAddressIsCheckedAfterResolution(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request arrived")
	}))
	defer server.Close()
	url := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, client := range []*http.Client{nil, {}, {Transport: &http.Transport{}}} {
		o := NewOrigin(OriginConfig{Client: client, CheckAddress: RefusePrivate})
		_, _, err := o.Get(t.Context(), OriginRequest{URL: url, Last: -1}, 0)
		if !errors.Is(err, ErrAddress) {
			t.Errorf("client %+v: got %v", client, err)
		}
		must(t, o.Close())
	}
}

func TestCheckAddressSeesRedirectTargets(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the inner server was reached")
	}))
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusFound))
	defer outer.Close()
	refused := strings.TrimPrefix(inner.URL, "http://")
	o := NewOrigin(OriginConfig{CheckAddress: func(_, address string) error {
		if address == refused {
			return errors.New("not this one")
		}
		return nil
	}})
	defer o.Close()
	if _, _, err := o.Get(t.Context(), OriginRequest{URL: outer.URL, Last: -1}, 0); !errors.Is(err, ErrAddress) {
		t.Errorf("got %v", err)
	}
}

// TestCheckAddressFailsClosed: a transport that cannot be checked is not used.
func TestCheckAddressFailsClosed(t *testing.T) {
	o := NewOrigin(OriginConfig{
		Client:       &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("used") })},
		CheckAddress: RefusePrivate,
	})
	defer o.Close()
	if _, _, err := o.Get(context.Background(), OriginRequest{URL: "http://example.com", Last: -1}, 0); err == nil || !strings.Contains(err.Error(), "CheckAddress") {
		t.Errorf("got %v", err)
	}
}

func TestRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := r.PathValue("n")
		if n == "0" {
			w.Write([]byte("here"))
			return
		}
		http.Redirect(w, r, "/hop/"+string(n[0]-1), http.StatusFound)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, c := range []struct {
		path string
		max  int
		ok   bool
	}{
		{"/hop/3", 3, true}, {"/hop/4", 3, false}, {"/hop/5", 0, true}, {"/hop/6", 0, false},
		{"/hop/0", -1, true}, {"/hop/1", -1, false}, {"/file", 0, false},
	} {
		o := NewOrigin(OriginConfig{MaxRedirects: c.max})
		head, body, err := o.Get(t.Context(), OriginRequest{URL: server.URL + c.path, Last: -1}, 0)
		if c.ok && (err != nil || string(body) != "here" || head.URL != server.URL+"/hop/0") || !c.ok && !errors.Is(err, ErrRedirect) {
			t.Errorf("%s with at most %d: %q from %s, %v", c.path, c.max, body, head.URL, err)
		}
		must(t, o.Close())
	}
}

func TestOriginConfigValidate(t *testing.T) {
	for _, c := range []OriginConfig{{MaxBytes: -1}, {Backoff: -1}, {IdleTimeout: -1}} {
		o := NewOrigin(c)
		if _, _, err := o.Get(t.Context(), OriginRequest{URL: "http://example.com", Last: -1}, 0); err == nil || !strings.Contains(err.Error(), "OriginConfig") {
			t.Errorf("%+v: got %v", c, err)
		}
		must(t, o.Close())
	}
}
