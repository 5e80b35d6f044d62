package segments

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// writeChunks writes data in chunks of random length.
func writeChunks(w *OriginWriter, random *rand.Rand, data []byte) error {
	for len(data) > 0 {
		n := min(1+random.IntN(3*PieceSize), len(data))
		if got, err := w.Write(data[:n]); err != nil || got != n {
			return err
		}
		data = data[n:]
	}
	return nil
}

func TestOriginWriterCutsPieces(t *testing.T) {
	for _, size := range []int{0, 1, PieceSize - 1, PieceSize, PieceSize + 1, 7 * PieceSize, 7*PieceSize + 100, 2*eagerAllocation + 1} {
		for _, known := range []bool{true, false} {
			data := randomBytes(uint64(size), size)
			a := NewAssembly("t/1")
			if known {
				must(t, a.SetSize(int64(size)))
			}
			var told []int
			w := a.OriginWriter(0, func(i int) { told = append(told, i) })
			must(t, writeChunks(w, rand.New(rand.NewPCG(4, uint64(size))), data))
			must(t, w.Close())
			s, err := a.Segment()
			must(t, err)
			if got, _ := s.Bytes(); !bytes.Equal(got, data) {
				t.Errorf("size %d, known %v: %d other bytes", size, known, len(got))
			}
			if !slices.Equal(s.Leaves, LeavesOf(data)) || len(told) != len(s.Leaves) || !slices.IsSorted(told) {
				t.Errorf("size %d, known %v: %d leaves, told of %v", size, known, len(s.Leaves), told)
			}
			if _, err := w.Write([]byte{1}); err == nil {
				t.Errorf("size %d: write after close", size)
			}
		}
	}
}

func TestOriginWriterDoesNotKeepItsArgument(t *testing.T) {
	data := randomBytes(1, PieceSize)
	a := NewAssembly("t/1")
	scratch := bytes.Clone(data)
	w := a.OriginWriter(0, nil)
	_, err := w.Write(scratch)
	must(t, err)
	clear(scratch)
	if got, _ := a.Piece(0); !bytes.Equal(got, data) {
		t.Error("the piece changed with the caller's buffer")
	}
}

func TestOriginWriterAgainstWhatIsKnown(t *testing.T) {
	data := randomBytes(2, 3*PieceSize+50)
	size := int64(len(data))
	altered := bytes.Clone(data)
	altered[2*PieceSize] ^= 1
	for _, c := range []struct {
		name  string
		setUp func(*Assembly) error
		first int
		write []byte
		held  int
		want  error // of Write or Close
	}{
		{"leaves agree", func(a *Assembly) error { return a.AddLeaves(0, LeavesOf(data)) }, 0, data, 4, nil},
		{"a leaf differs", func(a *Assembly) error { return a.AddLeaves(0, LeavesOf(altered)) }, 0, data, 2, ErrConflict},
		{"shorter than the size", func(a *Assembly) error { return a.SetSize(size + 1) }, 0, data, 3, ErrConflict},
		{"longer than the size", func(a *Assembly) error { return a.SetSize(size - 1) }, 0, data, 3, ErrConflict},
		{"longer than a size at a boundary", func(a *Assembly) error { return a.SetSize(3 * PieceSize) }, 0, data, 3, ErrConflict},
		{"ends before a known leaf", func(a *Assembly) error { return a.AddLeaves(5, make([]Leaf, 1)) }, 0, data, 3, ErrConflict},
		{"ends at a boundary before a known leaf", func(a *Assembly) error { return a.AddLeaves(5, make([]Leaf, 1)) }, 0, data[:PieceSize], 1, ErrConflict},
		{"tail of known size", func(a *Assembly) error { return a.SetSize(size) }, 2, data[2*PieceSize:], 2, nil},
		{"middle of known size", func(a *Assembly) error { return a.SetSize(size) }, 1, data[PieceSize : 3*PieceSize], 2, nil},
		{"middle that ends inside a piece", func(a *Assembly) error { return a.SetSize(size) }, 1, data[PieceSize : 3*PieceSize-1], 1, ErrConflict},
		{"tail of unknown size", func(a *Assembly) error { return nil }, 2, data[2*PieceSize:], 2, nil},
		{"negative first piece", func(a *Assembly) error { return nil }, -1, data, 0, ErrTooLarge},
		{"last possible piece", func(a *Assembly) error { return nil }, MaxPieces - 1, data[:PieceSize], 1, nil},
		{"one past the last possible piece", func(a *Assembly) error { return nil }, MaxPieces - 1, data[:PieceSize+1], 1, ErrTooLarge},
	} {
		a := NewAssembly("t/1")
		must(t, c.setUp(a))
		w := a.OriginWriter(c.first, nil)
		_, err := w.Write(c.write)
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if a.Held() != c.held {
			t.Errorf("%s: %d pieces held, want %d", c.name, a.Held(), c.held)
		}
	}
}

