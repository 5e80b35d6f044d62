package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// bye: [reason]

func appendBye(b []byte, m swarm.Bye) []byte {
	return msgp.AppendString(msgp.AppendArrayHeader(b, 1), clip(m.Reason, MaxReason))
}

func parseBye(f *fields) swarm.Message { return swarm.Bye{Reason: f.text("reason", MaxReason)} }
