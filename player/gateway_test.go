package player

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// newGateway serves a gateway that may reach s; base is its address.
func newGateway(t testing.TB, s *stage, change func(*GatewayConfig)) (g *Gateway, base string) {
	t.Helper()
	cfg := GatewayConfig{
		Allow: []string{strings.TrimPrefix(s.URL, "http://")},
		Dial:  func(c *http.Client) Dial { return Dialer(Config{Client: c}) },
	}
	if change != nil {
		change(&cfg)
	}
	g, err := NewGateway(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(func() {
		srv.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, srv.URL
}

// plainClient follows no redirects and keeps no connection past the test.
func plainClient(t testing.TB) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func under(base, origin string) string {
	return base + "/http/" + strings.TrimPrefix(origin, "http://")
}

func TestGatewayServesAStream(t *testing.T) {
	for _, manifest := range []string{"/vod/stream.mpd", "/vod/master.m3u8 /vod/media.m3u8"} {
		t.Run(manifest, func(t *testing.T) {
			s := newStage(t)
			served := make(chan Served, 16)
			g, base := newGateway(t, s, func(c *GatewayConfig) { c.Served = func(x Served) { served <- x } })
			client := plainClient(t)
			for _, m := range strings.Fields(manifest) {
				resp, _ := get(t, client, "GET", under(base, s.URL)+m, nil)
				if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Fatalf("%s: %s, %v", m, resp.Status, resp.Header)
				}
			}
			want := media("v", 4, videoSize)
			for i, status := range []string{"shoal; fwd=miss", "shoal; hit"} {
				resp, body := get(t, client, "GET", under(base, s.URL)+"/vod/v/4.m4s", nil)
				if !bytes.Equal(body, want) || resp.ContentLength != videoSize || resp.Header.Get("Cache-Status") != status {
					t.Errorf("request %d: %s, length %d, Cache-Status %q", i, resp.Status, resp.ContentLength, resp.Header.Get("Cache-Status"))
				}
			}
			resp, body := get(t, client, "GET", under(base, s.URL)+"/vod/v/4.m4s", map[string]string{"Range": "bytes=100-199"})
			if resp.StatusCode != 206 || !bytes.Equal(body, want[100:200]) || resp.Header.Get("Content-Range") != "bytes 100-199/40000" {
				t.Errorf("range: %s %q", resp.Status, resp.Header.Get("Content-Range"))
			}
			if n := s.count("/vod/v/4.m4s"); n != 1 {
				t.Errorf("the origin was asked %d times", n)
			}
			if all := g.Sessions(); len(all) != 1 || all[0].Counters.Requests != 3 || all[0].Counters.Hits != 2 || all[0].Counters.Bytes != 3*videoSize {
				t.Errorf("sessions %+v", all)
			}
			for range strings.Fields(manifest) {
				if x := <-served; x.Kind != KindManifest || x.Status != 200 {
					t.Errorf("served %+v, want the manifest", x)
				}
			}
			for _, want := range []Served{{Status: 200, Bytes: videoSize, Cache: "shoal; fwd=miss"}, {Status: 200, Bytes: videoSize, Cache: "shoal; hit"}, {Status: 206, Bytes: 100, Cache: "shoal; hit"}} {
				x := <-served
				want.Kind, want.Took = KindMedia, x.Took
				if x != want {
					t.Errorf("served %+v, want %+v", x, want)
				}
			}
		})
	}
}

func TestGatewayPages(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, nil)
	client := plainClient(t)
	own := strings.TrimPrefix(s.URL, "http://")
	for _, tc := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", 200, "/https/cdn.example/live/stream.mpd"},
		{"GET", "/healthz", 200, "ok"},
		{"HEAD", "/", 200, ""},
		{"OPTIONS", "/http/" + own + "/x", 204, ""},
		{"POST", "/http/" + own + "/x", 405, "GET or HEAD"},
		{"PUT", "/", 405, ""},
		{"CONNECT", "/", 405, ""},
		{"GET", "/favicon.ico", 404, "/https/cdn.example"},
		{"GET", "/ftp/host/x", 404, "/http/ or /https/"},
		{"GET", "/http", 404, "host"},
		{"GET", "/http//x", 404, "host"},
		{"GET", "/http/user@" + own + "/x", 404, "host"},
		{"GET", "/http/" + own + "%2Fx/y", 404, "host"},
		{"GET", "/https/elsewhere.example/x.mpd", 403, "--allow elsewhere.example"},
		{"GET", "/http/" + own + "/nothing", 404, ""},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			u, _ := url.Parse(base)
			req := &http.Request{Method: tc.method, URL: &url.URL{Scheme: "http", Host: u.Host, Opaque: tc.path}, Host: u.Host, Header: http.Header{}}
			resp, err := client.Do(req.WithContext(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != tc.status || !strings.Contains(string(body), tc.body) {
				t.Errorf("got %s %q, want %d and %q", resp.Status, body, tc.status, tc.body)
			}
			if tc.method == "HEAD" && len(body) > 0 {
				t.Error("HEAD has a body")
			}
		})
	}
	resp, _ := get(t, client, "OPTIONS", under(base, s.URL)+"/vod/v/1.m4s", map[string]string{
		"Origin": "https://page.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range,x-custom", "Access-Control-Request-Private-Network": "true",
	})
	for k, want := range map[string]string{
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS", "Access-Control-Allow-Headers": "range,x-custom",
		"Access-Control-Allow-Private-Network": "true", "Access-Control-Allow-Origin": "*",
	} {
		if got := resp.Header.Get(k); got != want {
			t.Errorf("preflight %s: got %q, want %q", k, got, want)
		}
	}
}

