package segments

import (
	"fmt"
	"io"
)

// OriginWriter takes a segment's bytes in sequence, cuts them into pieces and
// puts these into its Assembly. The origin is believed, but not against leaves
// that are known already: a difference is ErrConflict, and the caller decides
// who lied. One goroutine at a time may use it.
type OriginWriter struct {
	assembly   *Assembly
	generation int
	next       int // index of the piece being filled
	partial    []byte
	onPiece    func(index int)
	onTail     func()
	err        error
}

// OriginWriter returns a writer whose first byte is the first of piece
// firstPiece. onPiece, which may be nil, is called without any lock for each
// piece that was not here before.
func (a *Assembly) OriginWriter(firstPiece int, onPiece func(index int)) *OriginWriter {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &OriginWriter{assembly: a, generation: a.generation, next: firstPiece, onPiece: onPiece}
}

// OnTail has f called, without any lock, whenever the assembly's Tail has grown.
// Call it before the first Write.
func (w *OriginWriter) OnTail(f func()) { w.onTail = f }

// Write never keeps p. While the segment's size is unknown, which is how an origin
// sends what it is still making, the bytes of the unfinished piece are shown at
// once as the assembly's Tail. It returns ErrConflict, ErrTooLarge, or the
// assembly's failure; every later call returns the same error.
func (w *OriginWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && w.err == nil {
		if len(w.partial) == 0 && len(p) >= PieceSize {
			if w.err = w.put(p[:PieceSize]); w.err == nil {
				n, p = n+PieceSize, p[PieceSize:]
			}
			continue
		}
		if w.partial == nil {
			w.partial = make([]byte, 0, PieceSize)
		}
		take := min(PieceSize-len(w.partial), len(p))
		w.partial = append(w.partial, p[:take]...)
		n, p = n+take, p[take:]
		if len(w.partial) == PieceSize {
			w.err = w.put(w.partial)
			w.partial = w.partial[:0]
		}
	}
	if w.err == nil && len(w.partial) > 0 {
		w.err = w.show()
	}
	return n, w.err
}

// show makes the unfinished piece of a growing segment the assembly's tail.
func (w *OriginWriter) show() error {
	a := w.assembly
	if w.next >= MaxPieces {
		return fmt.Errorf("%w: %s: piece %d, a segment has at most %d", ErrTooLarge, a.key, w.next, MaxPieces)
	}
	a.mu.Lock()
	if a.size >= 0 {
		defer a.mu.Unlock()
		return nil // the end is known: the piece will be whole in a moment
	}
	if a.generation != w.generation {
		defer a.mu.Unlock()
		return fmt.Errorf("%w: %s was reset", ErrConflict, a.key)
	}
	fresh, err := a.putTail(Tail{Index: w.next, Bytes: w.partial})
	a.mu.Unlock()
	if fresh && w.onTail != nil {
		w.onTail()
	}
	return err
}

// Close says that the bytes written reach the segment's end, or a piece boundary
// within a segment of known size. It puts the last, shorter piece, and tells the
// assembly the size if that was unknown. It returns ErrConflict when the end is
// not where the known size puts it. A writer whose source broke off, or stopped
// on purpose while the size is unknown, is simply dropped.
func (w *OriginWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = fmt.Errorf("segments: writer of %s is closed", w.assembly.key)
	size := int64(w.next)*PieceSize + int64(len(w.partial))
	a := w.assembly
	a.mu.Lock()
	known := a.size
	a.mu.Unlock()
	if known >= 0 && size != known && (len(w.partial) > 0 || size > known) {
		return fmt.Errorf("%w: %s: the origin's bytes end at %d, the size is %d: %w", ErrConflict, a.key, size, known, io.ErrUnexpectedEOF)
	}
	if len(w.partial) > 0 {
		return w.put(w.partial)
	}
	if known >= 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.generation != w.generation {
		return fmt.Errorf("%w: %s was reset", ErrConflict, a.key)
	}
	if a.failure != nil {
		return a.failure
	}
	if err := a.setSize(size); err != nil {
		return err
	}
	a.finish()
	a.notify()
	return nil
}

// put hashes a piece, checks or records its leaf, and keeps it.
func (w *OriginWriter) put(piece []byte) error {
	a, index := w.assembly, w.next
	if index < 0 || index >= MaxPieces {
		return fmt.Errorf("%w: %s: piece %d, a segment has at most %d", ErrTooLarge, a.key, index, MaxPieces)
	}
	leaf := LeafOf(piece)
	fresh, err := a.putOrigin(w.generation, index, leaf, piece)
	if err != nil {
		return err
	}
	w.next++
	if fresh && w.onPiece != nil {
		w.onPiece(index)
	}
	return nil
}

func (a *Assembly) putOrigin(generation, index int, leaf Leaf, piece []byte) (fresh bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.generation != generation:
		return false, fmt.Errorf("%w: %s was reset", ErrConflict, a.key)
	case a.failure != nil:
		return false, a.failure
	case a.size >= 0 && len(piece) != PieceLength(a.size, index):
		return false, fmt.Errorf("%w: %s: the origin has piece %d with %d bytes, a size of %d gives it %d",
			ErrConflict, a.key, index, len(piece), a.size, PieceLength(a.size, index))
	case a.size < 0 && len(piece) < PieceSize && a.leaves.bound() > index+1:
		return false, fmt.Errorf("%w: %s: the origin's bytes end in piece %d, leaf %d is known", ErrConflict, a.key, index, a.leaves.bound()-1)
	}
	if _, ok := a.leaves.add(index, []Leaf{leaf}); !ok {
		return false, fmt.Errorf("%w: %s: the origin's piece %d has another leaf", ErrConflict, a.key, index)
	}
	return a.keep(index, piece)
}
