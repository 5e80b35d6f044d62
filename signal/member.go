package signal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

const (
	// joinTimeout is how long a connection may stay without a Join.
	joinTimeout = 10 * time.Second
	// linger is how long a refused connection is kept for the client to read why.
	// Closing at once would reset the connection when unread bytes wait and lose
	// the farewell (RFC 1122 §4.2.2.13).
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

// member is one connection, from Join on one member of a swarm. The goroutine in
// serve reads and owns the connection; fields below a lock's name belong to it.
type member struct {
	out      outbox
	srv      *Server
	from     netip.Addr
	visitor  *visitor // the account of from's household
	state    atomic.Int32
	messages rate.Limiter
	bytes    rate.Limiter

	// Server.mu
	Peer
	secret [SecretSize]byte
	swarm  *swarm // nil before Join and after leaving
	pairs  []pair
	report *reported // nil until it reports
	joined time.Time

	nextPing time.Time // keeper
}

func (m *member) conn() *websocket.Conn { return m.out.conn }

// errStop ends serve after a refusal.
var errStop = errors.New("signal: refused")

func (m *member) serve() {
	m.conn().SetPingHandler(func(text string) error {
		if err := m.charge(len(text)); err != nil {
			return err
		}
		m.extend()
		m.send(websocket.PongMessage, []byte(text))
		return nil
	})
	m.conn().SetPongHandler(func(text string) error {
		m.extend()
		return m.charge(len(text))
	})
	m.conn().SetReadDeadline(time.Now().Add(joinTimeout))

	err := m.converse()
	m.srv.leave(m, err)
	if m.state.Load() == refused {
		m.lingerUntilRead()
	}
	m.out.shut()
	m.conn().Close()
	m.srv.forget(m)
}

func (m *member) converse() error {
	for joined := false; ; joined = true {
		b, err := m.read()
		if err != nil {
			m.explain(err, joined)
			return err
		}
		if err := m.charge(len(b)); err != nil {
			return err
		}
		m.srv.metrics.received.Add(float64(len(b)))
		if m.state.Load() != open {
			return errStop
		}
		if joined {
			m.extend()
			err = m.handle(b)
		} else {
			err = m.join(b)
		}
		if err != nil {
			return err
		}
	}
}

// scratch are message buffers; only connections with a message in flight hold one.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

var (
	errTooLarge  = errors.New("signal: message exceeds the limit")
	errNotBinary = errors.New("signal: not a binary message")
)

// read returns the next message in memory of its own: relays hand it on. The size
// is counted here and not by gorilla's read limit, which would close the
// connection before the client is told why.
func (m *member) read() ([]byte, error) {
	kind, r, err := m.conn().NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, errNotBinary
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	most := m.srv.cfg.Limits.MessageBytes
	if len(*buf) < most+1 {
		*buf = make([]byte, most+1)
	}
	for n := 0; ; {
		k, err := r.Read((*buf)[n : most+1])
		n += k
		switch {
		case n > most:
			return nil, errTooLarge
		case err == io.EOF:
			return append([]byte(nil), (*buf)[:n]...), nil
		case err != nil:
			return nil, err
		}
	}
}

// explain refuses for what reading ran into.
func (m *member) explain(err error, joined bool) {
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		m.refuse(CodeTooLarge, fmt.Sprintf("message longer than %d bytes", m.srv.cfg.Limits.MessageBytes), 0)
	case errors.Is(err, errNotBinary):
		m.refuse(CodeMalformed, "messages must be binary", 0)
	case errors.As(err, &timeout) && timeout.Timeout():
		if joined {
			m.refuse(CodeSilent, "no answer to pings", 0)
		} else {
			m.refuse(CodeSilent, "no join in time", 0)
		}
	}
}

// extend moves the read deadline: the member is alive.
func (m *member) extend() {
	m.conn().SetReadDeadline(time.Now().Add(time.Duration(silentPings * float64(m.srv.cfg.PingInterval))))
	if m.state.Load() != open { // refuse or evict set theirs first: it must win
		m.conn().SetReadDeadline(longAgo)
	}
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
func (m *member) send(kind int, data []byte) {
	if m.out.put(kind, data) != nil {
		m.evict()
	}
}

func (m *member) evict() {
	if m.state.CompareAndSwap(open, evicted) {
		m.srv.metrics.refuse(CodeSlow)
		m.srv.audit(AuditEvicted, m.from, slog.String("member", m.ID.String()))
		m.srv.cfg.Log.Info("evicted a member that does not read", "member", m.ID, "from", m.from)
		m.conn().NetConn().SetDeadline(longAgo)
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
	m.out.last(Append(nil, &Refused{Code: code, Reason: reason, RetryAfter: retryAfter}),
		websocket.FormatCloseMessage(status, code.String()))
	m.conn().SetReadDeadline(time.Now().Add(linger))
}

// lingerUntilRead discards what still comes until the client closes or linger is
// over. It reads below the websocket, whose reader may have failed for good.
func (m *member) lingerUntilRead() {
	m.conn().NetConn().SetReadDeadline(time.Now().Add(linger))
	var discard [512]byte
	for {
		if _, err := m.conn().NetConn().Read(discard[:]); err != nil {
			return
		}
	}
}
