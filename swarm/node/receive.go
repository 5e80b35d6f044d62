package node

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// arrival is a transfer from a neighbour. Only its link's goroutine touches it.
type arrival struct {
	object  *object
	first   int             // index of pending[0]
	pending []segments.Leaf // leaves whose statement has not come yet
	size    int64

	tailOf   int    // the piece that tail is the beginning of
	tail     []byte // what came of it
	restarts int32  // of the object when the transfer began
}

// cameLate tells the brain of a piece of a transfer that began when the segment was in the
// store. Its bytes are of no use, so nobody looks at them.
func (n *Node) cameLate(l *link, p wire.Piece) {
	if key, ok := l.late[p.Transfer]; ok {
		n.post(func() { n.late(swarm.Gained{Key: key, From: l.Peer(), First: int(p.Index), Count: 1, Size: -1}) })
	}
}

// late tells the brain of a piece of what is in the store: whoever sent it was asked whether
// it would (swarm, audit.go).
func (n *Node) late(g swarm.Gained) {
	if _, stored := n.known[g.Key]; stored && g.From != "" {
		n.feed(g)
	}
}

// maxLate is how many transfers of stored segments one link may have opened that are
// remembered.
const maxLate = 16

// maxArrivals is how many transfers one link may have opened that are remembered.
const maxArrivals = 256

// errDishonest marks claims that no honest peer makes: its sender is banned.
var errDishonest = errors.New("node: dishonest")

// Bulk implements Handler: leaves are checked and pieces verified here, on the
// link's own goroutine, before the brain hears of them.
func (n *Node) Bulk(l Link, frame []byte) {
	lk := n.link(l.Peer())
	if lk == nil {
		return
	}
	f, err := wire.ParseBulk(frame)
	if errors.Is(err, wire.ErrUnknownType) {
		return
	}
	if err != nil {
		n.malformed(l, err)
		return
	}
	lk.bytesIn.Add(int64(len(frame)))
	switch f := f.(type) {
	case wire.Begin:
		n.beginArrival(lk, f)
	case wire.Leaves:
		if a := lk.arriving[f.Transfer]; a != nil {
			n.judge(lk, a, n.takeLeaves(a, f.First, f.Leaves, f.Size, f.Statement))
		}
	case wire.Piece:
		n.takePiece(lk, f)
	case wire.Tail:
		n.takeTail(lk, f)
	}
}

func (n *Node) beginArrival(l *link, b wire.Begin) {
	if o := n.lookup(b.Key); o != nil {
		if len(l.arriving) >= maxArrivals {
			delete(l.arriving, oldest(l.arriving))
		}
		a := &arrival{object: o, first: b.FirstLeaf, size: b.Size, restarts: o.restarts.Load()}
		o.assembly.SetMeta(segments.Meta{ContentType: b.ContentType, ETag: b.ETag, LastModified: b.LastModified, Shareable: true})
		if !n.judge(l, a, n.takeLeaves(a, b.FirstLeaf, b.Leaves, b.Size, b.Statement)) {
			n.post(func() {
				n.feed(swarm.Received{From: l.Peer(), Message: swarm.Refuse{Key: b.Key, Reason: swarm.RefusedGone}})
			})
			return
		}
		l.arriving[b.Transfer] = a
		if b.Size == 0 {
			defer n.post(func() { n.gained(o, swarm.Gained{Key: b.Key, From: l.Peer(), Size: o.assembly.Size()}) })
		}
	} else {
		if len(l.late) >= maxLate {
			clear(l.late)
		}
		l.late[b.Transfer] = b.Key
	}
	n.post(func() { n.feed(swarm.Received{From: l.Peer(), Message: b.Begin}) })
}

// judge tells the brain of a false claim. It returns whether the transfer may go on.
func (n *Node) judge(l *link, a *arrival, err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, errDishonest):
		n.stats.rejected.Add(1)
		n.cfg.Log.Warn("false claim", "peer", l.Peer(), "key", a.object.key, "err", err)
		n.post(func() { n.feed(swarm.BadPiece{Key: a.object.key, From: l.Peer()}) })
	case errors.Is(err, segments.ErrConflict):
		c := claim{peer: l.Peer(), first: a.first, leaves: a.pending}
		n.post(func() {
			n.claims[a.object.key] = append(n.claims[a.object.key], c)
			n.feed(swarm.Conflict{Key: a.object.key, From: l.Peer()})
		})
	default:
		n.cfg.Log.Debug("transfer refused", "peer", l.Peer(), "key", a.object.key, "err", err)
	}
	return false
}

