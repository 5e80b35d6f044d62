package rtc

import (
	"fmt"
	"net"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// socketBuffer is asked for in both directions of every UDP socket. The default
// of most systems, 208 KiB, overflows while another goroutine has the CPU, and
// each loss halves the SCTP window: 4 MiB gave half as much throughput again.
const socketBuffer = 4 << 20

// sockets is the system's network with larger UDP buffers, and with segmentation
// offload where it exists.
type sockets struct {
	transport.Net
	offload bool
	wrap    func(transport.UDPConn) transport.UDPConn // nil for none
}

func newSockets(cfg Config) (*sockets, error) {
	if cfg.Net != nil {
		return &sockets{Net: cfg.Net, wrap: cfg.wrap}, nil
	}
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("rtc: network interfaces: %w", err)
	}
	return &sockets{Net: n, offload: !cfg.PlainSockets, wrap: cfg.wrap}, nil
}

func (s *sockets) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := s.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	if local != nil && local.IP.IsMulticast() {
		return conn, nil // mDNS: a few packets
	}
	// A kernel that caps the size (net.core.rmem_max) still gives what it can, and
	// one that refuses leaves a working socket.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	switch {
	case s.wrap != nil:
		conn = s.wrap(conn)
	case s.offload:
		conn = offload(conn)
	}
	return conn, nil
}
