package wire

import (
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// longTrack leaves room for "/0" in the longest key.
var longTrack = strings.Repeat("t", segments.MaxKeyLength-2)

func TestSubscribe(t *testing.T) {
	checkSurvives(t, swarm.Subscribe{Track: "0/video-1", Hops: 2})
	checkLimits(t, []limit{
		{"track", swarm.Subscribe{Track: longTrack}, swarm.Subscribe{Track: longTrack + "t"}},
		{"shortest track", swarm.Subscribe{Track: "t"}, swarm.Subscribe{Track: ""}},
		{"plain track", swarm.Subscribe{Track: "t"}, swarm.Subscribe{Track: "t t"}},
		{"hops", swarm.Subscribe{Track: "t", Hops: MaxHops}, swarm.Subscribe{Track: "t", Hops: MaxHops + 1}},
	})
}
