package player

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// newClient makes a client whose transport serves stage's streams through an
// origin-only peer, whose manifest has passed.
func newClient(t *testing.T, s *stage, manifest string) (*http.Client, *spy) {
	t.Helper()
	base := &http.Transport{}
	dial, made := spying(Dialer(Config{Client: &http.Client{Transport: base}}))
	tr := &Transport{Dial: dial, Base: base}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		base.CloseIdleConnections()
	})
	client := &http.Client{Transport: tr}
	for _, m := range strings.Split(manifest, " ") {
		if resp, _ := get(t, client, "GET", s.URL+m, nil); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", m, resp.Status)
		}
	}
	peer := <-made
	return client, peer
}

func TestTransportMedia(t *testing.T) {
	whole := media("v", 3, videoSize)
	for _, tc := range []struct {
		name   string
		header map[string]string
		query  string
		status int
		body   []byte
		want   map[string]string
	}{
		{name: "whole", status: 200, body: whole, want: map[string]string{"Content-Length": "40000", "Content-Type": "video/mp4", "Accept-Ranges": "bytes", "Content-Range": ""}},
		{name: "cmcd", query: "?CMCD=br%3D320", status: 200, body: whole},
		{name: "token", query: "?token=secret", status: 200, body: whole},
		{name: "first bytes", header: map[string]string{"Range": "bytes=0-99"}, status: 206, body: whole[:100], want: map[string]string{"Content-Range": "bytes 0-99/40000", "Content-Length": "100"}},
		{name: "open", header: map[string]string{"Range": "bytes=0-"}, status: 206, body: whole, want: map[string]string{"Content-Range": "bytes 0-39999/40000"}},
		{name: "middle", header: map[string]string{"Range": "bytes=20000-20001"}, status: 206, body: whole[20000:20002]},
		{name: "past the end", header: map[string]string{"Range": "bytes=39990-99999"}, status: 206, body: whole[39990:], want: map[string]string{"Content-Range": "bytes 39990-39999/40000"}},
		{name: "suffix", header: map[string]string{"Range": "bytes=-10"}, status: 206, body: whole[39990:], want: map[string]string{"Content-Range": "bytes 39990-39999/40000"}},
		{name: "long suffix", header: map[string]string{"Range": "bytes=-50000"}, status: 206, body: whole},
		{name: "unsatisfiable", header: map[string]string{"Range": "bytes=40000-"}, status: 416, body: []byte{}, want: map[string]string{"Content-Range": "bytes */40000", "Content-Length": "0"}},
		{name: "no suffix", header: map[string]string{"Range": "bytes=-0"}, status: 416, body: []byte{}},
		{name: "several ranges", header: map[string]string{"Range": "bytes=0-1,4-5"}, status: 200, body: whole},
		{name: "malformed", header: map[string]string{"Range": "bytes=9-1"}, status: 200, body: whole},
		{name: "other unit", header: map[string]string{"Range": "pieces=0-1"}, status: 200, body: whole},
		{name: "if-range holds", header: map[string]string{"Range": "bytes=0-1", "If-Range": "ETAG"}, status: 206, body: whole[:2]},
		{name: "if-range fails", header: map[string]string{"Range": "bytes=0-1", "If-Range": `"other"`}, status: 200, body: whole},
		{name: "not modified", header: map[string]string{"If-None-Match": "ETAG"}, status: 304, body: []byte{}},
		{name: "modified", header: map[string]string{"If-None-Match": `"other"`}, status: 200, body: whole},
		{name: "not modified since", header: map[string]string{"If-Modified-Since": time.Unix(1_700_000_000, 0).UTC().Format(http.TimeFormat)}, status: 304, body: []byte{}},
	} {
		for _, cached := range []bool{false, true} {
			name := tc.name
			if cached {
				name += ", cached"
			}
			t.Run(name, func(t *testing.T) {
				s := newStage(t)
				client, _ := newClient(t, s, "/vod/stream.mpd")
				url := s.URL + "/vod/v/3.m4s"
				if cached {
					get(t, client, "GET", url, nil)
				}
				header := map[string]string{}
				for k, v := range tc.header {
					header[k] = strings.ReplaceAll(v, "ETAG", `"`+hexOf(whole[:4])+`"`)
				}
				resp, body := get(t, client, "GET", url+tc.query, header)
				if resp.StatusCode != tc.status || !bytes.Equal(body, tc.body) {
					t.Fatalf("got %s with %d bytes (Content-Length %d, %s), want %d with %d", resp.Status, len(body), resp.ContentLength, resp.Header.Get("Cache-Status"), tc.status, len(tc.body))
				}
				for k, v := range tc.want {
					if got := resp.Header.Get(k); got != v {
						t.Errorf("%s: got %q, want %q", k, got, v)
					}
				}
				want := "shoal; fwd=miss"
				if cached {
					want = "shoal; hit"
				}
				if got := resp.Header.Get("Cache-Status"); got != want {
					t.Errorf("Cache-Status: got %q, want %q", got, want)
				}
				if n := s.count("/vod/v/3.m4s"); n != 1 {
					t.Errorf("origin was asked %d times, want once", n)
				}
			})
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func TestTransportByteRangeSegments(t *testing.T) {
	s := newStage(t)
	client, peer := newClient(t, s, "/vod/ranges.m3u8")
	file := media("all", 0, s.segments*videoSize)
	for _, tc := range []struct {
		name, ask string
		status    int
		body      []byte
		content   string
		through   bool
	}{
		{"second segment", "bytes=40000-79999", 206, file[40000:80000], "bytes 40000-79999/*", true},
		{"inside it", "bytes=40010-40019", 206, file[40010:40020], "bytes 40010-40019/*", true},
		{"two segments", "bytes=40000-119999", 206, file[40000:120000], "bytes 40000-119999/480000", false},
		{"the whole file", "", 200, file, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := map[string]string{}
			if tc.ask != "" {
				header["Range"] = tc.ask
			}
			resp, body := get(t, client, "GET", s.URL+"/vod/all.mp4", header)
			if resp.StatusCode != tc.status || !bytes.Equal(body, tc.body) {
				t.Fatalf("got %s with %d bytes, want %d with %d", resp.Status, len(body), tc.status, len(tc.body))
			}
			if got := resp.Header.Get("Content-Range"); got != tc.content {
				t.Errorf("Content-Range: got %q, want %q", got, tc.content)
			}
			if through := resp.Header.Get("Cache-Status") != ""; through != tc.through {
				t.Errorf("through the session: %t, want %t", through, tc.through)
			}
		})
	}
	if r := peer.lastGet(); r.First != 40000 || r.Last != 79999 {
		t.Errorf("the peer was asked for %d-%d, want 40000-79999", r.First, r.Last)
	}
}

func TestTransportPassesBy(t *testing.T) {
	s := newStage(t)
	client, peer := newClient(t, s, "/vod/stream.mpd")
	s.on("/licence", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte(r.Method+" "), body...))
	})
	resp, err := client.Post(s.URL+"/licence", "text/plain", strings.NewReader("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "POST challenge" {
		t.Errorf("licence: got %q", body)
	}
	if resp, _ := get(t, client, "HEAD", s.URL+"/vod/v/1.m4s", nil); resp.StatusCode != 200 || resp.ContentLength != videoSize {
		t.Errorf("HEAD: %s, length %d", resp.Status, resp.ContentLength)
	}
	if resp, _ := get(t, client, "GET", s.URL+"/nothing", nil); resp.StatusCode != 404 {
		t.Errorf("unknown URL: %s", resp.Status)
	}
	peer.mu.Lock()
	defer peer.mu.Unlock()
	if len(peer.got) != 0 {
		t.Errorf("the peer was asked for %v", peer.got)
	}
}

