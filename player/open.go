package player

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// Config of a peer over WebRTC. The zero value is a peer without neighbours: it
// caches what it fetches.
type Config struct {
	// URL of the manifest. Required by Open.
	URL string
	// Swarm names the swarm (default: SwarmID(URL)).
	Swarm string
	// Signal is the signalling server's address, ws:// or wss://, or several of one
	// cluster with commas between them (default: none, everything comes from the
	// origin).
	Signal string
	// Store keeps segments (default: one of its own, 256 MiB in memory). One
	// store serves any number of swarms; the caller closes what it gives.
	Store *segments.Store
	// Client is used by the origin fetcher (default: its own).
	Client *http.Client
	// Origin fetches (default: one that uses Client).
	Origin *segments.Origin
	// Signer makes this peer vouch for what it fetches.
	Signer *segments.Signer
	// PublicKey checks statements (default: the one signalling announces).
	PublicKey ed25519.PublicKey
	// RequireSigned refuses bytes that nobody vouches for (default false).
	RequireSigned bool
	// Core configures the brain; ID comes from signalling, a RandomSeed of 0 is
	// replaced by a random one.
	Core swarm.Config
	// Budget bounds what all peers of this Config upload in a month (default: nothing
	// does).
	Budget *node.Budget
	// RTC configures links; URL, Swarm, Seed and MaxLinks are filled in.
	RTC rtc.Config
	// Session tunes Open's session; URL, Swarm, Node and Log are filled in.
	Session SessionConfig
	// Log (default: none).
	Log *slog.Logger
}

// localPeer names a peer without signalling.
const localPeer = "local"

// Dialer returns a Dial that joins swarms as cfg says: each call makes a peer of
// its own, all share cfg's store and origin. It does not wait for signalling,
// which connects and reconnects in the background.
func Dialer(cfg Config) Dial {
	return func(_ context.Context, swarmID string) (Node, error) { return cfg.join(swarmID) }
}

// Open starts a session for cfg.URL. The manifest is not fetched: a Viewer, a
// Seed or the requests of a Transport bring it.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	id, err := SwarmID(cfg.URL)
	if err != nil {
		return nil, err
	}
	s := cfg.Session
	s.URL, s.Swarm, s.Log = cfg.URL, cfg.Swarm, cfg.Log
	if s.Swarm == "" {
		s.Swarm = id
	}
	if s.Node, err = Dialer(cfg)(ctx, s.Swarm); err != nil {
		return nil, err
	}
	return NewSession(s)
}

func (cfg Config) join(swarmID string) (_ Node, err error) {
	var owned closers
	defer func() {
		if err != nil {
			err = errors.Join(err, owned.Close())
		}
	}()
	store, origin := cfg.Store, cfg.Origin
	if store == nil {
		if store, err = segments.OpenStore(segments.StoreConfig{}); err != nil {
			return nil, err
		}
		owned = append(owned, store)
	}
	if origin == nil {
		origin = segments.NewOrigin(segments.OriginConfig{Client: cfg.Client})
		owned = append(owned, origin)
	}
	nc := node.Config{
		Swarm: swarmID, Store: store.View(swarmID), Origin: origin,
		Signer: cfg.Signer, PublicKey: cfg.PublicKey, RequireSigned: cfg.RequireSigned,
		Core: cfg.Core, Log: cfg.Log, Budget: cfg.Budget,
	}
	if nc.Core.RandomSeed == 0 {
		nc.Core.RandomSeed = rand.Uint64()
	}
	if cfg.Signal == "" {
		nc.Core.ID = localPeer
		n, err := node.New(nc)
		if err != nil {
			return nil, fmt.Errorf("player: join %s: %w", swarmID, err)
		}
		return Peer(n, owned), nil
	}
	var made atomic.Pointer[node.Node]
	network, err := cfg.network(swarmID, func() (node.Stats, bool) {
		if n := made.Load(); n != nil {
			return n.Stats(), true
		}
		return node.Stats{}, false
	})
	if err != nil {
		return nil, fmt.Errorf("player: join %s: %w", swarmID, err)
	}
	nc.Network, nc.Core.ID = network, network.ID()
	n, err := node.New(nc)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("player: join %s: %w", swarmID, err), network.Close())
	}
	made.Store(n)
	if nc.PublicKey == nil && nc.Signer == nil {
		owned = append(closers{awaitKey(n, network)}, owned...)
	}
	return Peer(n, owned), nil
}

func (cfg Config) network(swarmID string, stats func() (node.Stats, bool)) (*rtc.Network, error) {
	rc := cfg.RTC
	rc.Stats = stats
	rc.URL, rc.Swarm, rc.Seed = cfg.Signal, swarmID, cfg.Core.Seed
	if rc.MaxLinks == 0 {
		rc.MaxLinks = cfg.Core.MaxPeers
	}
	if rc.Uplink == 0 {
		rc.Uplink = cfg.Core.UploadMax
	}
	if rc.Log == nil {
		rc.Log = cfg.Log
	}
	return rtc.New(rc)
}

// keyWaiter hands the signing key that signalling announces to the node.
type keyWaiter struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

func awaitKey(n *node.Node, network *rtc.Network) *keyWaiter {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keyWaiter{cancel: cancel}
	k.wait.Go(func() {
		w, err := network.Welcome(ctx)
		if err == nil && len(w.SigningKey) == ed25519.PublicKeySize {
			_ = n.Trust(w.SigningKey) // refuses other lengths only
		}
	})
	return k
}

func (k *keyWaiter) Close() error {
	k.cancel()
	k.wait.Wait()
	return nil
}

// closers are closed in order, all of them.
type closers []io.Closer

func (c closers) Close() error {
	var err error
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}
