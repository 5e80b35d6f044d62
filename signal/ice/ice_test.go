package ice

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/signal"
)

func TestMain(m *testing.M) {
	// A relay that the test's client closes twice leaves the library's timer behind.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/pion/turn/v5/internal/client.(*PeriodicTimer).Start.func1"))
}

const patience = 5 * time.Second

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func member(n byte) signal.MemberID { return signal.MemberID{7: n} }

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// trusted are the server's own certificates.
func trusted(t *testing.T, s *Server) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, c := range s.cfg.TLS.Certificates {
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(leaf)
	}
	return pool
}

// account gives the TURN entry of one member.
func turnEntry(t *testing.T, s *Server, n byte) signal.ICEServer {
	t.Helper()
	servers := s.Servers(member(n), "swarm", "127.0.0.1")
	if len(servers) != 2 {
		t.Fatalf("announced %+v", servers)
	}
	return servers[1]
}

// dial makes a TURN client with the entry's credentials.
func dial(t *testing.T, s *Server, network string, e signal.ICEServer) *turn.Client {
	t.Helper()
	at := net.JoinHostPort("127.0.0.1", itoa(s.port))
	var conn net.PacketConn
	var err error
	switch network {
	case "tcp", "tls":
		var c net.Conn
		if network == "tls" {
			c, err = tls.Dial("tcp", net.JoinHostPort("127.0.0.1", itoa(s.tlsPort)), &tls.Config{RootCAs: trusted(t, s)})
		} else {
			c, err = net.Dial("tcp", at)
		}
		if err == nil {
			conn = turn.NewSTUNConn(c)
		}
	default:
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: e.Username,
		Password: e.Credential, Realm: realm, LoggerFactory: silent{}, RTO: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); conn.Close() })
	return c
}

func itoa(n int) string { return strings.TrimPrefix((&net.UDPAddr{Port: n}).String(), ":") }

