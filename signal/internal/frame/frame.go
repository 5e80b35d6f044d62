package frame

import "encoding/binary"

// Kind is an opcode (RFC 6455 §5.2). The values are those of gorilla/websocket.
type Kind byte

// Kinds of messages and control frames.
const (
	continuation Kind = 0
	Text         Kind = 1
	Binary       Kind = 2
	Close        Kind = 8
	Ping         Kind = 9
	Pong         Kind = 10
)

// MaxControl is the longest payload of Close, Ping and Pong (RFC 6455 §5.5).
const MaxControl = 125

// MaxHeader is the longest header of a client's frame: 2 bytes, a length of 8, a
// mask of 4.
const MaxHeader = 14

const (
	finalBit    = 0x80
	reservedBit = 0x70
	maskBit     = 0x80
	length16    = 126
	length64    = 127
)

func (k Kind) control() bool { return k&8 != 0 }

// Append adds one unmasked frame that holds a whole message.
func Append(b []byte, kind Kind, payload []byte) []byte {
	b = append(b, finalBit|byte(kind))
	switch n := len(payload); {
	case n < length16:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, length64), uint64(n))
	}
	return append(b, payload...)
}

// AppendMasked adds one frame as a client sends it, for load generators and tests.
func AppendMasked(b []byte, kind Kind, mask [4]byte, payload []byte) []byte {
	at := len(b)
	b = Append(b, kind, nil)[:at+1]
	switch n := len(payload); {
	case n < length16:
		b = append(b, maskBit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, maskBit|length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, maskBit|length64), uint64(n))
	}
	b = append(b, mask[:]...)
	at = len(b)
	b = append(b, payload...)
	unmask(b[at:], mask)
	return b
}

// unmask is its own inverse (RFC 6455 §5.3).
func unmask(b []byte, mask [4]byte) {
	m := uint64(binary.LittleEndian.Uint32(mask[:]))
	m |= m << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^m)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}
