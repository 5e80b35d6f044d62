package node

import (
	"errors"
	"math"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// shipment is a transfer to a neighbour: what of the leaves it has been told.
type shipment struct {
	key    segments.Key
	source source
	leaves int
	final  bool // the statement about the whole segment was sent
	tail   sentTail
}

// maxShipments is how many finished and running transfers of one link are
// remembered. Transfers are not told to be over, because what was asked for may be
// added to; the brain has at most swarm.MaxOutbound running.
const maxShipments = 256

// oldest is the transfer with the lowest number: they are counted up.
func oldest[T any](transfers map[uint32]T) uint32 {
	least := uint32(math.MaxUint32)
	for n := range transfers {
		least = min(least, n)
	}
	return least
}

// send carries out a Send.
func (n *Node) send(s swarm.Send) {
	l := n.link(s.To)
	if l == nil {
		return
	}
	switch m := s.Message.(type) {
	case swarm.Begin:
		n.begin(l, m)
		return
	case swarm.Offer:
		if n.silent {
			return
		}
	case swarm.Accept:
		n.object(m.Key).touched = time.Now() // bytes for a neighbour need a place too
	}
	for _, m := range wire.Split(s.Message) {
		if err := l.SendControl(wire.Append(nil, m)); err != nil {
			n.cfg.Log.Debug("control message not sent", "peer", s.To, "err", err)
			return
		}
	}
}

// begin opens a transfer with the leaves that are known so far.
func (n *Node) begin(l *link, m swarm.Begin) {
	src := n.source(m.Key)
	if src == nil {
		n.feed(swarm.Evicted{Key: m.Key})
		return
	}
	if len(l.leaving) >= maxShipments {
		delete(l.leaving, oldest(l.leaving))
	}
	ship := &shipment{key: m.Key, source: src}
	l.leaving[m.Transfer] = ship
	m.Size = src.Size()
	meta := src.Meta()
	leaves, st := n.vouched(ship)
	b := wire.Begin{Begin: m, ContentType: meta.ContentType, ETag: meta.ETag, LastModified: meta.LastModified,
		Leaves: leaves, Statement: st}
	ship.leaves, ship.final = len(leaves), st != nil && st.Final()
	head, more := b.Split()
	n.bulk(l, wire.AppendBegin(nil, head))
	for _, f := range more {
		n.bulk(l, wire.AppendLeaves(nil, f))
	}
}

// vouched returns the leading leaves this peer can pass on, and the statement
// about them: all that are known when it signs itself or nobody does, else those
// the seed's latest statement covers.
func (n *Node) vouched(ship *shipment) ([]segments.Leaf, *segments.Statement) {
	leaves, size := ship.source.Leaves(), ship.source.Size()
	whole := size >= 0 && len(leaves) == segments.PieceCount(size)
	var st *segments.Statement
	switch src := ship.source.(type) {
	case storedSource:
		st = src.Statement
	case growingSource:
		if s, ok := src.Statement(); ok {
			st = &s
		}
	}
	if n.cfg.Signer != nil && (st == nil || int(st.Count) < len(leaves) || whole && !st.Final()) {
		if !whole {
			size = segments.GrowingSize
		}
		s := n.cfg.Signer.Sign(n.cfg.Swarm, ship.key, size, leaves)
		if src, ok := ship.source.(growingSource); ok {
			src.SetStatement(s)
		}
		return leaves, &s
	}
	if st != nil && int(st.Count) <= len(leaves) {
		return leaves[:st.Count], st
	}
	return leaves, nil
}

// transmit hands pieces to the link, each after its leaf.
func (n *Node) transmit(t swarm.Transmit) {
	l := n.link(t.To)
	if l == nil {
		return
	}
	ship := l.leaving[t.Transfer]
	sent := swarm.Sent{To: t.To, Transfer: t.Transfer, Count: t.Count}
	if ship == nil {
		n.queue = append(n.queue, sent)
		return
	}
	n.tellLeaves(l, ship, t)
	for i := t.First; i < t.First+t.Count; i++ {
		payload, compressed, ok := ship.source.Payload(i)
		if !ok {
			n.cfg.Log.Error("piece to send is not here", "key", t.Key, "piece", i)
			n.queue = append(n.queue, swarm.Evicted{Key: t.Key})
			break
		}
		payload, continues := ship.rest(i, payload)
		frame := make([]byte, 0, wire.PieceHeader+len(payload))
		n.bulk(l, wire.AppendPiece(frame, wire.Piece{Transfer: t.Transfer, Index: uint32(i), Compressed: compressed, Continues: continues, Payload: payload}))
		l.bytesOut.Add(int64(len(payload)))
		n.sentBytes(len(payload))
	}
	n.obey()
	n.handOver(l, sent)
}

// sentBytes counts payload that was handed to a link.
func (n *Node) sentBytes(count int) {
	n.stats.uploaded.Add(int64(count))
	if err := n.cfg.Budget.take(count); err != nil {
		n.cfg.Log.Warn("the upload of this month is not written down", "err", err)
	}
}

// tellLeaves sends the leaves of a growing segment up to the pieces that follow,
// and the final statement before its last piece.
func (n *Node) tellLeaves(l *link, ship *shipment, t swarm.Transmit) {
	size := ship.source.Size()
	ends := size >= 0 && t.First+t.Count >= segments.PieceCount(size)
	if ship.leaves >= t.First+t.Count && (!ends || ship.final) {
		return
	}
	leaves, st := n.vouched(ship)
	final := st != nil && st.Final()
	if len(leaves) <= ship.leaves && (st == nil || final == ship.final) {
		return
	}
	f := wire.Leaves{Transfer: t.Transfer, First: ship.leaves, Size: size, Leaves: leaves[min(ship.leaves, len(leaves)):], Statement: st}
	ship.leaves, ship.final = max(ship.leaves, len(leaves)), final
	for _, part := range f.Split() {
		n.bulk(l, wire.AppendLeaves(nil, part))
	}
}

func (n *Node) bulk(l *link, frame []byte) {
	l.given += int64(len(frame))
	n.flight.queued += int64(len(frame))
	if err := l.SendBulk(frame); err != nil && !errors.Is(err, ErrClosed) {
		n.cfg.Log.Debug("bulk frame not sent", "peer", l.Peer(), "err", err)
	}
}
