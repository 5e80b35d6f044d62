package signal

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of a Server. The zero value works: any origin, any swarm, no token,
// first-available pairing, the default limits.
type Config struct {
	// Pairing makes the strategy of one swarm (default FirstAvailable).
	Pairing func() Pairing
	// Rules say who may meet (default: everybody).
	Rules Rules
	// ICEServers are handed to every member (default none: direct paths only).
	ICEServers []ICEServer
	// ICE makes further ones for a member, with credentials of its own (default:
	// none). host is the name under which it reached this server; the member wrote it.
	// Called concurrently.
	ICE func(member MemberID, swarm, host string) []ICEServer
	// SigningKey is announced to every swarm that SigningKeys does not name
	// (default none: members cross-check instead).
	SigningKey ed25519.PublicKey
	// SigningKeys are the keys of particular swarms, by swarm name.
	SigningKeys map[string]ed25519.PublicKey
	// Names are swarms that the operator's pages show by name. Of all others the
	// server knows the blinded name only.
	Names []string
	// Settings are announced to every member as they are.
	Settings map[string]string
	// Admit decides whether a Join may enter, by its token for example (default:
	// everybody). The swarm's name is blinded. Its error goes to the client as
	// CodeUnauthorized. Where it sets j.Expires, the member is refused at that time,
	// in the same way, and may join again with another token. Called concurrently.
	Admit func(j *Join, from netip.Addr) error
	// AllowedOrigins are the web origins whose pages may connect:
	// "https://tv.example", or "https://*.example.com" for any subdomain (default:
	// all). Requests without Origin come from programs and are let in; a program
	// could write any origin it likes.
	AllowedOrigins []string
	// Address tells whom a request comes from (default: its RemoteAddr). Behind a
	// proxy every client shares the proxy's address unless this reads a header.
	Address func(*http.Request) netip.Addr
	// Locate tells what is known of an address, see package geoip (default:
	// nothing). Called under the server's lock: it must be quick.
	Locate func(netip.Addr) Location
	// Limits on everything a client can do.
	Limits Limits
	// PairAgainAfter is how long the same two members are not introduced to each
	// other again (default 10 s). Shorter repeats introductions that are still
	// being worked on, longer delays a second try.
	PairAgainAfter time.Duration
	// PairedOnly refuses relays between members that were not introduced by this
	// server (default false: any member of the same swarm). It stops members from
	// finding others on their own, and with it introductions by neighbours and
	// renegotiation after a server restart.
	PairedOnly bool
	// PingInterval between websocket pings to one member (default 25 s). A member
	// silent for 2.5 intervals is dropped. Shorter finds dead ones sooner and
	// wakes mobile radios more often.
	PingInterval time.Duration
	// ReportInterval is how often members are asked to report their figures (default
	// 0: never). Nearest pairing and the operator's map live on them; a report is
	// about 200 bytes.
	ReportInterval time.Duration
	// DrainAfter and DrainJitter are what Shutdown asks of the clients: leave
	// after DrainAfter (default 0) plus a random part of DrainJitter (default 5 s),
	// shortened to fit the context's deadline.
	DrainAfter, DrainJitter time.Duration
	// Bus joins the server to others (default: it is alone). The server does not
	// close it.
	Bus Bus
	// Clock is the time that members synchronise to (default time.Now).
	Clock func() time.Time
	// Log gets joins, leaves and refusals (default: nothing).
	Log *slog.Logger
	// Audit gets a record of every join, leave and refusal, with addresses (default:
	// none is kept).
	Audit *slog.Logger
	// Registerer gets the metrics (default: none; see Server.Collector).
	Registerer prometheus.Registerer

	named map[string]string // Names and those of SigningKeys, by blinded name
}

// Default limits. Messages of a join storm of trickled candidates to 20 peers
// must pass: 20 × (offer or answer + 15 candidates) ≈ 320 messages of ≤ 4 KiB.
const (
	DefaultMessageBytes          = 64 << 10
	DefaultMessagesPerSecond     = 100
	DefaultMessageBurst          = 500
	DefaultBytesPerSecond        = 256 << 10
	DefaultByteBurst             = 2 << 20
	DefaultJoinsPerSecond        = 1
	DefaultJoinBurst             = 10
	DefaultMembersPerSwarm       = 100_000
	DefaultSwarms                = 10_000
	DefaultConnections           = 200_000
	DefaultConnectionsPerAddress = 1024
	DefaultQueueMessages         = 1024

	DefaultJoinsPerSecondPerAddress    = 100
	DefaultJoinBurstPerAddress         = 2000
	DefaultMessagesPerSecondPerAddress = 2000
	DefaultMessageBurstPerAddress      = 50_000
	DefaultBytesPerSecondPerAddress    = 8 << 20
	DefaultByteBurstPerAddress         = 128 << 20

	DefaultQueueBytes      = 1 << 20
	DefaultPeersOnJoin     = 5
	DefaultPeersPerMessage = 16
)

