package player

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Transport is an http.RoundTripper that brings a stream's media from peers.
// Manifests go to the origin unchanged and are read on their way back; what they
// name as media and may be shared comes from the session; everything else
// (other methods, unknown URLs, licences, keys) goes to Base.
//
// Set Session to serve one stream, or Dial to make a session for every stream
// whose manifest passes. Close it when done.
type Transport struct {
	// Session serves one known stream. The caller closes it.
	Session *Session
	// Dial makes the peer of a new stream's swarm; see Dialer.
	Dial Dial
	// Base does plain HTTP (default http.DefaultTransport).
	Base http.RoundTripper
	// Options for the sessions that Dial makes; URL, Swarm and Node are ignored, and
	// Source is Base by default.
	Options SessionConfig
	// MaxSessions kept at a time (default 32); IdleClose of those unused
	// (default 2 minutes).
	MaxSessions int
	IdleClose   time.Duration
	// Log (default: none).
	Log *slog.Logger

	once    sync.Once
	streams *streams
}

func (t *Transport) init() {
	t.once.Do(func() {
		log := t.Log
		if log == nil {
			log = slog.New(slog.DiscardHandler)
		}
		options := t.Options
		if options.Source == nil {
			options.Source = sourceOf(&http.Client{Transport: t.base()})
		}
		t.streams = newStreams(t.Dial, options, t.MaxSessions, t.IdleClose, log)
		if t.Session != nil {
			t.streams.pin(t.Session)
		}
	})
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.init()
	if req.Method != "" && req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody {
		return t.base().RoundTrip(req)
	}
	rawURL := withoutFragment(req.URL)
	if n, ok := t.streams.find(rawURL, req.Header); ok {
		r, err := n.answer(req.Context())
		if err == nil {
			if req.Body != nil {
				req.Body.Close()
			}
			return r.response(req), nil
		}
		if !errors.Is(err, errBypass) {
			return nil, err
		}
	}
	resp, err := t.base().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return resp, t.observe(req, resp)
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// observe reads a manifest that passes and puts its bytes back.
func (t *Transport) observe(req *http.Request, resp *http.Response) error {
	if to, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		t.streams.redirect(req.URL, to)
		return nil
	}
	if resp.StatusCode != http.StatusOK || !mayBeManifest(req.URL.Path, resp.Header.Get("Content-Type")) {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxManifest+1))
	if err != nil || len(body) > MaxManifest {
		resp.Body = &resumed{Reader: io.MultiReader(bytes.NewReader(body), resp.Body, failing{err}), Closer: resp.Body}
		return nil
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	plain, err := decoded(resp.Header.Get("Content-Encoding"), body)
	if err == nil {
		err = t.streams.observe(req.URL, resp.Header.Get("Content-Type"), plain)
	}
	if err != nil {
		t.streams.log.Warn("manifest not understood, its media goes to the origin", "url", redacted(req.URL), "err", err)
	}
	return nil
}

// Close ends the sessions that Dial made and waits for them.
func (t *Transport) Close() error {
	t.init()
	t.streams.close()
	return nil
}

// response makes an http.Response of r.
func (r *reply) response(req *http.Request) *http.Response {
	return &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        r.header,
		Body:          r.reader(),
		ContentLength: r.length,
		Request:       req,
	}
}

// resumed is a body whose first bytes were read already.
type resumed struct {
	io.Reader
	io.Closer
}

// failing yields err, or the end when it is nil.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// mayBeManifest is a cheap look before a body is held back: by type, or by name
// where servers send a general type.
func mayBeManifest(path, contentType string) bool {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(mediaType) {
	case "application/dash+xml", "application/dash-patch+xml", "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl":
		return true
	case "", "text/plain", "text/xml", "application/xml", "application/octet-stream", "binary/octet-stream":
		path = strings.ToLower(path)
		return strings.HasSuffix(path, ".mpd") || strings.HasSuffix(path, ".m3u8") || strings.HasSuffix(path, ".m3u") || strings.HasSuffix(path, ".mpp")
	}
	return false
}

// decoded undoes the content coding that a player negotiated itself. Codings
// that the standard library lacks leave the manifest unread.
func decoded(coding string, body []byte) ([]byte, error) {
	switch strings.ToLower(coding) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		plain, err := io.ReadAll(io.LimitReader(z, MaxManifest+1))
		if err == nil && len(plain) > MaxManifest {
			err = errManifestSize
		}
		return plain, err
	}
	return nil, errors.New("player: content coding " + coding + " is not supported; ask for gzip or none")
}
