package signal

import "time"

// Ping asks for the server's time. It is unrelated to websocket pings.
type Ping struct {
	Sent time.Time // on the client's clock; comes back in Pong
}

func (*Ping) Type() Type              { return TypePing }
func (m *Ping) fields(w *fieldWriter) { w.instant("sent", m.Sent) }
func (m *Ping) set(name []byte, r *fieldReader) bool {
	if string(name) != "sent" {
		return false
	}
	m.Sent = r.instant()
	return true
}

// Pong answers a Ping with the four-stamp scheme of NTP (RFC 5905 §8); the
// fourth stamp is the client's own time of arrival.
type Pong struct {
	Sent     time.Time // copied from the Ping
	Received time.Time // when the Ping arrived, on the server's clock
	Answered time.Time // when the Pong left, on the server's clock
}

func (*Pong) Type() Type { return TypePong }

func (m *Pong) fields(w *fieldWriter) {
	w.instant("sent", m.Sent)
	w.instant("received", m.Received)
	w.instant("answered", m.Answered)
}

func (m *Pong) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "sent":
		m.Sent = r.instant()
	case "received":
		m.Received = r.instant()
	case "answered":
		m.Answered = r.instant()
	default:
		return false
	}
	return true
}
