package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestPeers(t *testing.T) {
	const id = swarm.PeerID("0123456789abcdef")
	one := func(id swarm.PeerID) swarm.Message { return swarm.Peers{IDs: []swarm.PeerID{id}} }
	checkSurvives(t, swarm.Peers{IDs: []swarm.PeerID{id, "ffffffffffffffff"}})
	checkLimits(t, []limit{
		{"ids", swarm.Peers{IDs: many(MaxPeers, id)}, swarm.Peers{IDs: many(MaxPeers+1, id)}},
		{"long id", one(id), one(id + "0")},
		{"short id", one(id), one(id[1:])},
		{"upper case", one(id), one("0123456789ABCDEF")},
	})
}
