package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// peers: [[id, …]]

func appendPeers(b []byte, m swarm.Peers) []byte {
	b = msgp.AppendArrayHeader(b, 1)
	b = msgp.AppendArrayHeader(b, uint32(len(m.IDs)))
	for _, id := range m.IDs {
		b = msgp.AppendString(b, string(id))
	}
	return b
}

func parsePeers(f *fields) swarm.Message {
	return swarm.Peers{IDs: list(f, "ids", MaxPeers, func(f *fields) swarm.PeerID {
		return f.peer("id")
	})}
}
