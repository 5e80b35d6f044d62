package segments

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// piecesOf cuts data.
func piecesOf(data []byte) [][]byte {
	var pieces [][]byte
	for i := range PieceCount(int64(len(data))) {
		pieces = append(pieces, data[i*PieceSize:min((i+1)*PieceSize, len(data))])
	}
	return pieces
}

// must fails the test on an error of a step that is not under test.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// announced is an assembly that knows size and leaves of data.
func announced(t testing.TB, data []byte) *Assembly {
	t.Helper()
	a := NewAssembly("t/1")
	must(t, a.SetSize(int64(len(data))))
	must(t, a.AddLeaves(0, LeavesOf(data)))
	return a
}

func TestAssemblyInAnyOrder(t *testing.T) {
	for _, size := range []int{1, PieceSize, PieceSize + 1, 9*PieceSize - 3, eagerAllocation, eagerAllocation + 1, 3*eagerAllocation + 77} {
		data := randomBytes(uint64(size), size)
		a := announced(t, data)
		pieces := piecesOf(data)
		random := rand.New(rand.NewPCG(1, uint64(size)))
		for n, i := range random.Perm(len(pieces)) {
			if a.Complete() {
				t.Fatalf("size %d: complete with %d of %d pieces", size, n, len(pieces))
			}
			if fresh, err := a.PutPiece(i, pieces[i]); err != nil || !fresh {
				t.Fatalf("size %d, piece %d: fresh %v, %v", size, i, fresh, err)
			}
			if fresh, err := a.PutPiece(i, pieces[i]); err != nil || fresh {
				t.Fatalf("size %d, piece %d again: fresh %v, %v", size, i, fresh, err)
			}
			if got, ok := a.Piece(i); !ok || !bytes.Equal(got, pieces[i]) {
				t.Fatalf("size %d, piece %d: read back %d bytes", size, i, len(got))
			}
		}
		select {
		case <-a.Done():
		default:
			t.Fatalf("size %d: not done", size)
		}
		s, err := a.Segment()
		must(t, err)
		got, err := s.Bytes()
		must(t, err)
		if !bytes.Equal(got, data) || s.Digest != DigestOf(int64(size), LeavesOf(data)) {
			t.Fatalf("size %d: the segment differs", size)
		}
	}
}

func TestSegmentSharesTheAssemblysBuffer(t *testing.T) {
	data := randomBytes(1, 4*eagerAllocation)
	a := announced(t, data)
	for i, piece := range piecesOf(data) {
		_, err := a.PutPiece(i, piece)
		must(t, err)
	}
	a.SetMeta(media)
	s, err := a.Segment()
	must(t, err)
	whole, err := s.Bytes()
	must(t, err)
	for i := range s.Leaves {
		fromAssembly, _ := a.Piece(i)
		fromSegment, _, err := s.Piece(i)
		must(t, err)
		if want := unsafe.SliceData(whole[i*PieceSize:]); unsafe.SliceData(fromAssembly) != want || unsafe.SliceData(fromSegment) != want {
			t.Fatalf("piece %d was copied", i)
		}
	}
	if again, err := a.Segment(); err != nil || again != s {
		t.Errorf("sealed twice: %v", err)
	}
	if len(whole) != cap(whole) {
		t.Errorf("buffer of %d bytes has capacity %d", len(whole), cap(whole))
	}
}

// TestClaimCostsNothing: memory follows the bytes received, not the size a peer
// claims.
func TestClaimCostsNothing(t *testing.T) {
	a := NewAssembly("t/1")
	must(t, a.SetSize(MaxSegmentSize))
	piece := make([]byte, PieceSize)
	leaf := LeafOf(piece)
	const received = MaxSegmentSize / allocationFactor / PieceSize
	for i := range received {
		if a.pieces.whole != nil {
			t.Fatalf("%d bytes were allocated for %d pieces", len(a.pieces.whole), i)
		}
		index := MaxPieces - 1 - i
		must(t, a.AddLeaves(index, []Leaf{leaf}))
		_, err := a.PutPiece(index, piece)
		must(t, err)
	}
	if len(a.pieces.whole) != MaxSegmentSize {
		t.Errorf("after a quarter of the bytes the buffer has %d", len(a.pieces.whole))
	}
}

