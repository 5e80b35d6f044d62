package signal

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
	"github.com/shoal-p2p/shoal/signal/internal/socket"
)

const (
	// joinTimeout is how long a connection may stay without a Join.
	joinTimeout = 10 * time.Second
	// writeTimeout bounds how long a member may take nothing; then it is evicted.
	writeTimeout = 10 * time.Second
	// linger is how long a refused connection is kept for the client to read why.
	linger = time.Second
	// silentPings is how many ping intervals a member may stay silent.
	silentPings = 2.5
)

// ClosePaused is the websocket close code of a client that leaves signalling on
// purpose and keeps its links: nobody is told that it is gone.
const ClosePaused = 4000

// States of a member's connection.
const (
	open int32 = iota
	refused
	evicted
)

// member is one connection, from Join on one member of a swarm. It is the
// socket.Handler of its connection; fields below a lock's name belong to it.
type member struct {
	conn     *socket.Conn
	srv      *Server
	from     netip.Addr
	visitor  *visitor // the account of from's household
	state    atomic.Int32
	messages rate.Limiter
	bytes    rate.Limiter
	admitted bool   // by Join; of whoever reads
	host     string // what the client calls this server, until Welcome; for Config.ICE

	// Server.mu
	Peer
	secret [SecretSize]byte
	swarm  *swarm // nil before Join and after leaving
	acquaintances
	report *reported // nil until it reports
	joined time.Time
	leave  time.Time // when its admission expires; zero: never
	told   int       // size of the swarm as it was told; also the keeper's, as nextPing is

	nextPing time.Time
}

// Errors that end the reading.
var (
	errStop      = errors.New("signal: refused")
	errNotBinary = errors.New("signal: not a binary message")
)

// Message implements socket.Handler.
func (m *member) Message(kind frame.Kind, b []byte) error {
	if kind == frame.Text {
		return errNotBinary
	}
	if err := m.charge(len(b)); err != nil {
		return err
	}
	if m.state.Load() != open {
		return errStop
	}
	if kind == frame.Ping || kind == frame.Pong {
		m.extend()
		if kind == frame.Ping {
			m.send(websocket.PongMessage, b)
		}
		return nil
	}
	m.srv.metrics.received.Add(float64(len(b)))
	if !m.admitted {
		if err := m.join(b); err != nil {
			return err
		}
		m.admitted = true
		return nil
	}
	m.extend()
	return m.handle(b)
}

// Ended implements socket.Handler.
func (m *member) Ended(err error) {
	m.explain(err)
	m.srv.leave(m, err)
}

// Closed implements socket.Handler.
func (m *member) Closed() {
	m.srv.forget(m)
	m.srv.tasks.Done()
}

// explain refuses for what reading ran into.
func (m *member) explain(err error) {
	switch {
	case errors.Is(err, frame.ErrTooLarge):
		m.refuse(CodeTooLarge, fmt.Sprintf("message longer than %d bytes", m.srv.cfg.Limits.MessageBytes), 0)
	case errors.Is(err, frame.ErrProtocol):
		m.refuse(CodeMalformed, err.Error(), 0)
	case errors.Is(err, errNotBinary):
		m.refuse(CodeMalformed, "messages must be binary", 0)
	case errors.Is(err, socket.ErrStalled):
		m.evict()
	case errors.Is(err, os.ErrDeadlineExceeded):
		if m.admitted {
			m.refuse(CodeSilent, "no answer to pings", 0)
		} else {
			m.refuse(CodeSilent, "no join in time", 0)
		}
	}
}

// extend moves the read deadline: the member is alive.
func (m *member) extend() {
	m.conn.SetReadDeadline(time.Now().Add(time.Duration(silentPings * float64(m.srv.cfg.PingInterval))))
}

func (m *member) charge(n int) error {
	now := time.Now()
	if m.messages.AllowN(now, 1) && m.bytes.AllowN(now, n) && m.visitor.charge(now, n, &m.srv.cfg.Limits) {
		return nil
	}
	m.refuse(CodeRate, "more messages or bytes than the limits in Welcome allow", 5*time.Second)
	return errStop
}

