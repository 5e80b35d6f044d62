package realnet

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v4"
)

// Of a line, as of tc tbf below.
const (
	burst   = 16 << 10    // bytes that leave at once after silence
	longest = time.Second // what the queue in front of a line holds, as home routers do
	headers = 20 + 8 + 14 // IPv4, UDP and Ethernet, which a line carries too
)

// line is a peer's way out: a token bucket with a FIFO in front, which drops what
// does not fit. pion's virtual network has one for the way in only.
type line struct {
	rate   int64 // bit/s
	queue  chan parcel
	queued atomic.Int64
	limit  int64
	dead   atomic.Bool
	stop   chan struct{}
	done   sync.WaitGroup
}

type parcel struct {
	conn transport.UDPConn
	b    []byte
	to   net.Addr
}

func newLine(rate int64) *line {
	l := &line{rate: rate, queue: make(chan parcel, 4096), stop: make(chan struct{}),
		limit: burst + int64(float64(rate)/8*longest.Seconds())}
	l.done.Go(l.run)
	return l
}

func (l *line) close() {
	close(l.stop)
	l.done.Wait()
}

func (l *line) run() {
	var free time.Time // when all that was sent has left
	span := func(bytes int) time.Duration {
		return time.Duration(int64(bytes) * 8 * int64(time.Second) / l.rate)
	}
	for {
		select {
		case <-l.stop:
			return
		case p := <-l.queue:
			size := len(p.b) + headers
			free = later(free, time.Now().Add(-span(burst))).Add(span(size))
			if wait := time.Until(free); wait > 0 {
				time.Sleep(wait)
			}
			l.queued.Add(-int64(size))
			if !l.dead.Load() {
				_, _ = p.conn.WriteTo(p.b, p.to)
			}
		}
	}
}

func (l *line) send(c transport.UDPConn, b []byte, to net.Addr) (int, error) {
	size := int64(len(b) + headers)
	if l.queued.Add(size) > l.limit {
		l.queued.Add(-size)
		return len(b), nil // lost, and nobody is told
	}
	select {
	case l.queue <- parcel{c, append([]byte(nil), b...), to}:
	default:
		l.queued.Add(-size)
	}
	return len(b), nil
}

// outward is a socket that sends over a line.
type outward struct {
	transport.UDPConn
	line *line
}

func (o outward) WriteTo(b []byte, to net.Addr) (int, error) { return o.line.send(o.UDPConn, b, to) }
func (o outward) WriteToUDP(b []byte, to *net.UDPAddr) (int, error) {
	return o.line.send(o.UDPConn, b, to)
}

// ReadFrom loses everything once the line is dead.
func (o outward) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := o.UDPConn.ReadFrom(b)
		if err != nil || !o.line.dead.Load() {
			return n, from, err
		}
	}
}

// lined is a network whose sockets send over a line.
type lined struct {
	transport.Net
	line *line
}

func (n lined) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return outward{c, n.line}, nil
}

// width is how wide a line must be to carry payload bit/s of pieces, and the
// acknowledgements of a stream that comes in. A packet has 1200 bytes of payload in
// 12 + 16 of SCTP, 37 of DTLS, 28 of UDP and IP and 14 of Ethernet; every second one
// is acknowledged by 28 + 37 + 28 + 14 bytes.
//
// Rates of a sim.Config are of payload, as UploadMax is, so lines are made to these
// measures.
func width(payload, stream int64) int64 {
	const piece, frame, ack = 1200, 1200 + 12 + 16 + 37 + 28 + 14, 28 + 37 + 28 + 14
	return payload*frame/piece + stream*ack/(2*piece)
}
