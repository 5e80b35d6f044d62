package segments

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// originBuffer is how many bytes are read from the origin at a time.
	originBuffer = 64 << 10
	// maxErrorBody is how many bytes of an error's body are read, so that its
	// connection can be used again.
	maxErrorBody = 4 << 10
)

var originBuffers = sync.Pool{New: func() any { return new([originBuffer]byte) }}

// unforwarded are request fields that Fetch sets itself, or that are about one
// connection (RFC 9110 §7.6.1).
var unforwarded = []string{
	"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"Accept-Encoding", "Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te",
	"Trailer", "Transfer-Encoding", "Upgrade", "Host", "Content-Length", "Expect",
}

// fetch is the state of one Fetch or Get over its attempts.
type fetch struct {
	origin   *Origin
	request  OriginRequest
	url      *url.URL
	span     byteRange // requested
	limit    int64
	document bool // gzip is welcome, and starting over is always possible
	sink     func(Head) (io.Writer, error)

	begun     bool // sink was called
	writer    io.Writer
	written   int64
	size      int64  // of the requested bytes, -1 unknown
	validator string // of the answer that began, empty if it cannot be resumed
	ranges    bool   // that answer did not say "Accept-Ranges: none"
}

func (f *fetch) prepare() error {
	u, err := url.Parse(f.request.URL)
	if err != nil {
		return fmt.Errorf("segments: origin: %w", errors.Unwrap(err)) // the outer error repeats the URL
	}
	if err := checkURL(u); err != nil {
		return err
	}
	f.url, f.span = u, byteRange{f.request.First, f.request.Last}
	if f.span.first < 0 || f.span.last < -1 || f.span.last >= 0 && f.span.last < f.span.first ||
		max(f.span.first, f.span.last) > maxPosition {
		return fmt.Errorf("segments: %s: byte range %d-%d", redact(u), f.span.first, f.span.last)
	}
	return nil
}

// asked is the range that is still missing.
func (f *fetch) asked() byteRange {
	return byteRange{f.span.first + f.written, f.span.last}
}

func (f *fetch) newRequest(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("segments: origin: %w", err)
	}
	for name, values := range f.request.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	for _, name := range unforwarded {
		r.Header.Del(name)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", f.origin.config.UserAgent)
	}
	asked := f.asked()
	// Set in any case: without the field Go's transport asks for gzip.
	r.Header.Set("Accept-Encoding", "identity")
	if f.document && asked.whole() {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	if !asked.whole() {
		r.Header.Set("Range", asked.header())
	}
	if f.written > 0 {
		r.Header.Set("If-Range", f.validator)
		return r, nil
	}
	if f.request.ETag != "" {
		r.Header.Set("If-None-Match", f.request.ETag)
	}
	if f.request.LastModified != "" {
		r.Header.Set("If-Modified-Since", f.request.LastModified)
	}
	return r, nil
}

// attempt sends one request and takes what it brings. The watchdog cancels it
// when nothing comes for IdleTimeout.
func (f *fetch) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(f.origin.config.IdleTimeout, func() { cancel(ErrIdle) })
	defer watchdog.Stop()

	request, err := f.newRequest(ctx)
	if err != nil {
		return err
	}
	answer, err := f.origin.client.Do(request)
	if err != nil {
		return f.failed(ctx, err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		return f.take(ctx, answer, watchdog)
	case http.StatusNotModified:
		if f.written == 0 && (f.request.ETag != "" || f.request.LastModified != "") {
			return f.begin(answer, 0)
		}
	case http.StatusRequestedRangeNotSatisfiable:
		// A body of unknown size broke off exactly at its end.
		if f.written > 0 && answer.Header.Get("Content-Range") == fmt.Sprintf("bytes */%d", f.asked().first) {
			return nil
		}
	}
	io.CopyN(io.Discard, answer.Body, maxErrorBody) // only to use the connection again
	status := &StatusError{URL: redact(answer.Request.URL), Code: answer.StatusCode, RetryAfter: parseRetryAfter(answer.Header, time.Now())}
	if status.Temporary() {
		return &retryError{err: status, after: status.RetryAfter}
	}
	return status
}