// takeLeaves adds leaves to a transfer and, once their statement has come or none
// is needed, to the segment.
func (n *Node) takeLeaves(a *arrival, first int, leaves []segments.Leaf, size int64, st *segments.Statement) error {
	if first != a.first+len(a.pending) {
		return fmt.Errorf("%w: leaves from %d on follow those up to %d", errDishonest, first, a.first+len(a.pending))
	}
	a.pending = append(a.pending, leaves...)
	if size >= 0 {
		a.size = size
	}
	if len(a.pending) > segments.MaxPieces {
		return fmt.Errorf("%w: %d leaves", errDishonest, len(a.pending))
	}
	key := n.publicKey()
	switch {
	case key == nil:
		return n.commit(a)
	case st != nil:
		return n.commitSigned(a, key, *st)
	}
	return nil // the statement may be in a later frame
}

// commitSigned checks a seed's statement and believes it over anything unsigned.
func (n *Node) commitSigned(a *arrival, key []byte, st segments.Statement) error {
	o := a.object
	all := a.pending
	if a.first > 0 {
		known := o.assembly.Leaves()
		if len(known) < a.first {
			return fmt.Errorf("node: leaves from %d on, only %d are known", a.first, len(known))
		}
		all = append(append(make([]segments.Leaf, 0, a.first+len(a.pending)), known[:a.first]...), a.pending...)
	}
	if err := st.Verify(key, n.cfg.Swarm, o.key, all); err != nil {
		return fmt.Errorf("%w: %w", errDishonest, err)
	}
	if int(st.Count) < len(all) {
		return fmt.Errorf("%w: %d leaves, the statement is about %d", errDishonest, len(all), st.Count)
	}
	if err := n.commit(a); err != nil {
		return n.overrule(o, err)
	}
	if st.Final() {
		if err := o.assembly.SetSize(st.Size); err != nil {
			return err
		}
	}
	o.assembly.SetStatement(st)
	return nil
}

// overrule has a segment start over, because what is here was unsigned and
// contradicts what a seed signed. The error names nobody.
func (n *Node) overrule(o *object, err error) error {
	n.post(func() { n.feed(swarm.Conflict{Key: o.key}) })
	return fmt.Errorf("node: %s restarts, unsigned bytes contradict a seed: %v", o.key, err)
}

// commit adds the transfer's leaves to the segment.
func (n *Node) commit(a *arrival) error {
	if a.size >= 0 {
		if err := a.object.assembly.SetSize(a.size); err != nil {
			return err
		}
	}
	if err := a.object.assembly.AddLeaves(a.first, a.pending); err != nil {
		return err
	}
	a.first, a.pending = a.first+len(a.pending), nil
	return nil
}

func (n *Node) takePiece(l *link, p wire.Piece) {
	a := l.arriving[p.Transfer]
	if a == nil {
		n.stats.unasked.Add(int64(len(p.Payload)))
		n.cameLate(l, p)
		return
	}
	if len(a.pending) > 0 { // pieces come, a statement did not
		if n.cfg.RequireSigned {
			delete(l.arriving, p.Transfer)
			n.post(func() {
				n.feed(swarm.Received{From: l.Peer(), Message: swarm.Refuse{Key: a.object.key, Reason: swarm.RefusedGone}})
			})
			return
		}
		if !n.judge(l, a, n.commit(a)) {
			delete(l.arriving, p.Transfer)
			return
		}
	}
	data := p.Payload
	if p.Compressed {
		var err error
		if data, err = segments.DecompressPiece(p.Payload); err != nil {
			n.judge(l, a, fmt.Errorf("%w: %w", errDishonest, err))
			return
		}
	}
	index := int(p.Index)
	if p.Continues {
		var err error
		if data, err = a.whole(index, data); err != nil {
			delete(l.arriving, p.Transfer)
			n.judge(l, a, err)
			return
		}
	}
	a.tail = nil
	fresh, err := a.object.assembly.PutPiece(index, data)
	switch {
	case errors.Is(err, segments.ErrBadPiece):
		delete(l.arriving, p.Transfer)
		if tail, ok := a.object.assembly.Tail(); ok && p.Continues && tail.Signature == nil && bytes.HasPrefix(data, tail.Bytes) {
			a.object.assembly.RetractTail(index) // it is this neighbour's word, or no better
		}
		n.judge(l, a, fmt.Errorf("%w: %w", errDishonest, err))
		return
	case errors.Is(err, segments.ErrTail):
		delete(l.arriving, p.Transfer)
		n.judge(l, a, err)
		return
	case err != nil: // the segment was reset or failed meanwhile
		n.cfg.Log.Debug("piece dropped", "peer", l.Peer(), "key", a.object.key, "err", err)
		return
	case !fresh:
		n.stats.duplicate.Add(int64(len(data)))
	default:
		n.stats.peerBytes.Add(int64(len(data)))
	}
	g := swarm.Gained{Key: a.object.key, From: l.Peer(), First: index, Count: 1, Size: a.object.assembly.Size()}
	n.post(func() { n.gained(a.object, g) })
}
