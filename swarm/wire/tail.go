package wire

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"

	"github.com/shoal-p2p/shoal/segments"
)

const (
	// tailHeader is the length of a tail frame without signature and payload:
	// type 1, flags 1, transfer 4, index 4, offset 2 bytes.
	tailHeader = 12
	// flagSigned says that a signature of 64 bytes comes before the payload. The
	// other bits are sent as 0 and ignored.
	flagSigned = 1
)

// Tail is a frame with more bytes of a piece that is not whole yet. Those before
// Offset came in earlier tails of the transfer.
type Tail struct {
	Transfer  uint32
	Index     uint32 // of the piece in the segment
	Offset    uint16 // of Payload[0] in the piece
	Signature *[ed25519.SignatureSize]byte
	Payload   []byte // Offset + len(Payload) is 1 to segments.MaxTail
}

func (Tail) bulk() {}

// AppendTail encodes t after b.
func AppendTail(b []byte, t Tail) []byte {
	var flags byte
	if t.Signature != nil {
		flags |= flagSigned
	}
	b = append(b, frameTail, flags)
	b = binary.BigEndian.AppendUint32(b, t.Transfer)
	b = binary.BigEndian.AppendUint32(b, t.Index)
	b = binary.BigEndian.AppendUint16(b, t.Offset)
	if t.Signature != nil {
		b = append(b, t.Signature[:]...)
	}
	return append(b, t.Payload...)
}

func parseTail(b []byte) (BulkFrame, error) {
	if len(b) < tailHeader {
		return nil, fmt.Errorf("wire: tail frame of %d bytes, its header has %d", len(b), tailHeader)
	}
	t := Tail{
		Transfer: binary.BigEndian.Uint32(b[2:]),
		Index:    binary.BigEndian.Uint32(b[6:]),
		Offset:   binary.BigEndian.Uint16(b[10:]),
	}
	rest := b[tailHeader:len(b):len(b)]
	if b[1]&flagSigned != 0 {
		if len(rest) < ed25519.SignatureSize {
			return nil, fmt.Errorf("wire: tail frame with %d bytes of a signature of %d", len(rest), ed25519.SignatureSize)
		}
		signature := [ed25519.SignatureSize]byte(rest)
		t.Signature, rest = &signature, rest[ed25519.SignatureSize:]
	}
	t.Payload = rest
	switch {
	case len(t.Payload) == 0:
		return nil, fmt.Errorf("wire: tail frame of %d bytes has no payload", len(b))
	case int(t.Offset)+len(t.Payload) > segments.MaxTail:
		return nil, fmt.Errorf("wire: tail frame with %d bytes from %d on, the limit is %d", len(t.Payload), t.Offset, segments.MaxTail)
	case t.Index >= maxPieces:
		return nil, fmt.Errorf("wire: tail frame with index %d, the limit is %d", t.Index, maxPieces-1)
	}
	return t, nil
}
