package segments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// roundTripper is an origin as a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fakeOrigin serves one resource and does what each answer's script says.
type fakeOrigin struct {
	data     []byte
	etag     string
	script   []answer // one per request; the last is repeated
	requests []*http.Request
	times    []time.Time
}

// answer is how the fake origin answers one request. The zero value does what a
// good server does.
type answer struct {
	status      int           // instead of serving, unless 0
	header      http.Header   // in addition
	err         error         // instead of an answer
	breakAfter  int           // bytes of the body, then errBroken; 0 whole
	stallAfter  int           // bytes of the body, then nothing; 0 never
	stall       bool          // before the header
	delay       time.Duration // before each read of the body
	noRange     bool          // ignore Range
	short       int           // bytes of a range to send, 0 all
	unknownSize bool          // no Content-Length
	etag        string        // another than the origin's
	wrongRange  string        // Content-Range instead of the right one
}

var errBroken = errors.New("connection reset")

func (o *fakeOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	a := o.script[min(len(o.requests), len(o.script)-1)]
	o.requests = append(o.requests, r)
	o.times = append(o.times, time.Now())
	if a.stall {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	header := http.Header{"Content-Type": {"video/mp4"}}
	if etag := cmp.Or(a.etag, o.etag); etag != "" {
		header.Set("ETag", etag)
	}
	for name, values := range a.header {
		header[name] = values
	}
	respond := func(status int, body []byte) *http.Response {
		length := int64(len(body))
		if a.unknownSize {
			length = -1
		}
		return &http.Response{
			StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header, ContentLength: length, Request: r,
			Body: &fakeBody{ctx: r.Context(), data: body, answer: a},
		}
	}
	if a.status != 0 {
		return respond(a.status, nil), nil
	}
	if inm := r.Header.Get("If-None-Match"); inm != "" && inm == header.Get("ETag") {
		return respond(http.StatusNotModified, nil), nil
	}
	var first, last int
	asked := r.Header.Get("Range")
	valid := r.Header.Get("If-Range") == "" || r.Header.Get("If-Range") == header.Get("ETag")
	if n, _ := fmt.Sscanf(asked, "bytes=%d-%d", &first, &last); n == 0 || a.noRange || !valid {
		return respond(http.StatusOK, o.data), nil
	} else if n == 1 {
		last = len(o.data) - 1
	}
	if first >= len(o.data) {
		header.Set("Content-Range", fmt.Sprintf("bytes */%d", len(o.data)))
		return respond(http.StatusRequestedRangeNotSatisfiable, nil), nil
	}
	last = min(last, len(o.data)-1)
	if a.short > 0 {
		last = min(last, first+a.short-1)
	}
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(o.data)))
	if a.wrongRange != "" {
		header.Set("Content-Range", a.wrongRange)
	}
	return respond(http.StatusPartialContent, o.data[first:last+1]), nil
}

type fakeBody struct {
	ctx    context.Context
	data   []byte
	answer answer
	sent   int
	closed bool
}

func (b *fakeBody) Read(p []byte) (int, error) {
	if b.answer.delay > 0 {
		select {
		case <-time.After(b.answer.delay):
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
	rest := b.data[b.sent:]
	if at := b.answer.breakAfter; at > 0 {
		if b.sent >= at {
			return 0, errBroken
		}
		rest = rest[:min(len(rest), at-b.sent)]
	}
	if at := b.answer.stallAfter; at > 0 {
		if b.sent >= at {
			<-b.ctx.Done()
			return 0, b.ctx.Err()
		}
		rest = rest[:min(len(rest), at-b.sent)]
	}
	if len(rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, rest[:min(len(rest), 700)]) // in small reads
	b.sent += n
	return n, nil
}

func (b *fakeBody) Close() error { b.closed = true; return nil }
