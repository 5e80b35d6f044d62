package player

import (
	"context"
	"errors"
	"io"
	"time"

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
	// Now is the swarm's clock, on which a resource's times are.
	Now() time.Time
	Close() error
}

// Stream is one segment on its way.
type Stream interface {
	// Size is the segment's length in bytes, -1 while unknown.
	Size() int64
	Meta() segments.Meta
	// Cached says that the whole segment was held when it was asked for.
	Cached() bool
	// Bytes is the whole segment when it is at hand in memory: a gateway writes it
	// to the socket in one call.
	Bytes() ([]byte, bool)
	// Reader yields bytes as they arrive; length -1 reads to the end.
	Reader(offset, length int64) io.ReadCloser
	Close() error
}

// Peer makes a session's Node of n. closers are closed after n, in order.
func Peer(n *node.Node, closers ...io.Closer) Node {
	return &peer{Node: n, closers: closers}
}

type peer struct {
	*node.Node
	closers []io.Closer
}

func (p *peer) Get(ctx context.Context, r node.Resource) (Stream, error) {
	s, err := p.Node.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (p *peer) Close() error {
	err := p.Node.Close()
	for _, c := range p.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}
