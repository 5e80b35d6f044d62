package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

var wide = Limits{MessageBytes: 1 << 20, QueueMessages: 1024, QueueBytes: 1 << 20, WriteTimeout: patience}

// peer is a Handler that answers every message with itself.
type peer struct {
	conn            *Conn
	linger          time.Duration // after a message that says "stop"
	mute            bool
	started, closed chan struct{}
	ended           chan error
}

var errStop = errors.New("stop")

func (p *peer) Message(kind frame.Kind, data []byte) error {
	switch {
	case string(data) == "stop":
		p.conn.Last(frame.Append(nil, frame.Binary, []byte("farewell")))
		p.conn.Linger(p.linger)
		return errStop
	case kind == frame.Ping:
		kind = frame.Pong
	}
	if p.mute {
		return nil
	}
	return p.conn.Send(kind, data)
}
func (p *peer) Ended(err error) { p.ended <- err }
func (p *peer) Closed()         { close(p.closed) }

// plain hides that a connection is TCP, so that it gets a goroutine.
type plain struct{ net.Conn }

// onBoth runs a test with connections that a poller reads, where there is one, and
// with those that have a goroutine.
func onBoth(t *testing.T, l Limits, test func(t *testing.T, dial func(*peer) *websocket.Conn)) {
	for _, way := range []string{"poller", "goroutine"} {
		t.Run(way, func(t *testing.T) {
			pool := NewPool(l)
			var upgrader websocket.Upgrader
			var handlers sync.Map // by number
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, err := upgrader.Upgrade(w, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				nc := conn.NetConn()
				if way == "goroutine" {
					nc = plain{nc}
				}
				h, _ := handlers.Load(r.URL.Path)
				p := h.(*peer)
				if p.conn, err = pool.New(nc, p); err != nil {
					t.Error(err)
					return
				}
				p.conn.Start()
				close(p.started)
			}))
			n := 0
			var clients []*websocket.Conn
			var peers []*peer
			test(t, func(p *peer) *websocket.Conn {
				t.Helper()
				p.ended, p.started, p.closed = make(chan error, 1), make(chan struct{}), make(chan struct{})
				n++
				path := "/" + strings.Repeat("x", n)
				handlers.Store(path, p)
				c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				c.SetReadDeadline(time.Now().Add(patience))
				wait(t, p.started)
				clients, peers = append(clients, c), append(peers, p)
				return c
			})
			for _, c := range clients {
				c.Close()
			}
			for _, p := range peers {
				wait(t, p.closed)
			}
			s.Close()
			pool.Close()
		})
	}
}

func wait[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing happened")
	}
	return v
}

func TestEchoOfEverySize(t *testing.T) {
	onBoth(t, wide, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		c := dial(new(peer))
		for _, n := range []int{0, 1, 125, 126, 2048, 65535, 65536, 300_000, 1 << 20} {
			sent := bytes.Repeat([]byte{byte(n)}, n)
			written := make(chan error, 1)
			go func() { written <- c.WriteMessage(websocket.BinaryMessage, sent) }()
			_, got, err := c.ReadMessage()
			<-written
			if err != nil || !bytes.Equal(got, sent) {
				t.Fatalf("%d bytes came back as %d, %v", n, len(got), err)
			}
		}
	})
}

