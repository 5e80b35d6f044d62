package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// accept: [key, first piece, count (-1 as they come, 0 none), due ms, map of those of them that are meant (empty: all)]

func appendAccept(b []byte, m swarm.Accept) []byte {
	b = msgp.AppendArrayHeader(b, 5)
	b = msgp.AppendString(b, string(m.Key))
	b = appendNumber(b, int64(m.First))
	b = appendNumber(b, int64(m.Count))
	b = appendDuration(b, m.Due)
	return msgp.AppendBytes(b, m.Only)
}

func parseAccept(f *fields) swarm.Message {
	return swarm.Accept{
		Key:   f.key("key"),
		First: int(f.number("first", 0, maxPieces)),
		Count: int(f.number("count", -1, maxPieces)),
		Due:   f.duration("due"),
		Only:  f.pieceMap("only"),
	}
}
