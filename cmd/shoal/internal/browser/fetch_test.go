package browser

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
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

// fontFile is any font, of Debian's fonts-dejavu-core.
const fontFile = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"

// asset is the same for everybody, and differs by name. As an SVG it is also an
// image, as a script it counts itself.
func asset(name string) []byte {
	r := rand.New(rand.NewPCG(uint64(len(name)), 7))
	var filler strings.Builder
	for filler.Len() < 200_000 {
		fmt.Fprintf(&filler, "%016x", r.Uint64())
	}
	switch {
	case strings.HasSuffix(name, ".ttf"):
		font, err := os.ReadFile(fontFile)
		if err != nil {
			panic(err)
		}
		return font
	case strings.HasSuffix(name, ".svg"):
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"><!--` + filler.String() + `--></svg>`)
	case strings.HasSuffix(name, ".js"):
		return []byte(`globalThis.ran = (globalThis.ran ?? 0) + 1; // ` + filler.String())
	}
	return []byte(name + filler.String())
}

func newSite(t testing.TB) *site {
	t.Helper()
	needsBuild(t)
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
		if strings.HasSuffix(name, ".private") {
			w.Header().Set("Cache-Control", "private")
		} else {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(asset(name)))
	})
	server := signal.NewServer(signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}})
	t.Cleanup(func() { server.Close() })
	mux.Handle("/ws", server)
	for _, file := range []string{"/shoal.js", "/worker.js", "/ed25519.js"} {
		mux.Handle(file, web.Handler())
	}
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

// once lets two tabs get a resource, one after the other: what is shared must leave
// the origin once. The second must have heard of it, which takes about a second
// (swarm/PROTOCOL.md §6.4) and is not to be seen from outside: where it has not,
// another resource is tried, with more time.
func (s *site) once(t testing.TB, shared bool, name func(int) string, get func(tab int, name string)) {
	t.Helper()
	for try := range 6 {
		n := name(try)
		get(0, n)
		if shared {
			time.Sleep(time.Duration(try+1) * 700 * time.Millisecond)
		}
		get(1, n)
		switch got := s.count(n); {
		case shared && got == 1 || !shared && got == 2:
			return
		case !shared:
			t.Errorf("%s left the origin %d times, want 2", n, got)
			return
		}
	}
	t.Errorf("%s and those before it left the origin twice", name(5))
}

// TestFetch: a resource leaves the origin once, and is the same bytes everywhere.
func TestFetch(t *testing.T) {
	t.Parallel()
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
		kind, init  string
		first, last int
		shared      bool
	}{
		{"bin", "{}", 0, -1, true},
		{"js", "{ headers: { Range: 'bytes=1000-80999' } }", 1000, 80999, true},
		{"private", "{}", 0, -1, false},
		{"bin", "{ credentials: 'include' }", 0, -1, false},
	} {
		s.once(t, test.shared, func(i int) string { return fmt.Sprintf("%d%d.%s", i, test.first, test.kind) }, func(i int, name string) {
			want := asset(name)[test.first:]
			if test.last >= 0 {
				want = want[:test.last+1-test.first]
			}
			if got := get(tabs[i], "/assets/"+name, test.init); got != sumOf(want) {
				t.Errorf("%s: %s has other bytes", tabs[i].name, name)
			}
		})
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
	t.Parallel()
	c := startChromium(t)
	s := newSite(t)
	var tabs []*tab
	for i := range 2 {
		tb := c.newProfile(t).open(t, fmt.Sprintf("tab %d", i+1), s.URL+"/?worker")
		eval[bool](t, tb, "ready")
		eval[string](t, tb, fmt.Sprintf("shoal.fetch('/assets/hello%d').then(hash)", i))
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
	s.once(t, true, func(i int) string { return fmt.Sprintf("picture%d.svg", i) }, func(i int, name string) {
		if got := eval[int](t, tabs[i], fmt.Sprintf(element, "img", "/assets/"+name)); got != 7 {
			t.Errorf("%s: picture of width %d, want 7", tabs[i].name, got)
		}
	})
	s.once(t, true, func(i int) string { return fmt.Sprintf("code%d.js", i) }, func(i int, name string) {
		if got := eval[int](t, tabs[i], fmt.Sprintf(element, "script", "/assets/"+name)); got == 0 {
			t.Errorf("%s: the script did not run", tabs[i].name)
		}
	})
	if _, err := os.Stat(fontFile); err != nil {
		missing(t, "no font: %v", err)
	}
	s.once(t, true, func(i int) string { return fmt.Sprintf("font%d.ttf", i) }, func(i int, name string) {
		// As a style sheet loads it.
		const face = `(async () => {
			document.head.append(Object.assign(document.createElement("style"), { textContent: "@font-face { font-family: \"%[1]s\"; src: url(/assets/%[1]s) }" }));
			return (await document.fonts.load("16px \"%[1]s\"")).length;
		})()`
		if got := eval[int](t, tabs[i], fmt.Sprintf(face, name)); got != 1 {
			t.Errorf("%s: %d fonts were loaded, want 1", tabs[i].name, got)
		}
	})
}