// relay allocates.
func relay(t *testing.T, s *Server, network string, n byte) net.PacketConn {
	t.Helper()
	r, err := dial(t, s, network, turnEntry(t, s, n)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// told reads one packet, "" if none comes within d.
func told(c net.PacketConn, d time.Duration) string {
	b := make([]byte, 2000)
	c.SetReadDeadline(time.Now().Add(d))
	n, _, err := c.ReadFrom(b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}

func TestSTUNTellsTheAddress(t *testing.T) {
	s := start(t, Config{})
	c := dial(t, s, "udp", signal.ICEServer{})
	at, err := c.SendBindingRequest()
	if err != nil {
		t.Fatal(err)
	}
	if at.(*net.UDPAddr).IP.String() != "127.0.0.1" {
		t.Errorf("told %s", at)
	}
	if n := len(s.Servers(member(1), "swarm", "tv.example")); n != 1 {
		t.Errorf("a STUN server announces %d entries", n)
	}
	if _, err := dial(t, s, "udp", signal.ICEServer{Username: "9999999999:" + member(1).String() + "." + swarmTag("s"), Credential: "x"}).Allocate(); err == nil {
		t.Error("a STUN server relays")
	}
}

func TestMembersReachEachOtherThroughTheirRelays(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			cfg := Config{Relay: true}
			if network == "tls" {
				cfg.ListenTLS, cfg.TLS = "127.0.0.1:0", certificate(t)
			}
			s := start(t, cfg)
			urls := strings.Join(turnEntry(t, s, 1).URLs, " ")
			if by := "turns:127.0.0.1:" + itoa(s.tlsPort) + "?transport=tcp"; strings.Contains(urls, by) != (network == "tls") {
				t.Errorf("announced: %s", urls)
			}
			a, b := relay(t, s, network, 1), relay(t, s, "udp", 2)
			// A permission each, as ICE's checks make them; the first packets may be lost.
			deadline := time.Now().Add(patience)
			for {
				a.WriteTo([]byte("to b"), b.LocalAddr())
				b.WriteTo([]byte("to a"), a.LocalAddr())
				if told(a, 100*time.Millisecond) == "to a" && told(b, 100*time.Millisecond) == "to b" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("nothing came through")
				}
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := start(t, Config{Relay: true, Secret: []byte(strings.Repeat("k", 16)), Clock: func() time.Time { return now }})
	e := turnEntry(t, s, 1)
	if want := "1700021600:0000000000000001." + swarmTag("swarm"); e.Username != want {
		t.Errorf("user name %s, want %s", e.Username, want)
	}
	other := start(t, Config{Relay: true, Secret: []byte(strings.Repeat("k", 16)), Clock: func() time.Time { return now }})
	if got := turnEntry(t, other, 1); got.Credential != e.Credential {
		t.Error("servers with one secret disagree")
	}
	for _, tc := range []struct {
		name  string
		spoil func(e *signal.ICEServer)
	}{
		{"another password", func(e *signal.ICEServer) { e.Credential = "x" }},
		{"another member's name", func(e *signal.ICEServer) { e.Username = strings.Replace(e.Username, "0001", "0002", 1) }},
		{"a later expiry", func(e *signal.ICEServer) { e.Username = strings.Replace(e.Username, "17000", "18000", 1) }},
		{"no member", func(e *signal.ICEServer) { e.Username = "1700021600:"; e.Credential = s.password(e.Username) }},
		{"expired", func(e *signal.ICEServer) {
			e.Username = strings.Replace(e.Username, "1700021600", "1700000000", 1)
			e.Credential = s.password(e.Username)
		}},
	} {
		e := turnEntry(t, s, 1)
		tc.spoil(&e)
		if _, err := dial(t, s, "udp", e).Allocate(); err == nil {
			t.Errorf("%s: let in", tc.name)
		}
	}
	if _, err := dial(t, s, "udp", e).Allocate(); err != nil {
		t.Errorf("the right credentials: %v", err)
	}
}

func TestHostsThatAreNoneAreNotAnnounced(t *testing.T) {
	s := start(t, Config{})
	for host, want := range map[string]int{"tv.example": 1, "192.0.2.1": 1, "2001:db8::1": 1, "": 0, "a b": 0, "a?x=": 0, "a/b": 0, "a@b": 0, strings.Repeat("a", 254): 0} {
		if got := len(s.Servers(member(1), "swarm", host)); got != want {
			t.Errorf("%q: %d servers, want %d", host, got, want)
		}
	}
}

func TestNoRelayIntoPrivateNetworks(t *testing.T) {
	relayAt := netip.MustParseAddr("203.0.113.9")
	closed := &Server{relayAddress: relayAt}
	opened := &Server{relayAddress: relayAt, cfg: Config{AllowPrivate: true}}
	listed := &Server{relayAddress: relayAt, cfg: Config{AllowPeers: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}}
	for _, tc := range []struct {
		addr                   string
		closed, opened, listed bool
	}{
		{"8.8.8.8", true, true, true},
		{"2a00:1450::1", true, true, true},
		{"203.0.113.9", true, true, true}, // our own relays
		{"203.0.113.10", false, true, false},
		{"127.0.0.1", false, true, false},
		{"::1", false, true, false},
		{"::ffff:127.0.0.1", false, true, false},
		{"10.0.0.1", false, true, false},
		{"10.1.2.3", false, true, true},
		{"::ffff:10.1.2.3", false, true, true},
		{"172.16.0.1", false, true, false},
		{"192.168.1.1", false, true, false},
		{"169.254.169.254", false, true, false}, // clouds' metadata
		{"100.64.1.1", false, true, false},
		{"198.18.0.1", false, true, false},
		{"240.0.0.1", false, true, false},
		{"fd00::1", false, true, false},
		{"fe80::1", false, true, false},
		{"64:ff9b::a00:1", false, true, false}, // 10.0.0.1 behind NAT64
		{"2002:a00:1::", false, true, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"ff02::1", false, false, false},
		{"255.255.255.255", false, false, false},
	} {
		a := netip.MustParseAddr(tc.addr)
		if c, o, l := closed.allowed(a), opened.allowed(a), listed.allowed(a); c != tc.closed || o != tc.opened || l != tc.listed {
			t.Errorf("%s: %v, allowed %v, listed %v", tc.addr, c, o, l)
		}
	}
}

// A victim is a service that listens on this machine.
func TestOwnAddressIsReachableAtRelaysOnly(t *testing.T) {
	s := start(t, Config{Relay: true})
	victim, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	a, b := relay(t, s, "udp", 1), relay(t, s, "udp", 2)
	for deadline := time.Now().Add(patience); ; {
		a.WriteTo([]byte("attack"), victim.LocalAddr())
		a.WriteTo([]byte("hello"), b.LocalAddr())
		b.WriteTo([]byte("hello"), a.LocalAddr())
		if told(b, 100*time.Millisecond) != "" { // what a sent before went the same way
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the relays do not work")
		}
	}
	if got := told(victim, 50*time.Millisecond); got != "" {
		t.Errorf("the victim was told %q", got)
	}
}

func TestPeersThatAreNotAllowedAreRefused(t *testing.T) {
	s := start(t, Config{Relay: true, RelayAddress: netip.MustParseAddr("127.0.0.2")})
	victim, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	if _, err := relay(t, s, "udp", 1).WriteTo([]byte("x"), victim.LocalAddr()); err == nil {
		t.Error("a permission for loopback was given")
	}
	if got := told(victim, 50*time.Millisecond); got != "" {
		t.Errorf("the victim was told %q", got)
	}
}

func TestBudgets(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
	}{
		{"member's", Config{MemberBytes: 10_000, SwarmBytes: -1}},
		{"swarm's", Config{MemberBytes: -1, SwarmBytes: 10_000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.Relay, tc.cfg.AllowPeers = true, []netip.Prefix{loopback}
			s := start(t, tc.cfg)
			peer, err := net.ListenPacket("udp4", "127.0.0.3:0")
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			first := relay(t, s, "udp", 1)
			send := func(r net.PacketConn) (arrived int) {
				for range 30 { // × 1000 bytes
					r.WriteTo(make([]byte, 1000), peer.LocalAddr())
				}
				for told(peer, 100*time.Millisecond) != "" {
					arrived++
				}
				return arrived
			}
			if n := send(first); n == 0 || n > 10 {
				t.Errorf("%d packets of 1000 bytes within 10000", n)
			}
			// A new relay of the same member has no new budget.
			first.Close()
			if n := send(relay(t, s, "udp", 1)); n > 0 {
				t.Errorf("%d packets through a second relay", n)
			}
			n := send(relay(t, s, "udp", 2))
			if shared := tc.cfg.MemberBytes < 0; shared && n > 0 || !shared && n == 0 {
				t.Errorf("another member got %d packets through", n)
			}
		})
	}
}

func TestRelaysAtTheCapAndOnePast(t *testing.T) {
	s := start(t, Config{Relay: true, AllocationsPerMember: 2, Allocations: 3})
	relay(t, s, "udp", 1)
	second := relay(t, s, "udp", 1)
	if _, err := dial(t, s, "udp", turnEntry(t, s, 1)).Allocate(); err == nil {
		t.Error("a member got one relay too many")
	}
	relay(t, s, "udp", 2)
	if _, err := dial(t, s, "udp", turnEntry(t, s, 3)).Allocate(); err == nil {
		t.Error("the server gave one relay too many")
	}
	second.Close()
	for deadline := time.Now().Add(patience); s.members.relays(member(1).String()) != 1; {
		if time.Now().After(deadline) {
			t.Fatal("a closed relay is still counted")
		}
		time.Sleep(time.Millisecond)
	}
	relay(t, s, "udp", 3)
}

func TestConnectionsByTCP(t *testing.T) {
	s := start(t, Config{Relay: true, ConnectionsPerAddress: 2})
	at := net.JoinHostPort("127.0.0.1", itoa(s.port))
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	served := func(c net.Conn) bool {
		c.Write(binding.Raw)
		c.SetReadDeadline(time.Now().Add(patience))
		_, err := c.Read(make([]byte, 100))
		return err == nil
	}
	var open []net.Conn
	for i := range 3 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if ok := served(c); ok != (i < 2) {
			t.Errorf("connection %d served: %v", i, ok)
		}
		open = append(open, c)
	}
	open[0].Close()
	for deadline := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		ok := served(c)
		c.Close()
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a closed connection is still counted")
		}
	}
}

