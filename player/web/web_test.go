package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func get(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	h := handler(fstest.MapFS{
		"status.html": {Data: []byte("<!doctype html>page")},
		"status.js":   {Data: []byte("code")},
		"status.css":  {Data: []byte("style")},
		"README.md":   {Data: []byte("placeholder")},
		"deep/a.js":   {Data: []byte("deep")},
	})
	for _, tt := range []struct {
		method, target string
		status         int
		kind, body     string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<!doctype html>page"},
		{"GET", "/status.html", 200, "text/html; charset=utf-8", "<!doctype html>page"},
		{"HEAD", "/status.js", 200, "text/javascript; charset=utf-8", ""},
		{"GET", "/status.css", 200, "text/css; charset=utf-8", "style"},
		{"GET", "/deep/a.js", 200, "text/javascript; charset=utf-8", "deep"},
		{"GET", "/deep", 404, "", ""},
		{"GET", "/README.md", 404, "", ""},
		{"GET", "/none.js", 404, "", ""},
		{"GET", "/../web.go", 404, "", ""},
		{"POST", "/", 405, "", ""},
	} {
		t.Run(tt.method+tt.target, func(t *testing.T) {
			w := get(h, tt.method, tt.target)
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d", w.Code, tt.status)
			}
			if tt.status != 200 {
				return
			}
			if got := w.Header().Get("Content-Type"); got != tt.kind || w.Body.String() != tt.body {
				t.Errorf("%q as %q, want %q as %q", w.Body, got, tt.body, tt.kind)
			}
			if got := get(h, "GET", tt.target, "If-None-Match", w.Header().Get("ETag")).Code; got != 304 {
				t.Errorf("asked again: status %d, want 304", got)
			}
		})
	}
}

func TestNotBuiltSaysWhatToRun(t *testing.T) {
	w := get(http.HandlerFunc(notBuilt), "GET", "/status.html")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "go generate ./...") {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
}

func TestScriptsAreForEverybody(t *testing.T) {
	h := handler(fstest.MapFS{
		"status.html": {Data: []byte("<!doctype html>page")},
		"shoal.js":    {Data: []byte("code")},
		"shoal.mjs":   {Data: []byte("code")},
	})
	for _, name := range []string{"/shoal.js", "/shoal.mjs"} {
		header := get(h, "GET", name).Header()
		if header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: pages of other origins cannot load it: %v", name, header)
		}
		if got := header.Get("Content-Security-Policy"); got != "" {
			t.Errorf("%s: its worker would be held to %q", name, got)
		}
		if got := header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("%s: type %q", name, got)
		}
	}
	if get(h, "GET", "/").Header().Get("Content-Security-Policy") == "" {
		t.Error("the page has no policy")
	}
	w := get(http.HandlerFunc(notBuilt), "GET", "/shoal.js")
	if w.Code != 503 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || !strings.Contains(w.Body.String(), "go generate") {
		t.Errorf("not built: status %d, %q", w.Code, w.Body)
	}
}

// TestBuilt checks the bundle where there is one; CI builds it before the tests.
func TestBuilt(t *testing.T) {
	files, built := Files()
	if !built {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run go generate before the tests")
		}
		t.Skip("browser files not built; run go generate ./...")
	}
	h := Handler()
	page := get(h, "GET", "/")
	if page.Code != 200 {
		t.Fatalf("status %d", page.Code)
	}
	for _, name := range []string{"status.js", "status.css"} {
		if !strings.Contains(page.Body.String(), `"`+name+`"`) {
			t.Errorf("the page does not name %s", name)
		}
		if body, err := fs.ReadFile(files, name); err != nil || len(body) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
	}
}
