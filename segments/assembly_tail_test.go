package segments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// readNow reads what can be had from r's position without waiting for more.
func readNow(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	got, err := io.ReadFull(r, b)
	if err != nil {
		t.Fatalf("%d of %d bytes: %v", got, n, err)
	}
	return b
}

// A local reader has every byte that the origin has sent, whole piece or not.
func TestReaderFollowsTheOriginByteByByte(t *testing.T) {
	data := randomBytes(20, 2*PieceSize+900)
	a := NewAssembly("t/1")
	grown := 0
	w := a.OriginWriter(0, nil)
	w.OnTail(func() { grown++ })
	r := a.Reader(t.Context(), 0, -1)
	chunks := []int{1, 4000, PieceSize - 4001, 10, PieceSize, 500, 390}
	for rest := data; len(chunks) > 0; chunks = chunks[1:] {
		chunk := rest[:chunks[0]]
		rest = rest[chunks[0]:]
		_, err := w.Write(chunk)
		must(t, err)
		if got := readNow(t, r, len(chunk)); !bytes.Equal(got, chunk) {
			t.Fatalf("chunk of %d bytes differs", len(chunk))
		}
	}
	must(t, w.Close())
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("%d bytes behind the end, %v", len(rest), err)
	}
	// All but the third chunk, which ends at a boundary, leave a piece unfinished.
	if grown != 6 {
		t.Errorf("told of %d tails, want 6", grown)
	}
	if _, ok := a.Tail(); ok {
		t.Error("a tail is left")
	}
}

func TestNoTailWhenTheSizeIsKnown(t *testing.T) {
	a := NewAssembly("t/1")
	must(t, a.SetSize(100))
	w := a.OriginWriter(0, nil)
	w.OnTail(func() { t.Error("told of a tail") })
	_, err := w.Write(make([]byte, 50))
	must(t, err)
	if _, ok := a.Tail(); ok {
		t.Error("a tail of a segment whose size is known")
	}
}

func TestWaitHeadTakesATail(t *testing.T) {
	a := NewAssembly("t/1")
	_, err := a.PutTail(Tail{Bytes: []byte{1}})
	must(t, err)
	if size, _, err := a.WaitHead(t.Context()); size != -1 || err != nil {
		t.Errorf("size %d, %v", size, err)
	}
}

func TestPutTail(t *testing.T) {
	data := randomBytes(21, 2*PieceSize)
	other := bytes.Clone(data)
	other[0] ^= 1
	tail := func(index int, b []byte) Tail { return Tail{Index: index, Bytes: b} }
	withTail := func(a *Assembly) error { _, err := a.PutTail(tail(0, data[:100])); return err }
	withPiece := func(a *Assembly) error {
		if err := a.AddLeaves(0, LeavesOf(data)); err != nil {
			return err
		}
		_, err := a.PutPiece(0, data[:PieceSize])
		return err
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		name  string
		setUp func(*Assembly) error
		put   Tail
		fresh bool
		want  error
	}{
		{"first", nil, tail(0, data[:1]), true, nil},
		{"longest", nil, tail(0, data[:MaxTail]), true, nil},
		{"a piece", nil, tail(0, data[:PieceSize]), false, ErrBadPiece},
		{"empty", nil, tail(0, nil), false, ErrBadPiece},
		{"last piece", nil, tail(MaxPieces-1, data[:1]), true, nil},
		{"past the last piece", nil, tail(MaxPieces, data[:1]), false, ErrBadPiece},
		{"before the first piece", nil, tail(-1, data[:1]), false, ErrBadPiece},
		{"longer", withTail, tail(0, data[:101]), true, nil},
		{"same", withTail, tail(0, data[:100]), false, nil},
		{"shorter", withTail, tail(0, data[:99]), false, nil},
		{"begins otherwise", withTail, tail(0, other[:200]), false, ErrConflict},
		{"of the next piece", withTail, tail(1, data[PieceSize:PieceSize+9]), false, nil},
		{"of a piece that is here", withPiece, tail(0, data[:9]), false, nil},
		{"of another piece than the one here", withPiece, tail(0, other[:9]), false, ErrConflict},
		{"after the piece before it", withPiece, tail(1, data[PieceSize:PieceSize+9]), true, nil},
		{"up to the end", func(a *Assembly) error { return a.SetSize(50) }, tail(0, data[:50]), true, nil},
		{"past the end", func(a *Assembly) error { return a.SetSize(50) }, tail(0, data[:51]), false, ErrConflict},
		{"after a failure", func(a *Assembly) error { a.Fail(broken); return nil }, tail(0, data[:1]), false, broken},
	} {
		a := NewAssembly("t/1")
		if c.setUp != nil {
			must(t, c.setUp(a))
		}
		if fresh, err := a.PutTail(c.put); fresh != c.fresh || !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: fresh %v, %v; want %v, %v", c.name, fresh, err, c.fresh, c.want)
		}
	}
}

