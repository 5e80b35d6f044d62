package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var embedded embed.FS

// start is the page that "/" shows; where it is missing, nothing was built.
const start = "status.html"

// Files are the built browser files, and whether they were built at all.
func Files() (files fs.FS, built bool) {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		return embedded, false // unreachable: "dist" is a valid path
	}
	_, err = fs.Stat(files, start)
	return files, err == nil
}

// Handler serves the browser files, the status page at "/". Where they were not
// built it answers everything with 503 and a page that says what to run.
func Handler() http.Handler {
	files, built := Files()
	if !built {
		return http.HandlerFunc(notBuilt)
	}
	return handler(files)
}

// contentTypes are set by hand, because mime asks the machine's own tables,
// which may call JavaScript text/plain; browsers refuse such a module.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".map":  "application/json",
}

// policy: everything comes from here, except that an img may be a data URL.
// Players feed video from and start workers of blobs, and the websocket may be on
// another port.
const policy = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self' ws: wss:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func handler(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = start
		}
		body, err := fs.ReadFile(files, name)
		if err != nil || path.Ext(name) == ".md" {
			http.NotFound(w, r)
			return
		}
		kind := contentTypes[path.Ext(name)]
		if kind == "" {
			kind = mime.TypeByExtension(path.Ext(name))
		}
		sum := sha256.Sum256(body)
		header := w.Header()
		if kind != "" {
			header.Set("Content-Type", kind)
		}
		// Names stay the same from release to release: always ask, 304 is cheap.
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		header.Set("X-Content-Type-Options", "nosniff")
		if path.Ext(name) == ".html" {
			header.Set("Content-Security-Policy", policy)
		} else {
			// Pages of any origin load the client. It must not bring a policy along: a
			// worker is held to that of its script, and ours talks to origins and peers.
			header.Set("Access-Control-Allow-Origin", "*")
			header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}

func notBuilt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if ext := path.Ext(r.URL.Path); ext != "" && ext != ".html" {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.Error(w, "this binary was built without its browser files: go generate ./... && go build ./cmd/shoal", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", contentTypes[".html"])
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprint(w, `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shoal: browser files not built</title>
<p>This binary was built without its browser files. In the source folder, with Node.js and npm installed, run
<pre>go generate ./...
go build ./cmd/shoal</pre>
<p>and start it again. Everything but this page works without them.
`)
}
