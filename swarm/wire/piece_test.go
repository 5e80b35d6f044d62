package wire

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/segments"
)

func TestPiece(t *testing.T) {
	full := make([]byte, segments.PieceSize)
	checkBulkLimits(t, []bulkLimit{
		{"payload", Piece{Payload: full}, Piece{Payload: make([]byte, segments.PieceSize+1)}},
		{"shortest payload", Piece{Payload: []byte{1}}, Piece{}},
		{"index", Piece{Index: segments.MaxPieces - 1, Payload: full}, Piece{Index: segments.MaxPieces, Payload: full}},
		{"rest of a piece", Piece{Continues: true, Payload: full[1:]}, Piece{Continues: true, Payload: full}},
		{"rest of nothing", Piece{Continues: true, Payload: []byte{}}, Piece{Payload: []byte{}}},
		{"rest, not compressed", Piece{Continues: true, Payload: []byte{1}}, Piece{Continues: true, Compressed: true, Payload: []byte{1}}},
		{"transfer", Piece{Transfer: math.MaxUint32, Compressed: true, Payload: []byte{1}}, Piece{Transfer: math.MaxUint32}},
	})
}

func TestPieceBytes(t *testing.T) {
	got := AppendPiece(nil, Piece{Transfer: 0x01020304, Index: 0x0506, Compressed: true, Payload: []byte{0xaa, 0xbb}})
	want := []byte{0, 1, 1, 2, 3, 4, 0, 0, 5, 6, 0xaa, 0xbb}
	if !bytes.Equal(got, want) {
		t.Fatalf("% x, want % x", got, want)
	}
}

func TestPieceIgnoresReservedFlags(t *testing.T) {
	b := AppendPiece(nil, Piece{Payload: []byte{1}})
	b[1] = 0xfc
	got, err := ParseBulk(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(BulkFrame(Piece{Payload: []byte{1}}), got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}
