package signal

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that must happen; nothing waits that
// long when the code is right.
const patience = 10 * time.Second

// event is one call of a ClientHandler.
type event struct {
	kind string // welcome, peers, relay, gone, size, up, down
	id   string
	ids  []string
	data string
	n    int
	w    Welcome
}

// recorder is a ClientHandler that keeps everything it was told.
type recorder struct {
	mu      sync.Mutex
	events  []event
	changed chan struct{}
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{}, 1)} }

func (r *recorder) add(e event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *recorder) Welcome(w Welcome)        { r.add(event{kind: "welcome", w: w}) }
func (r *recorder) Peers(ids []string)       { r.add(event{kind: "peers", ids: ids}) }
func (r *recorder) Relay(f string, p []byte) { r.add(event{kind: "relay", id: f, data: string(p)}) }
func (r *recorder) Gone(id string)           { r.add(event{kind: "gone", id: id}) }
func (r *recorder) Size(n int)               { r.add(event{kind: "size", n: n}) }
func (r *recorder) Connected(up bool) {
	if up {
		r.add(event{kind: "up"})
	} else {
		r.add(event{kind: "down"})
	}
}

func (r *recorder) all() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]event(nil), r.events...)
}

// wait returns the first event of the kind, counted from event number from, that
// match accepts (nil: any), and the number after it.
func (r *recorder) wait(t testing.TB, from int, kind string, match func(event) bool) (event, int) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		for i, e := range r.all() {
			if i >= from && e.kind == kind && (match == nil || match(e)) {
				return e, i + 1
			}
		}
		select {
		case <-r.changed:
		case <-late.C:
			t.Fatalf("no %q event; got %+v", kind, r.all())
		}
	}
}

func (r *recorder) count(kind string) int {
	n := 0
	for _, e := range r.all() {
		if e.kind == kind {
			n++
		}
	}
	return n
}

func testLog() *slog.Logger {
	if os.Getenv("SIGNAL_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// startServer runs a server over TCP loopback until the test ends.
func startServer(t testing.TB, cfg Config) (*Server, string) {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = testLog()
	}
	s := NewServer(cfg)
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		h.Close()
	})
	return s, h.URL
}

// secretOf is a fixed secret for member number n.
func secretOf(n int) [SecretSize]byte {
	return [SecretSize]byte{0: 1, 14: byte(n >> 8), 15: byte(n)}
}

// startClient runs a client until the test ends.
func startClient(t testing.TB, cfg ClientConfig) (*Client, *recorder) {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = testLog()
	}
	if cfg.Swarm == "" {
		cfg.Swarm = "swarm"
	}
	if cfg.BackoffMin == 0 {
		cfg.BackoffMin, cfg.BackoffMax = 10*time.Millisecond, 100*time.Millisecond
	}
	r := newRecorder()
	c, err := NewClient(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, r
}

// joinClient runs a client and waits until it is welcomed.
func joinClient(t testing.TB, url, swarm string, n int) (*Client, *recorder) {
	t.Helper()
	c, r := startClient(t, ClientConfig{URL: url, Swarm: swarm, Secret: secretOf(n)})
	r.wait(t, 0, "up", nil)
	return c, r
}
