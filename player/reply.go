package player

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
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

// answer serves a GET for rawURL through the session, or returns errBypass when
// it is not one of its segments, must not be shared, or the peer failed before
// the first byte for a reason of its own.
func (s *Session) answer(ctx context.Context, rawURL string, h http.Header) (*reply, error) {
	asked, ranged := parseRange(h)
	m, part, ok := s.name(rawURL, asked, ranged)
	if !ok || !m.Segment.Shareable || m.Segment.Gap || s.premature(m.Segment, time.Now()) {
		return nil, errBypass
	}
	stream, err := s.Get(ctx, m, rawURL, originHeader(h))
	if err != nil {
		return refusal(ctx, err)
	}
	if b, ok := stream.Bytes(); ok {
		s.served(m, int64(len(b)))
		defer stream.Close()
		return heldReply(m, rawURL, h, part, stream.Meta(), b), nil
	}
	if stream.Cached() {
		s.hit()
	}
	return streamReply(ctx, m, rawURL, h, part, stream)
}

// span is the part of a segment that a request asks for.
type span struct {
	byteRange
	ranged bool
	shift  int64 // of the segment in its resource: Content-Range counts from there
	inside bool  // the segment is itself a byte range of a resource
}

// maxEarly is how far before its availability a segment may be asked of the
// peer. A player further ahead than that has another idea of the time, and gets
// the origin's answer.
const maxEarly = time.Second

// premature says that a request comes too early for the peer.
func (s *Session) premature(seg timeline.Segment, now time.Time) bool {
	p := s.Presentation()
	return seg.Predicted && p != nil && s.local(p, fetchable(seg)).Sub(now) > maxEarly
}

// name finds the segment, first with the range as part of its name (byte-range
// addressing), then as a part of a whole resource.
func (s *Session) name(rawURL string, asked byteRange, ranged bool) (Match, span, bool) {
	if !ranged || asked.suffix != 0 {
		m, ok := s.Find(rawURL, nil)
		if !ok || m.Segment.Range != nil {
			return m, span{}, false
		}
		return m, span{byteRange: asked, ranged: ranged}, true
	}
	m, ok := s.Find(rawURL, &timeline.Range{First: asked.first, Last: asked.last})
	if !ok {
		if m, ok = s.Find(rawURL, nil); !ok || m.Segment.Range != nil {
			return m, span{}, false
		}
	}
	r := m.Segment.Range
	if r == nil {
		return m, span{byteRange: asked, ranged: true}, true
	}
	if asked.first < r.First || r.Last >= 0 && (asked.last < 0 || asked.last > r.Last) {
		return m, span{}, false // more than this segment
	}
	inner := byteRange{first: asked.first - r.First, last: -1}
	if asked.last >= 0 {
		inner.last = asked.last - r.First
	}
	return m, span{byteRange: inner, ranged: true, shift: r.First, inside: true}, true
}

func heldReply(m Match, rawURL string, h http.Header, part span, meta segments.Meta, b []byte) *reply {
	r := &reply{header: mediaHeader(m, rawURL, meta), length: -1}
	r.header.Set("Cache-Status", "shoal; hit")
	if notModified(h, r.header) {
		return r.bodyless(http.StatusNotModified)
	}
	offset, length := r.shape(h, part, int64(len(b)))
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

// streamReply answers from a segment on its way. A stream of unknown size cannot
// satisfy a range, so that the whole is sent instead (RFC 9110 §14.2).
func streamReply(ctx context.Context, m Match, rawURL string, h http.Header, part span, stream Stream) (*reply, error) {
	var body io.ReadCloser
	var first []byte
	if !stream.Cached() {
		body = stream.Reader(0, -1)
		buf := make([]byte, firstRead)
		n, err := body.Read(buf)
		for n == 0 && err == nil {
			n, err = body.Read(buf)
		}
		if err != nil && !errors.Is(err, io.EOF) && n == 0 {
			body.Close()
			stream.Close()
			return refusal(ctx, err)
		}
		first = buf[:n]
	}
	r := &reply{header: mediaHeader(m, rawURL, stream.Meta()), length: -1}
	r.header.Set("Cache-Status", "shoal; fwd=miss")
	if stream.Cached() {
		r.header.Set("Cache-Status", "shoal; hit")
	}
	if notModified(h, r.header) {
		closeAll(body, stream)
		return r.bodyless(http.StatusNotModified), nil
	}
	size := stream.Size()
	if size < 0 {
		if part.inside && m.Segment.Range.Last >= 0 {
			size = m.Segment.Range.Last - m.Segment.Range.First + 1
		} else {
			part.ranged = false
		}
	}
	if size < 0 {
		r.status = http.StatusOK
		r.body = &streamBody{first: first, rest: body, stream: stream}
		return r, nil
	}
	offset, length := r.shape(h, part, size)
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

// mediaHeader describes a segment: the origin's word first, then the manifest's,
// then the file name's.
func mediaHeader(m Match, rawURL string, meta segments.Meta) http.Header {
	h := make(http.Header, 8)
	h.Set("Accept-Ranges", "bytes")
	contentType := meta.ContentType
	if contentType == "" || contentType == "application/octet-stream" {
		contentType = m.Track.MimeType
	}
	if contentType == "" {
		contentType = typeByName(rawURL)
	}
	h.Set("Content-Type", contentType)
	if meta.ETag != "" {
		h.Set("Etag", meta.ETag)
	}
	if meta.LastModified != "" {
		h.Set("Last-Modified", meta.LastModified)
	}
	return h
}

// mediaTypes are those that the system's MIME table often lacks.
var mediaTypes = map[string]string{
	".mpd": "application/dash+xml", ".m3u8": "application/vnd.apple.mpegurl", ".m3u": "application/vnd.apple.mpegurl",
	".mp4": "video/mp4", ".m4s": "video/iso.segment", ".m4v": "video/mp4", ".cmfv": "video/mp4", ".m4f": "video/iso.segment",
	".m4a": "audio/mp4", ".cmfa": "audio/mp4", ".aac": "audio/aac", ".ts": "video/mp2t", ".webm": "video/webm",
	".vtt": "text/vtt", ".ttml": "application/ttml+xml", ".cmft": "application/mp4",
}

func typeByName(rawURL string) string {
	ext := ""
	if u, err := url.Parse(rawURL); err == nil {
		ext = strings.ToLower(path.Ext(u.Path))
	}
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
