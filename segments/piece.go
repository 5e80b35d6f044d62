package segments

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

const (
	// PieceSize is the length in bytes of every piece but a segment's last.
	PieceSize = 16 * 1024
	// MaxSegmentSize is the largest segment, in bytes, that is exchanged.
	MaxSegmentSize = 64 << 20
	// MaxPieces is how many pieces the largest segment has.
	MaxPieces = MaxSegmentSize / PieceSize
)

// ErrTooLarge is wrapped by errors about a size or count above its limit.
var ErrTooLarge = errors.New("segments: too large")

// Leaf is the SHA-256 of one piece's identity bytes.
type Leaf [sha256.Size]byte

// Digest is SHA-224(be64(size) || leaf 0 || leaf 1 …): the identity of a
// segment's bytes.
type Digest [sha256.Size224]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// LeafOf hashes one piece.
func LeafOf(piece []byte) Leaf { return sha256.Sum256(piece) }

// DigestOf hashes a size in bytes and the leaves of its pieces. A statement
// about a segment that still grows uses size -1, in two's complement.
func DigestOf(size int64, leaves []Leaf) Digest {
	h := sha256.New224()
	var be [8]byte
	binary.BigEndian.PutUint64(be[:], uint64(size))
	h.Write(be[:])
	for i := range leaves {
		h.Write(leaves[i][:])
	}
	var d Digest
	h.Sum(d[:0])
	return d
}

// LeavesOf cuts data into pieces and hashes each.
func LeavesOf(data []byte) []Leaf {
	leaves := make([]Leaf, PieceCount(int64(len(data))))
	for i := range leaves {
		start := i * PieceSize
		leaves[i] = LeafOf(data[start:min(start+PieceSize, len(data))])
	}
	return leaves
}

// PieceCount is ceil(size / PieceSize), 0 for an empty or unknown size.
func PieceCount(size int64) int {
	if size <= 0 {
		return 0
	}
	return int((size-1)/PieceSize) + 1
}

// PieceLength is the length in bytes of piece i of a segment of size bytes, 0
// when it has no such piece.
func PieceLength(size int64, i int) int {
	start := int64(i) * PieceSize
	if i < 0 || start >= size {
		return 0
	}
	return int(min(size-start, PieceSize))
}
