package wire

import (
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
)

// Leaves continues the leaf list of a running transfer: of a long segment, or of
// one that is still being produced. It may bring no leaf at all, to tell the
// final size or the statement.
type Leaves struct {
	Transfer  uint32
	First     int   // index of Leaves[0]
	Size      int64 // bytes, -1 while unknown
	Leaves    []segments.Leaf
	Statement *segments.Statement
}

// leaves: [transfer, first leaf, size (-1 unknown), leaves, statement]

// AppendLeaves encodes m after b. Split first what may have too many leaves.
func AppendLeaves(b []byte, m Leaves) []byte {
	b = append(b, frameLeaves)
	b = msgp.AppendArrayHeader(b, 5)
	b = msgp.AppendUint32(b, m.Transfer)
	b = appendNumber(b, int64(m.First))
	b = appendNumber(b, m.Size)
	b = appendLeafList(b, m.Leaves)
	return appendStatement(b, m.Statement)
}

func parseLeaves(f *fields) Leaves {
	m := Leaves{
		Transfer:  uint32(f.number("transfer", 0, math.MaxUint32)),
		First:     int(f.number("first", 0, maxPieces)),
		Size:      f.number("size", -1, maxSize),
		Leaves:    f.leafList("leaves"),
		Statement: f.statement("statement"),
	}
	f.checkLeafRange(m.First, m.Leaves)
	return m
}

// Split cuts m into frames of MaxLeaves at most. The last one holds the statement.
func (m Leaves) Split() []Leaves {
	var out []Leaves
	for len(m.Leaves) > MaxLeaves {
		part := m
		part.Leaves, part.Statement = m.Leaves[:MaxLeaves:MaxLeaves], nil
		out = append(out, part)
		m.First += MaxLeaves
		m.Leaves = m.Leaves[MaxLeaves:]
	}
	return append(out, m)
}
