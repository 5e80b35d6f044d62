package segments

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
)

func TestPieceArithmetic(t *testing.T) {
	for _, c := range []struct {
		size  int64
		count int
		last  int // length of the last piece
	}{
		{-1, 0, 0}, {0, 0, 0}, {1, 1, 1},
		{PieceSize - 1, 1, PieceSize - 1}, {PieceSize, 1, PieceSize}, {PieceSize + 1, 2, 1},
		{MaxSegmentSize, MaxPieces, PieceSize}, {MaxSegmentSize + 1, MaxPieces + 1, 1},
	} {
		if got := PieceCount(c.size); got != c.count {
			t.Errorf("PieceCount(%d) = %d, want %d", c.size, got, c.count)
		}
		if got := PieceLength(c.size, c.count-1); got != c.last {
			t.Errorf("PieceLength(%d, %d) = %d, want %d", c.size, c.count-1, got, c.last)
		}
		if got := PieceLength(c.size, c.count); got != 0 {
			t.Errorf("PieceLength(%d, %d) = %d, want 0", c.size, c.count, got)
		}
	}
}

func TestDigestIsSHA224OverSizeAndLeaves(t *testing.T) {
	data := randomBytes(1, PieceSize+5)
	a, b := sha256.Sum256(data[:PieceSize]), sha256.Sum256(data[PieceSize:])
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], PieceSize+5)
	want := sha256.Sum224(bytes.Join([][]byte{size[:], a[:], b[:]}, nil))
	if got := DigestOf(int64(len(data)), LeavesOf(data)); got != Digest(want) {
		t.Errorf("got %s, want %x", got, want)
	}
	// Computed with Python's hashlib.
	for size, want := range map[int64]string{
		0:  "02d34274782646a9710f0c8adfac534c45b68379cce3b773533e1f5d",
		-1: "d3e7d91ad9c95c42e922957cefcbd4f44b58e2708af26eb87c60b444",
	} {
		if got := DigestOf(size, nil).String(); got != want {
			t.Errorf("size %d: got %s, want %s", size, got, want)
		}
	}
}

func TestSegmentSizeLimit(t *testing.T) {
	data := make([]byte, MaxSegmentSize+1)
	if _, err := NewSegment("t/1", media, data[:MaxSegmentSize]); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := NewSegment("t/1", media, data); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one past: got %v, want ErrTooLarge", err)
	}
}
