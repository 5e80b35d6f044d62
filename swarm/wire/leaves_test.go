package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/segments"
)

func TestLeaves(t *testing.T) {
	checkBulkLimits(t, []bulkLimit{
		{"leaves",
			Leaves{Transfer: 1, First: 2, Size: -1, Leaves: leaves(MaxLeaves), Statement: statement(-1, 1026)},
			Leaves{Transfer: 1, First: 2, Size: -1, Leaves: leaves(MaxLeaves + 1)}},
		{"last leaf",
			Leaves{First: segments.MaxPieces - 1, Leaves: leaves(1)},
			Leaves{First: segments.MaxPieces, Leaves: leaves(1)}},
		{"size alone", Leaves{Transfer: 1, First: 5, Size: segments.MaxSegmentSize}, Leaves{Size: segments.MaxSegmentSize + 1}},
		{"size unknown", Leaves{Size: -1}, Leaves{Size: -2}},
		{"first", Leaves{First: segments.MaxPieces}, Leaves{First: segments.MaxPieces + 1}},
	})
}
