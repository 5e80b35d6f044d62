package player

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// pass serves what no session does: manifests, rewritten; redirects, mirrored;
// all else as it is.
func (g *Gateway) pass(w *recorder, r *http.Request, u *url.URL) Kind {
	h := g.toOrigin(r)
	h.Del("Accept-Encoding") // the fetcher negotiates what it can undo
	asksManifest := mayBeManifest(u.Path, "")
	if asksManifest {
		h.Del("Range") // a rewritten manifest has other offsets
		g.originCondition(h, u)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, u.String(), nil)
	if err != nil {
		explain(w, r, http.StatusBadRequest, "The path does not make a request: "+err.Error())
		return KindOther
	}
	req.Header = h
	resp, err := g.client.Do(req)
	if err != nil {
		status, text := refusedText(r.Context(), err)
		explain(w, r, status, text)
		return KindOther
	}
	defer resp.Body.Close()
	w.Header().Set("Cache-Status", "shoal; fwd=bypass; fwd-status="+strconv.Itoa(resp.StatusCode))
	switch {
	case resp.StatusCode/100 == 3 && resp.StatusCode != http.StatusNotModified:
		g.redirect(w, r, u, resp)
		return KindOther
	case resp.StatusCode == http.StatusOK && mayBeManifest(u.Path, resp.Header.Get("Content-Type")):
		g.manifest(w, r, u, resp)
		return KindManifest
	}
	copyHeader(w.Header(), resp.Header)
	if asksManifest && resp.Header.Get("Etag") != "" {
		w.Header().Set("Etag", mirroredTag(resp.Header.Get("Etag")))
	}
	if resp.ContentLength >= 0 && resp.StatusCode != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	w.WriteHeader(resp.StatusCode)
	if r.Method == http.MethodHead {
		return KindOther
	}
	n, err := w.copyFrom(resp.Body)
	if err != nil || resp.ContentLength >= 0 && n != resp.ContentLength && resp.StatusCode != http.StatusNotModified {
		panic(http.ErrAbortHandler) // as in write
	}
	return KindOther
}

// redirect sends the player to the target's place under the gateway, so that
// relative URLs resolve against it (RFC 3986 §5.1.3), and remembers which stream
// was asked for.
func (g *Gateway) redirect(w *recorder, r *http.Request, u *url.URL, resp *http.Response) {
	to, err := u.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" || to.Scheme != "http" && to.Scheme != "https" {
		explain(w, r, http.StatusBadGateway, "The origin redirects to nowhere that can be followed.")
		return
	}
	if g.guard.Host(to.Scheme, to.Host) != nil {
		g.forbidden(w, r, to)
		return
	}
	g.streams.redirect(u, to)
	location := g.prefix(r) + "/" + to.Scheme + "/" + to.Host + to.EscapedPath()
	if to.RawQuery != "" {
		location += "?" + to.RawQuery
	}
	w.Header().Set("Location", location)
	if c := resp.Header.Get("Cache-Control"); c != "" {
		w.Header().Set("Cache-Control", c)
	}
	explain(w, r, resp.StatusCode, "See "+location)
}

