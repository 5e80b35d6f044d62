package swarm

import (
	"slices"
	"time"
)

// candidate is a peer that could be connected to.
type candidate struct {
	id     PeerID
	heard  bool // from a neighbour only: it may be next door, and signals may need a neighbour
	tries  int  // failed ones
	until  Time // not to be tried before
	known  Time // since when
	barred bool // parted with because it did not pass an audit
}

// candidates are remembered in the order in which they became known; past
// MaxCandidates the oldest is forgotten.
type candidates struct{ list []*candidate }

func (cs *candidates) find(id PeerID) *candidate {
	for _, c := range cs.list {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (cs *candidates) drop(id PeerID) {
	cs.list = slices.DeleteFunc(cs.list, func(c *candidate) bool { return c.id == id })
}

func (cs *candidates) add(c *candidate) {
	if len(cs.list) == MaxCandidates {
		cs.list = append(cs.list[:0], cs.list[1:]...)
	}
	cs.list = append(cs.list, c)
}

// best is the candidate to try next: of those that failed least, those that
// signalling introduced before those that a neighbour named, the latest news first,
// because peers leave, in the order in which they were named.
func (cs *candidates) best(now Time, heardToo bool) *candidate {
	var best *candidate
	rank := func(c *candidate) int { return 2*c.tries + btoi(c.heard) }
	for _, c := range cs.list {
		if c.until > now || c.heard && !heardToo {
			continue
		}
		if best == nil || rank(c) < rank(best) || rank(c) == rank(best) && c.known > best.known {
			best = c
		}
	}
	return best
}

// next is when the first of those that failed may be tried again.
func (cs *candidates) next(now Time, heardToo bool) (at Time, ok bool) {
	for _, c := range cs.list {
		if c.until > now && (heardToo || !c.heard) && (!ok || c.until < at) {
			at, ok = c.until, true
		}
	}
	return at, ok
}

// dial is a connection being made.
type dial struct {
	since Time
	tries int  // that failed before
	heard bool // as of the candidate
	trial bool
	via   PeerID // the neighbour that carries its signals, if one does
}

const (
	// connectPatience is after how long an attempt without an answer is over.
	connectPatience = 15 * time.Second
	// Tries of one peer: 1 s after the first failure, then 2, 4, … each time with
	// jitter; after maxTries a rest, because a NAT does not change.
	firstRedial = time.Second
	maxTries    = 4
	dialRest    = 5 * time.Minute
)

// connect begins to make a link.
func (c *Core) connect(to *candidate, trial bool) {
	c.cands.drop(to.id)
	c.pend[to.id] = dial{since: c.now, tries: to.tries, heard: to.heard, trial: trial}
	c.emit(Connect{Peer: to.id})
}

// dialFailed books an attempt that came to nothing. One that no signal could be sent
// for says nothing of the peer, and does not count.
func (c *Core) dialFailed(id PeerID) {
	d, ok := c.pend[id]
	if !ok {
		return
	}
	delete(c.pend, id)
	if via := c.peers[d.via]; via != nil { // it does not reach that peer any more
		via.neighbours = without(via.neighbours, id)
	}
	tries := d.tries
	if d.via == "" && !c.connected && tries > 0 {
		tries--
	}
	c.again(id, tries, d.heard)
}

// again remembers a peer that could not be reached, or was lost, to be tried later:
//
//	wait = firstRedial × 2^tries × (0.5 … 1.5)
func (c *Core) again(id PeerID, tries int, heard bool) {
	if c.banned.has(id) || c.cands.find(id) != nil {
		return
	}
	wait := dialRest
	if tries+1 < maxTries {
		wait = firstRedial << tries
	} else {
		tries = maxTries - 2 // and one try after each rest
	}
	c.cands.add(&candidate{id: id, heard: heard, tries: tries + 1, until: c.now + c.jitter(wait), known: c.now})
}

// jitter spreads a time over 0.5 to 1.5 of it, so that many peers who had the same
// thing happen to them do not all come back at once.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(float64(d)*c.random())
}

// introduced remembers peers to connect to. A peer that failed is not tried any
// sooner for being introduced again.
func (c *Core) introduced(ids []PeerID, heard bool) {
	for _, id := range ids {
		if id == c.cfg.ID || c.peers[id] != nil || c.banned.has(id) {
			continue
		}
		if _, trying := c.pend[id]; trying {
			continue
		}
		if known := c.cands.find(id); known != nil {
			known.heard, known.known = known.heard && heard, c.now
			continue
		}
		c.cands.add(&candidate{id: id, heard: heard, known: c.now})
	}
	c.checkPeers()
}
