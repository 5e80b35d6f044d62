package signal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Errors of Client.Send.
var (
	ErrNotConnected = errors.New("signal: not connected")
	ErrBusy         = errors.New("signal: too many messages wait to be sent")
	ErrTooLarge     = errors.New("signal: payload exceeds the server's message limit")
)

// ClientHandler receives what the server sends. All calls come from one
// goroutine, in order; while a call lasts nothing else is read, so it must not
// block. It must not call Client.Close.
type ClientHandler interface {
	// Welcome starts every connection. Size and Connected(true) follow.
	Welcome(Welcome)
	// Peers introduces members; this side sends the offers.
	Peers(ids []string)
	// Relay brings a payload from another member of the swarm; it may be kept.
	Relay(from string, payload []byte)
	// Gone says that a member introduced, or addressed by Send, is not on the
	// server: give up attempts in progress, let open links prove themselves.
	Gone(id string)
	// Size is the number of members of the swarm, this one included.
	Size(n int)
	// Connected follows the state of the websocket.
	Connected(bool)
}

// Client keeps one member connected. Its methods may be called from any goroutine.
type Client struct {
	cfg     ClientConfig
	servers []string // addresses of one cluster; the run goroutine alone turns to the next
	turn    int
	id      MemberID
	handler ClientHandler
	clock   *clockSync
	stop    context.CancelFunc
	done    chan struct{}
	wake    chan struct{} // open changed

	mu         sync.Mutex
	open       bool
	interrupt  context.CancelCauseFunc // of the attempt or connection under way
	session    *session                // nil until welcomed
	links, max int
	err        error
}

// Causes of the end of a session.
var (
	errPaused = errors.New("signal: closed by SetOpen")
	errDrain  = errors.New("signal: the server asked to reconnect")
)

// NewClient starts a client. It returns at once and connects, and reconnects, in
// the background until Close.
func NewClient(cfg ClientConfig, h ClientHandler) (*Client, error) {
	cfg, err := cfg.populate()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		cfg:     cfg,
		servers: strings.Split(cfg.URL, ","),
		id:      IDOf(cfg.Secret),
		handler: h,
		clock:   newClockSync(cfg.Clock),
		stop:    stop,
		done:    make(chan struct{}),
		wake:    make(chan struct{}, 1),
		open:    true,
		max:     DefaultMaxLinks,
		err:     ErrNotConnected,
	}
	go c.run(ctx)
	return c, nil
}

// ID is this member's id, known before any connection.
func (c *Client) ID() string { return c.id.String() }

// Now is the server's clock: the local one plus the best known offset; the local
// one alone before the first connection. Small corrections never turn it back.
func (c *Client) Now() time.Time { return c.clock.now() }

// Connected says whether the server has welcomed this member on the current
// connection.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil
}

// Err says why the client is not connected, nil while it is. A refusal is a
// *Refused.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Send relays payload to another member. It copies payload and does not wait;
// that the member is gone is told by ClientHandler.Gone. It returns
// ErrNotConnected, ErrBusy, ErrTooLarge or ErrMemberID.
func (c *Client) Send(to string, payload []byte) error {
	id, err := ParseID(to)
	if err != nil {
		return err
	}
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil {
		return ErrNotConnected
	}
	if most := s.limits.MessageBytes; most > 0 && RelayHeader+len(payload) > most {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), most-RelayHeader)
	}
	select {
	case s.relays <- AppendRelay(make([]byte, 0, RelayHeader+len(payload)), id, payload):
		return nil
	default:
		return ErrBusy
	}
}

// Want asks for introductions to n more members, at most MaxWant. Without a
// connection it does nothing: joining brings introductions anyway.
func (c *Client) Want(n int) {
	if s := c.current(); s != nil && n > 0 {
		s.tell(func() { s.want = max(s.want, min(n, MaxWant)) })
	}
}

// Status is the peer check: call it whenever a link opened or closed.
func (c *Client) Status(links, max int) {
	links, max = clampLinks(links), clampLinks(max)
	c.mu.Lock()
	c.links, c.max = links, max
	c.mu.Unlock()
	if s := c.current(); s != nil {
		s.tell(func() { s.status = &Status{Links: links, MaxLinks: max} })
	}
}

// SetOpen leaves the swarm on purpose (false) or joins again (true). The server
// tells nobody: links to peers stay up.
func (c *Client) SetOpen(open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == open {
		return
	}
	c.open = open
	if !open && c.interrupt != nil {
		c.interrupt(errPaused)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close leaves and waits for all goroutines.
func (c *Client) Close() error {
	c.stop()
	<-c.done
	return nil
}

func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func clampLinks(n int) int { return min(max(n, 0), MaxLinkCount) }

// run keeps a session going while the client is open.
func (c *Client) run(ctx context.Context) {
	defer close(c.done)
	defer c.stop()
	retry := backoff{
		least: c.cfg.BackoffMin, most: c.cfg.BackoffMax,
		random: rand.New(rand.NewPCG(c.cfg.RandSeed, 0)),
	}
	c.turn = retry.random.IntN(len(c.servers))
	for ; c.waitOpen(ctx); c.turn++ {
		began := time.Now()
		welcomed, err := c.connect(ctx, &retry)
		if welcomed {
			c.handler.Connected(false)
		}
		if ctx.Err() != nil {
			return
		}
		var delay time.Duration
		switch {
		case errors.Is(err, errPaused):
			retry.reset()
			c.cfg.Log.Info("signalling paused")
			continue
		case errors.Is(err, errDrain):
			retry.reset()
			c.cfg.Log.Info("signalling moves to another connection")
			continue // the jitter is behind us
		case welcomed && time.Since(began) >= stableAfter:
			retry.reset()
		}
		delay = retry.next()
		var no *refusal
		if errors.As(err, &no) && no.retryAfter > 0 {
			// spread those who were told the same
			delay = no.retryAfter + retry.jitter(max(no.retryAfter/2, delay))
		}
		c.cfg.Log.Warn("signalling lost", "err", err, "retry_in", delay, "url", c.server())
		c.sleep(ctx, delay)
	}
}

// server is the address whose turn it is.
func (c *Client) server() string { return c.servers[c.turn%len(c.servers)] }

// waitOpen returns when the client may connect, false when it is closed.
func (c *Client) waitOpen(ctx context.Context) bool {
	for {
		c.mu.Lock()
		open := c.open
		c.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if open {
			return true
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		}
	}
}

// sleep waits, shorter when SetOpen is called: reopening means now.
func (c *Client) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.wake:
	case <-ctx.Done():
	}
}