// Limits of one server. 0 means the default above, negative means none.
type Limits struct {
	// MessageBytes is the longest message, header included. Cannot be switched off.
	MessageBytes int
	// MessagesPerSecond and MessageBurst bound what one member sends, websocket
	// pings included. A member over it is refused with CodeRate.
	MessagesPerSecond, MessageBurst int
	// BytesPerSecond and ByteBurst bound the same in bytes.
	BytesPerSecond, ByteBurst int
	// JoinsPerSecond and JoinBurst bound how often one member id may join.
	JoinsPerSecond, JoinBurst int
	// The same for all members of one client address (IPv6: one /64) together: large
	// networks share one, so these are for floods. Default: as above where the
	// member's own limit is on, otherwise none.
	JoinsPerSecondPerAddress, JoinBurstPerAddress       int
	MessagesPerSecondPerAddress, MessageBurstPerAddress int
	BytesPerSecondPerAddress, ByteBurstPerAddress       int
	// MembersPerSwarm, Swarms and Connections bound memory.
	MembersPerSwarm, Swarms, Connections int
	// ConnectionsPerAddress bounds one client address (IPv6: one /64). Large
	// networks share one address; loopback demos may want -1.
	ConnectionsPerAddress int
	// QueueMessages and QueueBytes bound what waits for one member to be read; a
	// member that falls behind further is evicted with CodeSlow. They cannot be
	// switched off.
	QueueMessages, QueueBytes int
	// PeersOnJoin is how many members a new one is introduced to.
	PeersOnJoin int
	// PeersPerMessage is how many one Want may ask for, at most MaxPeers.
	PeersPerMessage int
}

func (l Limits) populate() Limits {
	for _, field := range []struct {
		v   *int
		d   int
		own int // the member's limit
	}{
		{&l.JoinsPerSecondPerAddress, DefaultJoinsPerSecondPerAddress, l.JoinsPerSecond},
		{&l.JoinBurstPerAddress, DefaultJoinBurstPerAddress, l.JoinBurst},
		{&l.MessagesPerSecondPerAddress, DefaultMessagesPerSecondPerAddress, l.MessagesPerSecond},
		{&l.MessageBurstPerAddress, DefaultMessageBurstPerAddress, l.MessageBurst},
		{&l.BytesPerSecondPerAddress, DefaultBytesPerSecondPerAddress, l.BytesPerSecond},
		{&l.ByteBurstPerAddress, DefaultByteBurstPerAddress, l.ByteBurst},
	} {
		switch {
		case *field.v != 0:
		case field.own < 0:
			*field.v = -1
		default:
			*field.v = max(field.d, field.own)
		}
	}
	for _, field := range []struct {
		v    *int
		d    int
		must bool
	}{
		{&l.MessageBytes, DefaultMessageBytes, true},
		{&l.MessagesPerSecond, DefaultMessagesPerSecond, false},
		{&l.MessageBurst, DefaultMessageBurst, false},
		{&l.BytesPerSecond, DefaultBytesPerSecond, false},
		{&l.ByteBurst, DefaultByteBurst, false},
		{&l.JoinsPerSecond, DefaultJoinsPerSecond, false},
		{&l.JoinBurst, DefaultJoinBurst, false},
		{&l.MembersPerSwarm, DefaultMembersPerSwarm, false},
		{&l.Swarms, DefaultSwarms, false},
		{&l.Connections, DefaultConnections, false},
		{&l.ConnectionsPerAddress, DefaultConnectionsPerAddress, false},
		{&l.QueueMessages, DefaultQueueMessages, true},
		{&l.QueueBytes, DefaultQueueBytes, true},
		{&l.PeersOnJoin, DefaultPeersOnJoin, false},
		{&l.PeersPerMessage, DefaultPeersPerMessage, true},
	} {
		if *field.v == 0 || *field.v < 0 && field.must {
			*field.v = field.d
		}
	}
	l.PeersPerMessage = min(l.PeersPerMessage, MaxPeers)
	l.PeersOnJoin = min(max(l.PeersOnJoin, 0), l.PeersPerMessage)
	return l
}

