package manifest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
)

// Request asks a Source for a small document: a manifest, or something that
// reading one needs.
type Request struct {
	URL          string
	Method       string // "" and GET fetch; HEAD when only the answer's Date is wanted
	ETag         string // of the copy at hand, for If-None-Match
	LastModified string // of the copy at hand, for If-Modified-Since
	First, Last  int64  // byte range, Last −1: to the end; First 0 with Last −1: the whole
}

// Response is a Source's answer.
type Response struct {
	Status       int
	URL          string // after redirects, "" when the same
	Body         []byte
	ContentType  string
	ETag         string
	LastModified string
	Date         time.Time     // of the Date header, zero without one
	RetryAfter   time.Duration // 0: not told
	NotModified  bool          // status 304
}

// Source fetches over HTTP. Implementations follow redirects, bound the body
// (MaxDocument is enough) and refuse what is not http or https. Fetch may be
// called concurrently.
type Source interface {
	Fetch(ctx context.Context, r Request) (Response, error)
}

// MaxDocument is the largest document, in bytes, that a Source need deliver.
const MaxDocument = max(dash.MaxBytes, hls.MaxPlaylistBytes)

// StatusError is an HTTP answer that is not the wanted document.
type StatusError struct {
	URL        string
	Status     int
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("manifest: %s: HTTP status %d", withoutSecrets(e.URL), e.Status)
}

// withoutSecrets drops the query, which may hold a token, and user information.
func withoutSecrets(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		s, _, _ = strings.Cut(s, "?")
		return s
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}

// get fetches and insists on a success or, for a conditional request, on 304.
func get(ctx context.Context, src Source, r Request) (Response, error) {
	resp, err := src.Fetch(ctx, r)
	if err != nil {
		return resp, fmt.Errorf("manifest: %s: %w", withoutSecrets(r.URL), err)
	}
	if resp.URL == "" {
		resp.URL = r.URL
	}
	conditional := r.ETag != "" || r.LastModified != ""
	switch {
	case resp.NotModified && conditional:
		return resp, nil
	case resp.Status >= 200 && resp.Status < 300:
	default:
		return resp, &StatusError{resp.URL, resp.Status, resp.RetryAfter}
	}
	if len(resp.Body) > MaxDocument {
		return resp, fmt.Errorf("manifest: %s: more than %d bytes: %w", withoutSecrets(r.URL), MaxDocument, dash.ErrLimit)
	}
	return resp, nil
}

const statusPartial = 206 // RFC 9110 §15.3.7

// forDASH is src as the dash package wants it. An origin that ignores Range
// answers with the whole file: the wanted part is cut out.
func forDASH(src Source) dash.Fetch {
	return func(ctx context.Context, r dash.Request) (dash.Answer, error) {
		resp, err := get(ctx, src, Request{URL: r.URL, Method: r.Method, First: r.First, Last: r.Last})
		if err != nil {
			return dash.Answer{}, err
		}
		a := dash.Answer{Body: resp.Body, URL: resp.URL, Date: resp.Date}
		if ranged := r.First > 0 || r.Last >= 0; ranged && r.Method != "HEAD" && resp.Status != statusPartial {
			if int64(len(a.Body)) <= r.First {
				return a, fmt.Errorf("manifest: %s: byte %d is behind the end", withoutSecrets(r.URL), r.First)
			}
			a.Body = a.Body[r.First:]
			if n := r.Last - r.First + 1; r.Last >= 0 && n < int64(len(a.Body)) {
				a.Body = a.Body[:n]
			}
		}
		return a, nil
	}
}

// forHLS is src as the hls package wants it.
func forHLS(src Source) hls.Fetch {
	return func(ctx context.Context, url string) ([]byte, string, error) {
		resp, err := get(ctx, src, Request{URL: url, Last: -1})
		return resp.Body, resp.URL, err
	}
}
