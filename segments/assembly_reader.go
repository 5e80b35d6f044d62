package segments

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
)

// Reader streams length bytes from offset, or to the end when length is -1, as
// their pieces arrive, and of the piece that is still growing what its Tail
// shows; the end is told when the last piece is here, which may prove a tail to
// be a lie. A range beyond the end is cut off there. Reads block for
// bytes; they fail with ctx's error, the failure after Fail, ErrConflict after a
// Reset when bytes were consumed, and os.ErrClosed after Close, which may be
// called at any time. The reader is an io.WriterTo that writes everything
// available in one Write. One goroutine at a time may read.
func (a *Assembly) Reader(ctx context.Context, offset, length int64) io.ReadCloser {
	r := &assemblyReader{assembly: a, ctx: ctx, start: offset, next: offset, end: -1, closed: make(chan struct{})}
	// A length so large that the end overflows asks for everything anyway.
	if length >= 0 && offset+length >= offset {
		r.end = offset + length
	}
	return r
}

type assemblyReader struct {
	assembly   *Assembly
	ctx        context.Context
	start      int64
	next       int64
	end        int64 // -1: the segment's
	generation int   // of the assembly when the first bytes were handed out
	tailed     bool  // the last bytes handed out are of a tail whose piece is not here yet
	retracted  int   // of the assembly then
	closeOnce  sync.Once
	closed     chan struct{}
}

func (r *assemblyReader) Close() error {
	r.closeOnce.Do(func() { close(r.closed) })
	return nil
}

func (r *assemblyReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	run, err := r.await()
	if err != nil {
		return 0, err
	}
	n := copy(p, run)
	r.next += int64(n)
	return n, nil
}

// WriteTo writes without copying.
func (r *assemblyReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		run, err := r.await()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(run)
		r.next += int64(n)
		written += int64(n)
		if err != nil {
			return written, err
		}
		if n < len(run) {
			return written, io.ErrShortWrite
		}
	}
}

// await returns the bytes available at r.next, never none, or io.EOF.
func (r *assemblyReader) await() ([]byte, error) {
	for {
		run, changed, err := r.poll()
		if run != nil || err != nil {
			return run, err
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		case <-r.closed:
			return nil, os.ErrClosed
		}
	}
}

func (r *assemblyReader) poll() (run []byte, changed <-chan struct{}, err error) {
	select {
	case <-r.closed:
		return nil, nil, os.ErrClosed
	default:
	}
	if err := r.ctx.Err(); err != nil {
		return nil, nil, err
	}
	if r.next < 0 {
		return nil, nil, fmt.Errorf("segments: reader of %s at negative offset %d", r.assembly.key, r.next)
	}
	a := r.assembly
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.next == r.start {
		r.generation = a.generation
	} else if r.generation != a.generation {
		return nil, nil, fmt.Errorf("%w: %s was reset after %d bytes were read", ErrConflict, a.key, r.next-r.start)
	}
	if r.tailed && r.retracted != a.retracted {
		return nil, nil, fmt.Errorf("%w: %s: a tail was taken back after %d bytes were read", ErrConflict, a.key, r.next-r.start)
	}
	if r.tailed && a.pieces.has(int((r.next-1)/PieceSize)) {
		r.tailed = false
	}
	end := r.end
	if a.size >= 0 && (end < 0 || end > a.size) {
		end = a.size
	}
	switch {
	case end < 0 || r.next < end:
		if run = a.pieces.run(r.next); run == nil {
			if run = a.tailRun(r.next); run != nil {
				r.tailed, r.retracted = true, a.retracted
			}
		}
	case r.next == r.start || a.pieces.has(int((r.next-1)/PieceSize)):
		return nil, nil, io.EOF
	}
	if run != nil {
		if end >= 0 {
			run = run[:min(int64(len(run)), end-r.next)]
		}
		return run, nil, nil
	}
	if a.failure != nil {
		return nil, nil, a.failure
	}
	return nil, a.wait(), nil
}
