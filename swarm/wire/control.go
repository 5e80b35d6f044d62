package wire

import (
	"errors"
	"fmt"

	"github.com/shoal-p2p/shoal/swarm"
)

// The first byte of a control message.
const (
	typeHello       = 1
	typeReserve     = 2
	typeRelease     = 3
	typeHave        = 4
	typeOffer       = 5
	typeAccept      = 6
	typeRefuse      = 7
	typeCancel      = 8
	typeSubscribe   = 9
	typeUnsubscribe = 10
	typePeers       = 11
	typeForward     = 12
	typeBye         = 13
)

// ErrUnknownType says that a message or frame is of a kind that this version
// does not know. The receiver ignores it: a newer peer may send it.
var ErrUnknownType = errors.New("wire: unknown message type")

var parsers = [...]func(*fields) swarm.Message{
	typeHello:       parseHello,
	typeReserve:     parseReserve,
	typeRelease:     parseRelease,
	typeHave:        parseHave,
	typeOffer:       parseOffer,
	typeAccept:      parseAccept,
	typeRefuse:      parseRefuse,
	typeCancel:      parseCancel,
	typeSubscribe:   parseSubscribe,
	typeUnsubscribe: parseUnsubscribe,
	typePeers:       parsePeers,
	typeForward:     parseForward,
	typeBye:         parseBye,
}

// Parse decodes one message of the control channel. The result shares no memory
// with b. An error other than ErrUnknownType means that the peer is broken or
// hostile.
func Parse(b []byte) (swarm.Message, error) {
	if len(b) == 0 {
		return nil, errors.New("wire: empty control message")
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("wire: control message of %d bytes, the limit is %d", len(b), MaxMessage)
	}
	kind := int(b[0])
	if kind >= len(parsers) || parsers[kind] == nil {
		return nil, fmt.Errorf("%w %d on the control channel", ErrUnknownType, kind)
	}
	f := record(b[1:])
	m := parsers[kind](&f)
	if f.err != nil {
		return nil, fmt.Errorf("wire: control message of type %d: %w", kind, f.err)
	}
	return m, nil
}

// Append encodes m for the control channel after b. It does not check limits:
// Split first what may be too long for one message. A swarm.Begin is no control
// message, see AppendBegin; asking for one is a programming error and panics.
func Append(b []byte, m swarm.Message) []byte {
	switch m := m.(type) {
	case swarm.Hello:
		return appendHello(append(b, typeHello), m)
	case swarm.Reserve:
		return appendReserve(append(b, typeReserve), m)
	case swarm.Release:
		return appendRelease(append(b, typeRelease), m)
	case swarm.Have:
		return appendHave(append(b, typeHave), m)
	case swarm.Offer:
		return appendOffer(append(b, typeOffer), m)
	case swarm.Accept:
		return appendAccept(append(b, typeAccept), m)
	case swarm.Refuse:
		return appendRefuse(append(b, typeRefuse), m)
	case swarm.Cancel:
		return appendCancel(append(b, typeCancel), m)
	case swarm.Subscribe:
		return appendSubscribe(append(b, typeSubscribe), m)
	case swarm.Unsubscribe:
		return appendUnsubscribe(append(b, typeUnsubscribe), m)
	case swarm.Peers:
		return appendPeers(append(b, typePeers), m)
	case swarm.Forward:
		return appendForward(append(b, typeForward), m)
	case swarm.Bye:
		return appendBye(append(b, typeBye), m)
	}
	panic(fmt.Sprintf("wire: %T is not a control message", m))
}