func TestTransportErrors(t *testing.T) {
	t.Run("the origin's status", func(t *testing.T) {
		s := newStage(t)
		client, _ := newClient(t, s, "/vod/stream.mpd")
		s.on("/vod/v/2.m4s", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		resp, body := get(t, client, "GET", s.URL+"/vod/v/2.m4s", nil)
		if resp.StatusCode != 403 || !strings.Contains(string(body), "403") || resp.Header.Get("Cache-Status") != "shoal; fwd=miss; fwd-status=403" {
			t.Errorf("got %s %q, Cache-Status %q", resp.Status, body, resp.Header.Get("Cache-Status"))
		}
	})
	t.Run("retry-after", func(t *testing.T) {
		s := newStage(t)
		client, peer := newClient(t, s, "/vod/stream.mpd")
		peer.failing(&segments.StatusError{Code: 429, RetryAfter: 1500 * time.Millisecond})
		resp, _ := get(t, client, "GET", s.URL+"/vod/v/2.m4s", nil)
		if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" {
			t.Errorf("got %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
	})
	t.Run("a peer's own failure falls back to the origin", func(t *testing.T) {
		s := newStage(t)
		client, peer := newClient(t, s, "/vod/stream.mpd")
		peer.failing(errors.New("no neighbours left"))
		resp, body := get(t, client, "GET", s.URL+"/vod/v/2.m4s", nil)
		if resp.StatusCode != 200 || !bytes.Equal(body, media("v", 2, videoSize)) || resp.Header.Get("Cache-Status") != "" {
			t.Errorf("got %s with %d bytes", resp.Status, len(body))
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		s := newStage(t)
		client, _ := newClient(t, s, "/vod/stream.mpd")
		reached, gone := make(chan struct{}), make(chan struct{})
		s.on("/vod/v/2.m4s", func(_ http.ResponseWriter, r *http.Request) {
			close(reached)
			<-r.Context().Done()
			close(gone)
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-reached; cancel() }()
		req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/vod/v/2.m4s", nil)
		if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		client.Transport.(*Transport).Close()
		<-gone
	})
}

// TestTransportStreams checks that bytes arrive before the segment is whole, and
// that closing the body gives the fetch up.
func TestTransportStreams(t *testing.T) {
	s := newStage(t)
	client, _ := newClient(t, s, "/vod/stream.mpd")
	gone := make(chan struct{})
	s.on("/vod/v/2.m4s", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(media("v", 2, 32<<10)) // two pieces, then silence, size unknown
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/vod/v/2.m4s", nil)
	req.Header.Set("Range", "bytes=0-99")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.ContentLength != -1 {
		t.Errorf("got %s with length %d; without a size the range cannot be cut, want 200 and -1", resp.Status, resp.ContentLength)
	}
	part := make([]byte, 32<<10)
	if _, err := io.ReadFull(resp.Body, part); err != nil || !bytes.Equal(part, media("v", 2, 32<<10)) {
		t.Fatalf("first pieces: %v", err)
	}
	resp.Body.Close()
	client.Transport.(*Transport).Close()
	<-gone
}

// TestTransportSecrets checks that the origin gets the player's URL and headers
// and the peer's resource nothing of them in its key.
func TestTransportSecrets(t *testing.T) {
	s := newStage(t)
	client, peer := newClient(t, s, "/vod/stream.mpd?session=alice")
	get(t, client, "GET", s.URL+"/vod/v/1.m4s?token=secret&CMCD=sid%3D%22x%22", map[string]string{
		"Authorization": "Bearer b", "Cmcd-Request": "bl=1000", "Connection": "X-Hop", "X-Hop": "1",
	})
	h := s.header("/vod/v/1.m4s")
	if h.Get("Authorization") != "Bearer b" || h.Get("Cmcd-Request") != "bl=1000" || h.Get("X-Hop") != "" {
		t.Errorf("origin got %v", h)
	}
	r := peer.lastGet()
	if !strings.HasSuffix(r.URL, "?token=secret&CMCD=sid%3D%22x%22") || strings.Contains(string(r.Key), "secret") {
		t.Errorf("resource %s from %s", r.Key, r.URL)
	}
	<-peer.plan
	peer.mu.Lock()
	defer peer.mu.Unlock()
	for _, plan := range peer.plans {
		for _, p := range plan {
			if p.Header.Get("Authorization") != "Bearer b" || p.Header.Get("Cmcd-Request") != "" {
				t.Fatalf("planned %s with %v, want the credentials without CMCD", p.Key, p.Header)
			}
		}
	}
}

func TestTransportHLS(t *testing.T) {
	s := newStage(t)
	client, _ := newClient(t, s, "/vod/master.m3u8 /vod/media.m3u8")
	tr := client.Transport.(*Transport)
	if open := tr.streams.list(); len(open) != 1 || !strings.HasSuffix(open[0].Swarm(), "/vod/master.m3u8") {
		t.Fatalf("%d sessions, want one for the multivariant playlist", len(open))
	}
	resp, body := get(t, client, "GET", s.URL+"/vod/v/5.m4s", nil)
	if resp.Header.Get("Cache-Status") == "" || !bytes.Equal(body, media("v", 5, videoSize)) {
		t.Errorf("%s with %d bytes did not come through the session", resp.Status, len(body))
	}
}

func TestTransportRedirectedManifestKeepsItsSwarm(t *testing.T) {
	s := newStage(t)
	s.on("/entry.mpd", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/vod/stream.mpd?edge=7", http.StatusFound)
	})
	client, _ := newClient(t, s, "/entry.mpd")
	open := client.Transport.(*Transport).streams.list()
	if len(open) != 1 || !strings.HasSuffix(open[0].Swarm(), "/entry.mpd") {
		t.Fatalf("swarm %q, want the URL that was asked for", open[0].Swarm())
	}
}

func TestTransportFixedSession(t *testing.T) {
	s := newStage(t)
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	session, err := Open(t.Context(), Config{URL: s.URL + "/vod/stream.mpd", Client: &http.Client{Transport: base}})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tr := &Transport{Session: session, Base: base}
	client := &http.Client{Transport: tr}
	get(t, client, "GET", s.URL+"/vod/stream.mpd", nil)
	get(t, client, "GET", s.URL+"/vod/a/1.m4s", nil)
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if st := session.Stats(); st.Counters.Requests != 1 || st.Node.OriginBytes < audioSize || len(st.Tracks) != 1 {
		t.Errorf("session stats %+v; it must outlive the transport", st)
	}
}