// failed classifies an error of the connection.
func (f *fetch) failed(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrIdle) {
		err = fmt.Errorf("%w for %v", ErrIdle, f.origin.config.IdleTimeout)
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // the outer error repeats the URL with its query
	}
	err = fmt.Errorf("segments: fetching %s: at byte %d: %w", redact(f.url), f.written, err)
	if errors.Is(err, ErrRedirect) || errors.Is(err, ErrAddress) {
		return err
	}
	return &retryError{err: err}
}

func (f *fetch) bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrBadAnswer, redact(f.url), fmt.Sprintf(format, args...))
}

// take checks a 200 or 206 answer against what was asked and hands its bytes on.
func (f *fetch) take(ctx context.Context, answer *http.Response, watchdog *time.Timer) error {
	asked := f.asked()
	total, length := answer.ContentLength, int64(-1) // of the resource; of this answer's useful bytes
	var skip int64
	if answer.StatusCode == http.StatusPartialContent {
		if asked.whole() {
			return f.bad("206 without a Range in the request")
		}
		held, err := parseContentRange(answer.Header.Get("Content-Range"))
		if err != nil {
			return f.bad("%v", err)
		}
		length = held.last - held.first + 1
		if held.first != asked.first || asked.last >= 0 && held.last > asked.last {
			return f.bad("asked for %s, it sends bytes %d-%d", asked.header(), held.first, held.last)
		}
		if answer.ContentLength >= 0 && answer.ContentLength != length {
			return f.bad("Content-Length %d for bytes %d-%d", answer.ContentLength, held.first, held.last)
		}
		if total = held.total; total < 0 {
			total = held.last + 1 // not told: believe that there is no more
		}
	} else {
		skip = asked.first
		if total >= 0 && skip > 0 && skip >= total {
			return &StatusError{URL: redact(answer.Request.URL), Code: http.StatusRequestedRangeNotSatisfiable}
		}
	}
	body, encoded, err := f.decode(answer)
	if err != nil {
		return err
	}
	if encoded {
		total = -1
	}
	size := f.span.length(total)
	if f.begun {
		if err := f.same(answer, size); err != nil {
			return err
		}
	}
	if size > f.limit {
		return f.tooLarge(size)
	}
	if length < 0 && asked.last >= 0 {
		length = asked.last - asked.first + 1 // of a 200, which may end before
	}
	return f.copy(ctx, answer, body, watchdog, skip, length, size)
}

// decode undoes gzip for documents. Segments must come as they are, because
// every peer must have the same bytes.
func (f *fetch) decode(answer *http.Response) (body io.Reader, encoded bool, err error) {
	switch encoding := strings.ToLower(answer.Header.Get("Content-Encoding")); {
	case encoding == "" || encoding == "identity":
		return answer.Body, false, nil
	case f.document && f.span.whole() && (encoding == "gzip" || encoding == "x-gzip"):
		body, err := gzip.NewReader(answer.Body)
		if err != nil {
			return nil, false, &retryError{err: f.bad("gzip: %v", err)}
		}
		return body, true, nil
	default:
		return nil, false, f.bad("Content-Encoding %q was not asked for", encoding)
	}
}

// same reports whether a later answer continues the one that began. A 206 under
// If-Range may leave out its validator (RFC 9110 §15.3.7).
func (f *fetch) same(answer *http.Response, size int64) error {
	name := "Last-Modified"
	if strings.HasPrefix(f.validator, `"`) {
		name = "ETag"
	}
	now := answer.Header.Get(name)
	omitted := now == "" && answer.StatusCode == http.StatusPartialContent
	if now != f.validator && !omitted {
		return fmt.Errorf("%w: %s: %s was %s and is %q at byte %d", ErrChanged, redact(f.url), name, f.validator, now, f.written)
	}
	if f.size >= 0 && size >= 0 && size != f.size {
		return fmt.Errorf("%w: %s: %d bytes, there were %d", ErrChanged, redact(f.url), size, f.size)
	}
	return nil
}

