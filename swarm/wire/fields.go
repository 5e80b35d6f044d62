package wire

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

var (
	errMissing = errors.New("the record ends before it")
	errText    = errors.New("not UTF-8")
)

// fields reads the positional fields of one record. The first error sticks, so
// that a parser reads all its fields and asks once.
type fields struct {
	rest []byte // of the message, after what was read
	left int    // fields of this record not yet read
	err  error
}

// record opens a msgpack array.
func record(b []byte) fields {
	n, rest, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return fields{err: fmt.Errorf("record: %w", err)}
	}
	return fields{rest: rest, left: int(n)}
}

func (f *fields) fail(name string, err error) {
	if f.err == nil {
		f.err = fmt.Errorf("field %s: %w", name, err)
	}
}

// next says whether another field can be read.
func (f *fields) next(name string) bool {
	if f.err != nil {
		return false
	}
	if f.left == 0 {
		f.fail(name, errMissing)
		return false
	}
	f.left--
	return true
}

func (f *fields) number(name string, low, high int64) int64 {
	if !f.next(name) {
		return 0
	}
	v, rest, err := msgp.ReadInt64Bytes(f.rest)
	switch {
	case err != nil:
		f.fail(name, err)
		return 0
	case v < low || v > high:
		f.fail(name, fmt.Errorf("%d is not within %d to %d", v, low, high))
		return 0
	}
	f.rest = rest
	return v
}

func (f *fields) flag(name string) bool {
	if !f.next(name) {
		return false
	}
	v, rest, err := msgp.ReadBoolBytes(f.rest)
	if err != nil {
		f.fail(name, err)
		return false
	}
	f.rest = rest
	return v
}

// duration reads whole milliseconds.
func (f *fields) duration(name string) time.Duration {
	return time.Duration(f.number(name, 0, int64(MaxDue/time.Millisecond))) * time.Millisecond
}

func (f *fields) text(name string, limit int) string {
	if !f.next(name) {
		return ""
	}
	v, rest, err := msgp.ReadStringZC(f.rest)
	switch {
	case err != nil:
		f.fail(name, err)
		return ""
	case len(v) > limit:
		f.fail(name, fmt.Errorf("%d bytes, the limit is %d", len(v), limit))
		return ""
	case !utf8.Valid(v):
		f.fail(name, errText)
		return ""
	}
	f.rest = rest
	return string(v)
}

// bytes returns a part of the message, not a copy.
func (f *fields) bytes(name string, limit int) []byte {
	if !f.next(name) {
		return nil
	}
	v, rest, err := msgp.ReadBytesZC(f.rest)
	switch {
	case err != nil:
		f.fail(name, err)
		return nil
	case len(v) > limit:
		f.fail(name, fmt.Errorf("%d bytes, the limit is %d", len(v), limit))
		return nil
	}
	f.rest = rest
	return v
}

// pieceMap reads a bit a piece, as a copy: control messages are kept.
func (f *fields) pieceMap(name string) []byte {
	if b := f.bytes(name, maxPieceMap); len(b) > 0 {
		return slices.Clone(b)
	}
	return nil
}

func (f *fields) key(name string) swarm.Key {
	k := swarm.Key(f.text(name, segments.MaxKeyLength))
	if f.err == nil {
		if err := k.Validate(); err != nil {
			f.fail(name, err)
		}
	}
	return k
}

// track reads what Key.Track returns: a key's name without its last component.
func (f *fields) track(name string) string {
	t := f.text(name, segments.MaxKeyLength)
	if f.err == nil {
		if err := segments.NumberKey(t, 0).Validate(); err != nil {
			f.fail(name, err)
		}
	}
	return t
}

func (f *fields) peer(name string) swarm.PeerID {
	id := f.text(name, PeerIDLength)
	if f.err == nil && !validPeer(id) {
		f.fail(name, fmt.Errorf("%q is not %d lower-case hexadecimal digits", id, PeerIDLength))
	}
	return swarm.PeerID(id)
}

func validPeer(id string) bool {
	if len(id) != PeerIDLength {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// list reads an array of up to limit elements. read gets each in turn.
func list[T any](f *fields, name string, limit int, read func(*fields) T) []T {
	if !f.next(name) {
		return nil
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(f.rest)
	switch {
	case err != nil:
		f.fail(name, err)
		return nil
	case int64(n) > int64(limit):
		f.fail(name, fmt.Errorf("%d elements, the limit is %d", n, limit))
		return nil
	case int(n) > len(rest):
		f.fail(name, errMissing) // an element takes a byte at least
		return nil
	case n == 0:
		f.rest = rest
		return nil
	}
	elements := fields{rest: rest, left: int(n)}
	out := make([]T, 0, n)
	for range n {
		out = append(out, read(&elements))
		if elements.err != nil {
			f.fail(fmt.Sprintf("%s[%d]", name, len(out)-1), elements.err)
			return nil
		}
	}
	f.rest = elements.rest
	return out
}

// inner reads one element that is itself a record, and skips the fields of it
// that this version does not know.
func inner[T any](f *fields, read func(*fields) T) T {
	var none T
	if !f.next("record") {
		return none
	}
	r := record(f.rest)
	v := read(&r)
	for r.err == nil && r.left > 0 {
		r.left--
		r.rest, r.err = msgp.Skip(r.rest)
	}
	if r.err != nil {
		f.err = r.err
		return none
	}
	f.rest = r.rest
	return v
}

// appendNumber writes v in the shortest form, which is unsigned from 0 up, as
// other implementations do; a reader takes any.
func appendNumber(b []byte, v int64) []byte {
	if v < 0 {
		return msgp.AppendInt64(b, v)
	}
	return msgp.AppendUint64(b, uint64(v))
}

// appendDuration writes d in whole milliseconds, clamped to 0…MaxDue.
func appendDuration(b []byte, d time.Duration) []byte {
	return appendNumber(b, int64(min(max(d, 0), MaxDue)/time.Millisecond))
}

// clip shortens s to limit bytes of valid UTF-8.
func clip(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