func TestPutPieceRefuses(t *testing.T) {
	data := randomBytes(2, 2*PieceSize+10)
	pieces := piecesOf(data)
	altered := bytes.Clone(pieces[1])
	altered[100] ^= 1
	unsized := NewAssembly("t/1")
	must(t, unsized.AddLeaves(0, LeavesOf(data)))
	leafless := NewAssembly("t/1")
	must(t, leafless.SetSize(int64(len(data))))
	for _, c := range []struct {
		name  string
		a     *Assembly
		index int
		data  []byte
		want  error
	}{
		{"a flipped bit", announced(t, data), 1, altered, ErrBadPiece},
		{"another piece's bytes", announced(t, data), 0, pieces[1], ErrBadPiece},
		{"a byte less", announced(t, data), 1, pieces[1][:PieceSize-1], ErrBadPiece},
		{"a byte more", announced(t, data), 2, data[len(data)-11:], ErrBadPiece},
		{"nothing", announced(t, data), 1, nil, ErrBadPiece},
		{"index -1", announced(t, data), -1, pieces[0], ErrBadPiece},
		{"one past the last", announced(t, data), 3, pieces[2], ErrBadPiece},
		{"last possible index, no leaf", unsized, MaxPieces - 1, pieces[0], ErrNoLeaf},
		{"one past the last possible index", unsized, MaxPieces, pieces[0], ErrBadPiece},
		{"one byte above the piece size", unsized, 0, data[:PieceSize+1], ErrBadPiece},
		{"leaf not known", leafless, 0, pieces[0], ErrNoLeaf},
	} {
		if fresh, err := c.a.PutPiece(c.index, c.data); !errors.Is(err, c.want) || fresh {
			t.Errorf("%s: fresh %v, %v, want %v", c.name, fresh, err, c.want)
		}
		if c.a.Have(c.index) || c.a.Held() != 0 {
			t.Errorf("%s: it was kept", c.name)
		}
	}
	// A piece that is here is no excuse for sending rubbish.
	a := announced(t, data)
	_, err := a.PutPiece(1, pieces[1])
	must(t, err)
	if _, err := a.PutPiece(1, altered); !errors.Is(err, ErrBadPiece) {
		t.Errorf("rubbish for a piece that is here: %v", err)
	}
}

