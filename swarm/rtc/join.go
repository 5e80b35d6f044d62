package rtc

import (
	"context"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// New joins the swarm: it starts to connect to signalling at once and goes on in
// the background until Close. ID is known when it returns, what the server says
// once Welcome does.
func New(cfg Config) (*Network, error) {
	cfg = cfg.populate()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	for _, s := range cfg.ICEServers {
		if err := usable(s); err != nil {
			return nil, err
		}
	}
	if _, err := certificate(); err != nil {
		return nil, err
	}
	n := newNetwork(cfg, swarm.PeerID(signal.IDOf(cfg.Secret).String()))
	var report func() signal.Report
	if cfg.Stats != nil {
		report = (&reporter{stats: cfg.Stats, playback: cfg.Playback}).report
	}
	c, err := signal.NewClient(signal.ClientConfig{
		URL:    cfg.URL,
		Swarm:  cfg.Swarm,
		Secret: cfg.Secret,
		Links:  n.links,
		Linked: n.linked,
		Seed:   cfg.Seed,
		Uplink: cfg.Uplink,
		Token:  cfg.Token,

		Place:  cfg.Place,
		Report: report,

		FreshToken: cfg.FreshToken,
		Position:   func() time.Duration { return cfg.Playback().Position },
		Log:        cfg.Log,
	}, &announcements{n: n})
	if err != nil {
		return nil, err
	}
	n.signal = c
	return n, nil
}

// Welcome waits for the signalling server's first word: its ICE servers are used
// from then on, its signing key and settings are for the caller.
func (n *Network) Welcome(ctx context.Context) (signal.Welcome, error) {
	select {
	case <-n.welcomed:
		return n.welcome, nil
	case <-n.closing:
		return signal.Welcome{}, ErrClosed
	case <-ctx.Done():
		return signal.Welcome{}, ctx.Err()
	}
}

// announcements is what the signalling server tells. One goroutine calls it.
type announcements struct {
	n         *Network
	size      int
	connected bool
}

func (a *announcements) Welcome(w signal.Welcome) {
	n := a.n
	servers := append([]webrtc.ICEServer(nil), n.cfg.ICEServers...)
	for _, s := range w.ICEServers {
		server := webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential}
		if err := usable(server); err != nil {
			n.cfg.Log.Warn("signalling announces an ICE server that is of no use", "error", err)
			continue
		}
		servers = append(servers, server)
	}
	n.mu.Lock()
	n.ice, n.confined = servers, w.Confined
	n.mu.Unlock()
	n.greet.Do(func() {
		n.welcome = w
		close(n.welcomed)
	})
}

func (a *announcements) Peers(ids []string) {
	var peers []swarm.PeerID
	a.n.mu.Lock()
	for _, id := range ids {
		peer := swarm.PeerID(id)
		if _, banned := a.n.banned[peer]; !banned && peer != a.n.id {
			peers = append(peers, peer)
		}
	}
	a.n.mu.Unlock()
	if len(peers) > 0 {
		a.n.event(func(h node.Handler) { h.Introduced(peers) })
	}
}

func (a *announcements) Relay(from string, payload []byte) {
	a.n.event(func(node.Handler) { a.n.arrived(swarm.PeerID(from), payload, false) })
}

func (a *announcements) Gone(id string) { a.n.gone(swarm.PeerID(id)) }

func (a *announcements) Size(size int) {
	a.size = size
	a.state()
}

func (a *announcements) Connected(connected bool) {
	a.connected = connected
	a.state()
}

func (a *announcements) state() {
	size, connected := a.size, a.connected
	a.n.event(func(h node.Handler) { h.State(size, connected) })
}
