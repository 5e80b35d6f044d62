package segments

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
)

// ErrTail says that a piece is not the one whose beginning was shown. Errors that
// wrap it wrap ErrConflict too.
var ErrTail = errors.New("segments: piece does not begin with its tail")

// PutTail shows readers the beginning of a piece before it is whole. The caller
// has verified t where there is something to verify it with. fresh says that it
// shows more than was here. It returns ErrConflict when t contradicts the tail or
// the piece that is here, ErrBadPiece for one that cannot be, the failure after
// Fail. While the piece of an earlier tail is still missing, tails of others are
// passed over: what readers may have been given must be held against its piece.
func (a *Assembly) PutTail(t Tail) (fresh bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.putTail(t)
}

func (a *Assembly) putTail(t Tail) (fresh bool, err error) {
	end := int64(t.Index)*PieceSize + int64(len(t.Bytes))
	switch {
	case a.failure != nil:
		return false, a.failure
	case t.Index < 0 || t.Index >= MaxPieces || len(t.Bytes) == 0 || len(t.Bytes) > MaxTail:
		return false, fmt.Errorf("%w: %s: tail of %d bytes in piece %d", ErrBadPiece, a.key, len(t.Bytes), t.Index)
	case a.size >= 0 && end > a.size:
		return false, fmt.Errorf("%w: %s: a tail reaches to %d, the size is %d", ErrConflict, a.key, end, a.size)
	case a.pieces.has(t.Index):
		return false, a.checkTail(t, a.pieces.at(t.Index))
	case len(a.tail.Bytes) > 0 && a.tail.Index != t.Index:
		return false, nil
	}
	known := len(a.tail.Bytes)
	n := min(known, len(t.Bytes))
	if !bytes.Equal(a.tail.Bytes[:n], t.Bytes[:n]) {
		return false, fmt.Errorf("%w: %s: piece %d begins in two ways", ErrConflict, a.key, t.Index)
	}
	if len(t.Bytes) <= known {
		if len(t.Bytes) == known && a.tail.Signature == nil {
			a.tail.Signature = t.Signature
		}
		return false, nil
	}
	if a.tail.Bytes == nil {
		a.tail.Bytes = make([]byte, 0, PieceSize)
	}
	a.tail = Tail{Index: t.Index, Bytes: append(a.tail.Bytes, t.Bytes[known:]...), Signature: t.Signature}
	a.notify()
	return true, nil
}

// checkTail holds a tail against the piece it is the beginning of.
func (a *Assembly) checkTail(t Tail, piece []byte) error {
	if !bytes.HasPrefix(piece, t.Bytes) {
		return fmt.Errorf("%w: %w: %s: piece %d, the %d bytes told before", ErrConflict, ErrTail, a.key, t.Index, len(t.Bytes))
	}
	return nil
}

// RetractTail takes the tail of piece index back, because whoever told it was
// caught: readers that were given some of it get ErrConflict, pieces stay.
func (a *Assembly) RetractTail(index int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tail.Index != index || len(a.tail.Bytes) == 0 {
		return
	}
	a.tail = Tail{}
	a.retracted++
	a.notify()
}

// Tail returns the tail that is shown, and whether there is one.
func (a *Assembly) Tail() (Tail, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tail
	t.Bytes = t.Bytes[:len(t.Bytes):len(t.Bytes)]
	return t, len(t.Bytes) > 0
}

// VouchTail keeps a seed's signature over the tail, unless it has grown since.
func (a *Assembly) VouchTail(index, length int, signature *[ed25519.SignatureSize]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tail.Index == index && len(a.tail.Bytes) == length && length > 0 {
		a.tail.Signature = signature
	}
}

// tailRun returns what the tail has from offset on, nil when it has nothing.
func (a *Assembly) tailRun(offset int64) []byte {
	from := offset - int64(a.tail.Index)*PieceSize
	if from < 0 || from >= int64(len(a.tail.Bytes)) {
		return nil
	}
	return a.tail.Bytes[from:len(a.tail.Bytes):len(a.tail.Bytes)]
}
