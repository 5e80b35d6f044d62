package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/segments"
)

// Source fetches manifests, sidx boxes and clocks for package manifest, which
// knows no HTTP: GET through the origin fetcher with its resumption and
// back-off, HEAD (UTCTiming http-head) through Client.
type Source struct {
	Origin *segments.Origin
	// Client sends HEAD requests (default http.DefaultClient).
	Client *http.Client
	// Header goes with every request: credentials, for example.
	Header http.Header
}

// sourceOf makes a Source of a client.
func sourceOf(client *http.Client) *Source {
	return &Source{Origin: segments.NewOrigin(segments.OriginConfig{Client: client}), Client: client}
}

// headTimeout bounds a HEAD request: a clock reading that took longer is useless.
const headTimeout = 5 * time.Second

// Fetch implements manifest.Source. A status of 400 or more is a Response, not
// an error, so that the follower sees Retry-After.
func (s *Source) Fetch(ctx context.Context, r manifest.Request) (manifest.Response, error) {
	if r.Method == http.MethodHead {
		return s.head(ctx, r)
	}
	last := r.Last
	if r.First == 0 && last == 0 {
		last = -1 // the zero request wants the whole
	}
	head, body, err := s.Origin.Get(ctx, segments.OriginRequest{
		URL: r.URL, Header: s.Header, First: r.First, Last: last,
		ETag: r.ETag, LastModified: r.LastModified,
	}, MaxManifest)
	var status *segments.StatusError
	if errors.As(err, &status) {
		return manifest.Response{
			Status: status.Code, URL: r.URL, RetryAfter: status.RetryAfter,
			NotModified: status.Code == http.StatusNotModified,
		}, nil
	}
	if err != nil {
		return manifest.Response{}, fmt.Errorf("player: fetch manifest: %w", err)
	}
	resp := describe(head.Status, head.URL, head.Header)
	resp.Body = body
	return resp, nil
}

func (s *Source) head(ctx context.Context, r manifest.Request) (manifest.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, r.URL, nil)
	if err != nil {
		return manifest.Response{}, fmt.Errorf("player: HEAD: %w", err)
	}
	for name, values := range s.Header {
		req.Header[name] = values
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return manifest.Response{}, fmt.Errorf("player: HEAD: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, firstRead)); err != nil {
		return manifest.Response{}, fmt.Errorf("player: HEAD %s: %w", redacted(req.URL), err)
	}
	return describe(resp.StatusCode, resp.Request.URL.String(), resp.Header), nil
}

func describe(status int, url string, h http.Header) manifest.Response {
	r := manifest.Response{
		Status: status, URL: url,
		ETag: h.Get("Etag"), LastModified: h.Get("Last-Modified"), ContentType: h.Get("Content-Type"),
		NotModified: status == http.StatusNotModified,
	}
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		r.Date = t
	}
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 {
		r.RetryAfter = time.Duration(min(seconds, maxRetryAfter)) * time.Second
	}
	return r
}

// maxRetryAfter in seconds: an origin cannot silence a follower for longer.
const maxRetryAfter = 3600
