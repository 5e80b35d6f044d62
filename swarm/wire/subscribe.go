package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// subscribe: [track, hops of the subscriber, slices as a bit mask]

func appendSubscribe(b []byte, m swarm.Subscribe) []byte {
	b = msgp.AppendArrayHeader(b, 3)
	b = msgp.AppendString(b, m.Track)
	b = appendNumber(b, int64(m.Hops))
	return appendNumber(b, int64(m.Slices))
}

func parseSubscribe(f *fields) swarm.Message {
	return swarm.Subscribe{Track: f.track("track"), Hops: int(f.number("hops", 0, MaxHops)), Slices: int(f.number("slices", 0, 255))}
}
