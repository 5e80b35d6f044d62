package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestCancel(t *testing.T) {
	checkSurvives(t, swarm.Cancel{Key: testKey})
	checkLimits(t, []limit{{"key", swarm.Cancel{Key: longKey}, swarm.Cancel{Key: longKey + "k"}}})
}
