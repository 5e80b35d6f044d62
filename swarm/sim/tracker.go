package sim

import (
	"cmp"
	"slices"

	"github.com/shoal-p2p/shoal/swarm"
)

const (
	scan   = 64 // members looked at for one Discover
	sample = 32 // members compared for the nearest
	// chanceShare: one in so many is named by chance, as by package signal.
	chanceShare     = 2
	nearChanceShare = 4 // with nearest pairing
	// positionDraws: of so many draws in a film the one nearest in it is named, as
	// package signal does.
	positionDraws = 64
	rescue        = 2 // full members named to one who has no link, when nobody else is left
)

// list puts a member with room on the tracker's list, at the end.
func (w *world) list(p *peer) {
	if p.alive && p.signal && !p.listed && len(p.links) < p.maxPeers {
		p.listed = true
		w.open = append(w.open, p.index)
	}
}

// discover answers a request for count peers more, as package signal does: a seed if
// one has room, some by chance whether they have room or not, then those who have been
// waiting longest, each put back to the end; or the nearest of a sample of them.
func (w *world) discover(p *peer, count int) {
	if !p.alive || !p.signal {
		return
	}
	limit := count
	if w.cfg.Pairing == PairNearest {
		limit = max(count, sample)
	}
	var found []int32
	usable := func(i int32) bool {
		return i != p.index && p.linkTo(i) < 0 && !p.banned[i] && !w.peers[i].banned[p.index]
	}
	if !p.seed {
		for _, o := range w.peers[:min(len(w.peers), w.cfg.Seeds)] { // seeds come first
			if o.seed && o.alive && o.signal && len(o.links) < o.maxPeers && usable(o.index) {
				found = append(found, o.index)
				break
			}
		}
	}
	draws := 1
	if w.cfg.Mode == VOD {
		draws = positionDraws
	}
	chance := (count + chanceShare - 1) / chanceShare
	if w.cfg.Mode == VOD {
		chance = count
	}
	if w.cfg.Pairing == PairNearest {
		chance = count / nearChanceShare
	}
	for range chance {
		best := int32(-1)
		for tries, left := 4*draws, draws; tries > 0 && left > 0; tries-- {
			i := int32(w.rng.IntN(len(w.peers)))
			o := w.peers[i]
			if !o.alive || !o.signal || o.seed || !usable(i) || slices.Contains(found, i) {
				continue
			}
			if best < 0 || p.apart(o) < p.apart(w.peers[best]) {
				best = i
			}
			left--
		}
		if best >= 0 {
			found = append(found, best)
		}
	}
	kept := len(found)
	for range min(scan, len(w.open)) {
		if len(found) >= limit {
			break
		}
		i := w.open[0]
		w.open = w.open[1:]
		o := w.peers[i]
		if !o.alive || !o.signal || len(o.links) >= o.maxPeers {
			o.listed = false
			continue
		}
		w.open = append(w.open, i)
		if usable(i) && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	if len(found) == 0 && len(p.links) == 0 {
		for range min(scan, len(w.peers)) {
			i := int32(w.rng.IntN(len(w.peers)))
			if o := w.peers[i]; o.alive && o.signal && usable(i) && !slices.Contains(found, i) {
				if found = append(found, i); len(found) == rescue {
					break
				}
			}
		}
	}
	if len(found) > count {
		slices.SortFunc(found[kept:], func(a, b int32) int {
			return cmp.Or(cmp.Compare(w.geo.rtt(p.place, w.peers[a].place), w.geo.rtt(p.place, w.peers[b].place)), cmp.Compare(a, b))
		})
		found = found[:count]
	}
	if len(found) == 0 {
		return
	}
	ids := make([]swarm.PeerID, len(found))
	for i, f := range found {
		ids[i] = w.peers[f].id
	}
	w.tell(p, swarm.Introduced{Peers: ids})
}

// apart is how many segments lie between two viewers of a film.
func (p *peer) apart(o *peer) int {
	if p.player == nil || o.player == nil {
		return 0
	}
	return max(p.player.next-o.player.next, o.player.next-p.player.next)
}

// setSignal opens or closes a peer's websocket.
func (w *world) setSignal(p *peer, open bool) {
	if p.signal == open {
		return
	}
	p.signal = open
	if open {
		w.members++
		w.list(p)
	} else {
		w.members--
	}
	w.queue.push(event{at: w.now + w.cfg.SignalRTT, kind: evState, who: p.index})
}

// toldSize is what the signal server says of the swarm's size.
func (w *world) toldSize() int {
	if w.members == 0 {
		return 0
	}
	return max(1, int(float64(w.members)*w.cfg.SizeFactor))
}

func (w *world) state(p *peer) {
	w.tell(p, swarm.SwarmState{Size: w.toldSize(), Connected: p.signal})
}
