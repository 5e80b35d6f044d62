package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of Reader.Feed. Nothing can be read after one of them.
var (
	// ErrTooLarge reports a message longer than the limit. It comes with the header
	// of the frame, before its payload is kept.
	ErrTooLarge = errors.New("websocket message exceeds the limit")
	// ErrProtocol reports bytes that are not a client's frames.
	ErrProtocol = errors.New("websocket protocol error")
)

func violation(what string) error { return fmt.Errorf("%w: %s", ErrProtocol, what) }

// Reader keeps what it has to between two calls of Feed: the start of a frame
// whose rest has not come, and the fragments of an unfinished message. The zero
// value is a new connection; an idle one holds no buffer.
type Reader struct {
	part    []byte
	message []byte
	kind    Kind // of the unfinished message, 0 if there is none
}

// Feed takes the next bytes of the stream and hands every message and control
// frame that they complete to yield, whose error it returns at once. It unmasks
// in place, so b is spoilt; data is valid during the call of yield only. No
// message may be longer than most.
func (r *Reader) Feed(b []byte, most int, yield func(kind Kind, data []byte) error) error {
	fresh := len(r.part) == 0
	if !fresh {
		b = append(r.part, b...)
		r.part = nil
	}
	all := b
	for {
		h, ok, err := parseHeader(b)
		if err != nil {
			return err
		}
		if ok {
			if err := r.allowed(h, most); err != nil {
				return err
			}
			ok = len(b)-h.size >= h.length
		}
		if !ok {
			r.keep(b, fresh || len(b) != len(all))
			return nil
		}
		payload := b[h.size : h.size+h.length]
		unmask(payload, h.mask)
		b = b[h.size+h.length:]
		if err := r.take(h, payload, yield); err != nil {
			return err
		}
	}
}

// keep stores the start of a frame; a copy unless the bytes are ours already.
func (r *Reader) keep(b []byte, copied bool) {
	switch {
	case len(b) == 0:
		r.part = nil
	case copied:
		r.part = append([]byte(nil), b...)
	default:
		r.part = b
	}
}

// allowed checks a header against the message under way (RFC 6455 §5.4, §5.5).
func (r *Reader) allowed(h header, most int) error {
	switch {
	case h.kind.control():
		if h.length > MaxControl || !h.final {
			return violation("long or fragmented control frame")
		}
		return nil
	case h.kind == continuation && r.kind == 0:
		return violation("continuation of nothing")
	case h.kind != continuation && r.kind != 0:
		return violation("a message inside another")
	case h.length > most-len(r.message):
		return ErrTooLarge
	}
	return nil
}

func (r *Reader) take(h header, payload []byte, yield func(Kind, []byte) error) error {
	switch {
	case h.kind.control():
		return yield(h.kind, payload)
	case h.kind != continuation && h.final:
		return yield(h.kind, payload)
	case h.kind != continuation:
		r.kind = h.kind
	}
	r.message = append(r.message, payload...)
	if !h.final {
		return nil
	}
	kind, message := r.kind, r.message
	r.kind, r.message = 0, nil
	return yield(kind, message)
}

type header struct {
	final  bool
	kind   Kind
	size   int // of the header
	length int // of the payload
	mask   [4]byte
}

// parseHeader says whether b holds a whole header (RFC 6455 §5.2).
func parseHeader(b []byte) (h header, ok bool, err error) {
	if len(b) < 2 {
		return h, false, nil
	}
	h.final, h.kind = b[0]&finalBit != 0, Kind(b[0]&0x0f)
	switch {
	case b[0]&reservedBit != 0:
		return h, false, violation("reserved bit set")
	case h.kind > Binary && h.kind < Close || h.kind > Pong:
		return h, false, violation("unknown opcode")
	case b[1]&maskBit == 0:
		return h, false, violation("frame without a mask")
	}
	h.size, h.length = 2, int(b[1]&^maskBit)
	switch h.length {
	case length16:
		if len(b) < 4 {
			return h, false, nil
		}
		h.size, h.length = 4, int(binary.BigEndian.Uint16(b[2:]))
	case length64:
		if len(b) < 10 {
			return h, false, nil
		}
		n := binary.BigEndian.Uint64(b[2:])
		if n >= 1<<31 { // no limit is that high, and int may have 32 bits
			return h, false, ErrTooLarge
		}
		h.size, h.length = 10, int(n)
	}
	if len(b) < h.size+4 {
		return h, false, nil
	}
	h.mask = [4]byte(b[h.size:])
	h.size += 4
	return h, true, nil
}

// CloseCode is the status in the payload of a Close frame (RFC 6455 §7.1.5), 1005
// where there is none.
func CloseCode(payload []byte) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(payload))
}
