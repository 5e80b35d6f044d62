package signal

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// clientSilence is how long a server may stay silent when it announced no ping
// interval.
const clientSilence = 75 * time.Second

// read hands messages to the handler until the connection fails.
func (s *session) read(retry *backoff) error {
	s.conn.SetReadLimit(clientMessageBytes)
	s.conn.SetPingHandler(func(text string) error {
		s.extend()
		// A pong that does not get out in time is no reason to give up; the server
		// asks again.
		s.conn.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(time.Second))
		return nil
	})
	s.conn.SetReadDeadline(time.Now().Add(welcomeTimeout))
	for {
		_, b, err := s.conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("signal: connection: %w", err)
		}
		if s.welcomed() {
			s.extend()
		}
		if err := s.receive(b, retry); err != nil {
			return err
		}
	}
}

func (s *session) extend() {
	silence := clientSilence
	if s.limits.PingInterval > 0 {
		silence = time.Duration(silentPings*float64(s.limits.PingInterval)) + time.Second
	}
	s.conn.SetReadDeadline(time.Now().Add(silence))
	if s.closing.Load() { // goodbye set its own before it said so: that one stays
		s.conn.SetReadDeadline(time.Now().Add(goodbyeTimeout))
	}
}

// receive takes one message. Only a refusal is an error: a message this client
// cannot read is logged and passed over.
func (s *session) receive(b []byte, retry *backoff) error {
	arrived := s.c.clock.local()
	h := s.c.handler
	if from, payload, err := ParseRelay(b); err == nil {
		if s.welcomed() {
			h.Relay(from.String(), payload)
		}
		return nil
	}
	msg, err := Parse(b)
	if err != nil {
		if !errors.Is(err, ErrUnknownType) {
			s.c.cfg.Log.Warn("unreadable message from the server", "err", err)
		}
		return nil
	}
	switch msg := msg.(type) {
	case *Welcome:
		if !s.welcomed() {
			s.welcome(msg, arrived)
		}
		return nil
	case *Refused:
		return &refusal{err: msg, retryAfter: msg.RetryAfter}
	}
	if !s.welcomed() {
		return nil
	}
	switch msg := msg.(type) {
	case *Peers:
		ids := make([]string, len(msg.IDs))
		for i, id := range msg.IDs {
			ids[i] = id.String()
		}
		h.Peers(ids)
	case *Size:
		h.Size(msg.Members)
	case *Gone:
		h.Gone(msg.ID.String())
	case *Pong:
		s.c.clock.add(msg.Sent, msg.Received, msg.Answered, arrived)
	case *Drain:
		after := msg.After + retry.jitter(msg.Jitter)
		s.tell(func() { s.leave = &after })
	}
	return nil
}

func (s *session) welcome(w *Welcome, arrived time.Time) {
	if w.ID != s.c.id {
		s.c.cfg.Log.Warn("the server derives another member id", "ours", s.c.id, "theirs", w.ID)
	}
	s.c.clock.reset()
	s.c.clock.add(s.joinSent, w.ServerTime, w.ServerTime, arrived)
	s.limits = w.Limits
	s.extend()
	close(s.ready)
	s.c.mu.Lock()
	s.c.session, s.c.err = s, nil
	s.c.mu.Unlock()
	if now := s.c.linkCounts(); now.Links != s.joined.Links || now.MaxLinks != s.joined.MaxLinks {
		s.tell(func() { s.status = &now })
	}
	s.c.cfg.Log.Info("signalling connected", "url", s.c.server(), "member", s.c.id, "members", w.SwarmSize)
	s.c.handler.Welcome(*w)
	s.c.handler.Size(w.SwarmSize)
	s.c.handler.Connected(true)
}
