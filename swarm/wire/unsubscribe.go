package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// unsubscribe: [track]

func appendUnsubscribe(b []byte, m swarm.Unsubscribe) []byte {
	return msgp.AppendString(msgp.AppendArrayHeader(b, 1), m.Track)
}

func parseUnsubscribe(f *fields) swarm.Message { return swarm.Unsubscribe{Track: f.track("track")} }
