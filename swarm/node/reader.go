package node

import (
	"bytes"
	"context"
	"io"
)

// bytesReader serves a stored segment; WriteTo hands it over in one Write.
type bytesReader struct{ *bytes.Reader }

func newBytesReader(b []byte) io.ReadCloser { return bytesReader{bytes.NewReader(b)} }

func (bytesReader) Close() error { return nil }

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// causeReader reports why a stream was ended instead of "context canceled".
type causeReader struct {
	io.ReadCloser
	ctx context.Context
}

func (r *causeReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if cause := context.Cause(r.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}
