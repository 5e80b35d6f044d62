package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// offer: [key, size (-1 unknown), hops, leading pieces here, map of those after, seeded]

func appendOffer(b []byte, m swarm.Offer) []byte {
	b = msgp.AppendArrayHeader(b, 6)
	b = msgp.AppendString(b, string(m.Key))
	b = appendNumber(b, m.Size)
	b = appendNumber(b, int64(m.Hops))
	b = appendNumber(b, int64(m.Pieces))
	b = msgp.AppendBytes(b, m.More)
	return msgp.AppendBool(b, m.Seeded)
}

func parseOffer(f *fields) swarm.Message {
	return swarm.Offer{
		Key:    f.key("key"),
		Size:   f.number("size", -1, maxSize),
		Hops:   int(f.number("hops", 0, MaxHops)),
		Pieces: int(f.number("pieces", 0, maxPieces)),
		More:   f.pieceMap("more"),
		Seeded: f.flag("seeded"),
	}
}