func TestManyConnectionsAtOnce(t *testing.T) {
	onBoth(t, wide, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		var all sync.WaitGroup
		for i := range 50 {
			c := dial(new(peer))
			all.Go(func() {
				for j := range 50 {
					sent := []byte(strings.Repeat("m", i*j+1))
					c.WriteMessage(websocket.TextMessage, sent)
					if _, got, err := c.ReadMessage(); err != nil || !bytes.Equal(got, sent) {
						t.Errorf("connection %d: %d bytes, %v", i, len(got), err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

func TestHowItEnds(t *testing.T) {
	onBoth(t, Limits{MessageBytes: 100, QueueMessages: 9, QueueBytes: 999, WriteTimeout: patience},
		func(t *testing.T, dial func(*peer) *websocket.Conn) {
			for _, tc := range []struct {
				name string
				do   func(p *peer, c *websocket.Conn)
				want func(error) bool
			}{
				{"close frame", func(p *peer, c *websocket.Conn) {
					c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, ""), time.Now().Add(patience))
					if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, 4000) {
						t.Errorf("the echo: %v", err)
					}
				}, func(err error) bool { return websocket.IsCloseError(err, 4000) }},
				{"connection lost", func(p *peer, c *websocket.Conn) { c.NetConn().Close() },
					func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
				{"message too large", func(p *peer, c *websocket.Conn) {
					c.WriteMessage(websocket.BinaryMessage, make([]byte, 101))
				}, func(err error) bool { return errors.Is(err, frame.ErrTooLarge) }},
				{"garbage", func(p *peer, c *websocket.Conn) { c.NetConn().Write([]byte("GET / HTTP/1.1\r\n\r\n")) },
					func(err error) bool { return errors.Is(err, frame.ErrProtocol) }},
				{"read deadline", func(p *peer, c *websocket.Conn) {
					p.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
				}, func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }},
				{"killed", func(p *peer, c *websocket.Conn) {
					p.conn.Kill()
				}, func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }},
			} {
				p := new(peer)
				tc.do(p, dial(p))
				if err := wait(t, p.ended); !tc.want(err) {
					t.Errorf("%s: ended with %v", tc.name, err)
				}
				wait(t, p.closed)
			}
		})
}

func TestFarewellIsReadWhileTheClientFloods(t *testing.T) {
	onBoth(t, wide, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		p := &peer{linger: patience}
		c := dial(p)
		c.WriteMessage(websocket.BinaryMessage, []byte("stop"))
		go func() {
			for c.WriteMessage(websocket.BinaryMessage, make([]byte, 10_000)) == nil {
			}
		}()
		if _, got, err := c.ReadMessage(); err != nil || string(got) != "farewell" {
			t.Errorf("%q, %v", got, err)
		}
		if err := wait(t, p.ended); err != errStop {
			t.Errorf("ended with %v", err)
		}
		c.NetConn().Close() // ends the flood; the connection lingers no longer
		wait(t, p.closed)
	})
}

func TestLingerEnds(t *testing.T) {
	onBoth(t, wide, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		p := &peer{linger: time.Millisecond}
		dial(p).WriteMessage(websocket.BinaryMessage, []byte("stop"))
		wait(t, p.closed)
	})
}

func TestQueueIsBounded(t *testing.T) {
	l := wide
	l.QueueBytes = 100_000
	onBoth(t, l, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		p := new(peer)
		dial(p)
		message := make([]byte, 10_000)
		for n := 0; ; n++ {
			if n > 10_000 {
				t.Fatal("100 MB queued for a client that reads nothing")
			}
			if err := p.conn.Send(frame.Binary, message); err != nil {
				if !errors.Is(err, ErrSlow) {
					t.Errorf("refused with %v", err)
				}
				break
			}
		}
		if err := p.conn.Send(frame.Binary, message); err != nil {
			t.Errorf("a closed queue says %v", err)
		}
		p.conn.Kill()
		wait(t, p.closed)
	})
}

func TestReceiverThatTakesNothingIsGivenUp(t *testing.T) {
	l := wide
	l.WriteTimeout, l.QueueBytes = 50*time.Millisecond, 64<<20
	onBoth(t, l, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		p := new(peer)
		dial(p)
		for range 32 { // more than the kernel holds on loopback, and less than the queue
			p.conn.Send(frame.Binary, make([]byte, 1<<20))
		}
		if err := wait(t, p.ended); !errors.Is(err, ErrStalled) {
			t.Errorf("ended with %v", err)
		}
		wait(t, p.closed)
	})
}

func TestSlowReaderGetsEverythingInOrder(t *testing.T) {
	l := wide
	l.QueueMessages, l.QueueBytes = 1<<20, 1<<30
	onBoth(t, l, func(t *testing.T, dial func(*peer) *websocket.Conn) {
		p := new(peer)
		c := dial(p)
		const messages = 2000 // × 10 kB: more than the kernel holds
		go func() {
			for i := range messages {
				m := make([]byte, 10_000)
				m[0], m[1] = byte(i>>8), byte(i)
				p.conn.Send(frame.Binary, m)
			}
		}()
		time.Sleep(10 * time.Millisecond) // let it fill up
		for i := range messages {
			_, m, err := c.ReadMessage()
			if err != nil || int(m[0])<<8|int(m[1]) != i {
				t.Fatalf("message %d: %v", i, err)
			}
		}
	})
}
