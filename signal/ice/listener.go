package ice

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// listener lets in as many clients as there may be.
type listener struct {
	net.Listener
	clients *clients
}

// clients bounds those by TCP: they cost a goroutine each before they have shown
// any credentials.
type clients struct {
	s *Server

	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if l.clients.enter(at) {
			return &tcpConn{Conn: conn, leave: sync.OnceFunc(func() { l.clients.leave(at) })}, nil
		}
		conn.Close()
		l.clients.s.metrics.refused.WithLabelValues("connections").Inc()
	}
}

func (l *clients) enter(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.s.cfg.Connections || l.from[a] >= l.s.cfg.ConnectionsPerAddress {
		return false
	}
	l.total++
	l.from[a]++
	return true
}

func (l *clients) leave(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.from[a]--; l.from[a] == 0 {
		delete(l.from, a)
	}
}

// tcpConn ends when nothing comes for tcpSilence.
type tcpConn struct {
	net.Conn
	leave func()
}

func (c *tcpConn) Read(b []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(tcpSilence))
	return c.Conn.Read(b)
}

func (c *tcpConn) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.Conn.Write(b)
}

// writeTimeout is how long a client by TCP may take nothing: its relay's packets
// wait meanwhile.
const writeTimeout = 5 * time.Second

func (c *tcpConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
