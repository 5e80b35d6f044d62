package node

import (
	"fmt"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

const (
	// eagerTails is how many tails of one piece are sent as soon as there is a byte
	// more; an origin that trickles gets tailStep bytes together from then on, so
	// that a piece costs a seed at most 64 + 16 signatures a link.
	eagerTails = 64
	tailStep   = 1 << 10
)

// flowing tells the core that the unfinished piece of a segment has grown.
func (n *Node) flowing(o *object, from swarm.PeerID) {
	if n.objects[o.key] != o || o.finished {
		return
	}
	o.touched = time.Now()
	n.feed(swarm.Flowing{Key: o.key, From: from})
}

// sentTail is how much of an unfinished piece a receiver was sent.
type sentTail struct {
	index, bytes, frames int
}

// transmitTail sends what a link lacks of an unfinished piece. In a signed swarm
// only what the seed has signed goes out: nothing else would be shown.
func (n *Node) transmitTail(t swarm.TransmitTail) {
	l := n.link(t.To)
	if l == nil || l.leaving[t.Transfer] == nil || l.Queued() >= highWater {
		return
	}
	ship := l.leaving[t.Transfer]
	src, ok := ship.source.(growingSource)
	if !ok {
		return
	}
	tail, ok := src.Tail()
	if !ok || tail.Index != t.Index {
		return
	}
	if ship.tail.index != t.Index {
		ship.tail = sentTail{index: t.Index}
	}
	fresh := len(tail.Bytes) - ship.tail.bytes
	if fresh <= 0 || ship.tail.frames >= eagerTails && fresh < tailStep {
		return
	}
	if tail.Signature == nil {
		if n.cfg.Signer != nil {
			tail.Signature = n.cfg.Signer.SignTail(n.cfg.Swarm, ship.key, tail.Index, tail.Bytes)
			src.VouchTail(tail.Index, len(tail.Bytes), tail.Signature)
		} else if n.publicKey() != nil {
			return
		}
	}
	n.bulk(l, wire.AppendTail(nil, wire.Tail{Transfer: t.Transfer, Index: uint32(t.Index), Offset: uint16(ship.tail.bytes),
		Signature: tail.Signature, Payload: tail.Bytes[ship.tail.bytes:]}))
	ship.tail.bytes += fresh
	ship.tail.frames++
	l.bytesOut.Add(int64(fresh))
	n.sentBytes(fresh)
}

// rest is what of a piece its receiver has not been sent as a tail.
func (s *shipment) rest(index int, payload []byte) (rest []byte, continues bool) {
	if s.tail.index != index || s.tail.bytes == 0 || s.tail.bytes > len(payload) {
		return payload, false
	}
	return payload[s.tail.bytes:], true
}

// takeTail shows readers the beginning of a piece, once a seed's signature over
// it was checked where a key is known.
func (n *Node) takeTail(l *link, t wire.Tail) {
	a := l.arriving[t.Transfer]
	if a == nil {
		n.stats.unasked.Add(int64(len(t.Payload)))
		return
	}
	if err := n.showTail(l, a, t); err != nil && !n.judge(l, a, err) {
		delete(l.arriving, t.Transfer)
	}
}

func (n *Node) showTail(l *link, a *arrival, t wire.Tail) error {
	if a.tailOf != int(t.Index) {
		a.tailOf, a.tail = int(t.Index), a.tail[:0]
	}
	if int(t.Offset) != len(a.tail) {
		return fmt.Errorf("%w: tail of piece %d from byte %d on follows %d", errDishonest, t.Index, t.Offset, len(a.tail))
	}
	a.tail = append(a.tail, t.Payload...)
	tail := segments.Tail{Index: a.tailOf, Bytes: a.tail, Signature: t.Signature}
	if key := n.publicKey(); key != nil {
		if t.Signature == nil {
			return nil // kept for the piece, not shown
		}
		if err := tail.Verify(key, n.cfg.Swarm, a.object.key); err != nil {
			return fmt.Errorf("%w: %w", errDishonest, err)
		}
	}
	if a.restarts != a.object.restarts.Load() {
		return nil // what it began with was thrown away
	}
	fresh, err := a.object.assembly.PutTail(tail)
	if fresh {
		n.post(func() { n.flowing(a.object, l.Peer()) })
	}
	if err != nil && n.publicKey() != nil {
		return n.overrule(a.object, err)
	}
	return err
}

// whole puts the rest of a piece behind what its tails brought.
func (a *arrival) whole(index int, rest []byte) ([]byte, error) {
	if a.tailOf != index || len(a.tail) == 0 || len(a.tail)+len(rest) > segments.PieceSize {
		return nil, fmt.Errorf("%w: %d bytes continue piece %d, of which %d came", errDishonest, len(rest), index, len(a.tail))
	}
	a.tail = append(a.tail, rest...)
	return a.tail, nil
}