func (m *member) handle(b []byte) error {
	if len(b) >= RelayHeader && Type(b[0]) == TypeRelay {
		m.srv.relay(m, b)
		return nil
	}
	msg, err := Parse(b)
	switch {
	case errors.Is(err, ErrUnknownType): // a newer client
		return nil
	case err != nil:
		m.refuse(CodeMalformed, err.Error(), 0)
		return errStop
	}
	switch msg := msg.(type) {
	case *Want:
		m.srv.want(m, msg.Count, msg.Except)
	case *Status:
		m.srv.status(m, msg)
	case *Ping:
		now := m.srv.cfg.Clock()
		m.send(websocket.BinaryMessage, Append(nil, &Pong{Sent: msg.Sent, Received: now, Answered: now}))
	default:
		m.refuse(CodeMalformed, fmt.Sprintf("message type 0x%02x is out of turn", b[0]), 0)
		return errStop
	}
	return nil
}

func (m *member) join(b []byte) error {
	msg, err := Parse(b)
	if err != nil {
		m.refuse(CodeMalformed, err.Error(), 0)
		return errStop
	}
	j, ok := msg.(*Join)
	if !ok {
		m.refuse(CodeMalformed, "the first message must be a Join", 0)
		return errStop
	}
	if j.Version != Version {
		m.refuse(CodeVersion, fmt.Sprintf("version %d, this server speaks %d", j.Version, Version), 0)
		return errStop
	}
	j.Swarm = Blind(j.Swarm)
	if admit := m.srv.cfg.Admit; admit != nil {
		if err := admit(j, m.from); err != nil {
			m.refuse(CodeUnauthorized, err.Error(), 0)
			return errStop
		}
	}
	m.extend()
	if code, reason := m.srv.join(m, j); reason != "" {
		m.refuse(code, reason, 5*time.Second)
		return errStop
	}
	return nil
}

// send queues a frame; a member that does not read loses its place.
func (m *member) send(kind int, data []byte) { m.sent(m.conn.Send(frame.Kind(kind), data), len(data)) }

// forward sends to the member from the Message that from is in.
func (m *member) forward(from *member, data []byte) {
	m.sent(from.conn.Forward(m.conn, frame.Binary, data), len(data))
}

func (m *member) sent(err error, n int) {
	if err != nil {
		m.evict()
		return
	}
	m.srv.metrics.sent.Add(float64(n))
}

func (m *member) evict() {
	if m.state.CompareAndSwap(open, evicted) {
		m.srv.metrics.refuse(CodeSlow)
		m.srv.audit(AuditEvicted, m.from, slog.String("member", m.ID.String()))
		m.srv.cfg.Log.Info("evicted a member that does not read", "member", m.ID, "from", m.from)
		m.conn.Kill()
	}
}

// refuse says why and ends the connection. Callable from any goroutine.
func (m *member) refuse(code Code, reason string, retryAfter time.Duration) {
	if !m.state.CompareAndSwap(open, refused) {
		return
	}
	m.srv.metrics.refuse(code)
	reason = strings.ToValidUTF8(reason[:min(len(reason), MaxReason)], "")
	m.srv.audit(AuditRefused, m.from, slog.String("code", code.String()), slog.String("reason", reason))
	m.srv.cfg.Log.Info("refused", "code", code.String(), "reason", reason, "from", m.from)
	status := websocket.ClosePolicyViolation
	if code == CodeDraining {
		status = websocket.CloseServiceRestart
	}
	farewell := frame.Append(nil, frame.Binary, Append(nil, &Refused{Code: code, Reason: reason, RetryAfter: retryAfter}))
	m.conn.Last(frame.Append(farewell, frame.Close, websocket.FormatCloseMessage(status, code.String())))
	m.conn.Linger(linger)
}
