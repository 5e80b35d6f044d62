package swarm

import "math/bits"

// bitset holds a bit a piece and grows as pieces come.
type bitset []uint64

func (b bitset) get(i int) bool {
	return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0
}

// set says whether the bit was new.
func (b *bitset) set(i int) bool {
	for i>>6 >= len(*b) {
		*b = append(*b, 0)
	}
	w := &(*b)[i>>6]
	bit := uint64(1) << (i & 63)
	if *w&bit != 0 {
		return false
	}
	*w |= bit
	return true
}

// clear is the first bit from i on that is not set.
func (b bitset) clear(i int) int {
	for w := i >> 6; w < len(b); w++ {
		if free := ^b[w] >> (i & 63) << (i & 63); free != 0 {
			return w<<6 + bits.TrailingZeros64(free)
		}
		i = (w + 1) << 6
	}
	return i
}

// unset says whether the bit was there.
func (b bitset) unset(i int) bool {
	if !b.get(i) {
		return false
	}
	b[i>>6] &^= 1 << (i & 63)
	return true
}

// word is 64 pieces from 64·w on.
func (b bitset) word(w int) uint64 {
	if w < len(b) {
		return b[w]
	}
	return 0
}

// ends returns the lowest bit and the one past the highest; 0, 0 of an empty set.
func (b bitset) ends() (first, end int) {
	first = -1
	for w, v := range b {
		if v == 0 {
			continue
		}
		if first < 0 {
			first = w<<6 + bits.TrailingZeros64(v)
		}
		end = w<<6 + 64 - bits.LeadingZeros64(v)
	}
	return max(first, 0), end
}

// span is the bits of word w that stand for pieces first to end−1.
func span(w, first, end int) uint64 {
	first, end = max(first-w<<6, 0), min(end-w<<6, 64)
	if first >= end {
		return 0
	}
	return ^uint64(0) << first & (^uint64(0) >> (64 - end))
}

// words is how many words hold n pieces.
func words(n int) int { return (n + 63) >> 6 }

// pieceMap is the wire's form of a set from piece first on: bit j of byte i stands
// for piece first + 8i + j. Zero bytes at its end are left out.
func (b bitset) pieceMap(first, end int) []byte {
	if first >= end {
		return nil
	}
	m := make([]byte, (end-first+7)/8)
	last := 0
	for i := range m {
		at := first + 8*i
		v := b.word(at>>6) >> (at & 63)
		if at&63 > 56 {
			v |= b.word(at>>6+1) << (64 - at&63)
		}
		if at+8 > end {
			v &= 1<<(end-at) - 1
		}
		if m[i] = byte(v); m[i] != 0 {
			last = i + 1
		}
	}
	if last == 0 {
		return nil
	}
	return m[:last]
}

// addMap sets the pieces of a piece map.
func (b *bitset) addMap(first int, m []byte) {
	for i, v := range m {
		for ; v != 0; v &= v - 1 {
			if at := first + 8*i + bits.TrailingZeros8(v); at < MaxPieces {
				b.set(at)
			}
		}
	}
}
