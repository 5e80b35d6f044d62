package sim

import (
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// link joins two peers. ends[0] asked for it.
type link struct {
	ends  [2]int32
	state linkState
	rtt   time.Duration
	loss  float64
	rate  int64   // bit/s each way, 0 no limit but the peers' own lines
	flows [2]flow // flows[i] goes out from ends[i]
}

type linkState uint8

const (
	connecting linkState = iota
	up
	down
)

// A direction of a link has one number: link·2 + the end it goes out from.
func direction(link int32, from int) int32 { return link<<1 | int32(from) }

func (w *world) direction(d int32) (l *link, from, to *peer, f *flow) {
	l = &w.links[d>>1]
	i := d & 1
	return l, w.peers[l.ends[i]], w.peers[l.ends[1-i]], &l.flows[i]
}

// other is the peer at the far end of a direction that goes out from p.
func (w *world) other(d int32, p *peer) *peer {
	_, from, to, _ := w.direction(d)
	if from == p {
		return to
	}
	return from
}

// delay is how long size bytes are under way on a link.
func (l *link) delay(g *geography, size int) time.Duration { return g.delay(l.rtt, l.loss, size) }

// outward is the direction of a link that leaves p.
func (w *world) outward(p *peer, link int32) int32 {
	if w.links[link].ends[0] == p.index {
		return direction(link, 0)
	}
	return direction(link, 1)
}

// spareLinks are accepted beyond MaxPeers, as package rtc does: the brain then lets
// one go.
const spareLinks = 2

// setUp is how long a link takes to open once both sides have described themselves:
// five round trips of ICE, DTLS and SCTP, and the time to the second round of checks,
// since the filter of a NAT lets nobody in who was not spoken to before.
func setUp(rtt time.Duration) time.Duration { return 5*rtt + 200*time.Millisecond }

// connect tries to make a link: an offer and an answer through the signal
// server, then setUp. It fails when the other is
// full, gone, banned, or behind the wrong kind of NAT.
func (w *world) connect(p *peer, id swarm.PeerID) {
	refuse := func(after time.Duration, other int32) {
		w.queue.push(event{at: w.now + after, kind: evLinkDown, who: p.index, link: -1, seg: other})
	}
	index, ok := w.ids[id]
	if !ok || index == p.index {
		w.violate("peer %s connects to %q, which was never introduced", p.id, id)
		return
	}
	o := w.peers[index]
	switch {
	case p.linkTo(index) >= 0:
		return // being made from the other side, or up
	case !o.alive || !w.signalled(p, o):
		refuse(w.cfg.ConnectTimeout, index)
	case p.banned[index] || o.banned[p.index] || len(o.links) >= o.maxPeers+spareLinks:
		refuse(2*w.cfg.SignalRTT, index)
	case p.symmetric && o.symmetric:
		refuse(w.cfg.ConnectTimeout, index)
	default:
		path := w.path(p, o)
		n := int32(len(w.links))
		w.links = append(w.links, link{ends: [2]int32{p.index, index}, rtt: path.RTT, loss: path.Loss, rate: path.Rate})
		p.links = append(p.links, neighbour{index, n, id})
		o.links = append(o.links, neighbour{p.index, n, p.id})
		w.queue.push(event{at: w.now + 2*w.cfg.SignalRTT + setUp(path.RTT), kind: evLinkUp, link: n})
	}
}

// signalled says whether an offer of p can reach o: through the server, or
// through a common neighbour.
func (w *world) signalled(p, o *peer) bool {
	if p.signal && o.signal {
		return true
	}
	return slices.ContainsFunc(p.links, func(n neighbour) bool {
		return w.peers[n.peer].alive && w.links[n.link].state == up && w.peers[n.peer].linkTo(o.index) >= 0
	})
}

func (w *world) linkUp(n int32) {
	l := &w.links[n]
	if l.state != connecting {
		return
	}
	a, b := w.peers[l.ends[0]], w.peers[l.ends[1]]
	if !a.alive || !b.alive {
		w.closeLink(n, a, 0)
		w.closeLink(n, b, 0)
		return
	}
	l.state = up
	rtt := l.rtt
	w.tell(a, swarm.LinkUp{Peer: b.id, RTT: rtt})
	w.tell(b, swarm.LinkUp{Peer: a.id, RTT: rtt})
}

// disconnect closes p's link to another on p's wish; the other hears of it half
// a round trip later.
func (w *world) disconnect(p *peer, other int32) {
	n := p.linkTo(other)
	if n < 0 {
		return
	}
	o := w.peers[other]
	w.closeLink(n, o, w.links[n].delay(w.geo, packet))
}

// closeLink ends a link and lets one end know after a while. What was under way
// is lost.
func (w *world) closeLink(n int32, told *peer, after time.Duration) {
	l := &w.links[n]
	other := l.ends[0]
	if other == told.index {
		other = l.ends[1]
	}
	w.queue.push(event{at: w.now + after, kind: evLinkDown, who: told.index, link: n, seg: other})
	if l.state == down {
		return
	}
	l.state = down
	for i := range l.flows {
		l.flows[i] = flow{last: l.flows[i].last, control: l.flows[i].control, inflight: l.flows[i].inflight}
	}
	for _, end := range l.ends {
		p := w.peers[end]
		p.unlink(n)
		w.list(p)
	}
}

func (w *world) linkDown(p *peer, other int32) {
	w.tell(p, swarm.LinkDown{Peer: w.peers[other].id})
}

// sendControl delivers a message after the link's delay, in order. Messages to a
// link that is gone are lost.
func (w *world) sendControl(p *peer, to swarm.PeerID, m swarm.Message) {
	n := p.linkToID(to)
	if n < 0 || w.links[n].state != up || !w.truthful(p, m) {
		return
	}
	size := weight(m)
	w.fig.ControlMessages++
	w.fig.ControlBytes += int64(size)
	w.post(w.outward(p, n), m, size)
}

func (w *world) post(d int32, m swarm.Message, size int) {
	l, from, _, f := w.direction(d)
	f.control = max(f.control, from.up.interject(w.now, size)+l.delay(w.geo, size))
	w.queue.push(event{at: f.control, kind: evControl, link: d, seg: w.messages.put(m)})
}

func (w *world) control(e *event) {
	m := w.messages.take(e.seg)
	l, from, to, _ := w.direction(e.link)
	if l.state != up || !to.alive {
		return
	}
	if b, ok := m.(swarm.Begin); ok && b.Hops > w.cfg.MaxHops {
		w.violate("%s comes to %s from %s over %d hops: a loop", b.Key, to.id, from.id, b.Hops)
	}
	if w.swallow(to, e.link^1, m) {
		return
	}
	w.tell(to, swarm.Received{From: from.id, Message: m})
}

// weight is about how many bytes a message takes on the wire: keys and peer
// names at their length, everything else a byte or two.
func weight(m swarm.Message) int {
	const frame = 8
	switch m := m.(type) {
	case swarm.Reserve:
		size := frame
		for _, r := range m.Items {
			size += len(r.Key) + 6
		}
		return size
	case swarm.Release:
		size := frame
		for _, k := range m.Keys {
			size += len(k) + 1
		}
		return size
	case swarm.Have:
		size := frame
		for _, r := range m.Gained {
			size += len(r.Key) + 3
		}
		for _, r := range m.Lost {
			size += len(r.Key) + 3
		}
		return size
	case swarm.Begin: // and a leaf of 32 bytes a piece, and the statement
		return frame + len(m.Key) + 80 + 32*max(m.Count, 0)
	case swarm.Peers:
		return frame + 17*len(m.IDs)
	case swarm.Forward:
		return frame + 34 + len(m.Payload)
	}
	return 24
}

// slots keeps values that events refer to by number.
type slots[T any] struct {
	values []T
	free   []int32
}

func (s *slots[T]) put(v T) int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.values[i] = v
		return i
	}
	s.values = append(s.values, v)
	return int32(len(s.values) - 1)
}

func (s *slots[T]) at(i int32) *T { return &s.values[i] }

func (s *slots[T]) take(i int32) T {
	v := s.values[i]
	var zero T
	s.values[i] = zero
	s.free = append(s.free, i)
	return v
}