func TestGatewayConditionalManifest(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, nil)
	client := plainClient(t)
	at := under(base, s.URL) + "/vod/stream.mpd"
	first, _ := get(t, client, "GET", at, nil)
	tag := first.Header.Get("Etag")
	if !strings.HasPrefix(tag, `"shoal-`) {
		t.Fatalf("ETag %q is the origin's, although the bytes may differ", tag)
	}
	second, body := get(t, client, "GET", at, map[string]string{"If-None-Match": tag})
	if second.StatusCode != 304 || len(body) != 0 || second.Header.Get("Etag") != tag {
		t.Errorf("got %s, ETag %q", second.Status, second.Header.Get("Etag"))
	}
	if got := s.header("/vod/stream.mpd").Get("If-None-Match"); !strings.HasPrefix(got, `"m`) {
		t.Errorf("the origin was asked with If-None-Match %q, want its own tag", got)
	}
	third, _ := get(t, client, "GET", at, map[string]string{"If-None-Match": `"other"`})
	if third.StatusCode != 200 {
		t.Errorf("other tag: %s", third.Status)
	}
	head, body := get(t, client, "HEAD", at, nil)
	if head.StatusCode != 200 || len(body) != 0 || head.Header.Get("Etag") != tag || head.Header.Get("Content-Type") != "application/dash+xml" {
		t.Errorf("HEAD: %s %v", head.Status, head.Header)
	}
	s.on("/untagged.m3u8", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n/x.ts\n")
	})
	first, body = get(t, client, "GET", under(base, s.URL)+"/untagged.m3u8", nil)
	if want := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + under(base, s.URL) + "/x.ts\n"; string(body) != want || int(first.ContentLength) != len(want) {
		t.Errorf("rewritten to %q, length %d", body, first.ContentLength)
	}
	if first.Header.Get("Content-Type") != "application/vnd.apple.mpegurl" {
		t.Errorf("type %q", first.Header.Get("Content-Type"))
	}
	second, _ = get(t, client, "GET", under(base, s.URL)+"/untagged.m3u8", map[string]string{"If-None-Match": first.Header.Get("Etag")})
	if second.StatusCode != 304 {
		t.Errorf("same bytes under a derived tag: %s", second.Status)
	}
}

func TestGatewayRedirects(t *testing.T) {
	s := newStage(t)
	g, base := newGateway(t, s, nil)
	client := plainClient(t)
	s.on("/entry.mpd", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/vod/stream.mpd?edge=7", http.StatusFound)
	})
	s.on("/away.mpd", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example/x.mpd", http.StatusFound)
	})
	s.on("/inside.mpd", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
	})
	resp, _ := get(t, client, "GET", under(base, s.URL)+"/entry.mpd", nil)
	if want := under(base, s.URL) + "/vod/stream.mpd?edge=7"; resp.StatusCode != 302 || resp.Header.Get("Location") != want {
		t.Fatalf("got %s to %q, want %q", resp.Status, resp.Header.Get("Location"), want)
	}
	get(t, client, "GET", resp.Header.Get("Location"), nil)
	if all := g.Sessions(); len(all) != 1 || !strings.HasSuffix(all[0].Swarm, "/entry.mpd") {
		t.Errorf("sessions %+v, want the swarm of the URL that was asked for", all)
	}
	for _, path := range []string{"/away.mpd", "/inside.mpd"} {
		if resp, body := get(t, client, "GET", under(base, s.URL)+path, nil); resp.StatusCode != 403 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
}

