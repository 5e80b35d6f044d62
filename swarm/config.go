package swarm

import (
	"fmt"
	"time"
)

// Version of the protocol between peers; a Hello with another major version
// closes the link.
const Version = 1

// Config of one brain. The zero value works.
type Config struct {
	// ID is this peer's own name, from signalling. Required.
	ID PeerID
	// RandomSeed makes every choice repeatable. 0 is a seed like any other.
	RandomSeed uint64
	// Random draws from [0, 1) and is the brain's only chance; with it RandomSeed
	// is not used (default: PCG of RandomSeed and ID).
	Random func() float64
	// Seed makes this peer fetch every wanted segment from the origin at once
	// and rank first as a source.
	Seed bool
	// Signed says that segments carry statements from a known key. Unsigned
	// swarms cross-check instead (SampleRate).
	Signed bool
	// MinPeers is the number of links below which more peers are asked for
	// (default 4). Fewer make the mesh fragile, more cost set-up work.
	MinPeers int
	// MaxPeers is the number of links never exceeded (default 10).
	MaxPeers int
	// DisconnectWebsocketOnMax closes the signalling websocket when MaxPeers are
	// connected, to spare the server; neighbours then forward signals. It opens
	// again, after a wait with jitter, below MinPeers, every ten minutes, and on
	// NeedSignal. A seed's stays open (default false).
	DisconnectWebsocketOnMax bool
	// OriginCopies is how many peers should fetch a new segment when no seed
	// does (default 1). More copies spread faster and cost origin bytes.
	OriginCopies float64
	// ElectionStep is δ, how long a peer waits without word from any neighbour
	// before its election threshold doubles (default 150 ms; about two round
	// trips). Shorter reacts faster to a dead electee and fetches more copies.
	ElectionStep time.Duration
	// OriginTime is the first guess at how long the origin takes to deliver a
	// segment (default 1 s); measured from then on.
	OriginTime time.Duration
	// DeadlineSafety multiplies the measured origin time when the latest moment
	// to ask it is computed (default 1.25).
	DeadlineSafety float64
	// StallAfter is what patience with a silent source is made of: three times this,
	// two round trips and four times its usual pace (default 400 ms).
	StallAfter time.Duration
	// Window is how many pieces may be handed to one link and not have left (default
	// 1). More delay urgent pieces and send what is no longer wanted; an edge that
	// answers Sent early keeps a link with a long round trip filled.
	Window int
	// UploadMax is the upload rate cap in bit/s (default 0: none).
	UploadMax int64
	// Metered peers never volunteer: they rank last in elections and pass no
	// reservations on.
	Metered bool
	// SampleRate is the share of unsigned segments of which one piece is fetched
	// from the origin again to catch liars (default 1/64).
	SampleRate float64
	// RelayReservations is how many reservations of neighbours for keys this
	// peer does not want itself it passes on at a time (default 32).
	RelayReservations int
	// Log receives one line a decision when set.
	Log func(Time, string)
}

func (c Config) populate() Config {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	setTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.MinPeers, 4)
	set(&c.MaxPeers, 10)
	set(&c.Window, 1)
	set(&c.RelayReservations, 32)
	setTime(&c.ElectionStep, 150*time.Millisecond)
	setTime(&c.OriginTime, time.Second)
	setTime(&c.StallAfter, 400*time.Millisecond)
	if c.OriginCopies == 0 {
		c.OriginCopies = 1
	}
	if c.DeadlineSafety == 0 {
		c.DeadlineSafety = 1.25
	}
	if c.SampleRate == 0 {
		c.SampleRate = 1.0 / 64
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.ID == "":
		return fmt.Errorf("swarm: Config.ID is required")
	case c.MinPeers < 0 || c.MaxPeers < 1 || c.MinPeers > c.MaxPeers:
		return fmt.Errorf("swarm: MinPeers %d and MaxPeers %d: want 0 ≤ min ≤ max, max ≥ 1", c.MinPeers, c.MaxPeers)
	case c.OriginCopies < 0 || c.SampleRate < 0 || c.SampleRate > 1 || c.DeadlineSafety < 1:
		return fmt.Errorf("swarm: OriginCopies, SampleRate or DeadlineSafety out of range")
	case c.Window < 1 || c.UploadMax < 0 || c.ElectionStep < 0 || c.StallAfter < 0:
		return fmt.Errorf("swarm: Window, UploadMax, ElectionStep and StallAfter must not be negative")
	}
	return nil
}
