package player

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// prefix is the gateway's own address as the player sees it.
func (g *Gateway) prefix(r *http.Request) string {
	switch {
	case g.cfg.PublicURL != "":
		return g.cfg.PublicURL
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// explain sends a plain-text page.
func explain(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	text += "\n"
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
}

func (g *Gateway) forbidden(w http.ResponseWriter, r *http.Request, u *url.URL) {
	explain(w, r, http.StatusForbidden,
		"The origin "+u.Host+" is not on this gateway's allow list.\nStart it with --allow "+u.Host+" to permit it.")
}

// index tells people how to use the gateway and what it serves now.
func (g *Gateway) index(w http.ResponseWriter, r *http.Request) {
	prefix := g.prefix(r)
	var b strings.Builder
	fmt.Fprintf(&b, `Shoal gateway

Open a stream under its scheme and host. For https://cdn.example/live/stream.mpd:

    %[1]s/https/cdn.example/live/stream.mpd

    ffplay %[1]s/https/cdn.example/live/stream.mpd
    mpv    %[1]s/https/cdn.example/live/stream.m3u8
    vlc    %[1]s/https/cdn.example/live/stream.m3u8

`, prefix)
	sessions := g.Sessions()
	if len(sessions) == 0 {
		b.WriteString("No stream is open.")
	} else {
		b.WriteString("Open streams:\n")
	}
	for _, s := range sessions {
		last := "never"
		if !s.LastRequest.IsZero() {
			last = time.Since(s.LastRequest).Round(time.Second).String() + " ago"
		}
		fmt.Fprintf(&b, "    %s  requests %d, from cache %d, bytes %d, last %s\n",
			s.Swarm, s.Counters.Requests, s.Counters.Hits, s.Counters.Bytes, last)
	}
	explain(w, r, http.StatusOK, strings.TrimRight(b.String(), "\n"))
}

// exposed are the response headers that a page's player may read.
const exposed = "Accept-Ranges, Age, Cache-Status, Content-Encoding, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After, Server-Timing"

// allowOrigin lets pages of any site read: what the gateway serves is public to
// whoever can reach it, and it keeps no cookies.
func allowOrigin(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", exposed)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Timing-Allow-Origin", "*")
}

// preflight answers what a browser asks before a request with a Range or a
// header of its own.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

// recorder counts what goes out.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// copyFrom sends r as it arrives: each piece is flushed, so that a player gets
// the first bytes of a segment that is still being made.
func (w *recorder) copyFrom(r io.Reader) (int64, error) {
	flush := http.NewResponseController(w.ResponseWriter)
	return io.Copy(&flushing{w, flush}, struct{ io.Reader }{r})
}

type flushing struct {
	w     *recorder
	flush *http.ResponseController
}

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.flush.Flush()
	}
	return n, err
}
