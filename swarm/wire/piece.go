package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/shoal-p2p/shoal/segments"
)

// PieceHeader is the length of a piece frame without its payload: type 1, flags
// 1, transfer 4, index 4 bytes.
const PieceHeader = 10

const (
	// flagCompressed says that the payload is the piece after raw DEFLATE
	// (RFC 1951).
	flagCompressed = 1
	// flagContinues says that the payload is the rest of the piece, after what the
	// transfer's tails brought of it. It excludes flagCompressed. The other bits
	// are sent as 0 and ignored.
	flagContinues = 2
)

// Piece is a frame with one piece of a transfer.
type Piece struct {
	Transfer   uint32 // the number that the transfer's Begin chose
	Index      uint32 // in the segment, not in the transfer
	Compressed bool
	Continues  bool   // Payload follows the transfer's tails of this piece
	Payload    []byte // 1 to 16384 bytes; 0 to 16383 that continue tails
}

// AppendPiece encodes p after b.
func AppendPiece(b []byte, p Piece) []byte {
	var flags byte
	if p.Compressed {
		flags |= flagCompressed
	}
	if p.Continues {
		flags |= flagContinues
	}
	b = append(b, framePiece, flags)
	b = binary.BigEndian.AppendUint32(b, p.Transfer)
	b = binary.BigEndian.AppendUint32(b, p.Index)
	return append(b, p.Payload...)
}

func parsePiece(b []byte) (BulkFrame, error) {
	if len(b) < PieceHeader || len(b) == PieceHeader && b[1]&flagContinues == 0 {
		return nil, fmt.Errorf("wire: piece frame of %d bytes has no payload", len(b))
	}
	p := Piece{
		Transfer:   binary.BigEndian.Uint32(b[2:]),
		Index:      binary.BigEndian.Uint32(b[6:]),
		Compressed: b[1]&flagCompressed != 0,
		Continues:  b[1]&flagContinues != 0,
		Payload:    b[PieceHeader:len(b):len(b)],
	}
	if len(p.Payload) > segments.PieceSize {
		return nil, fmt.Errorf("wire: piece frame with a payload of %d bytes, the limit is %d", len(p.Payload), segments.PieceSize)
	}
	if p.Continues && (p.Compressed || len(p.Payload) == segments.PieceSize) {
		return nil, fmt.Errorf("wire: piece frame of %d bytes that continues tails, compressed %t", len(p.Payload), p.Compressed)
	}
	if p.Index >= maxPieces {
		return nil, fmt.Errorf("wire: piece frame with index %d, the limit is %d", p.Index, maxPieces-1)
	}
	return p, nil
}
