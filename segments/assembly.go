package segments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
)

var (
	// ErrBadPiece says that a piece's bytes do not match its leaf.
	ErrBadPiece = errors.New("segments: piece does not verify")
	// ErrNoLeaf says that a piece came before its leaf is known.
	ErrNoLeaf = errors.New("segments: leaf not known yet")
	// ErrConflict says that two sources disagree about size, leaves or bytes.
	ErrConflict = errors.New("segments: sources contradict each other")
	// ErrIncomplete says that pieces are missing.
	ErrIncomplete = errors.New("segments: segment is not complete")
)

// Assembly is a segment under construction: leaves and pieces go in, from peers
// in any order or from the origin in sequence, and readers stream what is there.
// Only verified pieces are ever visible, and of a growing segment the Tail. It is
// safe for concurrent use and owns no goroutine.
type Assembly struct {
	key Key

	mu         sync.Mutex
	generation int // number of Resets
	meta       Meta
	size       int64 // -1 unknown
	leaves     leafList
	pieces     pieceBuffer
	statement  *Statement
	tail       Tail // of a growing segment; no bytes: none
	retracted  int  // number of tails taken back
	failure    error
	ended      bool          // done is closed
	done       chan struct{} // closed when complete or failed
	changed    chan struct{} // closed at the next change; nil while nobody waits
	segment    *Segment      // sealed once, when asked for
}

// NewAssembly starts an empty assembly of unknown size. Until SetMeta says
// otherwise it is taken to be shareable, as everything peers send is.
func NewAssembly(key Key) *Assembly {
	return &Assembly{key: key, meta: Meta{Shareable: true}, size: -1, done: make(chan struct{})}
}

// Key is what the assembly was started for.
func (a *Assembly) Key() Key { return a.key }

// SetMeta records what the origin said. Fields above MaxMetaField are dropped.
func (a *Assembly) SetMeta(m Meta) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meta = m.bounded()
	a.notify()
}

// Meta returns what SetMeta recorded.
func (a *Assembly) Meta() Meta {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.meta
}

// SetSize records the size in bytes. It returns ErrTooLarge above
// MaxSegmentSize, ErrConflict when another size is known or when leaves or
// pieces already here do not fit.
func (a *Assembly) SetSize(size int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.setSize(size); err != nil {
		return err
	}
	a.finish()
	a.notify()
	return nil
}

func (a *Assembly) setSize(size int64) error {
	switch {
	case size < 0:
		return fmt.Errorf("%w: %s: size %d", ErrConflict, a.key, size)
	case size > MaxSegmentSize:
		return fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrTooLarge, a.key, size, int64(MaxSegmentSize))
	case a.size == size:
		return nil
	case a.size >= 0:
		return fmt.Errorf("%w: %s: size %d, known is %d", ErrConflict, a.key, size, a.size)
	}
	count := PieceCount(size)
	if known := a.leaves.bound(); known > count {
		return fmt.Errorf("%w: %s: size %d means %d pieces, leaf %d is known", ErrConflict, a.key, size, count, known-1)
	}
	if last := count - 1; a.pieces.has(last) && len(a.pieces.at(last)) != PieceLength(size, last) {
		return fmt.Errorf("%w: %s: size %d gives piece %d a length of %d, it has %d",
			ErrConflict, a.key, size, last, PieceLength(size, last), len(a.pieces.at(last)))
	}
	if end := int64(a.tail.Index)*PieceSize + int64(len(a.tail.Bytes)); len(a.tail.Bytes) > 0 && end > size {
		return fmt.Errorf("%w: %s: size %d, its tail reaches to %d", ErrConflict, a.key, size, end)
	}
	a.size = size
	a.pieces.settle(size)
	return nil
}

