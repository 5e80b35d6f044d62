package signal

import (
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// MaxFields bounds the fields of one msgpack map, known and unknown ones.
const MaxFields = 32

// fieldWriter encodes maps; fields with empty values are left out.
type fieldWriter struct {
	b    []byte
	head int // where the current map's header is
}

// object writes a map of at most 15 fields: its header is one byte (fixmap,
// 0x80 + n), counted up as fields are added.
func (w *fieldWriter) object(body func(*fieldWriter)) {
	outer := w.head
	w.head = len(w.b)
	w.b = append(w.b, 0x80)
	body(w)
	w.head = outer
}

func (w *fieldWriter) name(name string) {
	w.b[w.head]++
	w.b = msgp.AppendString(w.b, name)
}

func (w *fieldWriter) integer(name string, v int64) {
	if v != 0 {
		w.name(name)
		w.b = msgp.AppendInt64(w.b, v)
	}
}

// instant writes microseconds since 1970 UTC.
func (w *fieldWriter) instant(name string, t time.Time) {
	if !t.IsZero() {
		w.integer(name, t.UnixMicro())
	}
}

// span writes whole milliseconds.
func (w *fieldWriter) span(name string, d time.Duration) { w.integer(name, d.Milliseconds()) }

func (w *fieldWriter) flag(name string, v bool) {
	if v {
		w.name(name)
		w.b = msgp.AppendBool(w.b, v)
	}
}

func (w *fieldWriter) text(name, v string) {
	if v != "" {
		w.name(name)
		w.b = msgp.AppendString(w.b, v)
	}
}

func (w *fieldWriter) binary(name string, v []byte) {
	if len(v) != 0 {
		w.name(name)
		w.b = msgp.AppendBytes(w.b, v)
	}
}

// ids writes 8·n bytes.
func (w *fieldWriter) ids(name string, v []MemberID) {
	if len(v) == 0 {
		return
	}
	w.name(name)
	w.b = msgp.AppendBytesHeader(w.b, uint32(8*len(v)))
	for _, id := range v {
		w.b = append(w.b, id[:]...)
	}
}

// fieldReader decodes maps. The first error sticks and later reads return zero
// values. Nothing is allocated on the strength of a length that was only claimed.
type fieldReader struct {
	b   []byte
	err error
}

func (r *fieldReader) fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

// object reads a map and hands each field to set, which reads its value or
// returns false to have it skipped.
func (r *fieldReader) object(set func(name []byte, r *fieldReader) bool) {
	for range r.count("map", MaxFields, msgp.ReadMapHeaderBytes) {
		name, rest, err := msgp.ReadMapKeyZC(r.b)
		if err != nil {
			r.fail(fmt.Errorf("field name: %w", err))
			return
		}
		r.b = rest
		if !set(name, r) {
			r.skip()
		}
		if r.err != nil {
			r.err = fmt.Errorf("field %q: %w", clip(string(name)), r.err)
			return
		}
	}
}

// list reads an array of at most most elements.
func (r *fieldReader) list(most int, element func(r *fieldReader)) {
	for range r.count("array", most, msgp.ReadArrayHeaderBytes) {
		if element(r); r.err != nil {
			return
		}
	}
}

func (r *fieldReader) count(kind string, most int, header func([]byte) (uint32, []byte, error)) int {
	if r.err != nil {
		return 0
	}
	n, rest, err := header(r.b)
	if err != nil {
		r.fail(err)
		return 0
	}
	if int64(n) > int64(most) {
		r.fail(fmt.Errorf("%s of %d, at most %d allowed", kind, n, most))
		return 0
	}
	r.b = rest
	return int(n)
}

// integer reads a number in [least, most].
func (r *fieldReader) integer(least, most int64) int64 {
	v := read(r, msgp.ReadInt64Bytes)
	if r.err == nil && (v < least || v > most) {
		r.fail(fmt.Errorf("%d is not in [%d, %d]", v, least, most))
		return 0
	}
	return v
}

// maxInstant is the last microsecond a JavaScript number holds exactly (2⁵³ − 1).
const maxInstant = 1<<53 - 1

func (r *fieldReader) instant() time.Time {
	if v := r.integer(0, maxInstant); v != 0 {
		return time.UnixMicro(v).UTC()
	}
	return time.Time{}
}

// maxSpan is the longest duration on the wire.
const maxSpan = 24 * time.Hour

func (r *fieldReader) span() time.Duration {
	return time.Duration(r.integer(0, maxSpan.Milliseconds())) * time.Millisecond
}

func (r *fieldReader) flag() bool { return read(r, msgp.ReadBoolBytes) }

func (r *fieldReader) text(most int) string {
	v := read(r, msgp.ReadStringZC)
	if len(v) > most {
		r.fail(fmt.Errorf("text of %d bytes, at most %d allowed", len(v), most))
		return ""
	}
	return string(v)
}

// exact fills into; any other length is an error.
func (r *fieldReader) exact(into []byte) {
	v := read(r, msgp.ReadBytesZC)
	if r.err == nil && len(v) != len(into) {
		r.fail(fmt.Errorf("%d bytes, want %d", len(v), len(into)))
	}
	copy(into, v)
}

func (r *fieldReader) ids(most int) []MemberID {
	v := read(r, msgp.ReadBytesZC)
	switch {
	case len(v)%8 != 0:
		r.fail(fmt.Errorf("%d bytes of ids, want a multiple of 8", len(v)))
	case len(v)/8 > most:
		r.fail(fmt.Errorf("%d ids, at most %d allowed", len(v)/8, most))
	}
	if r.err != nil || len(v) == 0 {
		return nil
	}
	ids := make([]MemberID, len(v)/8)
	for i := range ids {
		ids[i] = MemberID(v[8*i:])
	}
	return ids
}

func read[T any](r *fieldReader, from func([]byte) (T, []byte, error)) T {
	var zero T
	if r.err != nil {
		return zero
	}
	v, rest, err := from(r.b)
	if err != nil {
		r.fail(err)
		return zero
	}
	r.b = rest
	return v
}

var errTooShort = errors.New("more elements than bytes")

// skip passes over one value of any shape. It counts instead of recursing, so
// deep nesting costs no stack: every element takes at least one byte, which
// bounds the loop by the message's length.
func (r *fieldReader) skip() {
	for pending := 1; pending > 0 && r.err == nil; pending-- {
		switch msgp.NextType(r.b) {
		case msgp.MapType:
			pending += 2 * r.count("map", len(r.b), msgp.ReadMapHeaderBytes)
		case msgp.ArrayType:
			pending += r.count("array", len(r.b), msgp.ReadArrayHeaderBytes)
		default:
			rest, err := msgp.Skip(r.b)
			r.fail(err)
			r.b = rest
		}
		if pending-1 > len(r.b) {
			r.fail(errTooShort)
		}
	}
}
