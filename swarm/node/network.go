// Package node is one peer: the edge around a brain. One goroutine owns the
// core and turns its effects into messages, pieces, origin fetches and store
// entries.
package node

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// Network brings links to other peers: rtc over WebRTC, or a fake in tests.
type Network interface {
	// Start begins delivering events to h. It is called once.
	Start(h Handler)
	// Connect asks for a link; Handler.LinkUp or LinkDown(peer) answers, always.
	Connect(peer swarm.PeerID)
	// Discover asks signalling for more peers; Handler.Introduced answers, maybe.
	Discover(count int)
	// Ban refuses links to and from peer from now on.
	Ban(peer swarm.PeerID)
	// SetSignalling opens or closes the websocket.
	SetSignalling(open bool)
	// Deliver hands over a signalling payload that came through a neighbour.
	Deliver(from swarm.PeerID, payload []byte)
	// Now is the swarm's synchronised clock.
	Now() time.Time
	// Close ends all links and waits for every goroutine.
	Close() error
}

// Link is an open connection to one peer: a control channel and a bulk channel,
// both reliable and ordered, separate so that control never waits behind bulk.
// Messages keep their boundaries. Send calls never block: SendBulk queues and
// the caller watches Queued; both return an error once the link is down.
type Link interface {
	Peer() swarm.PeerID
	SendControl(message []byte) error
	SendBulk(frame []byte) error // takes ownership of frame
	Queued() int                 // bytes on the bulk channel that the peer has not acknowledged
	WakeAt(queued int)           // has Handler.Writable called when Queued falls to this or less
	RTT() time.Duration          // latest passive reading, 0 unknown
	Close(reason string)
}

// Handler receives events, one at a time per link, from any goroutine. It must
// not keep message or frame after returning.
type Handler interface {
	LinkUp(Link)
	LinkDown(peer swarm.PeerID, err error)
	Control(l Link, message []byte)
	Bulk(l Link, frame []byte)
	// Writable says that Queued fell to what the last WakeAt named.
	Writable(Link)
	Introduced(peers []swarm.PeerID)
	// State reports the websocket and the swarm's size.
	State(size int, connected bool)
	// Forward asks for a signalling payload to go to peer through a common
	// neighbour, because the websocket is closed, here or there. False: no
	// neighbour knows that peer. It waits for the node's goroutine.
	Forward(to swarm.PeerID, payload []byte) bool
}
