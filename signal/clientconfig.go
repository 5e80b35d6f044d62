package signal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// ClientConfig of one client: one member of one swarm.
type ClientConfig struct {
	// URL of the server: ws, wss, http or https. Required. Several addresses of one
	// cluster may be given, with commas between them: a client begins at one of them
	// by chance and goes to the next when it is turned away, loses its connection
	// or is asked to leave.
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
	// FreshToken gives the token at the time of each connect, in place of Token: a
	// server refuses members whose token has expired (default: always Token).
	FreshToken func() string
	// Place is where the member is, with its owner's consent (default: unknown; the
	// server may know better by the address).
	Place Place
	// Position gives where on the presentation's time line a VOD viewer is (default:
	// live, or unknown). It makes for neighbours at a similar position.
	Position func() time.Duration
	// Report gives the figures that a server which asks for reports is sent
	// (default: none are sent). It is called from a goroutine of the client's and
	// must not call Close.
	Report func() Report
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

func websocketURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("signal: server address: %w", err)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return "", fmt.Errorf("signal: server address %q: want ws, wss, http or https", text)
	}
	u.Fragment = "" // RFC 6455 §3: must not be used
	if u.Host == "" {
		return "", fmt.Errorf("signal: server address %q has no host", text)
	}
	return u.String(), nil
}

// token is what this connect shows.
func (c *ClientConfig) token() string {
	if c.FreshToken == nil {
		return c.Token
	}
	if t := c.FreshToken(); len(t) <= MaxToken {
		return t
	}
	return "" // the server tells that it needs one
}

func (c ClientConfig) populate() (ClientConfig, error) {
	var servers []string
	for text := range strings.SplitSeq(c.URL, ",") {
		server, err := websocketURL(strings.TrimSpace(text))
		if err != nil {
			return c, err
		}
		servers = append(servers, server)
	}
	c.URL = strings.Join(servers, ",")
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
