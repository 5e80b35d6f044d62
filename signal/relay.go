package signal

import "errors"

// RelayHeader is the length of a relay message's header: [type u8][member id 8].
// The client writes the destination, the server overwrites it with the sender.
const RelayHeader = 1 + 8

// MaxRelayPayload is the longest payload of a relay message under the default
// message limit.
const MaxRelayPayload = DefaultMessageBytes - RelayHeader

// ErrNotRelay reports a message without a complete relay header.
var ErrNotRelay = errors.New("signal: not a relay message")

// AppendRelay adds a relay message to b.
func AppendRelay(b []byte, id MemberID, payload []byte) []byte {
	b = append(b, byte(TypeRelay))
	b = append(b, id[:]...)
	return append(b, payload...)
}

// ParseRelay splits a relay message. The payload is a view of b.
func ParseRelay(b []byte) (id MemberID, payload []byte, err error) {
	if len(b) < RelayHeader || Type(b[0]) != TypeRelay {
		return id, nil, ErrNotRelay
	}
	return MemberID(b[1:RelayHeader]), b[RelayHeader:], nil
}
