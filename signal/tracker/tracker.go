package tracker

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
	"github.com/shoal-p2p/shoal/signal/internal/socket"
)

// writeTimeout bounds how long a client may take nothing.
const writeTimeout = 10 * time.Second

// Tracker is the http.Handler of a WebTorrent tracker. Shutdown or Close ends its
// goroutines.
type Tracker struct {
	cfg      Config
	metrics  *metrics
	upgrader websocket.Upgrader
	sockets  *socket.Pool
	tasks    sync.WaitGroup // connections and the keeper
	stop     chan struct{}

	mu        sync.Mutex
	swarms    map[hash]*swarm
	clients   map[*client]struct{}
	addresses map[netip.Addr]int
	stopped   bool
}

// New starts a tracker.
func New(cfg Config) *Tracker {
	cfg = cfg.populate()
	l := &cfg.Limits
	t := &Tracker{
		cfg:       cfg,
		stop:      make(chan struct{}),
		swarms:    make(map[hash]*swarm),
		clients:   make(map[*client]struct{}),
		addresses: make(map[netip.Addr]int),
		sockets: socket.NewPool(socket.Limits{MessageBytes: l.MessageBytes, QueueMessages: l.QueueMessages,
			QueueBytes: l.QueueBytes, WriteTimeout: writeTimeout}),
		upgrader: websocket.Upgrader{
			HandshakeTimeout: writeTimeout,
			ReadBufferSize:   1, // only the handshake is gorilla's
			WriteBufferPool:  new(sync.Pool),
			CheckOrigin:      func(*http.Request) bool { return true }, // Config.Allowed did
		},
	}
	t.metrics = newMetrics(t)
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(t.metrics.all...)
	}
	t.tasks.Go(t.keep)
	return t
}

// retryAfter is what refused handshakes are told, in seconds.
const retryAfter = 30

// ServeHTTP upgrades the request to a websocket and returns at once.
func (t *Tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !t.cfg.Allowed(r) {
		t.turnAway(w, http.StatusForbidden, "origin", "this origin is not allowed")
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "tracker: this tracker speaks websocket only", http.StatusUpgradeRequired)
		return
	}
	l := &t.cfg.Limits
	c := &client{t: t, from: t.cfg.Address(r),
		messages: *rate.NewLimiter(rate.Limit(l.MessagesPerSecond), l.MessageBurst),
		bytes:    *rate.NewLimiter(rate.Limit(l.BytesPerSecond), l.ByteBurst)}
	if status, label := t.enter(c); status != 0 {
		t.turnAway(w, status, label, "try again later")
		return
	}
	conn, err := t.upgrader.Upgrade(w, r, nil)
	if err != nil {
		t.forget(c)
		return
	}
	sock, err := t.sockets.New(conn.NetConn(), c)
	if err != nil {
		t.cfg.Log.Warn("cannot serve a tracker connection", "err", err)
		t.forget(c)
		return
	}
	t.mu.Lock()
	c.conn = sock
	stopped := t.stopped
	t.mu.Unlock()
	c.extend(time.Now())
	if stopped {
		c.goodbye(websocket.CloseServiceRestart, errLeftEarly.Error())
	}
	sock.Start()
}

func (t *Tracker) turnAway(w http.ResponseWriter, status int, label, text string) {
	t.metrics.refused.WithLabelValues(label).Inc()
	if status != http.StatusForbidden {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	http.Error(w, "tracker: "+text, status)
}

// enter counts a connection in, or says with which status it is refused. The
// caller owes forget.
func (t *Tracker) enter(c *client) (status int, label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopped:
		return http.StatusServiceUnavailable, "draining"
	case len(t.clients) >= t.cfg.Limits.Connections:
		return http.StatusServiceUnavailable, "server_full"
	case t.addresses[household(c.from)] >= t.cfg.Limits.ConnectionsPerAddress:
		return http.StatusTooManyRequests, "address"
	}
	t.addresses[household(c.from)]++
	t.clients[c] = struct{}{}
	t.tasks.Add(1)
	return 0, ""
}

// household is what one subscriber gets at least: an IPv4 address or an IPv6 /64
// (RFC 6177 §2).
func household(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (t *Tracker) forget(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.addresses[household(c.from)]--; t.addresses[household(c.from)] == 0 {
		delete(t.addresses, household(c.from))
	}
	delete(t.clients, c)
	t.tasks.Done()
}

// leave takes a client out of all its swarms.
func (t *Tracker) leave(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := range c.peers {
		t.drop(c, at)
	}
}

// keep sends pings until the tracker stops.
func (t *Tracker) keep() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case now := <-tick.C:
			t.ping(now)
		}
	}
}

func (t *Tracker) ping(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.clients {
		switch {
		case c.conn == nil: // in its handshake
		case c.nextPing.IsZero(): // spread those of a storm
			c.nextPing = now.Add(rand.N(t.cfg.PingInterval))
		case !now.Before(c.nextPing):
			c.nextPing = now.Add(t.cfg.PingInterval)
			c.send(frame.Ping, nil)
		}
	}
}

// Shutdown closes all connections with status 1012; clients come back by their own
// back-off. All goroutines are gone when it returns, at the latest a moment after
// ctx ended.
func (t *Tracker) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	if !t.stopped {
		t.stopped = true
		close(t.stop)
	}
	for c := range t.clients {
		if c.conn != nil {
			c.goodbye(websocket.CloseServiceRestart, errLeftEarly.Error())
		}
	}
	t.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); t.tasks.Wait(); t.sockets.Close() }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	for c := range t.clients {
		if c.conn != nil {
			c.conn.Kill()
		}
	}
	t.mu.Unlock()
	<-done
	return ctx.Err()
}

// Close ends every connection and waits for all goroutines.
func (t *Tracker) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Shutdown(ctx)
	return nil
}
