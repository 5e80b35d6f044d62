package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// ErrUnavailable is returned when neither the origin nor any peer has a segment.
var ErrUnavailable = errors.New("node: neither the origin nor a peer has it")

// Get finds a segment in the store, at peers or at the origin, whichever the
// brain chooses, and returns as soon as its size or first bytes are known. The
// error is the origin's (segments.StatusError) when the origin refused, the
// context's, or ErrClosed.
func (n *Node) Get(ctx context.Context, r Resource) (*Stream, error) {
	if err := r.Key.Validate(); err != nil {
		return nil, err
	}
	if !r.Shareable {
		return n.direct(ctx, r)
	}
	if seg, ok := n.cfg.Store.Get(r.Key); ok {
		n.stats.hits.Add(1)
		return &Stream{node: n, segment: seg, meta: seg.Meta, size: seg.Size, cached: true}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s := &Stream{node: n, ctx: ctx, cancel: cancel}
	if !n.call(func() { n.attach(s, r) }) {
		cancel(ErrClosed)
		return nil, ErrClosed
	}
	if s.segment != nil {
		cancel(nil)
		return s, nil
	}
	size, meta, err := s.object.assembly.WaitHead(ctx)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		s.Close()
		return nil, err
	}
	s.size, s.meta = size, meta
	return s, nil
}

// attach joins a stream to the object of its key.
func (n *Node) attach(s *Stream, r Resource) {
	o := n.objects[r.Key]
	if o == nil {
		// it may have reached the store since Get looked
		if seg, ok := n.cfg.Store.Get(r.Key); ok {
			s.segment, s.meta, s.size, s.cached = seg, seg.Meta, seg.Size, true
			return
		}
		if _, ok := n.known[r.Key]; ok {
			delete(n.known, r.Key) // the disk copy turned out to be damaged
			n.feed(swarm.Evicted{Key: r.Key})
		}
		o = n.object(r.Key)
	}
	s.object = o
	s.cached = o.finished
	o.streams[s] = struct{}{}
	if !o.finished {
		o.res = r
		n.want(o)
	}
}

// detach is the end of a stream.
func (n *Node) detach(s *Stream) {
	o := s.object
	delete(o.streams, s)
	n.finish(o) // the last Gained may still be on its way
	if len(o.streams) == 0 && !o.finished {
		n.release(o)
		if n.objects[o.key] == o {
			n.want(o) // still planned, but nobody waits
		}
	}
}

// failed ends the requests for a key that cannot be had.
func (n *Node) failed(k segments.Key) {
	o := n.objects[k]
	if o == nil {
		return
	}
	err := o.lastError
	if err == nil {
		err = fmt.Errorf("%w: %s", ErrUnavailable, k)
	}
	for s := range o.streams {
		s.cancel(err)
	}
}

// Stream is a segment being read. Close it.
type Stream struct {
	node    *Node
	segment *segments.Segment // whole from the start
	object  *object
	ctx     context.Context
	cancel  context.CancelCauseFunc
	size    int64
	meta    segments.Meta
	cached  bool
	closed  bool
}

// Size is the segment's length in bytes, -1 while unknown.
func (s *Stream) Size() int64 {
	if s.size < 0 && s.object != nil {
		return s.object.assembly.Size()
	}
	return s.size
}

// Meta is what the origin said of the segment.
func (s *Stream) Meta() segments.Meta { return s.meta }

// Cached says that all of it was here when it was asked for.
func (s *Stream) Cached() bool { return s.cached }

// Bytes returns the whole segment when it is at hand without waiting.
func (s *Stream) Bytes() ([]byte, bool) {
	if s.segment == nil {
		return nil, false
	}
	b, err := s.segment.Bytes()
	return b, err == nil
}

// Reader reads length bytes from offset on (-1: to the end) as they arrive.
func (s *Stream) Reader(offset, length int64) io.ReadCloser {
	if b, ok := s.Bytes(); ok {
		end := int64(len(b))
		if length >= 0 {
			end = min(end, offset+length)
		}
		return newBytesReader(b[min(offset, end):end])
	}
	if s.object == nil {
		return io.NopCloser(errorReader{segments.ErrCompressed})
	}
	return &causeReader{ReadCloser: s.object.assembly.Reader(s.ctx, offset, length), ctx: s.ctx}
}

// Close lets go of the segment; what nobody else waits for is no longer fetched.
func (s *Stream) Close() error {
	if s.closed || s.object == nil {
		return nil
	}
	s.closed = true
	s.cancel(context.Canceled)
	s.node.post(func() { s.node.detach(s) })
	return nil
}
