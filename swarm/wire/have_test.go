package wire

import (
	"math"
	"testing"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestHave(t *testing.T) {
	gained := func(runs ...swarm.Run) swarm.Message { return swarm.Have{Gained: runs} }
	lost := func(runs ...swarm.Run) swarm.Message { return swarm.Have{Lost: runs} }
	checkSurvives(t, swarm.Have{
		Gained: []swarm.Run{{Key: testKey, Count: 20}, {Key: "0/v/init", Count: 1}},
		Lost:   []swarm.Run{{Key: "0/v/t900000", Count: 1}},
	})
	run := swarm.Run{Key: testKey, Count: 1}
	all := MaxRunSegments
	last := segments.NumberKey("0/v", math.MaxUint64-2)
	checkLimits(t, []limit{
		{"gained", gained(many(MaxRuns, run)...), gained(many(MaxRuns+1, run)...)},
		{"lost", lost(many(MaxRuns, run)...), lost(many(MaxRuns+1, run)...)},
		{"count", gained(swarm.Run{Key: testKey, Count: all}), gained(swarm.Run{Key: testKey, Count: all + 1})},
		{"no count", gained(run), gained(swarm.Run{Key: testKey})},
		{"segments",
			swarm.Have{Gained: []swarm.Run{{Key: testKey, Count: all - 1}}, Lost: []swarm.Run{run}},
			swarm.Have{Gained: []swarm.Run{{Key: testKey, Count: all}}, Lost: []swarm.Run{run}}},
		{"last number", gained(swarm.Run{Key: last, Count: 2}), gained(swarm.Run{Key: last, Count: 3})},
		{"run of a time", gained(swarm.Run{Key: "0/v/t12", Count: 1}), gained(swarm.Run{Key: "0/v/t12", Count: 2})},
		{"run of a part", gained(swarm.Run{Key: "0/v/1.2", Count: 1}), gained(swarm.Run{Key: "0/v/1.2", Count: 2})},
		{"number with a leading zero", gained(swarm.Run{Key: "0/v/01", Count: 1}), gained(swarm.Run{Key: "0/v/01", Count: 2})},
	})
}
