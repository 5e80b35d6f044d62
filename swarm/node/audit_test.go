package node

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// TestLatePieceIsHeard: who sends a piece of what is in the store already was asked whether
// it would, and the brain hears that it did. Its bytes are looked at by nobody.
func TestLatePieceIsHeard(t *testing.T) {
	origin, net := newTestOrigin(t, 40_000), newFakeNet()
	viewer, other := newTestNode(t, net, 1, nil), newTestNode(t, net, 2, nil)
	viewer.waitPeers(t, 1)
	r := origin.resource(1, time.Now(), time.Now().Add(time.Minute))
	viewer.read(t, r)
	waitFor(t, func() bool { return viewer.Stats().InProgress == 0 })
	link := viewer.net.links[other.net.id]
	viewer.Bulk(link, wire.AppendPiece(nil, wire.Piece{Transfer: 900, Payload: []byte("nobody began this")}))
	viewer.Bulk(link, wire.AppendBegin(nil, wire.Begin{Begin: swarm.Begin{Transfer: 901, Key: r.Key, Size: 40_000, Count: -1}}))
	viewer.Bulk(link, wire.AppendPiece(nil, wire.Piece{Transfer: 901, Payload: []byte("anything")}))
	waitFor(t, func() bool { return viewer.Stats().Counters.PiecesTwice > 0 })
	if s := viewer.Stats(); s.Counters.PiecesTwice != 1 || s.Rejected != 0 || s.Malformed != 0 {
		t.Errorf("%d pieces came twice, want 1; %d rejected, %d malformed", s.Counters.PiecesTwice, s.Rejected, s.Malformed)
	}
}
