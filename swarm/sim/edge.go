package sim

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// do carries out one effect, as package node does for a real peer.
func (w *world) do(p *peer, e swarm.Effect) {
	switch e := e.(type) {
	case swarm.Send:
		w.sendControl(p, e.To, e.Message)
	case swarm.Transmit:
		w.transmit(p, e)
	case swarm.Fetch:
		w.fetch(p, e)
	case swarm.CancelFetch:
		w.cancelFetch(p, e.Key)
	case swarm.Connect:
		w.connect(p, e.Peer)
	case swarm.Disconnect:
		if other, ok := w.ids[e.Peer]; ok {
			w.disconnect(p, other)
		}
	case swarm.Ban:
		w.ban(p, e)
	case swarm.Discover:
		w.queue.push(event{at: w.now + w.cfg.SignalRTT, kind: evDiscover, who: p.index, seg: int32(e.Count)})
	case swarm.CloseSignal:
		w.setSignal(p, false)
	case swarm.OpenSignal:
		w.setSignal(p, true)
	case swarm.Distrust:
		w.distrust(p, e.Key)
	case swarm.Failed:
		w.failed(p, e.Key)
	case swarm.Deliver:
		w.ledger.delivered++
	default:
		w.violate("peer %s: effect %T is not known to the simulator", p.id, e)
	}
}

func (w *world) ban(p *peer, e swarm.Ban) {
	other, ok := w.ids[e.Peer]
	if !ok {
		return
	}
	if p.banned == nil {
		p.banned = map[int32]bool{}
	}
	if !p.banned[other] {
		p.banned[other] = true
		if w.peers[other].lie == honest {
			w.ledger.falseBans++
			w.explain("peer %s bans %s, who is honest: %s", p.id, e.Peer, e.Reason)
		} else {
			w.ledger.bans++
		}
	}
	w.disconnect(p, other)
}

// distrust throws away what is held of a key.
func (w *world) distrust(p *peer, key swarm.Key) {
	seg, ok := w.stream.index[key]
	if !ok {
		return
	}
	w.take(p, seg)
}

// take removes a segment from a peer's shelf and books it.
func (w *world) take(p *peer, seg int32) bool {
	h, ok := p.shelf.drop(seg)
	if !ok {
		return false
	}
	w.ledger.dropped += int64(h.held)
	if h.whole() {
		w.holders[seg]--
	}
	return true
}

// put marks a piece as held and says whether it was new, and whether the segment
// is whole by it.
func (w *world) put(p *peer, seg int32, piece, hops int) (fresh, whole bool) {
	h := p.shelf.open(seg, w.stream.pieces(seg))
	if !h.add(piece, hops) {
		return false, false
	}
	h.touched = w.now
	w.ledger.kept++
	if h.whole() {
		if w.holders[seg]++; w.holders[seg] == 1 {
			w.heldSince[seg] = w.now
		}
	}
	return true, h.whole()
}

// idleSegment is how long an unfinished segment is kept that gets no more pieces.
const idleSegment = 30 * time.Second

// evict lets go of whole segments more than Cache behind the playhead (for a
// seed, behind the live edge) and of unfinished ones there that nothing comes for.
func (w *world) evict(p *peer, before int) {
	for i := 0; i < len(p.shelf.items); {
		h := &p.shelf.items[i]
		seg, whole := h.seg, h.whole()
		if w.stream.number(seg) >= before || !whole && w.now-h.touched < idleSegment {
			i++
			continue
		}
		w.take(p, seg)
		key := w.stream.keys[seg]
		if whole {
			w.tell(p, swarm.Evicted{Key: key})
		} else {
			w.tell(p, swarm.Unwant{Keys: []swarm.Key{key}})
		}
	}
}
