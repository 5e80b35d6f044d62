package signal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

// ClientConfig of one client: one member of one swarm.
type ClientConfig struct {
	// URL of the server: ws, wss, http or https. Required.
	URL string
	// Swarm to join, 1 to MaxSwarmName bytes. Required.
	Swarm string
	// Secret the member id is derived from (default: random). Keep it to keep the
	// id across restarts; whoever knows it can take the id over.
	Secret [SecretSize]byte
	// Links gives the open links and their maximum at the time of each connect
	// (default: what Status was last told, at first 0 of DefaultMaxLinks).
	Links func() (links, max int)
	// Linked gives the ids of members with an open link, who are then not
	// introduced again (default: none). At most MaxExcept are used.
	Linked func() []string
	// Seed marks this member as a source that fetches everything itself.
	Seed bool
	// Uplink is what this member can send in bit/s (default 0: unknown).
	Uplink int64
	// Token proves admission where the server asks for it, at most MaxToken bytes.
	Token string
	// Dialer opens the websocket (default: websocket.DefaultDialer's settings with
	// a handshake timeout of 10 s).
	Dialer *websocket.Dialer
	// BackoffMin and BackoffMax bound the delays between attempts (default 500 ms
	// and 30 s). The n-th delay is uniform in [0, min(max, min·2ⁿ)].
	BackoffMin, BackoffMax time.Duration
	// SyncInterval between clock samples once the first are in (default 30 s).
	SyncInterval time.Duration
	// Clock is the local clock (default time.Now).
	Clock func() time.Time
	// RandSeed makes back-off and jitter repeatable (default 0: random).
	RandSeed uint64
	// Log gets connects, losses and refusals (default: nothing).
	Log *slog.Logger
}

// DefaultMaxLinks is how many links a client says it holds at most.
const DefaultMaxLinks = 10

func (c ClientConfig) populate() (ClientConfig, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return c, fmt.Errorf("signal: server address: %w", err)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return c, fmt.Errorf("signal: server address %q: want ws, wss, http or https", c.URL)
	}
	u.Fragment = "" // RFC 6455 §3: must not be used
	if u.Host == "" {
		return c, fmt.Errorf("signal: server address %q has no host", c.URL)
	}
	c.URL = u.String()
	switch {
	case c.Swarm == "" || len(c.Swarm) > MaxSwarmName:
		return c, fmt.Errorf("signal: swarm name of %d bytes, want 1 to %d", len(c.Swarm), MaxSwarmName)
	case len(c.Token) > MaxToken:
		return c, fmt.Errorf("signal: token of %d bytes, at most %d allowed", len(c.Token), MaxToken)
	case c.Uplink < 0 || c.BackoffMin < 0 || c.BackoffMax < 0 || c.SyncInterval < 0:
		return c, errors.New("signal: Uplink, BackoffMin, BackoffMax and SyncInterval must not be negative")
	}
	for c.Secret == [SecretSize]byte{} {
		rand.Read(c.Secret[:])
	}
	setTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	setTime(&c.BackoffMin, 500*time.Millisecond)
	setTime(&c.BackoffMax, 30*time.Second)
	setTime(&c.SyncInterval, 30*time.Second)
	c.BackoffMax = max(c.BackoffMin, c.BackoffMax)
	if c.Dialer == nil {
		d := *websocket.DefaultDialer
		d.HandshakeTimeout = 10 * time.Second
		c.Dialer = &d
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	for c.RandSeed == 0 {
		var b [8]byte
		rand.Read(b[:])
		for _, x := range b {
			c.RandSeed = c.RandSeed<<8 | uint64(x)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
