package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// offer: [key, size (-1 unknown), hops, pieces here, room (0: all)]

func appendOffer(b []byte, m swarm.Offer) []byte {
	b = msgp.AppendArrayHeader(b, 5)
	b = msgp.AppendString(b, string(m.Key))
	b = appendNumber(b, m.Size)
	b = appendNumber(b, int64(m.Hops))
	b = appendNumber(b, int64(m.Pieces))
	return appendNumber(b, int64(m.Room))
}

func parseOffer(f *fields) swarm.Message {
	return swarm.Offer{
		Key:    f.key("key"),
		Size:   f.number("size", -1, maxSize),
		Hops:   int(f.number("hops", 0, MaxHops)),
		Pieces: int(f.number("pieces", 0, maxPieces)),
		Room:   int(f.number("room", 0, maxPieces)),
	}
}
