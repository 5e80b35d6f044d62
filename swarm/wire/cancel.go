package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// cancel: [key]

func appendCancel(b []byte, m swarm.Cancel) []byte {
	return msgp.AppendString(msgp.AppendArrayHeader(b, 1), string(m.Key))
}

func parseCancel(f *fields) swarm.Message { return swarm.Cancel{Key: f.key("key")} }
