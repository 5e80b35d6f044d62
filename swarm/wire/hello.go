package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// hello: [version, seed, metered, uplink bit/s, max peers]

func appendHello(b []byte, m swarm.Hello) []byte {
	b = msgp.AppendArrayHeader(b, 5)
	b = appendNumber(b, int64(m.Version))
	b = msgp.AppendBool(b, m.Seed)
	b = msgp.AppendBool(b, m.Metered)
	b = appendNumber(b, m.Uplink)
	return appendNumber(b, int64(m.MaxPeers))
}

func parseHello(f *fields) swarm.Message {
	return swarm.Hello{
		Version:  int(f.number("version", 0, MaxVersion)),
		Seed:     f.flag("seed"),
		Metered:  f.flag("metered"),
		Uplink:   f.number("uplink", 0, MaxUplink),
		MaxPeers: int(f.number("max peers", 0, MaxPeerLimit)),
	}
}
