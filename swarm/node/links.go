package node

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// link is an open connection and the transfers on it.
type link struct {
	Link
	arriving map[uint32]*arrival     // owned by the link's goroutine (Handler.Bulk)
	late     map[uint32]segments.Key // as is this: transfers of what is in the store
	since    time.Time

	// Owned by the loop.
	leaving      map[uint32]*shipment
	departures   []departure // not gone yet
	given, acked int64       // bytes on the bulk channel
	shortest     time.Duration

	bytesIn, bytesOut atomic.Int64
}

// LinkUp implements Handler.
func (n *Node) LinkUp(l Link) {
	lk := &link{Link: l, arriving: map[uint32]*arrival{}, late: map[uint32]segments.Key{}, leaving: map[uint32]*shipment{}, since: time.Now()}
	n.mu.Lock()
	n.links[l.Peer()] = lk
	n.mu.Unlock()
	n.post(func() { n.feed(swarm.LinkUp{Peer: l.Peer(), RTT: l.RTT()}) })
}

// LinkDown implements Handler.
func (n *Node) LinkDown(peer swarm.PeerID, err error) {
	n.mu.Lock()
	l := n.links[peer]
	delete(n.links, peer)
	n.mu.Unlock()
	n.cfg.Log.Debug("link down", "peer", peer, "err", err)
	n.post(func() {
		if l != nil {
			n.abandon(l)
		}
		n.feed(swarm.LinkDown{Peer: peer})
	})
}

// Control implements Handler.
func (n *Node) Control(l Link, message []byte) {
	m, err := wire.Parse(message)
	if errors.Is(err, wire.ErrUnknownType) {
		return // a newer peer; what it says is not for us
	}
	if err != nil {
		n.malformed(l, err)
		return
	}
	if _, ok := m.(swarm.Begin); ok {
		n.malformed(l, errors.New("begin on the control channel"))
		return
	}
	n.post(func() {
		if n.declined(l.Peer(), m) {
			return
		}
		switch m := m.(type) {
		case swarm.Accept:
			n.size(m.Key)
		case swarm.Reserve:
			for _, r := range m.Items {
				n.size(r.Key)
			}
		}
		n.feed(swarm.Received{From: l.Peer(), Message: m})
	})
}

// malformed closes a link whose other end does not keep to the protocol.
func (n *Node) malformed(l Link, err error) {
	n.stats.malformed.Add(1)
	n.cfg.Log.Warn("malformed message", "peer", l.Peer(), "err", err)
	n.post(func() { n.disconnect(l.Peer(), "malformed message") })
}

func (n *Node) disconnect(peer swarm.PeerID, reason string) {
	if l := n.link(peer); l != nil {
		l.Close(reason)
	}
}

// Writable implements Handler.
func (n *Node) Writable(l Link) {
	n.post(func() {
		lk := n.link(l.Peer())
		if lk == nil {
			return
		}
		n.depart(lk)
		if rtt := l.RTT(); rtt > 0 {
			n.feed(swarm.Measured{Peer: l.Peer(), RTT: rtt})
		}
	})
}

// Introduced implements Handler.
func (n *Node) Introduced(peers []swarm.PeerID) {
	n.post(func() { n.feed(swarm.Introduced{Peers: peers}) })
}

// State implements Handler.
func (n *Node) State(size int, connected bool) {
	n.stats.swarmSize.Store(int64(size))
	n.stats.connected.Store(connected)
	n.post(func() { n.feed(swarm.SwarmState{Size: size, Connected: connected}) })
}

// Forward implements Handler.
func (n *Node) Forward(to swarm.PeerID, payload []byte) (known bool) {
	n.call(func() {
		if known = n.core.Reaches(to); known {
			n.feed(swarm.ForwardOut{To: to, Payload: payload})
		}
	})
	return known
}

func (n *Node) link(peer swarm.PeerID) *link {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.links[peer]
}

// source is where the pieces of a transfer are read from: an object under
// construction or a stored segment.
type source interface {
	Size() int64
	Meta() segments.Meta
	Leaves() []segments.Leaf
	Payload(i int) (payload []byte, compressed, ok bool)
}

type storedSource struct{ *segments.Segment }

func (s storedSource) Size() int64             { return s.Segment.Size }
func (s storedSource) Meta() segments.Meta     { return s.Segment.Meta }
func (s storedSource) Leaves() []segments.Leaf { return s.Segment.Leaves }
func (s storedSource) Payload(i int) ([]byte, bool, bool) {
	b, compressed, err := s.Piece(i)
	return b, compressed, err == nil
}

type growingSource struct{ *segments.Assembly }

func (s growingSource) Payload(i int) ([]byte, bool, bool) {
	b, ok := s.Piece(i)
	return b, false, ok
}

// source finds where key can be read.
func (n *Node) source(k segments.Key) source {
	if o := n.objects[k]; o != nil {
		return growingSource{o.assembly}
	}
	if seg, ok := n.cfg.Store.Get(k); ok {
		return storedSource{seg}
	}
	return nil
}