// What readers were given as a tail must be how the piece begins, wherever the
// piece comes from, and must fit into the segment.
func TestPieceMustBeginWithItsTail(t *testing.T) {
	data := randomBytes(22, PieceSize)
	lie := bytes.Clone(data[:100])
	lie[50] ^= 1
	for _, c := range []struct {
		name string
		put  func(*Assembly) error
	}{
		{"peer", func(a *Assembly) error {
			must(t, a.AddLeaves(0, LeavesOf(data)))
			_, err := a.PutPiece(0, data)
			return err
		}},
		{"origin", func(a *Assembly) error { _, err := a.OriginWriter(0, nil).Write(data); return err }},
		{"origin's tail", func(a *Assembly) error { _, err := a.OriginWriter(0, nil).Write(data[:60]); return err }},
		{"size", func(a *Assembly) error { return a.SetSize(99) }},
	} {
		a := NewAssembly("t/1")
		_, err := a.PutTail(Tail{Bytes: lie})
		must(t, err)
		r := a.Reader(context.Background(), 0, -1)
		readNow(t, r, 10)
		if err := c.put(a); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: got %v", c.name, err)
		}
		a.Reset()
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: the reader that was lied to got %v", c.name, err)
		}
		if _, ok := a.Tail(); ok {
			t.Errorf("%s: the tail outlived the reset", c.name)
		}
	}
}

// A reader that has all bytes from a tail learns that it is at the end only from
// the piece, or that it was lied to.
func TestEndWaitsForThePiece(t *testing.T) {
	data := randomBytes(23, 100)
	for _, lie := range []bool{false, true} {
		a := NewAssembly("t/1")
		tail := bytes.Clone(data)
		if lie {
			tail[99] ^= 1
		}
		_, err := a.PutTail(Tail{Bytes: tail})
		must(t, err)
		must(t, a.SetSize(100))
		r := a.Reader(t.Context(), 0, -1)
		readNow(t, r, 100)
		ended := make(chan error)
		go func() { _, err := r.Read(make([]byte, 1)); ended <- err }()
		must(t, a.AddLeaves(0, LeavesOf(data)))
		select {
		case err := <-ended:
			t.Fatalf("lie %v: before the piece came: %v", lie, err)
		default:
		}
		if _, err := a.PutPiece(0, data); lie != errors.Is(err, ErrTail) {
			t.Errorf("lie %v: %v", lie, err)
		}
		want := io.EOF
		if lie {
			a.Reset()
			want = ErrConflict
		}
		if err := <-ended; !errors.Is(err, want) {
			t.Errorf("lie %v: got %v, want %v", lie, err, want)
		}
	}
}

