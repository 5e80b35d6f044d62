package wire

import (
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// Begin opens a transfer on the bulk channel: the core's message and what the
// edge needs to verify and serve the bytes. Only what may be shared is ever
// sent, so a received segment is shareable.
type Begin struct {
	swarm.Begin
	ContentType  string
	ETag         string
	LastModified string
	FirstLeaf    int             // index of Leaves[0]
	Leaves       []segments.Leaf // MaxLeaves at most; Leaves frames continue them
	// Statement, when there is one, covers the leaves 0 up to its Count, which
	// end with the last one here.
	Statement *segments.Statement
}

// begin: [transfer, key, size (-1 unknown), hops, first piece, count (-1 to the
// end), slices pushed, content type, etag, last modified, first leaf, leaves, statement]

// AppendBegin encodes m after b. Split first what may have too many leaves.
func AppendBegin(b []byte, m Begin) []byte {
	b = append(b, frameBegin)
	b = msgp.AppendArrayHeader(b, 13)
	b = msgp.AppendUint32(b, m.Transfer)
	b = msgp.AppendString(b, string(m.Key))
	b = appendNumber(b, m.Size)
	b = appendNumber(b, int64(m.Hops))
	b = appendNumber(b, int64(m.First))
	b = appendNumber(b, int64(m.Count))
	b = appendNumber(b, int64(m.Slices))
	b = msgp.AppendString(b, clip(m.ContentType, MaxMeta))
	b = msgp.AppendString(b, clip(m.ETag, MaxMeta))
	b = msgp.AppendString(b, clip(m.LastModified, MaxMeta))
	b = appendNumber(b, int64(m.FirstLeaf))
	b = appendLeafList(b, m.Leaves)
	return appendStatement(b, m.Statement)
}

func parseBegin(f *fields) Begin {
	m := Begin{
		Begin: swarm.Begin{
			Transfer: uint32(f.number("transfer", 0, math.MaxUint32)),
			Key:      f.key("key"),
			Size:     f.number("size", -1, maxSize),
			Hops:     int(f.number("hops", 0, MaxHops)),
			First:    int(f.number("first", 0, maxPieces)),
			Count:    int(f.number("count", -1, maxPieces)),
			Slices:   int(f.number("slices", 0, 255)),
		},
		ContentType:  f.text("content type", MaxMeta),
		ETag:         f.text("etag", MaxMeta),
		LastModified: f.text("last modified", MaxMeta),
		FirstLeaf:    int(f.number("first leaf", 0, maxPieces)),
		Leaves:       f.leafList("leaves"),
		Statement:    f.statement("statement"),
	}
	f.checkLeafRange(m.FirstLeaf, m.Leaves)
	return m
}

// Split cuts off the leaves beyond MaxLeaves into frames to send right after
// the Begin. The statement moves to the last of them, because only there all
// the leaves that it covers are known.
func (m Begin) Split() (Begin, []Leaves) {
	if len(m.Leaves) <= MaxLeaves {
		return m, nil
	}
	rest := Leaves{
		Transfer:  m.Transfer,
		First:     m.FirstLeaf + MaxLeaves,
		Size:      m.Size,
		Leaves:    m.Leaves[MaxLeaves:],
		Statement: m.Statement,
	}
	m.Leaves, m.Statement = m.Leaves[:MaxLeaves:MaxLeaves], nil
	return m, rest.Split()
}
