package signal

import (
	"fmt"
	"time"
)

// Code says why a server refuses a client.
type Code int

// Codes on the wire. Clients treat unknown ones as CodeOther.
const (
	CodeOther        Code = 0
	CodeVersion      Code = 1 // the server speaks another version
	CodeMalformed    Code = 2 // a message could not be decoded, or came out of turn
	CodeTooLarge     Code = 3 // a message exceeds message_bytes
	CodeRate         Code = 4 // more joins, messages or bytes than announced
	CodeSwarmFull    Code = 5
	CodeServerFull   Code = 6
	CodeUnauthorized Code = 7 // the token does not admit to this swarm
	CodeReplaced     Code = 8 // another connection joined with the same secret
	CodeImpostor     Code = 9 // the id is in use under another secret
	CodeDraining     Code = 10
	CodeSlow         Code = 11 // the client does not read
	CodeSilent       Code = 12 // no answer to pings, or no Join in time
	CodeOrigin       Code = 13 // the page's origin is not allowed
	CodeAddress      Code = 14 // too many connections from one address
)

var codeNames = [...]string{"other", "version", "malformed", "too_large", "rate", "swarm_full", "server_full",
	"unauthorized", "replaced", "impostor", "draining", "slow", "silent", "origin", "address"}

// String is the code's name, as used in the metrics' reason label.
func (c Code) String() string {
	if c < 0 || int(c) >= len(codeNames) {
		return codeNames[CodeOther]
	}
	return codeNames[c]
}

// MaxReason bounds the text of a refusal in bytes.
const MaxReason = 256

// Refused is the server's last word before it closes a connection.
type Refused struct {
	Code       Code
	Reason     string        // for people
	RetryAfter time.Duration // do not come back earlier; 0: the client's own back-off
}

func (*Refused) Type() Type { return TypeRefused }

// Error makes a refusal usable as the reason a client is not connected.
func (m *Refused) Error() string {
	return fmt.Sprintf("signal: refused by the server (%s): %s", m.Code, m.Reason)
}

func (m *Refused) fields(w *fieldWriter) {
	w.integer("code", int64(m.Code))
	w.text("reason", m.Reason)
	w.span("retry_after", m.RetryAfter)
}

func (m *Refused) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "code":
		m.Code = Code(r.integer(0, 1<<16))
	case "reason":
		m.Reason = r.text(MaxReason)
	case "retry_after":
		m.RetryAfter = r.span()
	default:
		return false
	}
	return true
}

// Drain announces that the server goes away: the client disconnects After plus a
// random part of Jitter from now and connects again, to wherever its URL leads
// by then. Links to peers stay up.
type Drain struct {
	After  time.Duration
	Jitter time.Duration
}

func (*Drain) Type() Type { return TypeDrain }

func (m *Drain) fields(w *fieldWriter) {
	w.span("after", m.After)
	w.span("jitter", m.Jitter)
}

func (m *Drain) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "after":
		m.After = r.span()
	case "jitter":
		m.Jitter = r.span()
	default:
		return false
	}
	return true
}