func (f *fetch) tooLarge(size int64) error {
	return fmt.Errorf("%w: %s: at least %d bytes, the limit is %d", ErrTooLarge, redact(f.url), size, f.limit)
}

// begin tells sink about the answer, once.
func (f *fetch) begin(answer *http.Response, size int64) error {
	if f.begun {
		return nil
	}
	h := answer.Header
	writer, err := f.sink(Head{
		Status: answer.StatusCode,
		Size:   size,
		Meta: Meta{
			ContentType: h.Get("Content-Type"), ETag: h.Get("ETag"),
			LastModified: h.Get("Last-Modified"), Shareable: shareable(h),
		}.bounded(),
		Header: h,
		URL:    answer.Request.URL.String(),
	})
	if err != nil {
		return fmt.Errorf("segments: %s: %w", redact(f.url), err)
	}
	f.begun, f.writer, f.size = true, writer, size
	f.validator = validator(h)
	f.ranges = !strings.EqualFold(h.Get("Accept-Ranges"), "none")
	return nil
}

// copy hands on body without its first skip bytes, at most length bytes (-1:
// all). size is that of all requested bytes.
func (f *fetch) copy(ctx context.Context, answer *http.Response, body io.Reader, watchdog *time.Timer, skip, length, size int64) error {
	buffer := originBuffers.Get().(*[originBuffer]byte)
	defer originBuffers.Put(buffer)
	for length != 0 {
		watchdog.Reset(f.origin.config.IdleTimeout)
		n, err := body.Read(buffer[:])
		watchdog.Stop() // a slow sink is not the origin's fault
		chunk := buffer[:n]
		if drop := min(skip, int64(len(chunk))); drop > 0 {
			chunk, skip = chunk[drop:], skip-drop
		}
		if length >= 0 {
			chunk = chunk[:min(int64(len(chunk)), length)]
			length -= int64(len(chunk))
		}
		if writeErr := f.write(answer, chunk, size); writeErr != nil {
			return writeErr
		}
		if err == io.EOF {
			return f.ended(answer, skip, length, size)
		}
		if err != nil {
			return f.failed(ctx, err)
		}
	}
	return f.ended(answer, skip, length, size)
}

func (f *fetch) write(answer *http.Response, chunk []byte, size int64) error {
	if len(chunk) == 0 {
		return nil
	}
	if f.written+int64(len(chunk)) > f.limit {
		return f.tooLarge(f.written + int64(len(chunk)))
	}
	if err := f.begin(answer, size); err != nil {
		return err
	}
	n, err := f.writer.Write(chunk)
	f.written += int64(n)
	if err == nil && n < len(chunk) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("segments: %s: at byte %d: %w", redact(f.url), f.written, err)
	}
	return nil
}

// ended decides whether an answer's regular end is that of the requested bytes.
func (f *fetch) ended(answer *http.Response, skip, length, size int64) error {
	partial := answer.StatusCode == http.StatusPartialContent
	switch {
	case skip > 0:
		return &StatusError{URL: redact(answer.Request.URL), Code: http.StatusRequestedRangeNotSatisfiable}
	case partial && length > 0, size >= 0 && f.written < size && !partial:
		return &retryError{err: fmt.Errorf("segments: fetching %s: at byte %d of %d: %w", redact(f.url), f.written, size, io.ErrUnexpectedEOF)}
	case size >= 0 && f.written < size:
		// A server may answer with less than the range that was asked for
		// (RFC 9110 §15.3.7); go on behind it.
		return &retryError{now: true, err: fmt.Errorf("segments: fetching %s: at byte %d of %d: %w", redact(f.url), f.written, size, io.ErrUnexpectedEOF)}
	}
	return f.begin(answer, size)
}
