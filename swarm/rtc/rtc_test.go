package rtc

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that takes milliseconds, on a
// machine that is busy and under the race detector too.
const patience = time.Minute

// server is a real signalling server that can be stopped and started again at
// the same address.
type server struct {
	http *httptest.Server
	mu   sync.Mutex
	now  *signal.Server
}

func startServer(t testing.TB) *server {
	s := &server{now: signal.NewServer(quiet)}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.stop()
		s.http.Close()
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	now := s.now
	s.mu.Unlock()
	if now == nil {
		http.Error(w, "stopped", http.StatusServiceUnavailable)
		return
	}
	now.ServeHTTP(w, r)
}

// stop ends the server; everybody's websocket closes.
func (s *server) stop() {
	s.mu.Lock()
	now := s.now
	s.now = nil
	s.mu.Unlock()
	if now != nil {
		now.Close()
	}
}

// restart starts another one, which knows nothing of the first.
func (s *server) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = signal.NewServer(quiet)
}

// quiet introduces nobody unasked: tests say who meets whom.
var quiet = signal.Config{Limits: signal.Limits{PeersOnJoin: -1}}

// url is where clients connect to.
func (s *server) url() string { return "ws" + strings.TrimPrefix(s.http.URL, "http") }

// arrival is what a handler was told.
type arrival struct {
	what    string // up, down, control, bulk, writable, introduced, state
	peer    swarm.PeerID
	link    node.Link
	err     error
	message string
	size    int
	on      bool
}

// listener is a node.Handler that writes down what it is told.
type listener struct {
	t        testing.TB
	id       swarm.PeerID
	arrivals chan arrival
	seen     []arrival // taken from arrivals, not yet asked for
	forward  func(to swarm.PeerID, payload []byte) bool
	bulk     func(node.Link, []byte) // instead of an arrival
	writable func()                  // instead of an arrival
}

func (l *listener) tell(a arrival) {
	select {
	case l.arrivals <- a:
	case <-time.After(patience):
		l.t.Errorf("%s: nobody takes %+v", l.id, a)
	}
}

func (l *listener) LinkUp(k node.Link) { l.tell(arrival{what: "up", peer: k.Peer(), link: k}) }
func (l *listener) LinkDown(p swarm.PeerID, err error) {
	l.tell(arrival{what: "down", peer: p, err: err})
}
func (l *listener) Control(k node.Link, b []byte) {
	l.tell(arrival{what: "control", peer: k.Peer(), link: k, message: string(b)})
}
func (l *listener) Bulk(k node.Link, b []byte) {
	if l.bulk != nil {
		l.bulk(k, b)
		return
	}
	l.tell(arrival{what: "bulk", peer: k.Peer(), link: k, message: string(b)})
}
func (l *listener) Writable(k node.Link) {
	if l.writable != nil {
		l.writable()
		return
	}
	l.tell(arrival{what: "writable", peer: k.Peer(), link: k})
}
func (l *listener) Introduced(ps []swarm.PeerID) {
	for _, p := range ps {
		l.tell(arrival{what: "introduced", peer: p})
	}
}
func (l *listener) State(size int, on bool) { l.tell(arrival{what: "state", size: size, on: on}) }
func (l *listener) Forward(to swarm.PeerID, b []byte) bool {
	return l.forward != nil && l.forward(to, b)
}

// await returns the next arrival that fits; others are kept for later.
func (l *listener) await(fits func(arrival) bool, wanted string) arrival {
	l.t.Helper()
	for i, a := range l.seen {
		if fits(a) {
			l.seen = append(l.seen[:i:i], l.seen[i+1:]...)
			return a
		}
	}
	timeout := time.After(patience)
	for {
		select {
		case a := <-l.arrivals:
			if fits(a) {
				return a
			}
			l.seen = append(l.seen, a)
		case <-timeout:
			l.t.Fatalf("%s: no %s came, but %+v", l.id, wanted, l.seen)
		}
	}
}

func (l *listener) up(p swarm.PeerID) node.Link {
	l.t.Helper()
	return l.await(func(a arrival) bool { return a.what == "up" && a.peer == p }, "link to "+string(p)).link
}

func (l *listener) down(p swarm.PeerID) error {
	l.t.Helper()
	return l.await(func(a arrival) bool { return a.what == "down" && a.peer == p }, "end of link to "+string(p)).err
}

func (l *listener) next(what string, p swarm.PeerID) string {
	l.t.Helper()
	return l.await(func(a arrival) bool { return a.what == what && a.peer == p }, what+" from "+string(p)).message
}

func (l *listener) connected(on bool) {
	l.t.Helper()
	l.await(func(a arrival) bool { return a.what == "state" && a.on == on }, "state")
	l.seen = slices.DeleteFunc(l.seen, func(a arrival) bool { return a.what == "state" }) // older ones
}

// none asserts that nothing of the kind came so far.
func (l *listener) none(what string) {
	l.t.Helper()
	for len(l.arrivals) > 0 {
		l.seen = append(l.seen, <-l.arrivals)
	}
	for _, a := range l.seen {
		if a.what == what {
			l.t.Errorf("%s: unexpected %+v", l.id, a)
		}
	}
}

// join starts a network with a listener and waits for signalling.
func join(t testing.TB, s *server, change ...func(*Config)) (*Network, *listener) {
	t.Helper()
	cfg := Config{URL: s.url(), Swarm: "test", Scope: LoopbackOnly}
	for _, f := range change {
		f(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, id: n.ID(), arrivals: make(chan arrival, 4096)}
	t.Cleanup(func() { n.Close() })
	n.Start(l)
	l.connected(true)
	return n, l
}

// meet connects a to b and returns both ends.
func meet(a, b *Network, la, lb *listener) (node.Link, node.Link) {
	a.Connect(b.ID())
	return la.up(b.ID()), lb.up(a.ID())
}