func TestOriginWriterToldOnlyOfFreshPieces(t *testing.T) {
	data := randomBytes(3, 3*PieceSize)
	a := announced(t, data)
	_, err := a.PutPiece(1, data[PieceSize:2*PieceSize])
	must(t, err)
	var told []int
	w := a.OriginWriter(0, func(i int) { told = append(told, i) })
	_, err = w.Write(data)
	must(t, err)
	if !slices.Equal(told, []int{0, 2}) {
		t.Errorf("told of %v", told)
	}
}

func TestOriginWriterAfterReset(t *testing.T) {
	a := NewAssembly("t/1")
	before := a.OriginWriter(0, nil)
	unused := a.OriginWriter(0, nil)
	a.Reset()
	if _, err := before.Write(make([]byte, PieceSize)); !errors.Is(err, ErrConflict) {
		t.Errorf("write: %v", err)
	}
	if err := unused.Close(); !errors.Is(err, ErrConflict) || a.Size() != -1 {
		t.Errorf("close: %v, size %d", err, a.Size())
	}
}

// FuzzOriginWriter writes two overlapping ranges of one resource through two
// writers, one of which may carry altered bytes: what is held is always a true
// copy of the first source that brought it.
func FuzzOriginWriter(f *testing.F) {
	f.Add(uint64(1), uint32(5*PieceSize+9), uint8(0), uint8(2), true, int32(-1))
	f.Add(uint64(2), uint32(3*PieceSize), uint8(1), uint8(0), false, int32(PieceSize))
	f.Add(uint64(3), uint32(0), uint8(0), uint8(0), false, int32(0))
	f.Fuzz(func(t *testing.T, seed uint64, length uint32, first, second uint8, sized bool, flip int32) {
		size := int64(length % (12 * PieceSize))
		data := randomBytes(seed, int(size))
		other := bytes.Clone(data)
		flipped := -1
		if flip >= 0 && int64(flip) < size {
			other[flip] ^= 0x80
			flipped = int(flip) / PieceSize
		}
		a := NewAssembly("t/1")
		if sized {
			must(t, a.SetSize(size))
		}
		random := rand.New(rand.NewPCG(seed, 1))
		from := func(piece uint8) int { return int(piece) % (PieceCount(size) + 1) }
		w := a.OriginWriter(from(first), nil)
		if err := writeChunks(w, random, data[min(int64(from(first))*PieceSize, size):]); err != nil {
			t.Fatal(err)
		}
		// A first piece behind the end, of a resource that does not fill it,
		// claims a size of its own.
		consistent := int64(from(first))*PieceSize <= size
		if err := w.Close(); consistent && err != nil {
			t.Fatal(err)
		}
		w = a.OriginWriter(from(second), nil)
		err := writeChunks(w, random, other[min(int64(from(second))*PieceSize, size):])
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
		if consistent && flipped >= from(first) && flipped >= from(second) && !errors.Is(err, ErrConflict) {
			t.Fatalf("piece %d was altered: %v", flipped, err)
		}
		for i := range PieceCount(size) {
			got, ok := a.Piece(i)
			source := data
			if i < from(first) {
				source = other
			}
			if ok && !bytes.Equal(got, source[i*PieceSize:min(int64(i+1)*PieceSize, size)]) {
				t.Fatalf("piece %d is another", i)
			}
			if !ok && consistent && i >= from(first) {
				t.Fatalf("piece %d is missing", i)
			}
		}
	})
}