// AddLeaves records the leaves of pieces first, first+1, …. It returns
// ErrConflict when one differs from a known leaf or lies behind the end, and
// ErrTooLarge for an index outside 0…MaxPieces-1; nothing is recorded then.
func (a *Assembly) AddLeaves(first int, leaves []Leaf) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if first < 0 || first > MaxPieces || len(leaves) > MaxPieces-first {
		return fmt.Errorf("%w: %s: leaves %d…+%d, a segment has at most %d", ErrTooLarge, a.key, first, len(leaves), MaxPieces)
	}
	if a.size >= 0 && first+len(leaves) > PieceCount(a.size) {
		return fmt.Errorf("%w: %s: leaf %d, %d bytes have %d pieces", ErrConflict, a.key, first+len(leaves)-1, a.size, PieceCount(a.size))
	}
	if i, ok := a.leaves.add(first, leaves); !ok {
		return fmt.Errorf("%w: %s: leaf %d", ErrConflict, a.key, i)
	}
	a.notify()
	return nil
}

// Leaves returns the known leaves from piece 0 to the first gap. The slice is
// never changed.
func (a *Assembly) Leaves() []Leaf {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.leaves.prefix()
}

// SetStatement keeps a statement, which the caller has verified against Leaves.
// A final one replaces a growing one, and a longer growing one a shorter.
func (a *Assembly) SetStatement(st Statement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.statement; old != nil && (old.Final() || !st.Final() && st.Count <= old.Count) {
		return
	}
	a.statement = &st
	a.segment = nil
	a.notify()
}

// Statement returns the best statement so far.
func (a *Assembly) Statement() (Statement, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.statement == nil {
		return Statement{}, false
	}
	return *a.statement, true
}

// PutPiece verifies data against leaf index and keeps a copy. fresh is false
// when the piece was here already. It returns ErrNoLeaf when the leaf is not
// known, ErrBadPiece when data does not match it or has the wrong length,
// ErrConflict when it does not begin with the tail, the failure after Fail. While the size is unknown, a verified piece shorter than
// PieceSize tells it.
func (a *Assembly) PutPiece(index int, data []byte) (fresh bool, err error) {
	a.mu.Lock()
	generation, leaf, err := a.expect(index, data)
	a.mu.Unlock()
	if err != nil {
		return false, err
	}
	// Hashing takes most of the time, so it is done without the lock.
	if LeafOf(data) != leaf {
		return false, fmt.Errorf("%w: %s: piece %d does not match its leaf", ErrBadPiece, a.key, index)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.generation != generation {
		return false, fmt.Errorf("%w: %s was reset", ErrConflict, a.key)
	}
	return a.keep(index, data)
}

// expect checks what can be checked before hashing.
func (a *Assembly) expect(index int, data []byte) (generation int, leaf Leaf, err error) {
	if a.failure != nil {
		return 0, Leaf{}, a.failure
	}
	if index < 0 || index >= MaxPieces || a.size >= 0 && index >= PieceCount(a.size) {
		return 0, Leaf{}, fmt.Errorf("%w: %s has no piece %d", ErrBadPiece, a.key, index)
	}
	if a.size >= 0 && len(data) != PieceLength(a.size, index) || len(data) == 0 || len(data) > PieceSize {
		return 0, Leaf{}, fmt.Errorf("%w: %s: piece %d with %d bytes", ErrBadPiece, a.key, index, len(data))
	}
	leaf, ok := a.leaves.at(index)
	if !ok {
		return 0, Leaf{}, fmt.Errorf("%w: %s: piece %d", ErrNoLeaf, a.key, index)
	}
	return a.generation, leaf, nil
}

// keep stores a verified piece.
func (a *Assembly) keep(index int, data []byte) (fresh bool, err error) {
	if a.failure != nil {
		return false, a.failure
	}
	if a.pieces.has(index) {
		if !bytes.Equal(a.pieces.at(index), data) {
			return false, fmt.Errorf("%w: %s: piece %d came with two lengths", ErrBadPiece, a.key, index)
		}
		return false, nil
	}
	tailed := a.tail.Index == index && len(a.tail.Bytes) > 0
	if tailed {
		if err := a.checkTail(a.tail, data); err != nil {
			return false, err
		}
	}
	if a.size < 0 && len(data) < PieceSize {
		if err := a.setSize(int64(index)*PieceSize + int64(len(data))); err != nil {
			return false, err
		}
	}
	a.pieces.put(index, data, a.size)
	if tailed {
		a.tail = Tail{}
	}
	a.finish()
	a.notify()
	return true, nil
}

// Piece returns the bytes of a piece that is here. They are never changed.
func (a *Assembly) Piece(index int) ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.pieces.has(index) {
		return nil, false
	}
	return a.pieces.at(index), true
}

