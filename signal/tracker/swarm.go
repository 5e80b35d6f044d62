package tracker

import "math/rand/v2"

// swarm is the peers that announced one info hash. Tracker.mu guards it.
type swarm struct {
	hash     hash
	peers    map[hash]*peer
	order    []*peer // the same in no order, to draw from
	complete int
}

// peer is one connection's place in one swarm.
type peer struct {
	client   *client
	id       hash
	at       int // in order
	complete bool
}

func (s *swarm) add(p *peer) {
	p.at = len(s.order)
	s.order = append(s.order, p)
	s.peers[p.id] = p
	if p.complete {
		s.complete++
	}
}

func (s *swarm) remove(p *peer) {
	last := len(s.order) - 1
	s.order[p.at] = s.order[last]
	s.order[p.at].at = p.at
	s.order[last] = nil
	s.order = s.order[:last]
	delete(s.peers, p.id)
	if p.complete {
		s.complete--
	}
}

func (s *swarm) finished(p *peer) {
	if !p.complete {
		p.complete = true
		s.complete++
	}
}

func (s *swarm) count() count {
	if s == nil {
		return count{}
	}
	return count{Complete: s.complete, Incomplete: len(s.order) - s.complete, Downloaded: s.complete}
}

// draw picks up to n others at random, each once. It moves who is drawn to the
// front (Fisher–Yates), which costs n steps however large the swarm is.
func (s *swarm) draw(n int, except *peer) []*peer {
	var drawn []*peer
	for i := 0; i < len(s.order) && len(drawn) < n; i++ {
		j := i + rand.IntN(len(s.order)-i)
		s.order[i], s.order[j] = s.order[j], s.order[i]
		s.order[i].at, s.order[j].at = i, j
		if s.order[i] != except {
			drawn = append(drawn, s.order[i])
		}
	}
	return drawn
}
