package node

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// TestLatePieceIsHeard: who sends a piece of what is in the store already was asked whether
// it would, and the brain hears that it did, whether the transfer began before the segment
// was there or after.
func TestLatePieceIsHeard(t *testing.T) {
	const size = 40_000
	origin, net := newTestOrigin(t, size), newFakeNet()
	viewer, other := newTestNode(t, net, 1, nil), newTestNode(t, net, 2, nil)
	viewer.waitPeers(t, 1)
	link := viewer.net.links[other.net.id]
	begin := func(transfer uint32, leaves []segments.Leaf) {
		b := wire.Begin{Begin: swarm.Begin{Transfer: transfer, Key: "p/v/1", Size: size, Count: -1}, Leaves: leaves}
		viewer.Bulk(link, wire.AppendBegin(nil, b))
	}
	piece := func(transfer uint32, payload []byte) {
		viewer.Bulk(link, wire.AppendPiece(nil, wire.Piece{Transfer: transfer, Payload: payload}))
	}
	heard := func(pieces int64) {
		t.Helper()
		waitFor(t, func() bool { return viewer.Stats().Counters.PiecesTwice >= pieces })
	}

	origin.status.Store(http.StatusServiceUnavailable)
	r := origin.resource(1, time.Now(), time.Now().Add(time.Minute))
	viewer.Plan([]Resource{r})
	waitFor(t, func() bool { return viewer.lookup(r.Key) != nil })
	var leaves []segments.Leaf
	media := content("/1", size)
	for p := range slices.Chunk(media, segments.PieceSize) {
		leaves = append(leaves, segments.LeafOf(p))
	}
	begin(900, leaves)
	origin.status.Store(0)
	viewer.read(t, r)
	waitFor(t, func() bool { return viewer.Stats().InProgress == 0 })
	piece(900, media[:segments.PieceSize])
	heard(1)

	begin(901, nil)
	piece(901, []byte("nobody looks at it"))
	heard(2)

	piece(902, []byte("nobody began this"))
	begin(903, nil)
	piece(903, []byte("x"))
	heard(3)
	if s := viewer.Stats(); s.Counters.PiecesTwice != 3 || s.Rejected != 0 || s.Malformed != 0 {
		t.Errorf("%d pieces came twice, want 3; %d rejected, %d malformed", s.Counters.PiecesTwice, s.Rejected, s.Malformed)
	}
}