// exceeded says whether n is past a limit that may be switched off.
func exceeded(n, limit int) bool { return limit >= 0 && n > limit }

func (c Config) populate() Config {
	setTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	setTime(&c.PairAgainAfter, 10*time.Second)
	setTime(&c.PingInterval, 25*time.Second)
	setTime(&c.DrainJitter, 5*time.Second)
	if c.Rules.Entrances == 0 {
		c.Rules.Entrances = 1
	}
	if c.Pairing == nil {
		c.Pairing = FirstAvailable
	}
	if c.Address == nil {
		c.Address = remoteAddress
	}
	if c.Locate == nil {
		c.Locate = func(netip.Addr) Location { return Location{} }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.populate()
	keys := make(map[string]ed25519.PublicKey, len(c.SigningKeys))
	c.named = make(map[string]string)
	for swarm, key := range c.SigningKeys {
		keys[Blind(swarm)] = key
		c.named[Blind(swarm)] = swarm
	}
	for _, swarm := range c.Names {
		c.named[Blind(swarm)] = swarm
	}
	c.SigningKeys = keys
	return c
}

// Validate reports what NewServer would panic about, so that commands can turn
// an operator's mistake into a message.
func (c Config) Validate() error {
	switch {
	case len(c.ICEServers) > MaxICEServers:
		return fmt.Errorf("signal: %d ICE servers, at most %d allowed", len(c.ICEServers), MaxICEServers)
	case len(c.Settings) > MaxSettings:
		return fmt.Errorf("signal: %d settings, at most %d allowed", len(c.Settings), MaxSettings)
	case c.PairAgainAfter < 0 || c.PingInterval < 0 || c.ReportInterval < 0 || c.DrainAfter < 0 || c.DrainJitter < 0:
		return fmt.Errorf("signal: PairAgainAfter, PingInterval, ReportInterval, DrainAfter and DrainJitter must not be negative")
	case c.DrainAfter > maxSpan || c.DrainJitter > maxSpan || c.PingInterval > maxSpan || c.ReportInterval > maxSpan:
		return fmt.Errorf("signal: DrainAfter, DrainJitter, PingInterval and ReportInterval must not exceed %s", maxSpan)
	}
	if err := c.Rules.validate(); err != nil {
		return err
	}
	for i, s := range c.ICEServers {
		if err := s.validate(); err != nil {
			return fmt.Errorf("signal: ICE server %d: %w", i, err)
		}
	}
	for name, value := range c.Settings {
		if len(name) > MaxSettingText || len(value) > MaxSettingText {
			return fmt.Errorf("signal: setting %q: text longer than %d bytes", clip(name), MaxSettingText)
		}
	}
	if n := len(c.SigningKey); n != 0 && n != ed25519.PublicKeySize {
		return fmt.Errorf("signal: signing key of %d bytes, want %d", n, ed25519.PublicKeySize)
	}
	for swarm, key := range c.SigningKeys {
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("signal: signing key of swarm %q has %d bytes, want %d", clip(swarm), len(key), ed25519.PublicKeySize)
		}
	}
	for _, origin := range c.AllowedOrigins {
		if _, host, ok := strings.Cut(origin, "://"); !ok || host == "" || strings.ContainsAny(host, "/?#") {
			return fmt.Errorf("signal: allowed origin %q: want scheme://host[:port]", origin)
		}
	}
	return nil
}

// signingKey takes a blinded name.
func (c Config) signingKey(swarm string) ed25519.PublicKey {
	if key, ok := c.SigningKeys[swarm]; ok {
		return key
	}
	return c.SigningKey
}

func (c Config) announced() Announced {
	return Announced{
		MessageBytes:      c.Limits.MessageBytes,
		MessagesPerSecond: max(c.Limits.MessagesPerSecond, 0),
		MessageBurst:      max(c.Limits.MessageBurst, 0),
		BytesPerSecond:    max(c.Limits.BytesPerSecond, 0),
		ByteBurst:         max(c.Limits.ByteBurst, 0),
		PeersPerMessage:   c.Limits.PeersPerMessage,
		PingInterval:      c.PingInterval,
		ReportInterval:    c.ReportInterval,
	}
}