// manifest observes and rewrites a manifest.
func (g *Gateway) manifest(w *recorder, r *http.Request, u *url.URL, resp *http.Response) {
	contentType := resp.Header.Get("Content-Type")
	var body []byte
	if r.Method == http.MethodGet {
		var err error
		if body, err = io.ReadAll(io.LimitReader(resp.Body, MaxManifest+1)); err == nil && len(body) > MaxManifest {
			err = errManifestSize
		}
		if err != nil {
			explain(w, r, http.StatusBadGateway, "The manifest did not arrive whole: "+err.Error())
			return
		}
		if err := g.streams.observe(u, contentType, body); err != nil {
			g.cfg.Log.Warn("manifest not understood, its media goes to the origin", "url", redacted(u), "err", err)
		}
	}
	copyHeader(w.Header(), resp.Header)
	h := w.Header()
	h.Set("Content-Type", manifestType(u.Path, contentType))
	h.Del("Accept-Ranges")
	h.Del("Content-Md5")
	h.Del("Digest")
	if r.Method == http.MethodHead {
		h.Del("Content-Length") // the rewritten length is not known
		setTag(h, resp.Header.Get("Etag"), nil)
		w.WriteHeader(http.StatusOK)
		return
	}
	body = g.rewritten(r, u, body)
	setTag(h, resp.Header.Get("Etag"), body)
	if notModified(r.Header, h) {
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
}

// rewritten falls back to the manifest as it is: its relative URLs still work.
func (g *Gateway) rewritten(r *http.Request, u *url.URL, body []byte) []byte {
	m := mirror{prefix: g.prefix(r), allowed: func(scheme, host string) bool { return g.guard.Host(scheme, host) == nil }}
	base := splitReference(withoutFragment(u))
	if isPlaylist(body) {
		out, defined := rewriteHLS(m, base, body, g.defines.of(g.streamOf(u)))
		g.defines.add(g.streamOf(u), defined)
		return out
	}
	out, err := rewriteMPD(m, base, body)
	if err != nil {
		g.cfg.Log.Warn("manifest sent as it is", "url", redacted(u), "err", err)
		return body
	}
	return out
}

// streamOf names the stream that a playlist belongs to.
func (g *Gateway) streamOf(u *url.URL) string {
	if s, ok := g.streams.owner(u); ok {
		return s.Swarm()
	}
	return canonical(u)
}

// originCondition turns the player's conditions, which name rewritten bytes,
// into the origin's. Without a session the manifest itself is needed.
func (g *Gateway) originCondition(h http.Header, u *url.URL) {
	tag := h.Get("If-None-Match")
	h.Del("If-None-Match")
	h.Del("If-Range")
	if s, ok := g.streams.owner(u); !ok && g.streams.dial != nil || ok && s.Presentation() == nil {
		h.Del("If-Modified-Since")
		return
	}
	if origin, ok := originTag(tag); ok {
		h.Set("If-None-Match", origin)
	} else if tag != "" {
		h.Del("If-Modified-Since") // of lower rank, RFC 9110 §13.2.2
	}
}

const tagPrefix = "shoal-"

// mirroredTag is the ETag of a rewritten manifest. It holds the origin's, so
// that a condition can be asked there: "abc" → "shoal-ImFiYyI".
func mirroredTag(origin string) string {
	return `"` + tagPrefix + base64.RawURLEncoding.EncodeToString([]byte(origin)) + `"`
}

func originTag(tag string) (string, bool) {
	inner, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`+tagPrefix)
	if !ok {
		return "", false
	}
	origin, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(inner, `"`))
	if err != nil || len(origin) < 2 || strings.ContainsAny(string(origin), "\r\n,") {
		return "", false
	}
	return string(origin), true
}

// setTag derives the ETag from the origin's, or from the bytes when it has none.
func setTag(h http.Header, origin string, body []byte) {
	switch {
	case origin != "":
		h.Set("Etag", mirroredTag(origin))
	case body != nil:
		sum := sha256.Sum256(body)
		h.Set("Etag", `"`+hex.EncodeToString(sum[:16])+`"`)
	}
}

func isPlaylist(body []byte) bool {
	return strings.HasPrefix(strings.TrimPrefix(string(body[:min(len(body), 16)]), "\ufeff"), "#EXTM3U")
}

// manifestType corrects the general types that servers send for manifests.
func manifestType(path, contentType string) string {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(mediaType) {
	case "", "text/plain", "text/xml", "application/xml", "application/octet-stream", "binary/octet-stream":
		return typeByName(path)
	}
	return contentType
}

// copyHeader passes an origin's headers on. Set-Cookie would be shared among all
// origins, CORS is the gateway's own affair, and HSTS would lock players out.
func copyHeader(to, from http.Header) {
	for name, values := range forwardable(from) {
		switch {
		case name == "Set-Cookie", name == "Strict-Transport-Security", name == "Alt-Svc", name == "Content-Length",
			name == "Content-Security-Policy", strings.HasPrefix(name, "Access-Control-"), strings.HasPrefix(name, "Cross-Origin-"):
		default:
			to[name] = values
		}
	}
}

// definitions are the EXT-X-DEFINE variables of each stream's multivariant
// playlist, for media playlists that import them.
type definitions struct {
	mu     sync.Mutex
	stream map[string]map[string]string
}

func (d *definitions) of(stream string) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stream[stream]
}

func (d *definitions) add(stream string, defined map[string]string) {
	if len(defined) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stream == nil || len(d.stream) >= maxRedirectsKept {
		d.stream = make(map[string]map[string]string)
	}
	merged := make(map[string]string, len(defined))
	for k, v := range d.stream[stream] {
		merged[k] = v
	}
	for k, v := range defined {
		if len(merged) < maxVariables {
			merged[k] = v
		}
	}
	d.stream[stream] = merged
}

// publicPrefix checks GatewayConfig.PublicURL.
func publicPrefix(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.Join(fmt.Errorf("player: public URL %q: want http://host:port or https://host", raw), err)
	}
	return strings.TrimRight(raw, "/"), nil
}
