package rtc

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// signaller is the part of signal's client that links need.
type signaller interface {
	Send(to string, payload []byte) error
	Want(count int)
	Status(links, max int)
	SetOpen(open bool)
	Now() time.Time
	Connected() bool
	Close() error
}

// Network implements node.Network.
type Network struct {
	cfg     Config
	id      swarm.PeerID
	signal  signaller
	left    atomic.Bool // signalling, on purpose
	closing chan struct{}
	running sync.WaitGroup // sessions, and calls of the handler on Connect's behalf

	mu       sync.Mutex // never held while the handler is called
	handler  node.Handler
	early    []func(node.Handler) // before Start
	sessions map[swarm.PeerID]*session
	up       int                       // sessions whose link is up
	banned   map[swarm.PeerID]struct{} // members of banOrder
	banOrder []swarm.PeerID            // oldest first
	ice      []webrtc.ICEServer
	confined bool // see keepsApart
	closed   bool

	greet    sync.Once
	welcomed chan struct{} // closed when welcome is set
	welcome  signal.Welcome
}

var _ node.Network = (*Network)(nil)

// newNetwork makes a network; the caller sets signal before anything else.
func newNetwork(cfg Config, id swarm.PeerID) *Network {
	return &Network{
		cfg:      cfg,
		id:       id,
		closing:  make(chan struct{}),
		welcomed: make(chan struct{}),
		sessions: make(map[swarm.PeerID]*session),
		banned:   make(map[swarm.PeerID]struct{}),
		ice:      cfg.ICEServers,
	}
}

// ID is this peer's name.
func (n *Network) ID() swarm.PeerID { return n.id }

// Start implements node.Network. Until then, incoming events wait.
func (n *Network) Start(h node.Handler) {
	n.mu.Lock()
	n.handler = h
	early := n.early
	n.early = nil
	n.mu.Unlock()
	for _, f := range early {
		f(h)
	}
}

// event calls f with the handler, now or when there is one.
func (n *Network) event(f func(node.Handler)) {
	n.mu.Lock()
	h := n.handler
	if h == nil && len(n.early) < maxEarly {
		n.early = append(n.early, f)
	}
	closed := n.closed
	n.mu.Unlock()
	if h != nil && !closed {
		f(h)
	}
}

// Connect implements node.Network.
func (n *Network) Connect(peer swarm.PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.connect(peer)
}

// connect is Connect with n.mu held.
func (n *Network) connect(peer swarm.PeerID) {
	if s := n.sessions[peer]; s != nil {
		switch {
		case s.ended:
			s.again = true
		case !s.up:
			s.wanted = true
		}
		return
	}
	if err := n.admit(peer); err != nil {
		if h := n.handler; h != nil && !n.closed {
			n.running.Go(func() { h.LinkDown(peer, err) })
		}
		return
	}
	n.newSession(peer, nil, true)
}

// admit says why there can be no new session with peer. Called with n.mu held.
func (n *Network) admit(peer swarm.PeerID) error {
	_, banned := n.banned[peer]
	switch {
	case n.closed || n.handler == nil:
		return ErrClosed
	case banned:
		return ErrBanned
	case peer == n.id:
		return ErrRefused
	case len(n.sessions) >= n.cfg.MaxLinks+spareLinks:
		return ErrFull
	}
	return nil
}

// newSession starts one. Called with n.mu held.
func (n *Network) newSession(peer swarm.PeerID, offer *payload, wanted bool) *session {
	s := &session{
		n:       n,
		handler: n.handler,
		peer:    peer,
		inbox:   make(chan payload, maxInbox),
		gone:    make(chan struct{}, 1),
		hangups: make(chan hangup, 1),
		wanted:  wanted,
	}
	n.sessions[peer] = s
	n.running.Go(func() { s.run(offer) })
	return s
}

// Deliver implements node.Network: payloads that came through a neighbour.
func (n *Network) Deliver(from swarm.PeerID, b []byte) {
	if n.keepsApart() {
		n.cfg.Log.Debug("signalling payload past the site rules refused", "peer", from)
		return
	}
	n.arrived(from, b, true)
}

// keepsApart says that the server has rules who may meet, which signals that go
// through neighbours would bypass.
func (n *Network) keepsApart() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.confined
}