// TestConnectionsByTLS: they count with those by TCP, and one that never finishes
// its handshake is in nobody's way.
func TestConnectionsByTLS(t *testing.T) {
	s := start(t, Config{Relay: true, ListenTLS: "127.0.0.1:0", TLS: certificate(t), ConnectionsPerAddress: 2})
	by := net.JoinHostPort("127.0.0.1", itoa(s.tlsPort))
	mute, err := net.Dial("tcp", by) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	relay(t, s, "tls", 1)
	// With those two, the address has all that it may.
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", itoa(s.port)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a third connection got %d bytes, %v", n, err)
	}
	if _, err := Start(Config{Relay: true, Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0"}); err == nil {
		t.Error("TLS without a certificate")
	}
}

// TestPortIsAnothers: a port that the system chose for UDP may be taken for TCP.
func TestPortIsAnothers(t *testing.T) {
	var tries []string
	takenFor := func(n int) {
		tries = nil
		listenTCP = func(network, address string) (net.Listener, error) {
			tries = append(tries, address)
			if len(tries) <= n {
				// Truly taken: the error is the system's own.
				l, err := net.Listen(network, address)
				if err != nil {
					return nil, err
				}
				defer l.Close()
			}
			return net.Listen(network, address)
		}
	}
	t.Cleanup(func() { listenTCP = net.Listen })
	takenFor(portAttempts - 1)
	start(t, Config{Relay: true})
	if len(tries) != portAttempts {
		t.Errorf("tried %q", tries)
	}
	takenFor(portAttempts)
	if s, err := Start(Config{Relay: true, Listen: "127.0.0.1:0"}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v after %d tries", err, len(tries))
		if err == nil {
			s.Close()
		}
	}
	// A port that the operator chose is the only one.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	takenFor(0)
	if s, err := Start(Config{Relay: true, Listen: taken.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) || len(tries) != 1 {
		t.Errorf("%v after trying %q", err, tries)
		if err == nil {
			s.Close()
		}
	}
}

// FuzzServer checks that no packet stops the server.
func FuzzServer(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.NewUsername("1:2.3"), stun.NewRealm(realm)).Raw)
	f.Add([]byte{0x40, 0, 0, 4, 1, 2, 3, 4})
	s, err := Start(Config{Listen: "127.0.0.1:0", Relay: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	conn, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", itoa(s.port)))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	buf := make([]byte, 2000)
	f.Fuzz(func(t *testing.T, b []byte) {
		conn.Write(b)
		// It still answers what comes behind.
		q := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
		for try := 0; ; try++ {
			conn.Write(q.Raw)
			conn.SetReadDeadline(time.Now().Add(time.Second))
			// Answers to earlier packets may come before.
			for n, err := conn.Read(buf); err == nil; n, err = conn.Read(buf) {
				var a stun.Message
				if stun.Decode(buf[:n], &a) == nil && a.TransactionID == q.TransactionID {
					return
				}
			}
			if try > 10 {
				t.Fatal("the server answers no more")
			}
		}
	})
}
