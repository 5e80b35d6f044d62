package ice

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/pion/turn/v5"
)

// relays makes the sockets that TURN allocations stand for. It implements
// turn.RelayAddressGenerator.
type relays struct{ s *Server }

var (
	errUDPOnly  = errors.New("ice: relays are UDP only")
	errTooMany  = errors.New("ice: too many relays")
	errIdentity = errors.New("ice: unknown user")
)

func (r relays) Validate() error { return nil }

// AllocateListener and AllocateConn are for RFC 6062: relays that speak TCP to the
// other peer, which WebRTC has no use for.
func (r relays) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errUDPOnly
}

func (r relays) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errUDPOnly }

func (r relays) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	s := r.s
	u, ok := parseUser(c.UserID)
	if !ok {
		return nil, nil, errIdentity
	}
	conn, err := net.ListenPacket("udp4", net.JoinHostPort(s.bind, strconv.Itoa(c.RequestedPort)))
	if err != nil {
		return nil, nil, fmt.Errorf("ice: relay socket: %w", err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= s.cfg.Allocations {
		conn.Close()
		return nil, nil, errTooMany
	}
	s.open[uint16(port)] = struct{}{}
	rc := &relayConn{PacketConn: conn, s: s, user: u, port: uint16(port),
		member: s.members.hold(u.member), swarm: s.swarms.hold(u.swarm)}
	return rc, &net.UDPAddr{IP: s.relayAddress.AsSlice(), Port: port}, nil
}

// quota implements turn.QuotaHandler: a refusal that the client is told (486).
func (s *Server) quota(userID, _ string, _ net.Addr) bool {
	u, ok := parseUser(userID)
	s.mu.Lock()
	full := len(s.open) >= s.cfg.Allocations
	s.mu.Unlock()
	if ok && !full && s.members.relays(u.member) < s.cfg.AllocationsPerMember {
		return true
	}
	s.metrics.refused.WithLabelValues("quota").Inc()
	return false
}

// relayConn is one relay: it counts, and sends nowhere it may not.
type relayConn struct {
	net.PacketConn
	s             *Server
	user          user
	port          uint16
	member, swarm *account
	closing       sync.Once
}

func (c *relayConn) WriteTo(p []byte, to net.Addr) (int, error) {
	at, ok := to.(*net.UDPAddr)
	if !ok || !c.s.reachable(at.AddrPort()) || !c.spend(len(p)) {
		return len(p), nil // lost, as UDP may lose it
	}
	if at.AddrPort().Addr().Unmap() == c.s.relayAddress {
		// Another relay of ours, wherever a NAT would have led.
		if _, err := c.PacketConn.WriteTo(p, &net.UDPAddr{IP: c.s.loopAddress(), Port: at.Port}); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.PacketConn.WriteTo(p, to)
}

func (c *relayConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(p)
		if err != nil {
			return n, from, err
		}
		if c.spend(n) {
			return n, c.s.outward(from), nil
		}
	}
}

// spend takes n bytes from both budgets.
func (c *relayConn) spend(n int) bool {
	now := c.s.cfg.Clock()
	if !c.member.spend(now, n) || !c.swarm.spend(now, n) {
		c.s.metrics.dropped.Add(float64(n))
		return false
	}
	c.s.metrics.relayed.Add(float64(n))
	return true
}

func (c *relayConn) Close() error {
	c.closing.Do(func() {
		c.s.mu.Lock()
		delete(c.s.open, c.port)
		c.s.mu.Unlock()
		c.s.members.release(c.user.member)
		c.s.swarms.release(c.user.swarm)
	})
	return c.PacketConn.Close()
}

// reachable says whether relays may send to an address and port.
func (s *Server) reachable(at netip.AddrPort) bool {
	a := at.Addr().Unmap()
	if a != s.relayAddress {
		return s.allowed(a)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.open[at.Port()]
	return ok
}