func TestRetractedTail(t *testing.T) {
	data := randomBytes(24, 2*PieceSize)
	lie := bytes.Clone(data[PieceSize : PieceSize+100])
	lie[9] ^= 1
	a := NewAssembly("t/1")
	must(t, a.AddLeaves(0, LeavesOf(data)))
	_, err := a.PutPiece(0, data[:PieceSize])
	must(t, err)
	_, err = a.PutTail(Tail{Index: 1, Bytes: lie})
	must(t, err)
	fooled, ahead := a.Reader(t.Context(), 0, -1), a.Reader(t.Context(), 0, -1)
	readNow(t, fooled, PieceSize+10)
	readNow(t, ahead, PieceSize)
	a.RetractTail(0)
	if _, ok := a.Tail(); !ok {
		t.Error("the tail of another piece was taken back")
	}
	a.RetractTail(1)
	_, err = a.PutPiece(1, data[PieceSize:])
	must(t, err)
	must(t, a.SetSize(2*PieceSize))
	if _, err := fooled.Read(make([]byte, 1)); !errors.Is(err, ErrConflict) {
		t.Errorf("the reader that was lied to got %v", err)
	}
	if rest, err := io.ReadAll(ahead); err != nil || !bytes.Equal(rest, data[PieceSize:]) {
		t.Errorf("the reader that was not got %d bytes, %v", len(rest), err)
	}
}

func TestVouchedTail(t *testing.T) {
	signer := testSigner()
	a := NewAssembly("t/1")
	_, err := a.PutTail(Tail{Index: 3, Bytes: []byte("chunk")})
	must(t, err)
	a.VouchTail(3, 5, signer.SignTail("w", "t/1", 3, []byte("chunk")))
	got, _ := a.Tail()
	must(t, got.Verify(signer.Public(), "w", "t/1"))
	_, err = a.PutTail(Tail{Index: 3, Bytes: []byte("chunk of a segment")})
	must(t, err)
	a.VouchTail(3, 5, got.Signature)
	if got, _ := a.Tail(); got.Signature != nil {
		t.Error("a signature over fewer bytes was kept")
	}
}

func TestTailSignature(t *testing.T) {
	signer := testSigner()
	pub := signer.Public()
	good := Tail{Index: 2, Bytes: []byte("half a piece")}
	good.Signature = signer.SignTail("w", "t/1", good.Index, good.Bytes)
	with := func(change func(*Tail)) Tail { t := good; change(&t); return t }
	// What a seed signs about a leaf must not pass for a tail, nor the reverse.
	leafLike := signer.Sign("w", "t/1", GrowingSize, []Leaf{LeafOf(good.Bytes)})
	for _, c := range []struct {
		name       string
		tail       Tail
		pub        []byte
		swarm, key string
		ok         bool
	}{
		{"good", good, pub, "w", "t/1", true},
		{"other swarm", good, pub, "x", "t/1", false},
		{"other key", good, pub, "w", "t/2", false},
		{"other piece", with(func(t *Tail) { t.Index = 1 }), pub, "w", "t/1", false},
		{"shorter", with(func(t *Tail) { t.Bytes = t.Bytes[:4] }), pub, "w", "t/1", false},
		{"other bytes", with(func(t *Tail) { t.Bytes = []byte("HALF A PIECE") }), pub, "w", "t/1", false},
		{"no signature", with(func(t *Tail) { t.Signature = nil }), pub, "w", "t/1", false},
		{"a statement's signature", with(func(t *Tail) { t.Signature = &leafLike.Signature }), pub, "w", "t/1", false},
		{"no key", good, nil, "w", "t/1", false},
		{"too long", Tail{Index: 2, Bytes: make([]byte, PieceSize), Signature: signer.SignTail("w", "t/1", 2, make([]byte, PieceSize))}, pub, "w", "t/1", false},
		{"longest", Tail{Index: 2, Bytes: make([]byte, MaxTail), Signature: signer.SignTail("w", "t/1", 2, make([]byte, MaxTail))}, pub, "w", "t/1", true},
	} {
		err := c.tail.Verify(c.pub, c.swarm, Key(c.key))
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	st := Statement{Size: GrowingSize, Count: 1, Signature: *signer.SignTail("w", "t/1", 0, good.Bytes)}
	if st.Verify(pub, "w", "t/1", []Leaf{LeafOf(good.Bytes)}) == nil {
		t.Error("a tail's signature passed for a statement about a leaf")
	}
}
