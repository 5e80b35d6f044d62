package segments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

var (
	// ErrChanged says that the resource changed while it was being fetched and
	// bytes of the old one were handed on already.
	ErrChanged = errors.New("segments: resource changed at the origin")
	// ErrBadAnswer says that the origin's answer does not fit the request.
	ErrBadAnswer = errors.New("segments: bad answer from the origin")
	// ErrIdle says that the origin sent nothing for OriginConfig.IdleTimeout.
	ErrIdle = errors.New("segments: origin sends nothing")
)

// Origin fetches resources over HTTP. It is safe for concurrent use and owns no
// goroutine besides those of its connections, which Close ends.
type Origin struct {
	config OriginConfig
	client *http.Client
	own    bool  // the transport is ours
	err    error // of the configuration; every fetch fails with it
}

// NewOrigin returns a fetcher. A configuration that cannot work makes every
// fetch fail with an error that says why.
func NewOrigin(c OriginConfig) *Origin {
	o := &Origin{config: c.populate()}
	if o.err = o.config.validate(); o.err == nil {
		o.client, o.own, o.err = originClient(o.config)
	}
	return o
}

// Close ends idle connections of the Origin's own client. Fetches under way end
// with their contexts.
func (o *Origin) Close() error {
	if o.own && o.client != nil {
		o.client.CloseIdleConnections()
	}
	return nil
}

// OriginRequest asks for a resource, or a byte range of one.
type OriginRequest struct {
	URL string
	// Header is sent along, except for Range, conditions, Accept-Encoding and
	// what belongs to one connection.
	Header http.Header
	// First and Last are the byte range, inclusive; Last -1 is the end. First 0
	// with Last -1 is the whole resource, and asks for no range.
	First, Last int64
	// ETag and LastModified, from an earlier Meta, make the request conditional:
	// an unchanged resource gives Head.Status 304 and no bytes.
	ETag, LastModified string
	// Once gives up after the first attempt that brings nothing: the caller has
	// somebody else to ask meanwhile. A body that breaks off is resumed.
	Once bool
}

// Head is what the origin said before the bytes.
type Head struct {
	Status int         // 200, 206 or 304
	Size   int64       // of the requested bytes, -1 unknown
	Meta   Meta        //
	Header http.Header // of the answer that brought the first bytes
	URL    string      // after redirects
}

// StatusError is an HTTP status that brings no bytes.
type StatusError struct {
	URL        string // without its query, which may hold a token
	Code       int
	RetryAfter time.Duration // asked for by the origin, 0 none; at most a day
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("segments: %s answers %d %s", e.URL, e.Code, http.StatusText(e.Code))
}

// Temporary reports whether the same request may work later: 408, 425, 429 and
// 5xx except 501 and 505.
func (e *StatusError) Temporary() bool {
	switch e.Code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return e.Code >= 500
}

// Fetch streams the requested bytes into the writer that sink returns. sink is
// called once, when the first byte has come (or the empty end, or 304, where the
// writer may be nil); n counts the bytes written.
//
// An attempt that fails for a passing reason is repeated with jittered back-off,
// not before a Retry-After. A body that breaks off is resumed by Range under
// If-Range if the answer had a strong validator (a strong ETag, or a
// Last-Modified at least a second before its Date), and started over if nothing
// was written yet; otherwise the error is returned. An origin that ignores Range
// is coped with by skipping.
//
// Errors: *StatusError; ErrTooLarge above MaxBytes; ErrRedirect; ErrAddress;
// ErrBadAnswer; ErrChanged; ErrIdle; sink's and its writer's own; ctx's.
func (o *Origin) Fetch(ctx context.Context, r OriginRequest, sink func(Head) (io.Writer, error)) (n int64, err error) {
	f := &fetch{origin: o, request: r, limit: o.config.MaxBytes, sink: sink}
	err = f.run(ctx)
	return f.written, err
}

// Get fetches a small document whole, or the requested range of one. It accepts
// gzip, undoes it, and returns ErrTooLarge above maxBytes of identity bytes (0:
// OriginConfig.MaxBytes). A broken body is fetched again from the start.
func (o *Origin) Get(ctx context.Context, r OriginRequest, maxBytes int64) (Head, []byte, error) {
	if maxBytes <= 0 {
		maxBytes = o.config.MaxBytes
	}
	var head Head
	var body bytes.Buffer
	f := &fetch{origin: o, request: r, limit: maxBytes, document: true}
	f.sink = func(h Head) (io.Writer, error) {
		head = h
		body.Reset()
		return &body, nil
	}
	if err := f.run(ctx); err != nil {
		return Head{}, nil, err
	}
	return head, body.Bytes(), nil
}

// retryError wraps the failure of an attempt that may be repeated.
type retryError struct {
	err   error
	after time.Duration // not before, 0 none
	now   bool          // without back-off: the origin sent a part of the range
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// run makes attempts until one succeeds or no more is allowed.
func (f *fetch) run(ctx context.Context) error {
	o := f.origin
	if o.err != nil {
		return o.err
	}
	if err := f.prepare(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.config.TotalTimeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		before := f.written
		err := f.attempt(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("segments: fetching %s: %w", redact(f.url), ctx.Err())
		}
		var again *retryError
		if !errors.As(err, &again) {
			return err
		}
		if f.request.Once && f.written == before || attempt >= o.config.Retries || !f.repeatable() {
			return again.err
		}
		wait := max(o.config.backoff(attempt), again.after)
		if again.now {
			wait = 0
		}
		deadline, _ := ctx.Deadline()
		if again.after > o.config.MaxWait || time.Until(deadline) < wait {
			return again.err
		}
		if err := sleep(ctx, wait); err != nil {
			return fmt.Errorf("segments: fetching %s: %w", redact(f.url), err)
		}
	}
}

// repeatable reports whether another attempt can go on where this one ended, and
// makes a document start over.
func (f *fetch) repeatable() bool {
	if f.written == 0 {
		f.begun = false
		return true
	}
	if f.document {
		f.written, f.begun = 0, false
		return true
	}
	return f.validator != "" && f.ranges
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// redact gives a URL for logs and errors: no user, no query, no fragment.
func redact(u *url.URL) string {
	c := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return c.String()
}
