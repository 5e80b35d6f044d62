package sim

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// fetch is one request to the origin.
type fetch struct {
	peer    int32
	seg     int32
	next    int32
	end     int32
	refs    int32 // events that name it
	effect  swarm.Fetch
	cause   swarm.Cause
	joining bool // for one of a joiner's first two segments
	over    bool
	err     swarm.FetchError
	bytes   int64
}

// backlog is how far a client's downlink may be behind before its TCP windows
// slow the origin down.
const backlog = 100 * time.Millisecond

// fetch asks the origin: one round trip, and two more for the first connection
// (TCP and TLS 1.3).
func (w *world) fetch(p *peer, e swarm.Fetch) {
	seg, known := w.stream.index[e.Key]
	if !known {
		w.violate("peer %s fetches %q, which is not of this stream", p.id, e.Key)
		return
	}
	pieces := w.stream.pieces(seg)
	end := pieces
	if e.Count >= 0 {
		end = e.First + e.Count
	}
	if e.First < 0 || e.First >= end || end > pieces {
		w.violate("peer %s fetches pieces %d+%d of %s, which has %d", p.id, e.First, e.Count, e.Key, pieces)
		return
	}
	slot := w.fetches.put(fetch{
		peer: p.index, seg: seg, next: int32(e.First), end: int32(end), effect: e, cause: e.Cause,
		joining: p.player != nil && p.player.joining(w.stream.number(seg)),
	})
	p.fetches = append(p.fetches, slot)
	if !p.warm {
		p.warm, p.warmAt = true, w.now+2*w.cfg.OriginRTT
	}
	w.refer(slot, evFetch, max(w.now, p.warmAt)+w.cfg.OriginRTT)
}

// refer schedules an event that names a fetch.
func (w *world) refer(slot int32, k kind, at swarm.Time) {
	w.fetches.at(slot).refs++
	w.queue.push(event{at: at, kind: k, seg: slot})
}

func (w *world) release(slot int32) {
	f := w.fetches.at(slot)
	if f.refs--; f.refs == 0 {
		w.fetches.take(slot)
	}
}

func (w *world) out(at swarm.Time) bool {
	for _, o := range w.cfg.Outages {
		if at >= o.At && at < o.At+o.For {
			return true
		}
	}
	return false
}

// respond is the first byte of the answer: an error, or the first piece is on
// its way.
func (w *world) respond(slot int32) {
	f := w.fetches.at(slot)
	switch {
	case f.over || !w.peers[f.peer].alive:
	case w.out(w.now) || w.now < w.stream.available(f.seg):
		w.endFetch(slot, swarm.FetchTemporary, w.now)
	default:
		w.leave(slot)
	}
	w.release(slot)
}

// leave schedules when the next piece has left the origin: after the client's
// share of the line, and after the pieces of everybody else that are before it.
func (w *world) leave(slot int32) {
	f := w.fetches.at(slot)
	p := w.peers[f.peer]
	size := w.stream.pieceLength(f.seg, int(f.next))
	at := max(w.now, p.originFree, p.down.free-backlog) + span(size, w.cfg.OriginRate)
	p.originFree = at
	if w.cfg.OriginTotal > 0 {
		w.originFree = max(w.originFree, w.now) + span(size, w.cfg.OriginTotal)
		at = max(at, w.originFree)
	}
	w.refer(slot, evOrigin, at)
}

// left books a piece that left the origin and schedules its arrival. The time
// under way is in the first round trip already.
func (w *world) left(slot int32) {
	defer w.release(slot)
	f := w.fetches.at(slot)
	p := w.peers[f.peer]
	size := int64(w.stream.pieceLength(f.seg, int(f.next)))
	if f.over && f.err != swarm.FetchCancelled || !p.alive {
		return
	}
	w.ledger.origin++
	w.fig.OriginBytes += size
	w.fig.ByCause[f.cause] += size
	w.second().OriginBytes += size
	if !f.joining {
		w.copies[f.seg] += size
	}
	f.bytes += size
	if f.over { // cancelled with this piece on its way: it left for nothing
		w.ledger.originLost++
		w.fig.DuplicateBytes += size
		return
	}
	if w.out(w.now) {
		w.ledger.originLost++
		w.endFetch(slot, swarm.FetchTemporary, w.now)
		return
	}
	piece := f.next
	done := p.down.take(w.now, int(size))
	w.ledger.originFlying++
	w.queue.push(event{at: done, kind: evOriginGain, who: f.peer, seg: f.seg, piece: uint16(piece)})
	f.next++
	if f.next == f.end {
		w.endFetch(slot, swarm.NoError, done)
		return
	}
	w.leave(slot)
}

// originGain stores a piece from the origin.
func (w *world) originGain(e *event) {
	w.ledger.originFlying--
	p := w.peers[e.who]
	if !p.alive {
		w.ledger.originLost++
		return
	}
	size := w.stream.pieceLength(e.seg, int(e.piece))
	fresh, whole := w.put(p, e.seg, int(e.piece), 0)
	if fresh {
		w.ledger.fromOrigin++
	} else {
		w.ledger.originTwice++
		w.fig.DuplicateBytes += int64(size)
	}
	w.tell(p, swarm.Gained{Key: w.stream.keys[e.seg], First: int(e.piece), Count: 1, Size: int64(w.stream.sizes[e.seg])})
	if whole {
		w.completed(p, e.seg)
	}
}

// endFetch makes a fetch over; its brain hears at the given time.
func (w *world) endFetch(slot int32, err swarm.FetchError, at swarm.Time) {
	f := w.fetches.at(slot)
	f.over, f.err = true, err
	w.refer(slot, evFetchEnded, at)
}

func (w *world) fetchEnded(slot int32) {
	f := *w.fetches.at(slot)
	w.release(slot)
	p := w.peers[f.peer]
	for i, s := range p.fetches {
		if s == slot {
			last := len(p.fetches) - 1
			p.fetches[i] = p.fetches[last]
			p.fetches = p.fetches[:last]
			break
		}
	}
	w.tell(p, swarm.FetchEnded{Fetch: f.effect, Bytes: f.bytes, Err: f.err})
}

func (w *world) cancelFetch(p *peer, key swarm.Key) {
	seg, ok := w.stream.index[key]
	if !ok {
		return
	}
	for _, slot := range p.fetches {
		if f := w.fetches.at(slot); f.seg == seg && !f.over {
			w.endFetch(slot, swarm.FetchCancelled, w.now)
		}
	}
}