// TestGatewayRefusesPrivateAddresses asks an open gateway for loopback by every
// name it has.
func TestGatewayRefusesPrivateAddresses(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, func(c *GatewayConfig) { c.Allow = nil })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	client := plainClient(t)
	for _, host := range []string{"127.0.0.1", "localhost", "%5B::1%5D", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0", "127.1"} {
		resp, body := get(t, client, "GET", base+"/http/"+host+":"+port+"/vod/stream.mpd", nil)
		if resp.StatusCode != 403 && resp.StatusCode != 502 || strings.Contains(string(body), "<MPD") {
			t.Errorf("%s: %s %q", host, resp.Status, body)
		}
	}
	if n := s.count("/vod/stream.mpd"); n != 0 {
		t.Errorf("loopback was asked %d times", n)
	}
	resp, body := get(t, client, "GET", base+"/http/127.0.0.1:"+port+"/x", nil)
	if resp.StatusCode != 403 || !strings.Contains(string(body), "allow") {
		t.Errorf("got %s %q, want an explanation", resp.Status, body)
	}
}

func TestGatewayHeaders(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, nil)
	s.on("/key", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Access-Control-Allow-Origin", "https://only.example")
		w.Header().Set("Strict-Transport-Security", "max-age=1")
		_, _ = io.WriteString(w, "0123456789abcdef")
	})
	resp, body := get(t, plainClient(t), "GET", under(base, s.URL)+"/key", map[string]string{
		"Cookie": "gateway=1", "Origin": base, "Referer": under(base, s.URL) + "/vod/master.m3u8", "Authorization": "Bearer b", "Sec-Fetch-Mode": "cors", "X-Forwarded-For": "1.2.3.4",
	})
	if string(body) != "0123456789abcdef" || resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Strict-Transport-Security") != "" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %q with %v", body, resp.Header)
	}
	h := s.header("/key")
	if h.Get("Cookie") != "" || h.Get("Origin") != "" || h.Get("Sec-Fetch-Mode") != "" || h.Get("X-Forwarded-For") != "" {
		t.Errorf("the origin saw %v", h)
	}
	if h.Get("Authorization") != "Bearer b" || h.Get("Referer") != s.URL+"/vod/master.m3u8" {
		t.Errorf("the origin did not see what the player sent: %v", h)
	}
}

func TestGatewayBreaksOffHonestly(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, nil)
	client := plainClient(t)
	get(t, client, "GET", under(base, s.URL)+"/vod/stream.mpd", nil)
	s.on("/vod/v/9.m4s", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusGone)
			return
		}
		w.Header().Set("Content-Length", "40000")
		_, _ = w.Write(media("v", 9, 20_000))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", under(base, s.URL)+"/vod/v/9.m4s", nil)
	resp, err := client.Do(req)
	if err == nil {
		var n int64
		n, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == 200 && err == nil {
			t.Errorf("%d of 40000 bytes came as a whole response", n)
		}
	}
}

func TestGatewayLimitsSessions(t *testing.T) {
	s := newStage(t)
	g, base := newGateway(t, s, func(c *GatewayConfig) { c.MaxSessions = 2; c.IdleClose = time.Hour })
	client := plainClient(t)
	for _, name := range []string{"/a.mpd", "/b.mpd", "/c.mpd"} {
		s.on(name, func(w http.ResponseWriter, r *http.Request) { s.text(w, r, "application/dash+xml", s.mpd()) })
		get(t, client, "GET", under(base, s.URL)+name, nil)
	}
	all := g.Sessions()
	if len(all) != 2 || !strings.HasSuffix(all[0].Swarm, "/c.mpd") || !strings.HasSuffix(all[1].Swarm, "/b.mpd") {
		t.Errorf("sessions %+v, want c and b", all)
	}
	g.streams.sweep(time.Now().Add(2 * time.Hour))
	if n := len(g.Sessions()); n != 0 {
		t.Errorf("%d sessions after the idle time", n)
	}
}

func TestGatewayManifestLimit(t *testing.T) {
	s := newStage(t)
	_, base := newGateway(t, s, nil)
	client := plainClient(t)
	for _, size := range []int{MaxManifest, MaxManifest + 1} {
		s.on("/big.m3u8", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "#EXTM3U\n")
			_, _ = w.Write(bytes.Repeat([]byte("#\n"), (size-8)/2))
			_, _ = w.Write(make([]byte, size&1))
		})
		want := 200
		if size > MaxManifest {
			want = 502
		}
		if resp, _ := get(t, client, "GET", under(base, s.URL)+"/big.m3u8", nil); resp.StatusCode != want {
			t.Errorf("%d bytes: %s, want %d", size, resp.Status, want)
		}
	}
}

func TestGatewayPrefix(t *testing.T) {
	g, err := NewGateway(GatewayConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r := httptest.NewRequest("GET", "http://box:8080/", nil)
	if got := g.prefix(r); got != "http://box:8080" {
		t.Error(got)
	}
	r.TLS = &tls.ConnectionState{}
	if got := g.prefix(r); got != "https://box:8080" {
		t.Error(got)
	}
	for _, bad := range []string{"box:8080", "ftp://box", "http://box?x", ":"} {
		if _, err := NewGateway(GatewayConfig{PublicURL: bad}); err == nil {
			t.Errorf("PublicURL %q is accepted", bad)
		}
	}
}