// arrived takes a signalling payload.
func (n *Network) arrived(from swarm.PeerID, b []byte, relayed bool) {
	p, err := parsePayload(b)
	if err != nil {
		n.cfg.Log.Debug("signalling payload refused", "peer", from, "error", err)
		return
	}
	p.relayed = relayed
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.sessions[from]; s != nil {
		s.post(p)
	} else if p.kind == kindOffer {
		n.offered(from, p, nil, false)
	}
}

// offered answers an offer of a peer without session, or refuses it. rest came
// after the offer. Called with n.mu held.
func (n *Network) offered(peer swarm.PeerID, offer payload, rest []payload, wanted bool) {
	err := n.admit(peer)
	if err == nil {
		s := n.newSession(peer, &offer, wanted)
		for _, p := range rest {
			s.post(p)
		}
		return
	}
	n.cfg.Log.Debug("offer refused", "peer", peer, "error", err)
	h := n.handler
	if h == nil || n.closed {
		return
	}
	n.running.Go(func() {
		if errors.Is(err, ErrFull) { // the banned are not worth an answer
			_ = n.signalTo(h, peer, payload{kind: kindBye, session: offer.session, reason: "full"}, offer.relayed)
		}
		if wanted {
			h.LinkDown(peer, err)
		}
	})
}

// signalTo sends a payload by websocket, or through a common neighbour: where there
// is no websocket, or relay says that the peer cannot be reached by it.
func (n *Network) signalTo(h node.Handler, peer swarm.PeerID, p payload, relay bool) error {
	b := appendPayload(nil, p)
	if !relay && n.signal.Connected() && n.signal.Send(string(peer), b) == nil {
		return nil
	}
	if len(b) <= wire.MaxForward && !n.keepsApart() && h.Forward(peer, b) {
		return nil
	}
	return ErrUnreachable
}

// setUp notes that a session has a link.
func (n *Network) setUp(s *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.up = true
	n.report()
}

// report tells signalling how many links there are, when that changed. Called
// with n.mu held.
func (n *Network) report() {
	up := 0
	for _, s := range n.sessions {
		if s.up && !s.ended {
			up++
		}
	}
	if up != n.up && !n.closed {
		n.up = up
		n.signal.Status(up, n.cfg.MaxLinks)
	}
}

// gone tells an attempt that signalling does not know its peer any more. A link that
// is up goes on without, but has to show soon that it lives.
func (n *Network) gone(peer swarm.PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch s := n.sessions[peer]; {
	case s == nil:
	case s.up:
		s.suspect.Store(true)
	default:
		select {
		case s.gone <- struct{}{}:
		default:
		}
	}
}

// linked are the peers with a link, who need no introduction.
func (n *Network) linked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := make([]string, 0, n.up)
	for peer, s := range n.sessions {
		if s.up && !s.ended {
			ids = append(ids, string(peer))
		}
	}
	return ids
}

// links is how many are up and how many are wanted at most.
func (n *Network) links() (up, most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up, n.cfg.MaxLinks
}

// Discover implements node.Network.
func (n *Network) Discover(count int) { n.signal.Want(count) }

// Ban implements node.Network.
func (n *Network) Ban(peer swarm.PeerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.banned[peer]; !known {
		if len(n.banOrder) == maxBanned {
			delete(n.banned, n.banOrder[0])
			n.banOrder = slices.Delete(n.banOrder, 0, 1)
		}
		n.banned[peer] = struct{}{}
		n.banOrder = append(n.banOrder, peer)
	}
	if s := n.sessions[peer]; s != nil {
		s.hangUp(ErrBanned, "banned")
	}
	n.cfg.Log.Info("peer banned", "peer", peer)
}

// SetSignalling implements node.Network.
func (n *Network) SetSignalling(open bool) {
	n.left.Store(!open)
	n.signal.SetOpen(open)
}

// alone says that signalling is lost, not left: who is parted from now is not met again
// by it.
func (n *Network) alone() bool { return !n.left.Load() && !n.signal.Connected() }

// Now implements node.Network.
func (n *Network) Now() time.Time { return n.signal.Now() }

// Close implements node.Network. The handler may be called until it returns, so
// its methods must not wait for the caller of Close.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		n.running.Wait()
		return nil
	}
	n.closed = true
	close(n.closing)
	n.mu.Unlock()
	n.running.Wait() // their last words go through signalling
	return n.signal.Close()
}

// servers are the STUN and TURN servers to use now.
func (n *Network) servers() []webrtc.ICEServer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ice
}
