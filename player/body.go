package player

import (
	"errors"
	"io"
)

// streamBody is the body of a response: bytes already read, then the rest.
// Closing it gives the stream up.
type streamBody struct {
	first  []byte
	rest   io.ReadCloser
	stream Stream
}

func (b *streamBody) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.rest.Read(p)
}

func (b *streamBody) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.first)
	b.first = b.first[n:]
	total := int64(n)
	if err != nil {
		return total, err
	}
	m, err := io.Copy(w, b.rest)
	return total + m, err
}

func (b *streamBody) Close() error {
	return errors.Join(b.rest.Close(), b.stream.Close())
}
