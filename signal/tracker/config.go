package tracker

import (
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of a Tracker. The zero value works.
type Config struct {
	// Interval is how often clients are asked to announce (default 2 min, that of
	// the npm tracker for websockets). Shorter finds peers sooner and costs every
	// client an offer each time.
	Interval time.Duration
	// PingInterval between websocket pings (default 25 s). A client silent for 2.5
	// intervals is dropped.
	PingInterval time.Duration
	// Allowed says whether a request may connect, by its Origin for example
	// (default: all).
	Allowed func(*http.Request) bool
	// Address tells whom a request comes from (default: nobody; the caps by address
	// then count all clients as one). Its port does not matter.
	Address func(*http.Request) netip.Addr
	// Limits on everything a client can do.
	Limits Limits
	// Log gets refusals (default: nothing).
	Log *slog.Logger
	// Registerer gets the metrics, shoal_tracker_… (default: none).
	Registerer prometheus.Registerer
}

// Default limits. A player announces about every two minutes with 5 to 10 offers of
// 1 to 3 KB, answers what it gets, and plays one stream, perhaps with some tracks
// as swarms of their own.
const (
	DefaultMessageBytes          = 128 << 10
	DefaultMessagesPerSecond     = 20
	DefaultMessageBurst          = 200
	DefaultBytesPerSecond        = 128 << 10
	DefaultByteBurst             = 2 << 20
	DefaultOffers                = 20
	DefaultSwarmsPerConnection   = 64
	DefaultPeersPerSwarm         = 100_000
	DefaultSwarms                = 10_000
	DefaultConnections           = 200_000
	DefaultConnectionsPerAddress = 1024
	DefaultScrapes               = 64
	DefaultQueueMessages         = 1024
	DefaultQueueBytes            = 1 << 20
)

// Limits of one tracker. 0 means the default above.
// ConnectionsPerAddress counts IPv6 by /64, and -1 switches it off.
type Limits struct {
	// MessageBytes is the longest message. The connection ends beyond.
	MessageBytes int
	// MessagesPerSecond, BytesPerSecond and their bursts bound one connection,
	// which ends beyond.
	MessagesPerSecond, MessageBurst, BytesPerSecond, ByteBurst int
	// Offers of one announce are passed on at most; more are ignored.
	Offers int
	// SwarmsPerConnection (counted once for each peer_id in it), PeersPerSwarm, Swarms, Connections and
	// ConnectionsPerAddress bound memory.
	SwarmsPerConnection, PeersPerSwarm, Swarms, Connections, ConnectionsPerAddress int
	// Scrapes is how many info hashes one scrape may name.
	Scrapes int
	// QueueMessages and QueueBytes bound what waits for one client to be read.
	QueueMessages, QueueBytes int
}

func (c Config) populate() Config {
	if c.Interval <= 0 {
		c.Interval = 2 * time.Minute
	}
	if c.PingInterval <= 0 {
		c.PingInterval = 25 * time.Second
	}
	if c.Allowed == nil {
		c.Allowed = func(*http.Request) bool { return true }
	}
	if c.Address == nil {
		c.Address = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &c.Limits
	if l.ConnectionsPerAddress < 0 {
		l.ConnectionsPerAddress = math.MaxInt
	}
	for _, field := range []struct {
		v *int
		d int
	}{
		{&l.MessageBytes, DefaultMessageBytes},
		{&l.MessagesPerSecond, DefaultMessagesPerSecond},
		{&l.MessageBurst, DefaultMessageBurst},
		{&l.BytesPerSecond, DefaultBytesPerSecond},
		{&l.ByteBurst, DefaultByteBurst},
		{&l.Offers, DefaultOffers},
		{&l.SwarmsPerConnection, DefaultSwarmsPerConnection},
		{&l.PeersPerSwarm, DefaultPeersPerSwarm},
		{&l.Swarms, DefaultSwarms},
		{&l.Connections, DefaultConnections},
		{&l.ConnectionsPerAddress, DefaultConnectionsPerAddress},
		{&l.Scrapes, DefaultScrapes},
		{&l.QueueMessages, DefaultQueueMessages},
		{&l.QueueBytes, DefaultQueueBytes},
	} {
		if *field.v <= 0 {
			*field.v = field.d
		}
	}
	return c
}
