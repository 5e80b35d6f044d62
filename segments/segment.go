package segments

import (
	"fmt"
)

// MaxMetaField is the longest content type, ETag or date, in bytes, that is
// kept; a longer one is dropped.
const MaxMetaField = 256

// Meta is what the origin said about a segment besides its bytes.
type Meta struct {
	ContentType  string
	ETag         string // as sent, with quotes and W/
	LastModified string // HTTP date, as sent
	Shareable    bool   // false for Cache-Control: private or no-store
}

// Segment is a whole, verified segment. It is immutable and shared: nothing of
// it, and no byte slice it returns, may be changed.
type Segment struct {
	Key       Key
	Meta      Meta
	Size      int64 // identity bytes
	Leaves    []Leaf
	Digest    Digest
	Statement *Statement // final statement, nil in an unsigned swarm

	data   []byte   // identity bytes, nil when packed
	packed []packed // wire form piece by piece, nil when not kept compressed
}

// NewSegment makes a segment of bytes that are at hand, and takes ownership of
// data. It returns ErrTooLarge above MaxSegmentSize.
func NewSegment(key Key, meta Meta, data []byte) (*Segment, error) {
	if int64(len(data)) > MaxSegmentSize {
		return nil, fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrTooLarge, key, len(data), int64(MaxSegmentSize))
	}
	return sealSegment(key, meta, data, LeavesOf(data)), nil
}

// sealSegment wraps bytes whose leaves are known.
func sealSegment(key Key, meta Meta, data []byte, leaves []Leaf) *Segment {
	size := int64(len(data))
	s := &Segment{Key: key, Meta: meta, Size: size, Leaves: leaves, Digest: DigestOf(size, leaves)}
	if s.packed = pack(meta.ContentType, data); s.packed == nil {
		s.data = data[:size:size]
	}
	return s
}

// Compressed reports whether the segment is kept compressed.
func (s *Segment) Compressed() bool { return s.packed != nil }

// Bytes returns the identity bytes, contiguous. It costs nothing unless the
// segment is kept compressed; then it inflates all of it into a new slice.
func (s *Segment) Bytes() ([]byte, error) {
	if s.packed == nil {
		return s.data, nil
	}
	data := make([]byte, 0, s.Size)
	for i, p := range s.packed {
		piece, err := p.identity()
		if err != nil {
			return nil, fmt.Errorf("segments: %s: piece %d: %w", s.Key, i, err)
		}
		data = append(data, piece...)
	}
	return data, nil
}

// Piece returns piece i as it goes over the wire: deflated when compressed is
// true (DecompressPiece undoes it), identity bytes otherwise.
func (s *Segment) Piece(i int) (payload []byte, compressed bool, err error) {
	if i < 0 || i >= len(s.Leaves) {
		return nil, false, fmt.Errorf("segments: %s has no piece %d, it has %d", s.Key, i, len(s.Leaves))
	}
	if s.packed != nil {
		return s.packed[i].payload, s.packed[i].compressed, nil
	}
	start := i * PieceSize
	end := start + PieceLength(s.Size, i)
	return s.data[start:end:end], false, nil
}

// Weight is the memory the segment holds, in bytes: what the store's memory
// tier is charged.
func (s *Segment) Weight() int64 {
	w := int64(segmentOverhead + len(s.data) + len(s.Leaves)*len(Leaf{}))
	for _, p := range s.packed {
		w += int64(len(p.payload)) + packedOverhead
	}
	return w
}

// Rough costs of the structures around the bytes: Segment, key, list entry and
// map slot; and the slice header of a packed piece.
const (
	segmentOverhead = 512
	packedOverhead  = 32
)

func (p packed) identity() ([]byte, error) {
	if !p.compressed {
		return p.payload, nil
	}
	return DecompressPiece(p.payload)
}

func (m Meta) bounded() Meta {
	for _, field := range []*string{&m.ContentType, &m.ETag, &m.LastModified} {
		if len(*field) > MaxMetaField {
			*field = ""
		}
	}
	return m
}
