package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestUnsubscribe(t *testing.T) {
	checkSurvives(t, swarm.Unsubscribe{Track: "0/video-1"})
	checkLimits(t, []limit{
		{"track", swarm.Unsubscribe{Track: longTrack}, swarm.Unsubscribe{Track: longTrack + "t"}},
	})
}
