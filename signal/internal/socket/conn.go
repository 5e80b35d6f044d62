package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
)

// Handler is told what happens to one connection, by one goroutine at a time. No
// call may block.
type Handler interface {
	// Message brings a message or a control frame other than Close. data is valid
	// during the call only. An error ends the reading and goes to Ended.
	Message(kind frame.Kind, data []byte) error
	// Ended is called once, when nothing more will be read: with what Message
	// returned, *websocket.CloseError after a Close frame, frame.ErrTooLarge or
	// frame.ErrProtocol, os.ErrDeadlineExceeded, ErrStalled, or what the socket
	// reported. The connection closes behind it, after the time that Linger gave.
	Ended(err error)
	// Closed is the last call: the connection is gone.
	Closed()
}

// Errors of a receiver that does not read.
var (
	// ErrSlow reports more waiting messages or bytes than the limits allow.
	ErrSlow = errors.New("socket: too much waits to be read")
	// ErrStalled reports a write that did not get through within WriteTimeout.
	ErrStalled = errors.New("socket: the receiver takes nothing")
)

// Conn is one websocket behind its handshake. All methods but those the Handler
// is given may be called from any goroutine.
type Conn struct {
	pool    *Pool
	handler Handler
	reader  frame.Reader // of whoever reads
	ended   bool         // likewise: Ended was called

	deadline atomic.Int64 // Unix nanoseconds of the end of reading, 0: none
	last     atomic.Int64 // the deadline that Linger or Kill set, 0: none did

	poller *poller  // nil: goroutines
	net    net.Conn // without a poller
	fd     int      // with one; guarded by outbox.mu, -1 when closed

	outbox
}

// longAgo as a deadline is over at once.
var longAgo = time.Unix(1, 0)

// Start begins to read.
func (c *Conn) Start() {
	if c.poller != nil {
		c.poller.add(c)
		return
	}
	c.pool.tasks.Go(c.serve)
}

// SetReadDeadline ends the reading at t, to about a second where a poller reads.
// Behind Linger and Kill it does nothing.
func (c *Conn) SetReadDeadline(t time.Time) {
	c.readUntil(t.UnixNano())
	if last := c.last.Load(); last != 0 { // looked at afterwards: theirs must win
		c.readUntil(last)
	}
}

func (c *Conn) readUntil(unixNano int64) {
	c.deadline.Store(unixNano)
	if c.poller == nil {
		c.net.SetReadDeadline(time.Unix(0, unixNano))
	}
}

// Linger keeps the connection for d after the end of reading, so that the
// receiver can read why. What it still sends is discarded: closing at once would
// reset the connection when unread bytes wait (RFC 1122 §4.2.2.13).
func (c *Conn) Linger(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	if c.last.CompareAndSwap(0, until) {
		c.readUntil(until)
	}
}

func (c *Conn) lingers() bool { return c.last.Load() != 0 }

// Kill ends the connection now, whatever is queued.
func (c *Conn) Kill() {
	c.mu.Lock()
	c.closed, c.killed = true, true
	c.last.Store(longAgo.UnixNano())
	c.deadline.Store(longAgo.UnixNano())
	if c.poller == nil {
		c.net.SetDeadline(longAgo)
	}
	c.mu.Unlock()
	if c.poller != nil {
		c.poller.schedule(c)
	}
}

// feed takes bytes that were read; an error ends the reading.
func (c *Conn) feed(b []byte) error {
	return c.reader.Feed(b, c.pool.limits.MessageBytes, func(kind frame.Kind, data []byte) error {
		if kind != frame.Close {
			return c.handler.Message(kind, data)
		}
		code := frame.CloseCode(data)
		c.Last(frame.Append(nil, frame.Close, data[:min(len(data), 2)])) // RFC 6455 §5.5.1: echo the status
		return &websocket.CloseError{Code: code}
	})
}

// serve reads a connection that no poller takes.
func (c *Conn) serve() {
	buf := make([]byte, readSize)
	err := c.readAll(buf)
	c.handler.Ended(err)
	var closed *websocket.CloseError
	switch {
	case !c.lingers():
		if errors.As(err, &closed) {
			c.waitWritten() // the echo; after any other end nobody reads
		}
	default:
		for {
			// A deadline may have moved since; none may be without an end.
			c.net.SetReadDeadline(time.Unix(0, c.deadline.Load()))
			if _, err := c.net.Read(buf); err != nil {
				break
			}
		}
	}
	c.Shut()
	c.net.Close()
	c.handler.Closed()
}

// readSize is the buffer of a connection with a goroutine of its own.
const readSize = 2048

func (c *Conn) readAll(buf []byte) error {
	for {
		n, err := c.net.Read(buf)
		if n > 0 {
			if err := c.feed(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && c.stalled():
			return ErrStalled
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF // no Close frame came
		default:
			return err
		}
	}
}
