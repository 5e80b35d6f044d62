package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// subscribe: [track, hops of the subscriber]

func appendSubscribe(b []byte, m swarm.Subscribe) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = msgp.AppendString(b, m.Track)
	return appendNumber(b, int64(m.Hops))
}

func parseSubscribe(f *fields) swarm.Message {
	return swarm.Subscribe{Track: f.track("track"), Hops: int(f.number("hops", 0, MaxHops))}
}
