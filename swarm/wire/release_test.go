package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestRelease(t *testing.T) {
	checkSurvives(t, swarm.Release{Keys: []swarm.Key{testKey, "0/a/init"}})
	checkLimits(t, []limit{
		{"keys", swarm.Release{Keys: many(MaxReleased, testKey)}, swarm.Release{Keys: many(MaxReleased+1, testKey)}},
		{"key", swarm.Release{Keys: []swarm.Key{longKey}}, swarm.Release{Keys: []swarm.Key{longKey + "k"}}},
	})
}
