package socket

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"time"
)

// maxPollers bounds the epoll instances: many more would wait for the one lock that
// servers of this kind have.
const maxPollers = 8

// Limits of every connection of a pool.
type Limits struct {
	// MessageBytes is the longest message read.
	MessageBytes int
	// QueueMessages and QueueBytes bound what waits to be written.
	QueueMessages, QueueBytes int
	// WriteTimeout is how long the receiver may take nothing while something waits.
	WriteTimeout time.Duration
}

// Pool serves connections. Close ends its goroutines.
type Pool struct {
	limits Limits
	tasks  sync.WaitGroup

	mu      sync.Mutex
	pollers []*poller // made with the first connection they can take
	started bool
	closed  bool
	next    int
}

// NewPool makes a pool; it has no goroutine before its first connection.
func NewPool(l Limits) *Pool { return &Pool{limits: l} }

// ErrClosed reports a connection handed to a pool after Close.
var ErrClosed = errors.New("socket: the pool is closed")

// New takes a connection over from its handshake; Start begins to read it. The
// pool closes conn if it fails.
func (p *Pool) New(conn net.Conn, h Handler) (*Conn, error) {
	c := &Conn{pool: p, handler: h, fd: -1}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		c.net = conn
		return c, nil
	}
	poll, err := p.poller()
	if err != nil {
		conn.Close()
		return nil, err
	}
	if poll == nil {
		c.net = conn
		return c, nil
	}
	if c.fd, err = takeOver(tcp); err != nil {
		conn.Close()
		return nil, err
	}
	c.poller = poll
	return c, nil
}

// poller is the next one in turn, nil where there is none.
func (p *Pool) poller() (*poller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	for !p.started && len(p.pollers) < min(runtime.GOMAXPROCS(0), maxPollers) {
		poll, err := newPoller(p)
		if err != nil {
			break // no epoll here: goroutines do as well
		}
		p.pollers = append(p.pollers, poll)
		p.tasks.Go(poll.run)
	}
	p.started = true
	if len(p.pollers) == 0 {
		return nil, nil
	}
	p.next = (p.next + 1) % len(p.pollers)
	return p.pollers[p.next], nil
}

// Close ends the pool. Its connections must have ended before.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		for _, poll := range p.pollers {
			poll.stop()
		}
	}
	p.mu.Unlock()
	p.tasks.Wait()
}
