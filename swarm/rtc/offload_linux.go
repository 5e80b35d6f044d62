package rtc

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/transport/v4"
	"golang.org/x/sys/unix"
)

const (
	// maxTrain is the most bytes one send may carry: a UDP datagram's limit, less
	// room for the headers.
	maxTrain = 65000
	// maxTrainPackets is UDP_MAX_SEGMENTS of the kernels before 6.9.
	maxTrainPackets = 64
	// maxUnsent is how many bytes wait for the kernel before writers wait too.
	maxUnsent = 256 << 10
	// lastSend bounds what Close waits for a kernel that takes nothing.
	lastSend = 100 * time.Millisecond
)

// offloadConn is a UDP socket that hands packets of equal length to the kernel
// as one (UDP_SEGMENT) and takes them from it as one (UDP_GRO), which saves most
// of the system calls and walks through the stack of a transfer.
//
// A goroutine sends, so that packets gather while the previous ones go out: under
// load trains form by themselves, and a lone packet does not wait.
type offloadConn struct {
	*net.UDPConn
	plain atomic.Bool // the kernel or the device does not segment after all

	reading sync.Mutex
	in      []byte // what the kernel gave
	rest    []byte // of in, not yet read
	length  int    // of each packet in rest but the last
	from    netip.AddrPort
	inOOB   []byte

	writing sync.Mutex
	room    sync.Cond // out was taken; with writing
	out     packets
	closed  bool
	wake    chan struct{}
	done    chan struct{} // the sender has ended
}

// packets are datagrams one after the other.
type packets struct {
	data []byte
	each []packet
}

type packet struct {
	to     netip.AddrPort
	length int
}

// offload gives conn segmentation offload, or returns it as it is.
func offload(conn transport.UDPConn) transport.UDPConn {
	udp, ok := conn.(*net.UDPConn)
	if !ok || !enableGRO(udp) {
		return conn
	}
	c := &offloadConn{
		UDPConn: udp,
		in:      make([]byte, 1<<16),
		inOOB:   make([]byte, unix.CmsgSpace(4)),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	c.room.L = &c.writing
	go c.send()
	return c
}

func enableGRO(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		// A kernel that knows UDP_SEGMENT (4.18) can be asked for it.
		if _, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT); failed == nil {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
		}
	})
	return err == nil && failed == nil
}

// ReadFromAddrPort reads one packet; pion prefers it to ReadFrom.
func (c *offloadConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if len(c.rest) == 0 {
		n, oobn, _, from, err := c.ReadMsgUDPAddrPort(c.in, c.inOOB)
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		c.rest, c.from = c.in[:n], from
		c.length = max(1, groLength(c.inOOB[:oobn], n))
		if n == 0 {
			return 0, from, nil
		}
	}
	n := copy(b, c.rest[:min(c.length, len(c.rest))])
	c.rest = c.rest[min(c.length, len(c.rest)):]
	return n, c.from, nil
}

// groLength is the length of the packets in a read of n bytes.
func groLength(oob []byte, n int) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return n
	}
	for _, m := range messages {
		if m.Header.Level == unix.IPPROTO_UDP && m.Header.Type == unix.UDP_GRO && len(m.Data) >= 4 {
			if size := int(binary.NativeEndian.Uint32(m.Data)); size > 0 {
				return size
			}
		}
	}
	return n
}

// WriteToAddrPort queues one packet; pion prefers it to WriteTo. That the kernel
// refused a packet is not told: to its peer it is one that was lost.
func (c *offloadConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	c.writing.Lock()
	for len(c.out.data) > maxUnsent && !c.closed {
		c.room.Wait()
	}
	if c.closed {
		c.writing.Unlock()
		return 0, net.ErrClosed
	}
	c.out.data = append(c.out.data, b...)
	c.out.each = append(c.out.each, packet{to, len(b)})
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.writing.Unlock()
	return len(b), nil
}

func (c *offloadConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (c *offloadConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: syscall.EINVAL}
	}
	return c.WriteToAddrPort(b, udp.AddrPort())
}

// Close sends what is queued and closes the socket.
func (c *offloadConn) Close() error {
	c.writing.Lock()
	if c.closed {
		c.writing.Unlock()
		<-c.done
		return net.ErrClosed
	}
	c.closed = true
	c.room.Broadcast()
	close(c.wake)
	c.writing.Unlock()
	_ = c.SetWriteDeadline(time.Now().Add(lastSend))
	<-c.done
	return c.UDPConn.Close()
}
