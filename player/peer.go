package player

import (
	"context"
	"errors"
	"io"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// Node is the part of a peer that a session uses. [Peer] makes one of a
// *node.Node; tests use a fake.
type Node interface {
	// Get answers a player: from the store, peers or the origin.
	Get(ctx context.Context, r node.Resource) (Stream, error)
	// Plan replaces the set of segments that will be asked for.
	Plan(rs []node.Resource)
	Stats() node.Stats
	Close() error
}

// Stream is one segment on its way.
type Stream interface {
	// Size is the segment's length in bytes, -1 while unknown.
	Size() int64
	Meta() segments.Meta
	// Cached says that the whole segment was held when it was asked for.
	Cached() bool
	// Reader yields bytes as they arrive; length -1 reads to the end.
	Reader(offset, length int64) io.ReadCloser
	Close() error
}

// holder is a Node that can hand over a segment it holds whole, without a
// stream: the gateway then writes it to the socket from memory, in one call.
type holder interface {
	Held(segments.Key) (*segments.Segment, bool)
}

// Peer makes a session's Node of n. store is the view of n's own swarm; nil
// serves held segments through streams, at about twice the cost. closers are
// closed after n, in order.
func Peer(n *node.Node, store *segments.View, closers ...io.Closer) Node {
	return &peer{Node: n, store: store, closers: closers}
}

type peer struct {
	*node.Node
	store   *segments.View
	closers []io.Closer
}

func (p *peer) Get(ctx context.Context, r node.Resource) (Stream, error) {
	s, err := p.Node.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (p *peer) Held(k segments.Key) (*segments.Segment, bool) {
	if p.store == nil {
		return nil, false
	}
	return p.store.Get(k)
}

func (p *peer) Close() error {
	err := p.Node.Close()
	for _, c := range p.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}
