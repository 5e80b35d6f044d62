package signalbench

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/shoal-p2p/shoal/signal"
)

// addresses are so many loopback addresses that connections come from by turns. A
// connection that ended keeps its port for a minute, and of a crowded address the
// system takes long to find a free one.
const addresses = 200

// dialTimeout bounds one handshake, and one answer to a Join.
const dialTimeout = 30 * time.Second

// dialer connects from 127.0.0.2 and on, by turns.
func dialer(n int) *websocket.Dialer {
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%addresses))}}
	return &websocket.Dialer{HandshakeTimeout: dialTimeout, ReadBufferSize: 512, WriteBufferPool: &writeBuffers,
		WriteBufferSize: 4096, NetDialContext: from.DialContext}
}

var writeBuffers sync.Pool

// join connects member n and waits for its Welcome.
func join(ctx context.Context, url string, n int, j signal.Join) (*websocket.Conn, signal.MemberID, error) {
	var id signal.MemberID
	conn, _, err := dialer(n).DialContext(ctx, url, nil)
	if err != nil {
		return nil, id, fmt.Errorf("connect: %w", err)
	}
	j.Version = signal.Version
	if j.Secret == [signal.SecretSize]byte{} {
		rand.Read(j.Secret[:])
	}
	err = conn.WriteMessage(websocket.BinaryMessage, signal.Append(nil, &j))
	if err == nil {
		conn.SetReadDeadline(time.Now().Add(dialTimeout))
		err = welcomed(conn)
		conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, id, fmt.Errorf("join: %w", err)
	}
	return conn, signal.IDOf(j.Secret), nil
}

func welcomed(conn *websocket.Conn) error {
	_, b, err := conn.ReadMessage()
	if err != nil {
		return err
	}
	m, err := signal.Parse(b)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *signal.Welcome:
		return nil
	case *signal.Refused:
		return m
	}
	return fmt.Errorf("answered with message type %#x", m.Type())
}

// stay answers pings until the connection ends.
func stay(conn *websocket.Conn) error {
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return err
		}
	}
}

// crowd is many members that are only there.
type crowd struct {
	mu    sync.Mutex
	conns []*websocket.Conn
	tasks sync.WaitGroup
}

func (c *crowd) add(conn *websocket.Conn) {
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	c.tasks.Go(func() {
		stay(conn) // who is lost is missing on the server
	})
}

func (c *crowd) close() {
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.tasks.Wait()
}
