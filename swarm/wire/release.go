package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// release: [[key, …]]

func appendRelease(b []byte, m swarm.Release) []byte {
	b = msgp.AppendArrayHeader(b, 1)
	b = msgp.AppendArrayHeader(b, uint32(len(m.Keys)))
	for _, k := range m.Keys {
		b = msgp.AppendString(b, string(k))
	}
	return b
}

func parseRelease(f *fields) swarm.Message {
	return swarm.Release{Keys: list(f, "keys", MaxReleased, func(f *fields) swarm.Key {
		return f.key("key")
	})}
}
