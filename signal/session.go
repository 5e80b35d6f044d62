package signal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// relayQueue is how many relay messages wait in a client to be sent.
	relayQueue = 512
	// clientMessageBytes is the longest message a client reads, whatever server it
	// was pointed at.
	clientMessageBytes = 1 << 20
	// welcomeTimeout is how long a server may take to answer Join.
	welcomeTimeout = 10 * time.Second
	// goodbyeTimeout is how long a client waits for the server to answer its close
	// frame.
	goodbyeTimeout = 500 * time.Millisecond
)

// session is one connection of a client: the run goroutine reads, another one
// writes.
type session struct {
	c      *Client
	conn   *websocket.Conn
	relays chan []byte
	ready  chan struct{} // closed by the Welcome, after limits was set
	limits Announced
	wake   chan struct{} // something below mu is to be sent

	closing  atomic.Bool
	joinSent time.Time // local clock
	joined   Status    // what Join said

	mu     sync.Mutex
	want   int
	status *Status
	leave  *time.Duration // a Drain was received: reconnect after this
}

// tell changes what is to be sent, under the lock, and wakes the writer.
func (s *session) tell(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// refusal is an end of a connection that says when to come back.
type refusal struct {
	err        error
	retryAfter time.Duration
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// connect dials, joins and reads until the connection ends. It says whether the
// server had welcomed the client and why the connection ended.
func (c *Client) connect(parent context.Context, retry *backoff) (welcomed bool, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if !c.begin(cancel) {
		return false, errPaused
	}
	s := &session{
		c:      c,
		relays: make(chan []byte, relayQueue),
		ready:  make(chan struct{}),
		wake:   make(chan struct{}, 1),
	}
	defer func() {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause // why we ended it says more than how the socket failed then
		}
		c.end(err)
	}()
	if err := s.dial(ctx); err != nil {
		return false, err
	}
	defer s.conn.Close()
	if err := s.join(); err != nil {
		return false, err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(ctx, cancel)
	}()
	err = s.read(retry)
	cancel(err)
	<-written
	return s.welcomed(), err
}

// begin makes SetOpen(false) able to interrupt the attempt, unless it came first.
func (c *Client) begin(interrupt context.CancelCauseFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupt = interrupt
	return c.open
}

func (c *Client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.interrupt, c.err = nil, nil, err
}

func (s *session) welcomed() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// dial opens the websocket. Where the server is full or draining it says when to
// come back by Retry-After (RFC 9110 §10.2.3), of which only seconds are used.
func (s *session) dial(ctx context.Context) error {
	conn, resp, err := s.c.cfg.Dialer.DialContext(ctx, s.c.server(), nil)
	if err == nil {
		s.conn = conn
		return nil
	}
	err = fmt.Errorf("signal: connect to %s: %w", s.c.server(), err)
	if resp == nil {
		return err
	}
	err = fmt.Errorf("%w (%s)", err, resp.Status)
	if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
		if n, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && n > 0 {
			return &refusal{err: err, retryAfter: time.Duration(min(n, int(maxSpan/time.Second))) * time.Second}
		}
	}
	return err
}

// join sends the first message. It doubles as the first clock ping.
func (s *session) join() error {
	cfg := &s.c.cfg
	s.joined = s.c.linkCounts()
	j := Join{
		Version:  Version,
		Swarm:    Blind(cfg.Swarm),
		Secret:   cfg.Secret,
		Links:    s.joined.Links,
		MaxLinks: s.joined.MaxLinks,
		Seed:     cfg.Seed,
		Token:    cfg.token(),
		Uplink:   cfg.Uplink,
		Except:   s.c.linkedIDs(),
		Place:    cfg.Place,
		Position: s.c.position(),
	}
	s.joinSent = s.c.clock.local()
	s.conn.SetWriteDeadline(time.Now().Add(welcomeTimeout))
	if err := s.conn.WriteMessage(websocket.BinaryMessage, Append(nil, &j)); err != nil {
		return fmt.Errorf("signal: join: %w", err)
	}
	return nil
}

func (c *Client) position() time.Duration {
	if c.cfg.Position == nil {
		return 0
	}
	return min(max(c.cfg.Position(), 0), maxPosition)
}

func (c *Client) linkCounts() Status {
	if c.cfg.Links != nil {
		links, most := c.cfg.Links()
		return Status{Links: clampLinks(links), MaxLinks: clampLinks(most)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{Links: c.links, MaxLinks: c.max}
}

func (c *Client) linkedIDs() []MemberID {
	if c.cfg.Linked == nil {
		return nil
	}
	var ids []MemberID
	for _, text := range c.cfg.Linked() {
		if id, err := ParseID(text); err == nil && len(ids) < MaxExcept {
			ids = append(ids, id)
		}
	}
	return ids
}
