package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pollBuffer is what one read takes at most, and all that a poller needs for
	// reading, however many connections it has.
	pollBuffer = 64 << 10
	// pollEvents is how many connections one wait reports at most.
	pollEvents = 256
	// sweepInterval is how often deadlines are looked at. With that resolution a
	// deadline costs 8 bytes instead of a runtime timer.
	sweepInterval = time.Second
)

// poller reads and writes the connections it was given, from one goroutine. Level
// triggered: a connection is read once a round, so a flood on one cannot starve
// the others, and what one read leaves is reported again.
type poller struct {
	pool  *Pool
	ep    int
	alarm int // eventfd that ends a wait

	mu       sync.Mutex
	conns    map[int32]*Conn
	todo     []*Conn // has something to write, or was killed
	sleeping bool    // or about to: who adds to todo must ring the alarm
	stopping bool

	// run's
	spare []*Conn
	buf   []byte
}

func newPoller(pool *Pool) (*poller, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("socket: epoll: %w", err)
	}
	alarm, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, alarm, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(alarm)})
		if err != nil {
			unix.Close(alarm)
		}
	}
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("socket: epoll: %w", err)
	}
	return &poller{pool: pool, ep: ep, alarm: alarm, conns: make(map[int32]*Conn), buf: make([]byte, pollBuffer)}, nil
}

// takeOver gives the connection's descriptor to the caller and its place in Go's
// own poller back.
func takeOver(conn *net.TCPConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return -1, err
	}
	if dupErr != nil {
		return -1, fmt.Errorf("socket: duplicate descriptor: %w", dupErr)
	}
	conn.Close() // the duplicate keeps the connection, non-blocking as it was
	return fd, nil
}

func (p *poller) add(c *Conn) {
	p.mu.Lock()
	p.conns[int32(c.fd)] = c
	// Under the lock, so that the poller sees all of c at its first event.
	err := unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)})
	p.mu.Unlock()
	if err != nil {
		c.Kill() // the handler must hear of its end from the poller like of any other
	}
}

// schedule has c looked at before the poller sleeps again.
func (p *poller) schedule(c *Conn) {
	p.mu.Lock()
	p.todo = append(p.todo, c)
	ring := p.sleeping
	p.sleeping = false
	p.mu.Unlock()
	if ring {
		p.ring()
	}
}

func (p *poller) ring() { unix.Write(p.alarm, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (p *poller) stop() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.ring()
}

func (p *poller) run() {
	defer unix.Close(p.ep)
	defer unix.Close(p.alarm)
	events := make([]unix.EpollEvent, pollEvents)
	sweep := time.Now().Add(sweepInterval)
	for {
		if !p.rest() {
			return
		}
		wait := max(time.Until(sweep), 0)
		n, err := unix.EpollWait(p.ep, events, int(wait/time.Millisecond)+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("socket: epoll_wait: %v", err)) // a descriptor of ours is not what we think
		}
		p.mu.Lock()
		p.sleeping = false
		p.mu.Unlock()
		for _, e := range events[:max(n, 0)] {
			p.event(e)
		}
		if now := time.Now(); !now.Before(sweep) {
			sweep = now.Add(sweepInterval)
			p.expire(now)
		}
	}
}

// rest works off todo and says false when the poller is to end; when it returns,
// schedule rings.
func (p *poller) rest() bool {
	for {
		p.mu.Lock()
		todo := p.todo
		if len(todo) == 0 {
			p.sleeping = true
			stopping := p.stopping
			p.mu.Unlock()
			return !stopping
		}
		p.todo = p.spare[:0]
		p.mu.Unlock()
		for i, c := range todo {
			todo[i] = nil
			c.flush()
			if c.poller == p {
				c.checkDeadline(time.Time{})
			}
		}
		if cap(todo) > 4*pollEvents { // a join storm is over some time
			todo = nil
		}
		p.spare = todo[:0]
	}
}

