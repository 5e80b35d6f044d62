package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestOffer(t *testing.T) {
	checkSurvives(t, swarm.Offer{Key: testKey, Size: 500_000, Hops: 1, Pieces: 12, More: []byte{2, 0, 128}, Seeded: true})
	checkLimits(t, []limit{
		{"size", swarm.Offer{Key: testKey, Size: segments.MaxSegmentSize}, swarm.Offer{Key: testKey, Size: segments.MaxSegmentSize + 1}},
		{"size unknown", swarm.Offer{Key: testKey, Size: -1}, swarm.Offer{Key: testKey, Size: -2}},
		{"hops", swarm.Offer{Key: testKey, Hops: MaxHops}, swarm.Offer{Key: testKey, Hops: MaxHops + 1}},
		{"pieces", swarm.Offer{Key: testKey, Pieces: segments.MaxPieces}, swarm.Offer{Key: testKey, Pieces: segments.MaxPieces + 1}},
		{"more", swarm.Offer{Key: testKey, More: make([]byte, maxPieceMap)}, swarm.Offer{Key: testKey, More: make([]byte, maxPieceMap+1)}},
		{"no pieces", swarm.Offer{Key: testKey}, swarm.Offer{Key: testKey, Pieces: -1}},
	})
}
