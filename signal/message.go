package signal

import (
	"errors"
	"fmt"
)

// Version of the protocol, sent in Join. A server refuses other versions.
const Version = 1

// Type is the first byte of every message.
type Type byte

// Client to server below 0x10, both ways from 0x10 to 0x1f (relay header), server
// to client from 0x80. Receivers ignore types they do not know.
const (
	TypeJoin   Type = 0x01
	TypeWant   Type = 0x02
	TypeStatus Type = 0x03
	TypePing   Type = 0x04

	TypeRelay Type = 0x10

	TypeWelcome Type = 0x81
	TypePeers   Type = 0x82
	TypeSize    Type = 0x83
	TypeGone    Type = 0x84
	TypePong    Type = 0x85
	TypeRefused Type = 0x86
	TypeDrain   Type = 0x87
)

// Errors of Parse.
var (
	ErrMalformed   = errors.New("malformed message")
	ErrUnknownType = errors.New("unknown message type")
)

// Message is anything but a relay: a type byte and a msgpack map.
type Message interface {
	Type() Type
	// fields writes the map, set takes one field of a received one and reports
	// whether it knows the name.
	fields(*fieldWriter)
	set(name []byte, r *fieldReader) bool
}

// Append adds the encoded message to b.
func Append(b []byte, m Message) []byte {
	w := fieldWriter{b: append(b, byte(m.Type()))}
	w.object(m.fields)
	return w.b
}

// Parse decodes a message that is not a relay. Unknown fields and trailing bytes
// are ignored, so that old members survive new fields. Errors wrap ErrMalformed
// or ErrUnknownType.
func Parse(b []byte) (Message, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("signal: empty message: %w", ErrMalformed)
	}
	m := newMessage(Type(b[0]))
	if m == nil {
		return nil, fmt.Errorf("signal: type 0x%02x: %w", b[0], ErrUnknownType)
	}
	r := fieldReader{b: b[1:]}
	r.object(m.set)
	if r.err == nil {
		if c, ok := m.(interface{ check() error }); ok {
			r.err = c.check()
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("signal: %T: %w: %w", m, ErrMalformed, r.err)
	}
	return m, nil
}

func newMessage(t Type) Message {
	switch t {
	case TypeJoin:
		return new(Join)
	case TypeWant:
		return new(Want)
	case TypeStatus:
		return new(Status)
	case TypePing:
		return new(Ping)
	case TypeWelcome:
		return new(Welcome)
	case TypePeers:
		return new(Peers)
	case TypeSize:
		return new(Size)
	case TypeGone:
		return new(Gone)
	case TypePong:
		return new(Pong)
	case TypeRefused:
		return new(Refused)
	case TypeDrain:
		return new(Drain)
	}
	return nil
}