func (p *poller) event(e unix.EpollEvent) {
	if int(e.Fd) == p.alarm {
		var count [8]byte
		unix.Read(p.alarm, count[:])
		return
	}
	p.mu.Lock()
	c := p.conns[e.Fd]
	p.mu.Unlock()
	// A descriptor may have been closed earlier in this round and belong to a new
	// connection by now, which then is looked at in vain.
	if c == nil {
		return
	}
	if e.Events&unix.EPOLLOUT != 0 {
		c.flush()
	}
	if e.Events&^unix.EPOLLOUT != 0 {
		c.readOnce(p.buf)
	}
}

// expire ends what is overdue.
func (p *poller) expire(now time.Time) {
	var due []*Conn
	p.mu.Lock()
	for _, c := range p.conns {
		if d := c.deadline.Load(); d != 0 && d <= now.UnixNano() || c.overdue(now) {
			due = append(due, c)
		}
	}
	p.mu.Unlock()
	for _, c := range due {
		if c.overdue(now) {
			c.end(ErrStalled)
			c.remove()
			continue
		}
		c.checkDeadline(now)
	}
}

// checkDeadline ends c if it was killed, or if its deadline is over at now.
func (c *Conn) checkDeadline(now time.Time) {
	c.mu.Lock()
	gone, killed := c.fd < 0, c.killed
	c.mu.Unlock()
	d := c.deadline.Load()
	if gone || !killed && (now.IsZero() || d == 0 || d > now.UnixNano()) {
		return
	}
	if killed || c.ended {
		c.end(os.ErrDeadlineExceeded)
		c.remove()
		return
	}
	c.end(os.ErrDeadlineExceeded)
}

// readOnce takes what one read gives.
func (c *Conn) readOnce(buf []byte) {
	n, err := unix.Read(c.fd, buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case err != nil:
		c.end(os.NewSyscallError("read", err))
		c.remove()
	case n <= 0:
		c.end(io.ErrUnexpectedEOF) // no Close frame came
		c.remove()
	case !c.ended:
		if err := c.feed(buf[:n]); err != nil {
			c.end(err)
		}
	}
}

// end tells the handler, once, and closes the connection unless it lingers.
func (c *Conn) end(err error) {
	if c.ended {
		return
	}
	c.ended = true
	c.handler.Ended(err)
	if !c.lingers() {
		c.remove()
	}
}

// remove closes the connection. What waits gets one last try: the echo of a Close
// frame is among it.
func (c *Conn) remove() {
	c.flush()
	c.mu.Lock()
	if c.fd < 0 {
		c.mu.Unlock()
		return
	}
	fd := c.fd
	c.fd, c.closed = -1, true
	if c.out != nil {
		c.out.release()
		c.out = nil
	}
	c.mu.Unlock()
	p := c.poller
	p.mu.Lock()
	delete(p.conns, int32(fd)) // before the kernel gives the number to another connection
	p.mu.Unlock()
	unix.Close(fd)
	c.handler.Closed()
}

// flush writes what waits, as far as the kernel takes it.
func (c *Conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheduled = false
	if c.fd < 0 || c.out == nil || c.killed {
		return
	}
	for c.out.waiting() > 0 {
		n, err := unix.Write(c.fd, c.out.data[c.out.off:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			// A broken connection is reported to the reader as well.
			if errors.Is(err, unix.EAGAIN) {
				c.watchWritable()
			}
			return
		}
		c.out.wrote(n)
		if c.since != 0 {
			c.since = time.Now().UnixNano()
		}
	}
	c.out.release()
	c.out = nil
	if c.since != 0 {
		c.since = 0
		c.watch(unix.EPOLLIN)
	}
}

// watchWritable has the rest written when the kernel takes more.
func (c *Conn) watchWritable() {
	c.scheduled = true // by the event
	if c.since == 0 {
		c.since = time.Now().UnixNano()
		c.watch(unix.EPOLLIN | unix.EPOLLOUT)
	}
}

func (c *Conn) watch(events uint32) {
	unix.EpollCtl(c.poller.ep, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)})
}

// overdue says whether the receiver has taken nothing for too long.
func (c *Conn) overdue(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since != 0 && now.UnixNano()-c.since > int64(c.pool.limits.WriteTimeout)
}
