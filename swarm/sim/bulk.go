package sim

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// flow is one direction of a link's bulk channel.
type flow struct {
	runs     []run // handed over by the brain; runs[0] is being served
	queued   int   // pieces in runs
	inflight int   // pieces between the sender's uplink and the receiver
	active   bool  // waits in the sender's uplink
	last     swarm.Time
	line     swarm.Time // when the path's own line is idle, if its rate has a limit
	window   window
	lies     map[int32]int // of a staller: pieces of each segment that it was to send
	control  swarm.Time    // when the last control message arrives: pieces do not overtake their Begin
}

// run is a Transmit, or what is left of it.
type run struct {
	transfer uint32
	seg      int32
	next     int32
	end      int32
}

// underWay is how many pieces may be under way on one link, sent and not acknowledged
// included. It slows a sender down to what the path and the receiver's downlink take.
const underWay = 8

// maxQueued is how many pieces a brain may have queued on one link before its
// window is said to be broken.
const maxQueued = 4096

// uplink serves the flows of a peer one piece at a time, in turn: the fair share
// of the token server that every access line is.
type uplink struct {
	rate  int64 // bit/s, 0 sends nothing but control messages
	busy  bool
	until swarm.Time // when the piece being sent has left, if busy
	owed  int        // bytes of control messages that went in between
	turn  []int32    // directions that have something to send
	head  int
}

func (u *uplink) next() (d int32, ok bool) {
	if u.head == len(u.turn) {
		u.turn, u.head = u.turn[:0], 0
		return 0, false
	}
	d = u.turn[u.head]
	u.head++
	if u.head > 64 && u.head*2 > len(u.turn) {
		u.turn = u.turn[:copy(u.turn, u.turn[u.head:])]
		u.head = 0
	}
	return d, true
}

// interject sends a control message of size bytes ahead of the pieces that wait, and
// returns when it has left: a piece that is being sent is not interrupted, and the
// next one leaves later by the message's length.
func (u *uplink) interject(now swarm.Time, size int) swarm.Time {
	if u.rate == 0 {
		return now
	}
	u.owed += size
	if u.busy {
		now = max(now, u.until)
	}
	return now + span(size, u.rate)
}

// downlink is a queue in front of the receiver; what arrives while it is idle is
// not delayed, because its bits have been coming in all the time.
type downlink struct {
	rate int64 // bit/s
	free swarm.Time
}

// take returns when size bytes whose last bit arrives at now are through:
// max(free, now − size/rate) + size/rate.
func (d *downlink) take(now swarm.Time, size int) swarm.Time {
	t := span(size, d.rate)
	d.free = max(d.free, now-t) + t
	return d.free
}

// transmit queues pieces on a link.
func (w *world) transmit(p *peer, e swarm.Transmit) {
	seg, known := w.stream.index[e.Key]
	if !known || e.Count < 1 || !p.shelf.get(seg).hasRun(e.First, e.Count) {
		w.violate("peer %s transmits pieces %d+%d of %s, which it does not hold", p.id, e.First, e.Count, e.Key)
		return
	}
	n := p.linkToID(e.To)
	if n < 0 || w.links[n].state != up {
		return
	}
	d := w.outward(p, n)
	_, _, _, f := w.direction(d)
	f.runs = append(f.runs, run{e.Transfer, seg, int32(e.First), int32(e.First + e.Count)})
	f.queued += e.Count
	if f.queued > maxQueued {
		w.violate("peer %s has %d pieces queued for %s: the limit is %d", p.id, f.queued, e.To, maxQueued)
	}
	w.activate(p, d, f)
}

// honestly counts a staller's pieces of each segment: the first few it sends.
func (f *flow) honestly(seg int32) bool {
	if f.lies == nil {
		f.lies = map[int32]int{}
	}
	f.lies[seg]++
	return f.lies[seg] <= stallAfter
}

// activate gives a flow with something to send its turn.
func (w *world) activate(p *peer, d int32, f *flow) {
	if f.active || len(f.runs) == 0 || f.inflight >= underWay || p.up.rate == 0 {
		return
	}
	f.active = true
	p.up.turn = append(p.up.turn, d)
	w.serve(p)
}

// serve starts sending the next piece.
func (w *world) serve(p *peer) {
	for !p.up.busy && p.alive {
		d, ok := p.up.next()
		if !ok {
			return
		}
		l, _, _, f := w.direction(d)
		if l.state != up || len(f.runs) == 0 {
			f.active = false
			continue
		}
		r := &f.runs[0]
		p.up.busy = true
		size := w.stream.pieceLength(r.seg, int(r.next)) + p.up.owed
		p.up.until, p.up.owed = w.now+span(size, p.up.rate), 0
		w.queue.push(event{at: p.up.until, kind: evUplink, who: p.index, link: d, seg: r.seg, piece: uint16(r.next)})
	}
}

