package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// Config of a Node.
type Config struct {
	// Swarm is the presentation's name; statements are about keys of this swarm.
	// Required.
	Swarm string
	// Store keeps whole segments. Required.
	Store *segments.View
	// Origin fetches what peers do not have. Required.
	Origin *segments.Origin
	// Network brings peers; nil: everything comes from the origin.
	Network Network
	// Signer makes this peer vouch for what it fetches from the origin (seeds).
	Signer *segments.Signer
	// PublicKey checks statements; nil: bytes are cross-checked until Trust is
	// called.
	PublicKey ed25519.PublicKey
	// RequireSigned refuses bytes without a statement from PublicKey (default
	// false: they are taken, and cross-checked).
	RequireSigned bool
	// Core configures the brain.
	Core swarm.Config
	// Budget bounds what is uploaded in a month (default: nothing does). Nodes may share
	// one; Close writes its count down.
	Budget *Budget
	// Log gets what an operator should know (default: discarded).
	Log *slog.Logger
}

func (c Config) populate() (Config, error) {
	switch {
	case c.Swarm == "":
		return c, errors.New("node: Config.Swarm is required")
	case c.Store == nil:
		return c, errors.New("node: Config.Store is required")
	case c.Origin == nil:
		return c, errors.New("node: Config.Origin is required")
	case c.PublicKey != nil && len(c.PublicKey) != ed25519.PublicKeySize:
		return c, fmt.Errorf("node: PublicKey has %d bytes, want %d", len(c.PublicKey), ed25519.PublicKeySize)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Signer != nil && c.PublicKey == nil {
		c.PublicKey = c.Signer.Public()
	}
	if c.Core.Log == nil && c.Log.Enabled(context.Background(), slog.LevelDebug) {
		log := c.Log
		c.Core.Log = func(_ swarm.Time, line string) { log.Debug(line) }
	}
	c.Core.Signed = c.PublicKey != nil
	return c, nil
}

const (
	// inboxSize bounds the events that wait for the node's goroutine; past it
	// links are read more slowly, which is back-pressure.
	inboxSize = 1024
	// highWater is how much may be unacknowledged on a link that is still sent the
	// beginnings of pieces: with more, the whole piece comes as soon.
	highWater = 128 << 10
	// idleObject is how long an unfinished segment that nobody here reads is kept
	// for neighbours.
	idleObject = 30 * time.Second
	// maxStoring bounds segments being written to the store at a time.
	maxStoring = 4
	// freshOrigin is how long after its availability a 404 of a segment may still
	// mean "not there yet".
	freshOrigin = 10 * time.Second
)

// ErrClosed is returned by a node that was closed.
var ErrClosed = errors.New("node: closed")