func TestSizeLimitsAndConflicts(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(*Assembly) error
		size  int64
		want  error
	}{
		{"at the limit", nil, MaxSegmentSize, nil},
		{"one past the limit", nil, MaxSegmentSize + 1, ErrTooLarge},
		{"negative", nil, -1, ErrConflict},
		{"empty", nil, 0, nil},
		{"the same again", func(a *Assembly) error { return a.SetSize(5) }, 5, nil},
		{"another", func(a *Assembly) error { return a.SetSize(5) }, 6, ErrConflict},
		{"leaves just fit", func(a *Assembly) error { return a.AddLeaves(1, make([]Leaf, 1)) }, PieceSize + 1, nil},
		{"a leaf behind the end", func(a *Assembly) error { return a.AddLeaves(1, make([]Leaf, 1)) }, PieceSize, ErrConflict},
	} {
		a := NewAssembly("t/1")
		if c.first != nil {
			must(t, c.first(a))
		}
		if err := a.SetSize(c.size); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestSizeMustFitAPieceThatIsHere(t *testing.T) {
	data := randomBytes(3, PieceSize)
	a := NewAssembly("t/1")
	must(t, a.AddLeaves(0, LeavesOf(data)))
	_, err := a.PutPiece(0, data)
	must(t, err)
	if err := a.SetSize(PieceSize - 1); !errors.Is(err, ErrConflict) {
		t.Errorf("got %v", err)
	}
	must(t, a.SetSize(PieceSize))
	if !a.Complete() {
		t.Error("not complete")
	}
}

func TestLeafLimitsAndConflicts(t *testing.T) {
	one, two := Leaf{1}, Leaf{2}
	for _, c := range []struct {
		name   string
		size   int64
		first  int
		leaves []Leaf
		want   error
	}{
		{"same", -1, 0, []Leaf{one}, nil},
		{"different", -1, 0, []Leaf{two}, ErrConflict},
		{"overlap with one different", -1, 0, []Leaf{one, two, one}, ErrConflict},
		{"to the limit", -1, MaxPieces - 1, []Leaf{one}, nil},
		{"one past the limit", -1, MaxPieces - 1, []Leaf{one, one}, ErrTooLarge},
		{"negative", -1, -1, []Leaf{one}, ErrTooLarge},
		{"overflow", -1, int(^uint(0) >> 1), []Leaf{one}, ErrTooLarge},
		{"to the end", 3 * PieceSize, 2, []Leaf{two}, nil},
		{"behind the end", 3 * PieceSize, 3, []Leaf{two}, ErrConflict},
	} {
		a := NewAssembly("t/1")
		must(t, a.AddLeaves(0, []Leaf{one, one}))
		if c.size >= 0 {
			must(t, a.SetSize(c.size))
		}
		if err := a.AddLeaves(c.first, c.leaves); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if c.want != nil {
			if diff := cmp.Diff([]Leaf{one, one}, a.Leaves()); diff != "" {
				t.Errorf("%s: leaves changed: %s", c.name, diff)
			}
		}
	}
}

func TestLeavesIsAPrefixThatNeverChanges(t *testing.T) {
	a := NewAssembly("t/1")
	must(t, a.AddLeaves(0, []Leaf{{1}}))
	before := a.Leaves()
	must(t, a.AddLeaves(2, []Leaf{{3}}))
	if diff := cmp.Diff([]Leaf{{1}}, a.Leaves()); diff != "" {
		t.Errorf("with a gap: %s", diff)
	}
	must(t, a.AddLeaves(1, []Leaf{{2}}))
	if diff := cmp.Diff([]Leaf{{1}, {2}, {3}}, a.Leaves()); diff != "" {
		t.Errorf("gap filled: %s", diff)
	}
	if appended := append(before, Leaf{9}); len(before) != 1 || appended[1] == a.Leaves()[1] {
		t.Error("appending to an earlier view wrote into the list")
	}
}

func TestMissing(t *testing.T) {
	data := randomBytes(4, 5*PieceSize)
	pieces := piecesOf(data)
	a := NewAssembly("t/1")
	must(t, a.AddLeaves(0, LeavesOf(data)))
	check := func(step string, first, count int) {
		t.Helper()
		if f, c := a.Missing(); f != first || c != count {
			t.Errorf("%s: %d+%d, want %d+%d", step, f, c, first, count)
		}
	}
	put := func(i int) {
		t.Helper()
		_, err := a.PutPiece(i, pieces[i])
		must(t, err)
	}
	check("empty, size unknown", 0, -1)
	put(2)
	check("piece 2", 0, 2)
	put(0)
	check("pieces 0 2", 1, 1)
	put(1)
	check("pieces 0 1 2, size unknown", 3, -1)
	must(t, a.SetSize(5*PieceSize))
	check("size known", 3, 2)
	put(4)
	check("pieces 0 1 2 4", 3, 1)
	put(3)
	check("complete", 5, 0)
}

func TestShortPieceTellsTheSize(t *testing.T) {
	data := randomBytes(5, PieceSize+100)
	pieces := piecesOf(data)
	a := NewAssembly("t/1")
	must(t, a.AddLeaves(0, LeavesOf(data)))
	_, err := a.PutPiece(1, pieces[1])
	must(t, err)
	if got := a.Size(); got != int64(len(data)) {
		t.Errorf("size %d, want %d", got, len(data))
	}
	b := NewAssembly("t/1")
	must(t, b.AddLeaves(0, []Leaf{LeafOf(pieces[1]), {9}}))
	if _, err := b.PutPiece(0, pieces[1]); !errors.Is(err, ErrConflict) {
		t.Errorf("a short piece before a known leaf: got %v", err)
	}
}

func TestStatementsSupersede(t *testing.T) {
	a := announced(t, randomBytes(6, PieceSize))
	grow := func(n uint32) Statement { return Statement{Size: GrowingSize, Count: n} }
	final := Statement{Size: PieceSize, Count: 1}
	for _, c := range []struct{ put, want Statement }{
		{grow(1), grow(1)}, {grow(3), grow(3)}, {grow(2), grow(3)}, {final, final}, {grow(9), final},
		{Statement{Size: 1, Count: 1}, final},
	} {
		a.SetStatement(c.put)
		if got, ok := a.Statement(); !ok || got != c.want {
			t.Errorf("after %+v: %+v", c.put, got)
		}
	}
}

func TestSegmentCarriesOnlyAFinalStatement(t *testing.T) {
	data := randomBytes(7, PieceSize)
	a := announced(t, data)
	a.SetStatement(Statement{Size: GrowingSize, Count: 1})
	if _, err := a.Segment(); !errors.Is(err, ErrIncomplete) {
		t.Errorf("incomplete: got %v", err)
	}
	_, err := a.PutPiece(0, data)
	must(t, err)
	s, err := a.Segment()
	must(t, err)
	if s.Statement != nil {
		t.Errorf("growing statement %+v on a whole segment", *s.Statement)
	}
	final := testSigner().Sign("w", "t/1", PieceSize, LeavesOf(data))
	a.SetStatement(final)
	if s, err = a.Segment(); err != nil || s.Statement == nil || *s.Statement != final {
		t.Errorf("final statement is missing: %v", err)
	}
}

func TestEmptySegment(t *testing.T) {
	a := NewAssembly("t/1")
	must(t, a.SetSize(0))
	s, err := a.Segment()
	must(t, err)
	if b, err := s.Bytes(); err != nil || len(b) != 0 || len(s.Leaves) != 0 {
		t.Errorf("%d bytes, %d leaves, %v", len(b), len(s.Leaves), err)
	}
}

func TestFailAndReset(t *testing.T) {
	broken := errors.New("broken")
	data := randomBytes(8, PieceSize)
	a := announced(t, data)
	a.Fail(nil)
	a.Fail(broken)
	a.Fail(errors.New("later"))
	<-a.Done()
	if a.Err() != broken || a.Complete() {
		t.Errorf("error %v, complete %v", a.Err(), a.Complete())
	}
	if _, err := a.PutPiece(0, data); err != broken {
		t.Errorf("put after fail: %v", err)
	}
	if _, err := a.OriginWriter(0, nil).Write(data); err != broken {
		t.Errorf("write after fail: %v", err)
	}
	a.Reset()
	select {
	case <-a.Done():
		t.Error("done after reset")
	default:
	}
	if a.Err() != nil || a.Size() != -1 || len(a.Leaves()) != 0 {
		t.Errorf("error %v, size %d, %d leaves", a.Err(), a.Size(), len(a.Leaves()))
	}
	w := a.OriginWriter(0, nil)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	if !a.Complete() {
		t.Error("cannot be completed after reset")
	}
	a.Fail(broken)
	if a.Err() != nil {
		t.Error("failed although complete")
	}
}

func TestMetaFieldLimit(t *testing.T) {
	longest := string(bytes.Repeat([]byte("x"), MaxMetaField))
	a := NewAssembly("t/1")
	a.SetMeta(Meta{ContentType: longest, ETag: longest + "x", LastModified: longest, Shareable: true})
	if diff := cmp.Diff(Meta{ContentType: longest, LastModified: longest, Shareable: true}, a.Meta()); diff != "" {
		t.Error(diff)
	}
}

// TestConcurrentSources has peers and the origin fill one assembly while
// somebody resets it; run with -race.
func TestConcurrentSources(t *testing.T) {
	data := randomBytes(9, 40*PieceSize+3)
	a := announced(t, data)
	pieces := piecesOf(data)
	var fresh [41]int
	var mu sync.Mutex
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for _, i := range rand.New(rand.NewPCG(2, uint64(worker))).Perm(len(pieces)) {
				ok, err := a.PutPiece(i, pieces[i])
				if err != nil {
					t.Errorf("piece %d: %v", i, err)
				}
				if ok {
					mu.Lock()
					fresh[i]++
					mu.Unlock()
				}
				a.Missing()
				a.Leaves()
			}
		})
	}
	group.Go(func() {
		w := a.OriginWriter(20, func(i int) { mu.Lock(); fresh[i]++; mu.Unlock() })
		if _, err := w.Write(data[20*PieceSize:]); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	group.Wait()
	for i, n := range fresh {
		if n != 1 {
			t.Errorf("piece %d was fresh %d times", i, n)
		}
	}
	if !a.Complete() {
		t.Error("not complete")
	}
}
