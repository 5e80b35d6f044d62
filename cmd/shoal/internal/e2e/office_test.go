package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// office is a site's way out: what its viewers ask of the origin and of signalling
// passes here, and signalling sees the site's addresses.
type office struct {
	stream, signal string
	media          atomic.Int64 // bytes of segments that came in from the origin
	viewers        audience
}

func newOffice(t *testing.T, subnet string, o *stage, signalURL string) *office {
	t.Helper()
	f := &office{}
	through := func(target string, rewrite func(*httputil.ProxyRequest), response func(*http.Response) error) string {
		to, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(&httputil.ReverseProxy{FlushInterval: -1, ModifyResponse: response,
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = to.Host
				rewrite(r)
			}})
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	f.stream = through(o.server.URL, func(*httputil.ProxyRequest) {}, func(r *http.Response) error {
		if strings.HasSuffix(r.Request.URL.Path, ".m4s") {
			r.Body = &counted{r.Body, &f.media}
		}
		return nil
	}) + "/live/manifest.mpd"
	var hosts atomic.Int32
	f.signal = "ws" + strings.TrimPrefix(through("http"+strings.TrimPrefix(signalURL, "ws"), func(r *httputil.ProxyRequest) {
		r.Out.URL.Path, r.Out.URL.RawPath = "/ws", ""
		r.Out.Header.Set("X-Forwarded-For", fmt.Sprintf("%s.%d", subnet, hosts.Add(1)))
	}, nil), "http")
	return f
}

// counted adds up what is read.
type counted struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Close() error { return c.body.Close() }

// officeCopies is how often a stream may enter an office from the origin, of its four viewers.
const officeCopies = 1.15

// TestOneOfficeOneFetch has two offices of four watch one stream, kept apart by
// their subnets: within each it is passed on, and its way out carries it once.
func TestOneOfficeOneFetch(t *testing.T) {
	story(t)
	t.Parallel()
	o := newStage(t, origin.Config{})
	server, signalURL := signalServer(t, "--trusted-proxy", "127.0.0.0/8", "--group", "vienna=10.1.0.0/16", "--group", "graz=10.2.0.0/16",
		"--report-interval", "1s", "--metrics", "127.0.0.1:0", "--name", "town hall")
	offices := []*office{newOffice(t, "10.1.0", o, signalURL), newOffice(t, "10.2.7", o, signalURL)}
	const each = 4
	var all audience
	for range each {
		for _, f := range offices {
			f.viewers = append(f.viewers, watch(t, f.signal, f.stream, "--swarm", "town hall"))
			all = append(all, f.viewers[len(f.viewers)-1])
		}
	}
	eventually(t, "everybody is linked and takes bytes from peers", func() bool {
		for _, m := range all.metrics(t) {
			if m["shoal_peer_swarm_size"] != 2*each || m["shoal_peer_links"] < each-1 || m["shoal_peer_peer_bytes_total"] == 0 {
				return false
			}
		}
		return true
	})
	all.playOn(t, "all have begun", 8)

	type sums struct{ consumed, origin float64 }
	take := func(f *office) (s sums) {
		for _, m := range f.viewers.metrics(t) {
			s.consumed += m["shoal_peer_peer_bytes_total"] + m["shoal_peer_origin_bytes_total"]
		}
		s.origin = float64(f.media.Load())
		return s
	}
	before := []sums{take(offices[0]), take(offices[1])}
	all.playOn(t, "all play on", 24)
	for i, f := range offices {
		now := take(f)
		stream := (now.consumed - before[i].consumed) / each
		copies := (now.origin - before[i].origin) / stream
		t.Logf("office %d: %.0f kB of the stream, which came %.2f times from the origin", i, stream/1000, copies)
		if stream < 500_000 || copies > officeCopies {
			t.Errorf("office %d: %.0f bytes of a stream, which came %.2f times from the origin, want %.2f at most", i, stream, copies, officeCopies)
		}
	}

	// Only the entrances have links to the other office.
	var swarm struct {
		Peers []struct {
			ID, Group string
			Entrance  bool
		}
		Links []struct{ A, B string }
	}
	metrics := server.says(t, `msg=metrics url=(\S+)`)
	text, err := document(strings.TrimSuffix(metrics, "/metrics") + "/api/swarms/town%20hall")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &swarm); err != nil {
		t.Fatal(err)
	}
	group, entrance := map[string]string{}, map[string]bool{}
	for _, p := range swarm.Peers {
		group[p.ID], entrance[p.ID] = p.Group, p.Entrance
	}
	across := 0
	for _, l := range swarm.Links {
		if group[l.A] == group[l.B] {
			continue
		}
		across++
		if !entrance[l.A] || !entrance[l.B] {
			t.Errorf("a link between %s (entrance: %v) and %s (%v)", group[l.A], entrance[l.A], group[l.B], entrance[l.B])
		}
	}
	if len(swarm.Peers) != 2*each || len(swarm.Links) < each*(each-1) || across > 1 {
		t.Errorf("%d peers, %d links, %d of them between the offices", len(swarm.Peers), len(swarm.Links), across)
	}
	direct := make(origins)
	for _, v := range all {
		if code := v.stop(t); code != 0 {
			t.Errorf("a viewer ended with %d", code)
		}
		direct.compare(t, v.played(t))
	}
}
