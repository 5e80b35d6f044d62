package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// refuse: [key, reason: 1 locked, 2 gone, 3 busy, 4 unwanted, 5 loop]

func appendRefuse(b []byte, m swarm.Refuse) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = msgp.AppendString(b, string(m.Key))
	return appendNumber(b, int64(m.Reason))
}

func parseRefuse(f *fields) swarm.Message {
	return swarm.Refuse{
		Key:    f.key("key"),
		Reason: swarm.Refusal(f.number("reason", 0, MaxRefusal)),
	}
}
