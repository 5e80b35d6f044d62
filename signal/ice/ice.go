package ice

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

// realm is the same on all servers: it is part of what clients hash.
const realm = "shoal"

// Server is a running STUN or TURN server. Close ends its goroutines.
type Server struct {
	cfg          Config
	metrics      *metrics
	turn         *turn.Server
	port         int
	tlsPort      int // 0: none
	relayAddress netip.Addr
	bind         string // what relays bind to
	local        bool   // relayAddress is this machine's own

	members, swarms *accounts

	mu   sync.Mutex
	open map[uint16]struct{} // ports that are relays
}

// Start listens and serves.
func Start(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.populate()
	if len(cfg.Secret) == 0 {
		cfg.Secret = make([]byte, secretBytes)
		rand.Read(cfg.Secret)
	}
	s := &Server{cfg: cfg, members: newAccounts(cfg.MemberBytes), swarms: newAccounts(cfg.SwarmBytes), open: make(map[uint16]struct{})}
	s.metrics = newMetrics(s)
	udp, tcp, err := listen(cfg.Listen, cfg.Relay)
	if err != nil {
		return nil, err
	}
	at := udp.LocalAddr().(*net.UDPAddr)
	s.port = at.Port
	s.findRelayAddress(at.AddrPort().Addr())
	conf := turn.ServerConfig{
		Realm:         realm,
		AuthHandler:   s.authenticate,
		QuotaHandler:  s.quota,
		LoggerFactory: silent{},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: relays{s},
			PermissionHandler: s.permit}},
	}
	clients := &clients{s: s, from: make(map[netip.Addr]int)}
	serve := func(l net.Listener) {
		conf.ListenerConfigs = append(conf.ListenerConfigs, turn.ListenerConfig{Listener: l,
			RelayAddressGenerator: relays{s}, PermissionHandler: s.permit})
	}
	if tcp != nil {
		serve(&listener{tcp, clients})
	}
	if cfg.ListenTLS != "" {
		l, err := net.Listen("tcp", cfg.ListenTLS)
		if err != nil {
			udp.Close()
			tcp.Close()
			return nil, fmt.Errorf("ice: cannot serve TLS on %s: %w", cfg.ListenTLS, err)
		}
		s.tlsPort = l.Addr().(*net.TCPAddr).Port
		own := cfg.TLS.Clone()
		own.NextProtos = nil                               // those of the web are not spoken here
		serve(tls.NewListener(&listener{l, clients}, own)) // the handshake is the first read's
	}
	if s.turn, err = turn.NewServer(conf); err != nil {
		udp.Close()
		for _, l := range conf.ListenerConfigs {
			l.Listener.Close()
		}
		return nil, fmt.Errorf("ice: %w", err)
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.metrics.all...)
	}
	return s, nil
}

// portAttempts is how many ports of the system's choice are tried: one that is free
// for UDP may be another's for TCP, a connection that somebody makes included.
const portAttempts = 16

// listen opens an address for UDP and, if so asked, the same port for TCP.
func listen(address string, withTCP bool) (net.PacketConn, net.Listener, error) {
	for attempt := 1; ; attempt++ {
		udp, err := net.ListenPacket("udp", address)
		if err != nil {
			return nil, nil, fmt.Errorf("ice: cannot serve UDP on %s: %w", address, err)
		}
		if !withTCP {
			return udp, nil, nil
		}
		at := udp.LocalAddr().(*net.UDPAddr)
		tcp, err := listenTCP("tcp", (&net.TCPAddr{IP: at.IP, Port: at.Port, Zone: at.Zone}).String())
		if err == nil {
			return udp, tcp, nil
		}
		udp.Close()
		if attempt == portAttempts || !anyPort(address) {
			return nil, nil, fmt.Errorf("ice: cannot serve TCP on %s: %w", address, err)
		}
	}
}

// anyPort says that the system chooses the port.
func anyPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	n, err := net.LookupPort("udp", port)
	return err == nil && n == 0
}

// listenTCP is net.Listen, but for the test whose ports are others'.
var listenTCP = net.Listen

func (s *Server) findRelayAddress(listen netip.Addr) {
	s.relayAddress = s.cfg.RelayAddress.Unmap()
	if !s.relayAddress.IsValid() {
		s.relayAddress = ownAddress(listen)
	}
	// Relays of an address that is not this machine's, but that of the NAT before it,
	// are reached at all of its addresses.
	s.bind = "0.0.0.0"
	if probe, err := net.ListenPacket("udp4", net.JoinHostPort(s.relayAddress.String(), "0")); err == nil {
		probe.Close()
		s.bind, s.local = s.relayAddress.String(), true
	}
}

// loopAddress is where another relay of this server is reached. A NAT may not lead
// back what is sent to its own public address.
func (s *Server) loopAddress() net.IP {
	if s.local {
		return s.relayAddress.AsSlice()
	}
	return net.IPv4(127, 0, 0, 1)
}

// outward is the address by which peers know a sender: that of another relay of
// ours is its public one.
func (s *Server) outward(from net.Addr) net.Addr {
	at, ok := from.(*net.UDPAddr)
	if s.local || !ok || !at.IP.IsLoopback() {
		return from
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ours := s.open[uint16(at.Port)]; !ours {
		return from
	}
	return &net.UDPAddr{IP: s.relayAddress.AsSlice(), Port: at.Port}
}

// Port is where the server listens, TLSPort where it does by TLS (0: nowhere),
// RelayAddress what relays are announced as.
func (s *Server) Port() int                { return s.port }
func (s *Server) TLSPort() int             { return s.tlsPort }
func (s *Server) RelayAddress() netip.Addr { return s.relayAddress }

// Close ends all relays and waits for the goroutines.
func (s *Server) Close() error { return s.turn.Close() }

// silent drops the TURN library's log: it has a line for every packet that anybody
// cares to send.
type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, nil)
}
