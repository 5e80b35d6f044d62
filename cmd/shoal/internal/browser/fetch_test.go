package browser

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/signal"
)

// site is a web site whose assets come through shoal.fetch or a service worker.
type site struct {
	*httptest.Server
	mu   sync.Mutex
	gets map[string]int // full answers by path
}

// asset is the same for everybody, and differs by name. As an SVG it is also an
// image, as a script it counts itself.
func asset(name string) []byte {
	r := rand.New(rand.NewPCG(uint64(len(name)), 7))
	var filler strings.Builder
	for filler.Len() < 200_000 {
		fmt.Fprintf(&filler, "%016x", r.Uint64())
	}
	switch {
	case strings.HasSuffix(name, ".svg"):
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"><!--` + filler.String() + `--></svg>`)
	case strings.HasSuffix(name, ".js"):
		return []byte(`globalThis.ran = (globalThis.ran ?? 0) + 1; // ` + filler.String())
	}
	return []byte(name + filler.String())
}

func newSite(t testing.TB) *site {
	t.Helper()
	if _, built := web.Files(); !built {
		skipUnbuilt(t)
	}
	s := &site{gets: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><meta charset="utf-8"><title>site</title><script src="/shoal.js"></script><script>
			const errors = [], loaded = [], stalls = 0, video = {};
			addEventListener("error", e => errors.push(String(e.message)));
			addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
			const ready = (async () => {
				shoal.serviceWorker();
				if (!location.search.includes("worker")) return true;
				await navigator.serviceWorker.register("/sw.js");
				if (!navigator.serviceWorker.controller) await new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
				return true;
			})();
			const hash = async response => [...new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()))].map(b => b.toString(16).padStart(2, "0")).join("");
		</script>`)
	})
	mux.HandleFunc("/sw.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `importScripts("/shoal-sw.js");
			shoalServiceWorker({ share: [/\/assets\//] });
			addEventListener("install", () => skipWaiting());
			addEventListener("activate", e => e.waitUntil(clients.claim()));`)
	})
	mux.HandleFunc("/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		s.mu.Lock()
		s.gets[name]++
		s.mu.Unlock()
		if strings.HasPrefix(name, "private") {
			w.Header().Set("Cache-Control", "private")
		} else {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(asset(name)))
	})
	server := signal.NewServer(signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}})
	t.Cleanup(func() { server.Close() })
	mux.Handle("/ws", server)
	mux.Handle("/shoal.js", web.Handler())
	mux.Handle("/shoal-sw.js", web.Handler())
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *site) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets[name]
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestFetch: a resource leaves the origin once, and is the same bytes everywhere.
func TestFetch(t *testing.T) {
	c := startChromium(t)
	s := newSite(t)
	var tabs []*tab
	for i := range 2 {
		tb := c.newProfile(t).open(t, fmt.Sprintf("tab %d", i+1), s.URL)
		// The first request starts the engine.
		eval[string](t, tb, fmt.Sprintf("shoal.fetch('/assets/hello%d').then(hash)", i))
		tabs = append(tabs, tb)
	}
	for _, tb := range tabs {
		tb.when(t, "shoal.stats()[0].peers == 1")
	}
	get := func(tb *tab, url, init string) string {
		return eval[string](t, tb, fmt.Sprintf("shoal.fetch(%q, %s).then(hash)", url, init))
	}
	for _, test := range []struct {
		name, init string
		want       []byte
		gets       int
	}{
		{"a.bin", "{}", asset("a.bin"), 1},
		{"b.js", "{ headers: { Range: 'bytes=1000-80999' } }", asset("b.js")[1000:81000], 1},
		{"private.bin", "{}", asset("private.bin"), 2},
		{"c.bin", "{ credentials: 'include' }", asset("c.bin"), 2},
	} {
		for _, tb := range tabs {
			if got := get(tb, "/assets/"+test.name, test.init); got != sumOf(test.want) {
				t.Errorf("%s: %s has other bytes", tb.name, test.name)
			}
		}
		if got := s.count(test.name); got != test.gets {
			t.Errorf("%s left the origin %d times, want %d", test.name, got, test.gets)
		}
	}
	type head struct {
		Status int
		Type   string
		URL    string
	}
	for _, tb := range tabs {
		got := eval[head](t, tb, "shoal.fetch('/assets/b.js', { headers: { Range: 'bytes=1000-80999' } }).then(r => ({ Status: r.status, Type: r.headers.get('content-type'), URL: r.url }))")
		if want := (head{206, "text/javascript; charset=utf-8", s.URL + "/assets/b.js"}); got != want {
			t.Errorf("%s: %+v, want %+v", tb.name, got, want)
		}
		if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
			t.Errorf("%s: %v", tb.name, errs)
		}
	}
}

// TestServiceWorker: what elements load comes through the page's peers.
func TestServiceWorker(t *testing.T) {
	c := startChromium(t)
	s := newSite(t)
	var tabs []*tab
	for i := range 2 {
		tb := c.newProfile(t).open(t, fmt.Sprintf("tab %d", i+1), s.URL+"/?worker")
		eval[bool](t, tb, "ready")
		eval[string](t, tb, fmt.Sprintf("fetch('/assets/hello%d').then(hash)", i))
		tabs = append(tabs, tb)
	}
	for _, tb := range tabs {
		tb.when(t, "shoal.stats().length && shoal.stats()[0].peers == 1")
	}
	const element = `new Promise((done, failed) => {
		const e = Object.assign(document.createElement(%q), { onload: () => done(e.naturalWidth ?? ran), onerror: () => failed(new Error("not loaded")) });
		document.body.append(e);
		e.src = %q;
	})`
	for _, tb := range tabs {
		if got := eval[int](t, tb, fmt.Sprintf(element, "img", "/assets/picture.svg")); got != 7 {
			t.Errorf("%s: picture of width %d, want 7", tb.name, got)
		}
		if got := eval[int](t, tb, fmt.Sprintf(element, "script", "/assets/code.js")); got != 1 {
			t.Errorf("%s: the script ran %d times", tb.name, got)
		}
	}
	for _, name := range []string{"picture.svg", "code.js"} {
		if got := s.count(name); got != 1 {
			t.Errorf("%s left the origin %d times", name, got)
		}
	}
}