// A piece event's flag holds how far the piece has come and whether it is wrong.
const (
	flagWrong = 1 << 7
	flagHops  = flagWrong - 1
)

// uplinked ends the sending of a piece: it is on its way, and the brain may queue
// more.
func (w *world) uplinked(e *event) {
	p := w.peers[e.who]
	p.up.busy = false
	l, _, to, f := w.direction(e.link)
	if !p.alive || l.state != up {
		f.active = false
		w.serve(p)
		return
	}
	r := &f.runs[0]
	transfer := r.transfer
	r.next++
	f.queued--
	sent := p.lie != stalls || f.honestly(r.seg)
	if r.next == r.end {
		f.runs = f.runs[:copy(f.runs, f.runs[1:])]
	}
	if !sent {
		w.cheat(to, p, e.seg)
	} else {
		p.sent += int64(w.stream.pieceLength(e.seg, int(e.piece)))
		w.ledger.sent++
		w.ledger.flying++
		f.inflight++
		size := w.stream.pieceLength(e.seg, int(e.piece))
		through := f.window.through(w.now, l.rtt, l.loss, size)
		if l.rate > 0 {
			f.line = max(f.line, w.now) + span(size, l.rate)
			through = max(through, f.line)
		}
		f.last = max(f.last, f.control, through+l.delay(w.geo, size))
		w.queue.push(event{at: f.last, kind: evArrive, who: to.index, link: e.link, seg: e.seg, piece: e.piece, flag: w.flag(p, e)})
	}
	f.active = false
	w.activate(p, e.link, f)
	w.serve(p)
	w.tell(p, swarm.Sent{To: to.id, Transfer: transfer, Count: 1})
}

func (w *world) flag(p *peer, e *event) uint8 {
	hops := 1
	if h := p.shelf.get(e.seg); h.has(int(e.piece)) {
		hops = int(h.way[e.piece])
	}
	flag := uint8(min(hops, flagHops))
	if p.lie == corrupts {
		flag |= flagWrong
	}
	return flag
}

// arrive passes a piece through the receiver's downlink.
func (w *world) arrive(e *event) {
	p := w.peers[e.who]
	done := p.down.take(w.now, w.stream.pieceLength(e.seg, int(e.piece)))
	if done > w.now {
		e.at, e.kind = done, evGain
		w.queue.push(*e)
		return
	}
	w.gain(e)
}

// gain verifies and stores a piece that came from a peer.
func (w *world) gain(e *event) {
	w.ledger.flying--
	l, from, p, f := w.direction(e.link)
	f.inflight--
	if !p.alive || l.state != up {
		w.ledger.lost++
		return
	}
	w.activate(from, e.link, f)
	key := w.stream.keys[e.seg]
	wrong := e.flag&flagWrong != 0
	if wrong && !w.blind {
		w.ledger.rejected++
		w.cheat(p, from, e.seg)
		w.fig.PiecesRejected++
		w.tell(p, swarm.BadPiece{Key: key, From: from.id})
		return
	}
	hops := int(e.flag & flagHops)
	if w.maxHops = max(w.maxHops, hops); hops > w.cfg.MaxHops {
		w.violate("a piece of %s came to %s over %d peers: a loop", key, p.id, hops)
	}
	size := int64(w.stream.pieceLength(e.seg, int(e.piece)))
	fresh, whole := w.put(p, e.seg, int(e.piece), hops)
	if wrong {
		p.shelf.get(e.seg).unverified = true
	}
	if fresh {
		w.ledger.fromPeers++
		w.fig.PeerBytes += size
		w.second().PeerBytes += size
	} else {
		w.ledger.twice++
		w.fig.DuplicateBytes += size
	}
	w.tell(p, swarm.Gained{Key: key, From: from.id, First: int(e.piece), Count: 1, Size: int64(w.stream.sizes[e.seg])})
	if whole {
		w.completed(p, e.seg)
	}
}

// measureEvery is how often an edge reads its links' round trips.
const measureEvery = 5 * time.Second

// measure tells a brain the round trips of its links, and the swarm's size.
func (w *world) measure(p *peer) {
	if !p.alive {
		return
	}
	for i := 0; i < len(p.links); i++ {
		n := p.links[i]
		if w.links[n.link].state == up && w.peers[n.peer].alive {
			w.tell(p, swarm.Measured{Peer: w.peers[n.peer].id, RTT: w.links[n.link].rtt})
		}
	}
	if p.signal {
		w.tell(p, swarm.SwarmState{Size: w.toldSize(), Connected: true})
	}
	w.check(p)
	w.queue.push(event{at: w.now + measureEvery, kind: evMeasure, who: p.index})
}
