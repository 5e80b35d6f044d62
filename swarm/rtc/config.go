package rtc

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// Scope says on which network interfaces links may run.
type Scope int

const (
	// Routable leaves loopback out: peers are elsewhere.
	Routable Scope = iota
	// WithLoopback adds loopback, for several peers on one machine that others
	// reach too.
	WithLoopback
	// LoopbackOnly keeps all traffic on this machine.
	LoopbackOnly
)

// Config of a Network. URL and Swarm are required, the rest has defaults.
type Config struct {
	// URL of the signalling server's websocket: ws:// or wss://; several of one
	// cluster with commas between them.
	URL string
	// Swarm names the presentation. Only its members meet.
	Swarm string
	// Secret makes this peer's name; the same secret is the same peer after a
	// restart (default: random, a new peer every time).
	Secret [16]byte
	// Seed tells signalling that this peer is a seed.
	Seed bool
	// Token is handed to a signalling server that asks for one (default none).
	Token string
	// FreshToken gives it at the time of each connect, in place of Token (default:
	// always Token). Servers refuse those whose token has expired.
	FreshToken func() string
	// Uplink tells signalling the upload rate in bit/s (default 0: unknown).
	Uplink int64
	// Place is where this peer is, told to signalling for nearer neighbours; only
	// with its owner's consent (default: unknown).
	Place signal.Place
	// Stats gives the node's snapshot for the reports that a signalling server may
	// ask for (default: none are sent). It says false while there is no node yet.
	Stats func() (node.Stats, bool)
	// Playback adds what the player knows (default: nothing).
	Playback func() Playback
	// MaxLinks is how many links the brain wants at most (default 10). Offers
	// beyond MaxLinks + spareLinks are refused.
	MaxLinks int
	// Scope of candidates (default Routable).
	Scope Scope
	// ICEServers are used besides those that signalling announces (default none).
	ICEServers []webrtc.ICEServer
	// RelayOnly makes links through TURN servers only (default false): peers learn the
	// relay's address instead of this peer's. Without a TURN server, announced by
	// signalling or in ICEServers, no link comes about.
	RelayOnly bool
	// AttemptTimeout is how long a connection may take to open (default 10 s). A
	// shorter one gives up peers behind slow TURN servers, a longer one holds a
	// place for those that never come.
	AttemptTimeout time.Duration
	// PlainSockets switches UDP segmentation offload off where the kernel has it
	// (default false).
	PlainSockets bool
	// Net opens the sockets of links and lists the interfaces (default: the
	// system's): a virtual network, a network namespace. Without segmentation
	// offload.
	Net transport.Net
	// Log gets connections and their ends (default: nothing).
	Log *slog.Logger

	wrap func(transport.UDPConn) transport.UDPConn // tests cut the cable with it
}

const (
	// spareLinks are accepted beyond MaxLinks, for peers whose offer crossed
	// another on the way; the brain then closes the least useful one.
	spareLinks = 2
	// maxBanned bounds the list of banned peers; the oldest leave it first.
	maxBanned = 4096
	// maxInbox bounds the signalling payloads waiting for one session: an offer,
	// candidates, an answer.
	maxInbox = 64
	// maxRemoteCandidates bounds what one attempt takes from its peer. A browser
	// with several interfaces and TURN servers sends about 20.
	maxRemoteCandidates = 64
	// maxQueued is the number of bytes on one channel that a sender may never
	// exceed: a brain that watches Queued stays far below.
	maxQueued = 8 << 20
	// maxEarly bounds the events held back until Start.
	maxEarly = 256
)

func (c Config) populate() Config {
	if c.MaxLinks == 0 {
		c.MaxLinks = 10
	}
	if c.AttemptTimeout == 0 {
		c.AttemptTimeout = 10 * time.Second
	}
	if c.Secret == ([16]byte{}) {
		rand.Read(c.Secret[:]) // never fails: crypto/rand
	}
	if c.Playback == nil {
		c.Playback = func() Playback { return Playback{} }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.MaxLinks < 1:
		return fmt.Errorf("rtc: MaxLinks %d, want 1 at least", c.MaxLinks)
	case c.AttemptTimeout < 0:
		return fmt.Errorf("rtc: AttemptTimeout %v must not be negative", c.AttemptTimeout)
	case c.Scope < Routable || c.Scope > LoopbackOnly:
		return fmt.Errorf("rtc: Scope %d is unknown", c.Scope)
	}
	return nil
}
