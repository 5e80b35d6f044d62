package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestRefuse(t *testing.T) {
	checkSurvives(t, swarm.Refuse{Key: testKey, Reason: swarm.RefusedBusy})
	checkLimits(t, []limit{
		{"reason", swarm.Refuse{Key: testKey, Reason: MaxRefusal}, swarm.Refuse{Key: testKey, Reason: MaxRefusal + 1}},
		{"no reason", swarm.Refuse{Key: testKey}, swarm.Refuse{Key: testKey, Reason: -1}},
	})
}
