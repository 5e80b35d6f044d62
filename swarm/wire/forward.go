package wire

import (
	"bytes"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// forward: [from, to, payload]

func appendForward(b []byte, m swarm.Forward) []byte {
	b = msgp.AppendArrayHeader(b, 3)
	b = msgp.AppendString(b, string(m.From))
	b = msgp.AppendString(b, string(m.To))
	return msgp.AppendBytes(b, m.Payload)
}

func parseForward(f *fields) swarm.Message {
	return swarm.Forward{
		From:    f.peer("from"),
		To:      f.peer("to"),
		Payload: bytes.Clone(f.bytes("payload", MaxForward)),
	}
}