// Have reports whether piece index is here.
func (a *Assembly) Have(index int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pieces.has(index)
}

// Held is how many pieces are here.
func (a *Assembly) Held() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pieces.count
}

// Missing returns the first run of pieces that are not here. count is -1 when
// the run reaches to an end that is unknown, and 0 when nothing is missing.
func (a *Assembly) Missing() (first, count int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	end := a.pieces.bound()
	if a.size >= 0 {
		end = PieceCount(a.size)
	}
	first = a.pieces.firstMissing
	i := first
	for i < end && !a.pieces.has(i) {
		i++
	}
	if a.size < 0 && i >= end {
		return first, -1
	}
	return first, i - first
}

// Size is the segment's size in bytes, -1 while unknown.
func (a *Assembly) Size() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.size
}

// Complete reports whether every piece is here.
func (a *Assembly) Complete() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.complete()
}

func (a *Assembly) complete() bool {
	return a.size >= 0 && a.pieces.count == PieceCount(a.size)
}

// Done is closed when the assembly is complete or failed. After a Reset, Done
// returns a new channel.
func (a *Assembly) Done() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done
}

// Err is the error of Fail, or nil.
func (a *Assembly) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failure
}

// Fail ends an assembly that will not be completed. Readers get what is here in
// sequence, then err. It does nothing once the assembly is complete or failed.
func (a *Assembly) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended || err == nil {
		return
	}
	a.failure = err
	a.end()
}

// Reset throws away size, leaves, statement, pieces, tail and failure, because
// the leaves were a lie; only the metadata stays. Readers that have consumed bytes
// and origin writers that have begun get ErrConflict, others start over.
func (a *Assembly) Reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.generation++
	a.size, a.leaves, a.pieces = -1, leafList{}, pieceBuffer{}
	a.statement, a.tail, a.failure, a.segment = nil, Tail{}, nil, nil
	if a.ended {
		a.ended, a.done = false, make(chan struct{})
	}
	a.notify()
}

// WaitHead blocks until the size or the first bytes are known. size is -1 when
// bytes came first. It returns the failure, or ctx's error.
func (a *Assembly) WaitHead(ctx context.Context) (size int64, meta Meta, err error) {
	for {
		a.mu.Lock()
		if a.size >= 0 || a.pieces.count > 0 || len(a.tail.Bytes) > 0 {
			defer a.mu.Unlock()
			return a.size, a.meta, nil
		}
		if a.failure != nil {
			defer a.mu.Unlock()
			return -1, a.meta, a.failure
		}
		changed := a.wait()
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return -1, Meta{}, ctx.Err()
		}
	}
}

// Segment seals a complete assembly. It returns ErrIncomplete before that. The
// first call may compress; later ones return the same Segment, unless a
// statement came in between.
func (a *Assembly) Segment() (*Segment, error) {
	a.mu.Lock()
	if !a.complete() {
		defer a.mu.Unlock()
		return nil, fmt.Errorf("%w: %s has %d pieces of %d bytes", ErrIncomplete, a.key, a.pieces.count, a.size)
	}
	if a.segment != nil {
		defer a.mu.Unlock()
		return a.segment, nil
	}
	generation, meta, statement := a.generation, a.meta, a.statement
	data, leaves := a.pieces.whole, a.leaves.prefix()
	a.mu.Unlock()

	sealed := sealSegment(a.key, meta, data, leaves)
	if statement != nil && statement.Final() {
		sealed.Statement = statement
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.generation != generation {
		return nil, fmt.Errorf("%w: %s was reset", ErrConflict, a.key)
	}
	if a.segment == nil && a.statement == statement && a.meta == meta {
		a.segment = sealed
	}
	return sealed, nil
}

// finish ends the assembly when the last piece is here.
func (a *Assembly) finish() {
	if !a.ended && a.complete() {
		a.end()
	}
}

func (a *Assembly) end() {
	a.ended = true
	close(a.done)
	a.notify()
}

// notify wakes everybody who waits for a change.
func (a *Assembly) notify() {
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// wait returns a channel that the next change closes.
func (a *Assembly) wait() <-chan struct{} {
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.changed
}
