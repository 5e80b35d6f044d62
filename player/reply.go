package player

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// errBypass says that this request is not the session's and goes to the origin.
var errBypass = errors.New("player: not through the swarm")

// firstRead is how much of a stream is read before the status is decided: an
// origin's refusal must become the response's status, not a broken body.
const firstRead = 16 << 10

// reply is a response to a media request, for http.Response and ResponseWriter
// alike.
type reply struct {
	status int
	header http.Header
	length int64         // of the body, -1 unknown
	whole  []byte        // the body in memory, when body is nil
	body   io.ReadCloser // closes the stream too
}

func (r *reply) reader() io.ReadCloser {
	if r.body != nil {
		return r.body
	}
	return io.NopCloser(bytes.NewReader(r.whole))
}

// named is a media request of which the session knows what it asks for.
type named struct {
	session *Session
	match   Match
	part    span
	url     string
	header  http.Header // the player's
}

// answer serves a GET through the session, or returns errBypass when the segment
// must not be shared or the peer failed before the first byte for a reason of
// its own.
func (n named) answer(ctx context.Context) (*reply, error) {
	seg := n.match.Segment
	if !seg.Shareable || seg.Gap || openEnded(seg) || n.session.premature(seg, time.Now()) {
		return nil, errBypass
	}
	stream, err := n.session.Get(ctx, n.match, n.url, originHeader(n.header))
	if err != nil {
		return refusal(ctx, err)
	}
	if b, ok := stream.Bytes(); ok {
		n.session.served(n.match, int64(len(b)))
		defer stream.Close()
		return n.held(stream.Meta(), b), nil
	}
	if stream.Cached() {
		n.session.hit()
	}
	return n.stream(ctx, stream)
}

// held answers from a segment in memory.
func (n named) held(meta segments.Meta, b []byte) *reply {
	r := &reply{header: mediaHeader(n.match, n.url, meta), length: -1}
	r.header.Set("Cache-Status", "shoal; hit")
	if notModified(n.header, r.header) {
		return r.bodyless(http.StatusNotModified)
	}
	offset, length := r.shape(n.header, n.part, int64(len(b)))
	r.whole = b[offset : offset+length]
	return r
}

// shape sets status and length for a body of known size and returns which bytes
// of it go out.
func (r *reply) shape(h http.Header, part span, size int64) (offset, length int64) {
	if !part.ranged || !ifRange(h, r.header) && !part.inside {
		r.status, r.length = http.StatusOK, size
		r.setLength()
		return 0, size
	}
	offset, length, ok := part.within(size)
	total := strconv.FormatInt(size, 10)
	if part.inside {
		total = "*" // the resource's length is not the segment's
	}
	if !ok {
		r.status, r.length = http.StatusRequestedRangeNotSatisfiable, 0
		r.header.Set("Content-Range", "bytes */"+total)
		r.header.Del("Content-Type")
		r.setLength()
		return 0, 0
	}
	r.status, r.length = http.StatusPartialContent, length
	r.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%s", part.shift+offset, part.shift+offset+length-1, total))
	r.setLength()
	return offset, length
}

func (r *reply) setLength() { r.header.Set("Content-Length", strconv.FormatInt(r.length, 10)) }

func (r *reply) bodyless(status int) *reply {
	r.status, r.length, r.body, r.whole = status, 0, nil, nil
	r.header.Del("Content-Type")
	return r
}

// stream answers from a segment on its way. A stream of unknown size cannot
// satisfy a range, so that the whole is sent instead (RFC 9110 §14.2).
func (n named) stream(ctx context.Context, stream Stream) (*reply, error) {
	var body io.ReadCloser
	var first []byte
	if !stream.Cached() {
		body = stream.Reader(0, -1)
		buf := make([]byte, firstRead)
		size, err := body.Read(buf)
		for size == 0 && err == nil {
			size, err = body.Read(buf)
		}
		if err != nil && !errors.Is(err, io.EOF) && size == 0 {
			closeAll(body, stream)
			return refusal(ctx, err)
		}
		first = buf[:size]
	}
	r := &reply{header: mediaHeader(n.match, n.url, stream.Meta()), length: -1}
	r.header.Set("Cache-Status", "shoal; fwd=miss")
	if stream.Cached() {
		r.header.Set("Cache-Status", "shoal; hit")
	}
	if notModified(n.header, r.header) {
		closeAll(body, stream)
		return r.bodyless(http.StatusNotModified), nil
	}
	size, part := stream.Size(), n.part
	if size < 0 {
		if r := n.match.Segment.Range; part.inside && r.Last >= 0 {
			size = r.Last - r.First + 1
		} else {
			part.ranged = false
		}
	}
	if size < 0 {
		r.status = http.StatusOK
		r.body = &streamBody{first: first, rest: body, stream: stream}
		return r, nil
	}
	offset, length := r.shape(n.header, part, size)
	switch {
	case r.status == http.StatusRequestedRangeNotSatisfiable:
		closeAll(body, stream)
	case body == nil || offset > 0 || length < size:
		closeAll(body)
		r.body = &streamBody{rest: stream.Reader(offset, length), stream: stream}
	default:
		r.body = &streamBody{first: first, rest: body, stream: stream}
	}
	return r, nil
}

func closeAll(cs ...io.Closer) {
	for _, c := range cs {
		if c != nil {
			c.Close()
		}
	}
}

// refusal turns a peer's error into the origin's status, or into a bypass when
// the origin itself may still do better.
func refusal(ctx context.Context, err error) (*reply, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var status *segments.StatusError
	if !errors.As(err, &status) || status.Code < 400 || status.Code > 599 {
		return nil, errBypass
	}
	text := fmt.Sprintf("the origin answered %d %s\n", status.Code, http.StatusText(status.Code))
	r := &reply{status: status.Code, header: make(http.Header), whole: []byte(text), length: int64(len(text))}
	r.header.Set("Content-Type", "text/plain; charset=utf-8")
	r.header.Set("Cache-Status", fmt.Sprintf("shoal; fwd=miss; fwd-status=%d", status.Code))
	if status.RetryAfter > 0 {
		r.header.Set("Retry-After", strconv.Itoa(int((status.RetryAfter+time.Second-1)/time.Second)))
	}
	r.setLength()
	return r, nil
}
