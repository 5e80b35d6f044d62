package wire

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestAccept(t *testing.T) {
	checkSurvives(t, swarm.Accept{Key: testKey, First: 3, Count: -1, Due: time.Second})
	checkLimits(t, []limit{
		{"first", swarm.Accept{Key: testKey, First: segments.MaxPieces}, swarm.Accept{Key: testKey, First: segments.MaxPieces + 1}},
		{"first of all", swarm.Accept{Key: testKey}, swarm.Accept{Key: testKey, First: -1}},
		{"count", swarm.Accept{Key: testKey, Count: segments.MaxPieces}, swarm.Accept{Key: testKey, Count: segments.MaxPieces + 1}},
		{"to the end", swarm.Accept{Key: testKey, Count: -1}, swarm.Accept{Key: testKey, Count: -2}},
	})
}
