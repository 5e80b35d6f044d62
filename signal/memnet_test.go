package signal

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gorilla/websocket"
)

// memNet is one server address in memory, so that synctest can run a whole
// server and its clients in virtual time.
type memNet struct {
	mu   sync.Mutex
	at   chan net.Conn // nil: nobody listens
	done chan struct{}
}

var errNobodyListens = errors.New("memnet: connection refused")

func (n *memNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	at, done := n.at, n.done
	n.mu.Unlock()
	if at == nil {
		return nil, errNobodyListens
	}
	client, server := net.Pipe()
	select {
	case at <- server:
		return client, nil
	case <-done:
		return nil, errNobodyListens
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *memNet) dialer() *websocket.Dialer { return &websocket.Dialer{NetDialContext: n.dial} }

type memListener struct {
	at   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.at:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *memListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

// listen puts a handler on the address; the returned function takes it off.
func (n *memNet) listen(h http.Handler) (stop func()) {
	l := &memListener{at: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	n.mu.Lock()
	n.at, n.done = l.at, l.done
	n.mu.Unlock()
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	return func() {
		n.mu.Lock()
		n.at = nil
		n.mu.Unlock()
		srv.Close()
		<-served
	}
}

// inBubble runs a test in virtual time with one server.
func inBubble(t *testing.T, cfg Config, test func(t *testing.T, n *memNet, s *Server)) {
	synctest.Test(t, func(t *testing.T) {
		n := new(memNet)
		if cfg.Log == nil {
			cfg.Log = testLog()
		}
		s := NewServer(cfg)
		stop := n.listen(s)
		test(t, n, s)
		s.Close()
		stop()
	})
}

func (n *memNet) raw(t *testing.T) *rawClient {
	t.Helper()
	conn, _, err := n.dialer().Dial("ws://memory/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &rawClient{t, conn}
}

func (n *memNet) client(t *testing.T, cfg ClientConfig) (*Client, *recorder) {
	t.Helper()
	cfg.URL, cfg.Dialer = "ws://memory/", n.dialer()
	if cfg.RandSeed == 0 {
		cfg.RandSeed = 1
	}
	return startClient(t, cfg)
}
