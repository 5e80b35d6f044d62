package sim

import (
	"github.com/shoal-p2p/shoal/swarm"
)

// lie is how a peer cheats.
type lie uint8

const (
	honest   lie = iota
	corrupts     // sends wrong pieces
	offers       // offers what it does not have
	stalls       // stops after the first pieces of a transfer
)

// stallAfter is how many pieces of each segment a staller really sends to a receiver.
const stallAfter = 2

// draw decides what kind of liar the next viewer is.
func (w *world) draw() lie {
	l, u := w.cfg.Liars, w.lieQuota.draw()
	switch {
	case u < l.Corrupt:
		return corrupts
	case u < l.Corrupt+l.Offer:
		return offers
	case u < l.Corrupt+l.Offer+l.Stall:
		return stalls
	}
	return honest
}

// truthful says whether a message may go out: a false offerer's edge keeps its
// brain's true offers to itself.
func (w *world) truthful(p *peer, m swarm.Message) bool {
	if p.lie != offers {
		return true
	}
	switch m.(type) {
	case swarm.Offer, swarm.Begin, swarm.Have:
		return false
	}
	return true
}

// swallow lets a false offerer answer a reservation with an offer of the whole
// segment, straight from the origin, and keep silent when it is accepted. back is
// the direction to the other side.
func (w *world) swallow(p *peer, back int32, m swarm.Message) bool {
	if p.lie != offers {
		return false
	}
	switch m := m.(type) {
	case swarm.Accept:
		if seg, ok := w.stream.index[m.Key]; ok && m.Count != 0 { // of nothing: what was asked is taken back
			w.cheat(w.other(back, p), p, seg)
		}
		return true
	case swarm.Reserve:
		for _, r := range m.Items {
			if seg, ok := w.stream.index[r.Key]; ok {
				w.queue.push(event{at: max(w.now, w.stream.available(seg)), kind: evFalseOffer, who: p.index, link: back, seg: seg})
			}
		}
		return true
	}
	return false
}

func (w *world) falseOffer(e *event) {
	if l := &w.links[e.link>>1]; l.state != up || !w.peers[e.who].alive {
		return
	}
	m := swarm.Offer{Key: w.stream.keys[e.seg], Size: int64(w.stream.sizes[e.seg]), Pieces: w.stream.pieces(e.seg)}
	w.post(e.link, m, weight(m))
}

// leave ends a peer. Silently: its neighbours notice after Detect. Otherwise its
// links close at once.
func (w *world) leaveSwarm(p *peer, silent bool) {
	if !p.alive {
		return
	}
	p.alive, p.left = false, w.now
	if p.signal {
		w.members--
		p.signal = false
	}
	if p.player != nil {
		w.viewers--
	}
	for len(p.shelf.items) > 0 {
		w.take(p, p.shelf.items[len(p.shelf.items)-1].seg)
	}
	for _, n := range p.links {
		if silent {
			w.queue.push(event{at: w.now + w.cfg.Detect, kind: evLost, who: n.peer, link: n.link})
		} else {
			w.queue.push(event{at: w.now + w.links[n.link].delay(w.geo, packet), kind: evLost, who: n.peer, link: n.link})
		}
	}
	p.brain = nil
}

// lost is a neighbour's discovery that the other end is gone.
func (w *world) lostLink(n int32, told *peer) {
	if w.links[n].state != down {
		w.closeLink(n, told, 0)
	}
}

// kill carries out one Kill.
func (w *world) kill(k Kill) {
	var viewers, seeds []*peer
	for _, p := range w.peers {
		switch {
		case !p.alive:
		case p.seed:
			seeds = append(seeds, p)
		default:
			viewers = append(viewers, p)
		}
	}
	end := func(of []*peer, share float64) {
		w.rng.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		for _, p := range of[:int(share*float64(len(of))+0.5)] {
			w.leaveSwarm(p, k.Silent)
		}
	}
	end(viewers, k.Viewers)
	end(seeds, k.Seeds)
}

// churn ends one viewer's visit and lets another come.
func (w *world) churn(p *peer) {
	if !p.alive {
		return
	}
	w.leaveSwarm(p, p.rng.Float64() < w.cfg.Silent)
	w.queue.push(event{at: w.now, kind: evJoin, flag: joinViewer, seg: -1})
}
