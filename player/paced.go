package player

import (
	"errors"
	"io"
	"sync"
	"time"
)

// pacedStream tells the session's pace when its segment was read to the end.
type pacedStream struct {
	Stream
	session *Session
	match   Match
	once    sync.Once
}

func (p *pacedStream) Reader(offset, length int64) io.ReadCloser {
	return &pacedReader{ReadCloser: p.Stream.Reader(offset, length), stream: p}
}

func (p *pacedStream) finished() {
	p.once.Do(func() { p.session.completed(p.match) })
}

// completed notes that the player has m whole.
func (s *Session) completed(m Match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pace.complete(time.Now(), m.Track.Kind, m.Segment)
}

type pacedReader struct {
	io.ReadCloser
	stream *pacedStream
}

func (r *pacedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.stream.session.delivered(int64(n))
	if errors.Is(err, io.EOF) {
		r.stream.finished()
	}
	return n, err
}

// WriteTo keeps the pieces' own memory on its way to the socket when the
// stream's reader can do that.
func (r *pacedReader) WriteTo(w io.Writer) (int64, error) {
	var n int64
	var err error
	if wt, ok := r.ReadCloser.(io.WriterTo); ok {
		n, err = wt.WriteTo(w)
	} else {
		n, err = io.Copy(w, struct{ io.Reader }{r.ReadCloser})
	}
	r.stream.session.delivered(n)
	if err == nil {
		r.stream.finished()
	}
	return n, err
}
