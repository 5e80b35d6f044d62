package wire

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
)

// The first byte of a bulk frame.
const (
	framePiece  = 0
	frameBegin  = 1
	frameLeaves = 2
	frameTail   = 3
)

// BulkFrame is a Piece, a Begin, a Leaves or a Tail.
type BulkFrame interface{ bulk() }

func (Piece) bulk()  {}
func (Begin) bulk()  {}
func (Leaves) bulk() {}

// ParseBulk decodes one message of the bulk channel. A payload is a part of b; a Begin and a Leaves share no memory with it. An error other than
// ErrUnknownType means that the peer is broken or hostile.
func ParseBulk(b []byte) (BulkFrame, error) {
	if len(b) == 0 {
		return nil, errors.New("wire: empty bulk frame")
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("wire: bulk frame of %d bytes, the limit is %d", len(b), MaxMessage)
	}
	switch b[0] {
	case framePiece:
		return parsePiece(b)
	case frameBegin:
		f := record(b[1:])
		begin := parseBegin(&f)
		if f.err != nil {
			return nil, fmt.Errorf("wire: begin frame: %w", f.err)
		}
		return begin, nil
	case frameLeaves:
		f := record(b[1:])
		leaves := parseLeaves(&f)
		if f.err != nil {
			return nil, fmt.Errorf("wire: leaves frame: %w", f.err)
		}
		return leaves, nil
	case frameTail:
		return parseTail(b)
	}
	return nil, fmt.Errorf("%w %d on the bulk channel", ErrUnknownType, b[0])
}

// Leaf lists are one msgpack bin of 32 bytes a leaf.

func appendLeafList(b []byte, leaves []segments.Leaf) []byte {
	b = msgp.AppendBytesHeader(b, uint32(len(leaves)*leafSize))
	for i := range leaves {
		b = append(b, leaves[i][:]...)
	}
	return b
}

func (f *fields) leafList(name string) []segments.Leaf {
	raw := f.bytes(name, MaxLeaves*leafSize)
	if len(raw)%leafSize != 0 {
		f.fail(name, fmt.Errorf("%d bytes are not whole leaves of %d", len(raw), leafSize))
	}
	if f.err != nil || len(raw) == 0 {
		return nil
	}
	leaves := make([]segments.Leaf, len(raw)/leafSize)
	for i := range leaves {
		copy(leaves[i][:], raw[i*leafSize:])
	}
	return leaves
}

// checkLeafRange reports leaves beyond the longest segment.
func (f *fields) checkLeafRange(first int, leaves []segments.Leaf) {
	if first+len(leaves) > maxPieces {
		f.fail("leaves", fmt.Errorf("%d from %d on, the limit is %d", len(leaves), first, maxPieces))
	}
}

// A statement is nil, or [size (-1 growing), count, signature].

func appendStatement(b []byte, st *segments.Statement) []byte {
	if st == nil {
		return msgp.AppendNil(b)
	}
	b = msgp.AppendArrayHeader(b, 3)
	b = appendNumber(b, st.Size)
	b = msgp.AppendUint32(b, st.Count)
	return msgp.AppendBytes(b, st.Signature[:])
}

func (f *fields) statement(name string) *segments.Statement {
	if f.err == nil && f.left > 0 && msgp.IsNil(f.rest) {
		f.left--
		f.rest = f.rest[1:]
		return nil
	}
	st := inner(f, func(f *fields) segments.Statement {
		st := segments.Statement{
			Size:  f.number("size", -1, maxSize),
			Count: uint32(f.number("count", 0, maxPieces)),
		}
		signature := f.bytes("signature", len(st.Signature))
		if f.err == nil && len(signature) != len(st.Signature) {
			f.fail("signature", fmt.Errorf("%d bytes, want %d", len(signature), len(st.Signature)))
		}
		copy(st.Signature[:], signature)
		return st
	})
	if f.err != nil {
		f.err = fmt.Errorf("field %s: %w", name, f.err)
		return nil
	}
	return &st
}
