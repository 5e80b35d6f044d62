package cluster

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/shoal-p2p/shoal/signal"
)

const patience = 20 * time.Second

// startNATS runs a NATS server on loopback until the test ends.
func startNATS(t testing.TB, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// recorder keeps what a client is told.
type recorder struct {
	mu     sync.Mutex
	up     bool
	size   int
	peers  []string
	relays []string
}

func (r *recorder) note(do func()) { r.mu.Lock(); defer r.mu.Unlock(); do() }

func (r *recorder) Welcome(signal.Welcome) {}
func (r *recorder) Gone(string)            {}
func (r *recorder) Peers(ids []string)     { r.note(func() { r.peers = append(r.peers, ids...) }) }
func (r *recorder) Relay(from string, p []byte) {
	r.note(func() { r.relays = append(r.relays, from+" "+string(p)) })
}
func (r *recorder) Size(n int)                   { r.note(func() { r.size = n }) }
func (r *recorder) Connected(up bool)            { r.note(func() { r.up = up }) }
func (r *recorder) has(ok func() bool) (is bool) { r.note(func() { is = ok() }); return is }

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// serve runs a signalling server of the cluster.
func serve(t testing.TB, natsURL string, cfg signal.Config) (url string, bus *Bus) {
	t.Helper()
	bus, err := Open(Config{URL: natsURL})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Bus = bus
	s := signal.NewServer(cfg)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.Close(); bus.Close() })
	return web.URL, bus
}

func join(t testing.TB, url string, n byte) (*signal.Client, *recorder) {
	t.Helper()
	r := new(recorder)
	c, err := signal.NewClient(signal.ClientConfig{URL: url, Swarm: "swarm", Secret: [16]byte{1, n}}, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	eventually(t, "welcome", func() bool { return r.has(func() bool { return r.up }) })
	return c, r
}

func TestMembersMeetThroughNATS(t *testing.T) {
	nats := startNATS(t, -1)
	var clients []*signal.Client
	var heard []*recorder
	for n := range byte(3) {
		url, _ := serve(t, nats.ClientURL(), signal.Config{})
		c, r := join(t, url, n)
		clients, heard = append(clients, c), append(heard, r)
	}
	for i, r := range heard {
		eventually(t, "all know of three", func() bool { return r.has(func() bool { return r.size == 3 }) })
		for j, to := range heard {
			if i == j {
				continue
			}
			text := fmt.Sprintf("%d to %d", i, j)
			clients[i].Send(clients[j].ID(), []byte(text))
			eventually(t, text, func() bool {
				return to.has(func() bool { return slices.Contains(to.relays, clients[i].ID()+" "+text) })
			})
		}
	}
	eventually(t, "introductions", func() bool {
		n := 0
		for _, r := range heard {
			r.note(func() { n += len(r.peers) })
		}
		return n >= 2
	})
}

func TestNATSMayComeLaterAndGoAway(t *testing.T) {
	first := startNATS(t, -1)
	port := 0
	fmt.Sscanf(first.ClientURL()[strings.LastIndex(first.ClientURL(), ":")+1:], "%d", &port)
	first.Shutdown()
	first.WaitForShutdown()

	url := fmt.Sprintf("nats://127.0.0.1:%d", port)
	one, bus := serve(t, url, signal.Config{})
	two, _ := serve(t, url, signal.Config{})
	a, ra := join(t, one, 1) // works alone meanwhile
	b, rb := join(t, two, 2)
	if bus.Connected() {
		t.Error("connected to nothing")
	}
	for range 2 {
		nats := startNATS(t, port)
		eventually(t, "both sides know of two", func() bool {
			return ra.has(func() bool { return ra.size == 2 }) && rb.has(func() bool { return rb.size == 2 })
		})
		nats.Shutdown()
		nats.WaitForShutdown()
		eventually(t, "each side is alone", func() bool {
			return ra.has(func() bool { return ra.size == 1 }) && rb.has(func() bool { return rb.size == 1 })
		})
	}
	if !a.Connected() || !b.Connected() {
		t.Error("a member lost its connection")
	}
}

func TestEmbeddedListensToNobody(t *testing.T) {
	before := runtime.NumGoroutine()
	bus, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !bus.Connected() {
		t.Error("not connected to the server in the process")
	}
	if addr := bus.embedded.Addr(); addr != nil {
		t.Errorf("the embedded server listens on %v", addr)
	}
	bus.Close()
	eventually(t, "its goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
}

func TestOpenRefusesNonsense(t *testing.T) {
	if b, err := Open(Config{URL: "nats://host:port:port"}); err == nil {
		b.Close()
		t.Error("a nonsense address was taken")
	}
	if b, err := Open(Config{URL: "nats://127.0.0.1:1", Credentials: "missing.creds"}); err == nil {
		b.Close()
		t.Error("credentials that are not there were taken")
	}
}

// BenchmarkRelay compares relays within one server with relays between two, both
// through real sockets, in one run.
func BenchmarkRelay(b *testing.B) {
	nats := startNATS(b, -1)
	cfg := signal.Config{Limits: signal.Limits{MessagesPerSecond: -1, BytesPerSecond: -1, QueueMessages: 1 << 20, QueueBytes: 1 << 30}}
	one, _ := serve(b, nats.ClientURL(), cfg)
	two, _ := serve(b, nats.ClientURL(), cfg)
	payload := make([]byte, 2048)
	for _, tt := range []struct {
		name string
		url  string
		n    byte
	}{{"same server", one, 10}, {"other server", two, 20}} {
		b.Run(tt.name, func(b *testing.B) {
			from, _ := join(b, one, tt.n)
			to, r := join(b, tt.url, tt.n+1)
			// The other server learns of a newcomer a moment later.
			eventually(b, "they reach each other", func() bool {
				return from.Send(to.ID(), payload) == nil && r.has(func() bool { return len(r.relays) > 0 })
			})
			r.note(func() { r.relays = nil })
			b.SetBytes(int64(len(payload)))
			sent := 0
			for b.Loop() {
				for from.Send(to.ID(), payload) != nil { // its queue is full for a moment
					time.Sleep(50 * time.Microsecond)
				}
				sent++
			}
			eventually(b, "all have come", func() bool { return r.has(func() bool { return len(r.relays) >= sent }) })
		})
	}
}
