package signal

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/shoal-p2p/shoal/signal/internal/socket"
)

// Server is the http.Handler of a signalling server, for whatever path it is
// mounted on. Shutdown or Close ends its goroutines.
type Server struct {
	cfg      Config
	metrics  *metrics
	upgrader websocket.Upgrader
	sockets  *socket.Pool
	tasks    sync.WaitGroup
	stop     chan struct{}

	mu          sync.RWMutex
	swarms      map[string]*swarm
	connections map[*member]struct{} // joined or not
	visitors    visitors             // by household
	joins       joinGate
	cluster     *cluster      // nil without a bus
	draining    bool          // takes nobody new
	stopped     bool          // everybody was refused
	idle        chan struct{} // closed when draining and no connection is left
}

// NewServer starts a server. It panics on a Config that Validate rejects.
func NewServer(cfg Config) *Server {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	cfg = cfg.populate()
	s := &Server{
		cfg:         cfg,
		stop:        make(chan struct{}),
		swarms:      make(map[string]*swarm),
		connections: make(map[*member]struct{}),
		joins:       joinGate{perSecond: cfg.Limits.JoinsPerSecond, burst: cfg.Limits.JoinBurst},
		idle:        make(chan struct{}),
	}
	s.visitors = visitors{limits: &s.cfg.Limits, at: make(map[netip.Addr]*visitor), sweepAt: visitorsMin}
	s.metrics = newMetrics(s)
	s.sockets = socket.NewPool(socket.Limits{MessageBytes: cfg.Limits.MessageBytes, QueueMessages: cfg.Limits.QueueMessages,
		QueueBytes: cfg.Limits.QueueBytes, WriteTimeout: writeTimeout})
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: joinTimeout,
		// Only the handshake is gorilla's: its buffers are never used.
		ReadBufferSize:  1,
		WriteBufferPool: new(sync.Pool),
		CheckOrigin:     func(*http.Request) bool { return true }, // done before, with a metric
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.Collector())
	}
	s.joinCluster()
	s.tasks.Go(s.keep)
	return s
}

// ServeHTTP upgrades the request to a websocket and returns at once, so that
// net/http's goroutine and buffers are freed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !originAllowed(s.cfg.AllowedOrigins, r.Header.Get("Origin")) {
		s.turnAway(w, r, http.StatusForbidden, CodeOrigin, "this origin is not allowed")
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a websocket endpoint", http.StatusUpgradeRequired)
		return
	}
	m := &member{
		srv:      s,
		from:     s.cfg.Address(r),
		messages: newBucket(s.cfg.Limits.MessagesPerSecond, s.cfg.Limits.MessageBurst),
		bytes:    newBucket(s.cfg.Limits.BytesPerSecond, s.cfg.Limits.ByteBurst),
	}
	if s.cfg.ICE != nil {
		m.host = hostOf(r)
	}
	if code := s.enter(m); code != CodeOther {
		status := http.StatusServiceUnavailable
		if code == CodeAddress {
			status = http.StatusTooManyRequests
		}
		s.turnAway(w, r, status, code, "try again later")
		return
	}
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.forget(m)
		s.tasks.Done()
		return
	}
	// Everything of gorilla's is left behind here: its Conn, its buffers and the
	// net/http goroutine that ends with this call.
	c, err := s.sockets.New(conn.NetConn(), m)
	if err != nil {
		s.cfg.Log.Warn("cannot serve a connection", "err", err)
		s.forget(m)
		s.tasks.Done()
		return
	}
	c.SetReadDeadline(time.Now().Add(joinTimeout))
	if !s.attach(m, c) {
		m.refuse(CodeDraining, "the server is shutting down", 0)
	}
	c.Start()
}

// attach gives m its connection, unless the server stopped during the handshake.
func (s *Server) attach(m *member, conn *socket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.conn = conn
	return !s.stopped
}

// retryHTTP is the Retry-After of refused handshakes.
const retryHTTP = 5 * time.Second

func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, status int, code Code, text string) {
	s.metrics.refuse(code)
	s.audit(AuditTurnedAway, s.cfg.Address(r), slog.String("code", code.String()))
	if status != http.StatusForbidden {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryHTTP/time.Second)))
	}
	http.Error(w, fmt.Sprintf("signal: %s: %s", code, text), status)
}

// enter counts a connection in, or says why it may not come in (CodeOther: it
// may). The caller owes forget and tasks.Done.
func (s *Server) enter(m *member) Code {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return CodeDraining
	case exceeded(len(s.connections)+1, s.cfg.Limits.Connections):
		return CodeServerFull
	}
	var ok bool
	if m.visitor, ok = s.visitors.enter(m.from, time.Now()); !ok {
		return CodeAddress
	}
	s.connections[m] = struct{}{}
	s.tasks.Add(1)
	return CodeOther
}

func (s *Server) forget(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visitors.leave(m.from, m.visitor, time.Now())
	delete(s.connections, m)
	if s.draining && len(s.connections) == 0 {
		close(s.idle)
	}
}

// Shutdown drains the server: no new connections, everybody is asked to leave
// within the drain times of Config, and those still there when ctx ends are
// refused. It returns ctx's error if somebody had to be. All goroutines are gone
// when it returns.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.drain(ctx) {
		select {
		case <-s.idle:
		case <-ctx.Done():
		}
	}
	err := ctx.Err()
	if s.refuseAll() == 0 {
		err = nil
	}
	s.tasks.Wait()
	s.sockets.Close()
	return err
}

// refuseAll ends what is left and says how many that were.
func (s *Server) refuseAll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
	}
	for m := range s.connections {
		if m.conn != nil {
			m.refuse(CodeDraining, "the server is shutting down", 0)
		}
	}
	return len(s.connections)
}

// Close ends every connection and waits for all goroutines.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Shutdown(ctx)
	return nil
}

// drain sends Drain to all and says whether there is anybody to wait for.
func (s *Server) drain(ctx context.Context) bool {
	after, jitter := s.cfg.DrainAfter, s.cfg.DrainJitter
	if deadline, ok := ctx.Deadline(); ok {
		// a fifth of the time is for the last ones to get through
		left := max(time.Until(deadline)*4/5, 0)
		after = min(after, left)
		jitter = min(jitter, left-after)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return len(s.connections) > 0
	}
	s.draining = true
	if len(s.connections) == 0 {
		close(s.idle)
		return false
	}
	s.audit(AuditDrain, netip.Addr{}, slog.Int("connections", len(s.connections)))
	message := Append(nil, &Drain{After: after, Jitter: jitter})
	for m := range s.connections {
		if m.swarm != nil {
			m.send(websocket.BinaryMessage, message)
		}
	}
	return true
}

// renewAfter is how long those are kept away whose admission has expired, so that
// many who joined with one token come back one by one.
const renewAfter = 2 * time.Second

// keep sends pings and swarm sizes, and ends what has expired, until the server stops.
func (s *Server) keep() {
	tick := time.NewTicker(sizeInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			s.round(now)
			s.tend(now)
		}
	}
}

func (s *Server) round(now time.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, w := range s.swarms {
		s.tellSize(w, now)
		for _, m := range w.members {
			switch {
			case !m.leave.IsZero() && now.After(m.leave):
				m.refuse(CodeUnauthorized, "the token has expired: join again with another", renewAfter)
			case m.nextPing.IsZero(): // spread the pings of a join storm
				m.nextPing = now.Add(rand.N(s.cfg.PingInterval))
			case !now.Before(m.nextPing):
				m.nextPing = now.Add(s.cfg.PingInterval)
				m.send(websocket.PingMessage, nil)
			}
		}
	}
}
