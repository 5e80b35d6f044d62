package segments

import "math/bits"

const (
	// eagerAllocation is the size in bytes up to which a segment's buffer is
	// allocated at its first piece.
	eagerAllocation = 1 << 20
	// allocationFactor bounds what a claim can cost: a larger segment's buffer
	// is allocated when size ≤ allocationFactor × bytes received.
	allocationFactor = 4
)

// bitset is a set of piece indices below MaxPieces.
type bitset []uint64

func (b bitset) has(i int) bool {
	return i >= 0 && i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0
}

func (b *bitset) set(i int) {
	for i>>6 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}

// bound is one past the highest index, 0 when empty.
func (b bitset) bound() int {
	for w := len(b) - 1; w >= 0; w-- {
		if b[w] != 0 {
			return w<<6 + bits.Len64(b[w])
		}
	}
	return 0
}

// leafList holds leaves by piece index, possibly with gaps.
type leafList struct {
	leaves     []Leaf
	known      bitset
	contiguous int // leaves before the first gap
}

func (l *leafList) at(i int) (Leaf, bool) {
	if !l.known.has(i) {
		return Leaf{}, false
	}
	return l.leaves[i], true
}

func (l *leafList) bound() int { return l.known.bound() }

// prefix is the list before the first gap. Elements in it are never written
// again, so it is shared without a copy.
func (l *leafList) prefix() []Leaf { return l.leaves[:l.contiguous:l.contiguous] }

// add records leaves from index first on, or returns the index of the first one
// that contradicts a known leaf and records none.
func (l *leafList) add(first int, leaves []Leaf) (conflict int, ok bool) {
	for i, leaf := range leaves {
		if known, ok := l.at(first + i); ok && known != leaf {
			return first + i, false
		}
	}
	if grow := first + len(leaves) - len(l.leaves); grow > 0 {
		l.leaves = append(l.leaves, make([]Leaf, grow)...)
	}
	for i, leaf := range leaves {
		if !l.known.has(first + i) {
			l.leaves[first+i] = leaf
			l.known.set(first + i)
		}
	}
	for l.known.has(l.contiguous) {
		l.contiguous++
	}
	return 0, true
}

// pieceBuffer holds verified pieces. They start as single slices and are brought
// together in one contiguous buffer when the size is known and enough of it has
// come. A piece's bytes are written once and never again, wherever they are, so
// views of them are handed out without a copy.
type pieceBuffer struct {
	pieces       [][]byte
	count        int
	bytes        int64
	firstMissing int
	whole        []byte // the contiguous buffer, nil until allocated
}

func (p *pieceBuffer) has(i int) bool  { return i >= 0 && i < len(p.pieces) && p.pieces[i] != nil }
func (p *pieceBuffer) at(i int) []byte { return p.pieces[i] }
func (p *pieceBuffer) bound() int      { return len(p.pieces) }

// put copies data in as piece i, which is not here yet. size is -1 if unknown.
func (p *pieceBuffer) put(i int, data []byte, size int64) {
	p.count++
	p.bytes += int64(len(data))
	p.settle(size)
	if i >= len(p.pieces) {
		p.pieces = append(p.pieces, make([][]byte, i+1-len(p.pieces))...)
	}
	if p.whole != nil {
		p.pieces[i] = p.place(i, data)
	} else {
		p.pieces[i] = append(make([]byte, 0, len(data)), data...)
	}
	for p.has(p.firstMissing) {
		p.firstMissing++
	}
}

// settle allocates the contiguous buffer if it is time to, and moves in what is
// here.
func (p *pieceBuffer) settle(size int64) {
	if p.whole != nil || p.count == 0 || size <= 0 {
		return
	}
	if size > eagerAllocation && size > allocationFactor*p.bytes {
		return
	}
	p.whole = make([]byte, size)
	for i, piece := range p.pieces {
		if piece != nil {
			p.pieces[i] = p.place(i, piece)
		}
	}
}

func (p *pieceBuffer) place(i int, data []byte) []byte {
	start := i * PieceSize
	end := start + copy(p.whole[start:], data)
	return p.whole[start:end:end]
}

// run returns the longest stretch of bytes from offset on that can be handed
// out in one slice, nil when the piece at offset is missing.
func (p *pieceBuffer) run(offset int64) []byte {
	i := int(offset / PieceSize)
	if !p.has(i) {
		return nil
	}
	if p.whole == nil {
		return p.pieces[i][offset-int64(i)*PieceSize:]
	}
	end := max(i, p.firstMissing)
	for p.has(end) {
		end++
	}
	return p.whole[offset:min(int64(end)*PieceSize, int64(len(p.whole)))]
}
