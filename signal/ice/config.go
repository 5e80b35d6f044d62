package ice

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of a Server. Listen is required.
type Config struct {
	// Listen is the address served by UDP, and by TCP where Relay is set:
	// ":3478", "203.0.113.7:3478".
	Listen string
	// Relay makes the server relay (TURN). Otherwise it tells addresses only (STUN).
	Relay bool
	// ListenTLS is the address served by TLS, with the certificates of TLS, where
	// Relay is set (default: none): ":5349", or ":443" on an address of its own, for
	// members whose networks let nothing else out. Both are required for it.
	ListenTLS string
	TLS       *tls.Config
	// RelayAddress is the address that peers send to for a relay (default: that of
	// Listen, or this machine's first global one, or loopback). Behind a NAT with
	// port forwarding it is the public one.
	RelayAddress netip.Addr
	// Host is the name or address in the URLs handed to members (default: the one
	// under which a member reached signalling).
	Host string
	// Secret signs credentials (default: random, good until the server ends). All
	// servers of a cluster need the same.
	Secret []byte
	// CredentialLife is how long credentials are good (default 6 h). A relayed link
	// ends with its member's credentials.
	CredentialLife time.Duration
	// MemberBytes and SwarmBytes are what one member, and all members of one swarm
	// together, may have relayed in an hour, both directions counted (default 1 GiB
	// and 100 GiB; negative: no limit). What exceeds them is dropped.
	MemberBytes, SwarmBytes int64
	// AllocationsPerMember and Allocations bound relays at a time (default 24 and
	// 4096): one is a socket. A link needs one on each side.
	AllocationsPerMember, Allocations int
	// ConnectionsPerAddress and Connections bound clients by TCP, those by TLS
	// included (default 64 and 4096).
	ConnectionsPerAddress, Connections int
	// AllowPrivate relays to loopback, private and other special addresses (default
	// false). On a server in a company's network it lets anybody who may join a swarm
	// send UDP into that network.
	AllowPrivate bool
	// AllowPeers relays to these networks although they are special.
	AllowPeers []netip.Prefix
	// Log gets refusals (default: nothing).
	Log *slog.Logger
	// Registerer gets the metrics, shoal_turn_… (default: none).
	Registerer prometheus.Registerer
	// Clock is for tests (default time.Now).
	Clock func() time.Time
}

const (
	secretBytes = 32
	// budgetPeriod is what the budgets are for.
	budgetPeriod = time.Hour
	// maxAccounts bounds the budgets kept. The least recently used ones go first;
	// those of whom is relayed at the time stay.
	maxAccounts = 100_000
	// tcpSilence ends a TCP client from which nothing came: it refreshes its
	// allocation within 10 minutes (RFC 8656 §3.2).
	tcpSilence = 11 * time.Minute
)

func (c Config) populate() Config {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&c.AllocationsPerMember, 24)
	set(&c.Allocations, 4096)
	set(&c.ConnectionsPerAddress, 64)
	set(&c.Connections, 4096)
	if c.MemberBytes == 0 {
		c.MemberBytes = 1 << 30
	}
	if c.SwarmBytes == 0 {
		c.SwarmBytes = 100 << 30
	}
	if c.CredentialLife <= 0 {
		c.CredentialLife = 6 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

// Validate reports what Start would fail on without touching the network.
func (c Config) Validate() error {
	if c.Listen == "" {
		return fmt.Errorf("ice: no address to listen on")
	}
	if c.ListenTLS != "" && (c.TLS == nil || !c.Relay) {
		return fmt.Errorf("ice: relays by TLS need a certificate, and relays")
	}
	if n := len(c.Secret); n > 0 && n < 16 {
		return fmt.Errorf("ice: secret of %d bytes, want 16 at least", n)
	}
	return nil
}
