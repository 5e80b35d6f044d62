package swarm

import (
	"cmp"
	"slices"
	"time"
)

// peer is a linked neighbour.
type peer struct {
	id      PeerID
	order   int
	salt    uint32 // of the id
	hello   Hello
	greeted bool
	since   Time

	rtt       time.Duration // of the link, as ICE measures it
	answer    time.Duration // smoothed time from Accept to Begin
	first     time.Duration // smoothed time from Accept to the first piece
	delivered int           // pieces
	uploaded  int64         // pieces
	strikes   int
	audit     audit
	auditFrom Time // not before
	record    record
	trial     bool // connected to find out whether it is better than others

	sources     []*source
	waiting     int           // pieces it owes
	service     time.Duration // smoothed time between its pieces, 0 unknown
	rested      bool          // nothing came since it was asked after a pause
	askedAt     Time          // the first time since that pause
	lastPiece   Time
	shunUntil   Time // it kept silent and is not asked before
	leads       map[string]*lead
	parentOf    map[string]uint8 // slices of each track that it pushes here
	outbound    []*outbound
	outstanding int
	owedAt      Time    // when the last of them was handed over
	clock       float64 // of fair queueing
	reserved    map[Key]struct{}
	haves       *recent[Key]
	noted       string                 // last
	tracks      *recent[string]        // that it showed interest in
	children    map[string]*subscriber // by track
	neighbours  []PeerID               // that it told of, the latest last
	forwards    allowance              // what it may still have relayed
	lists       allowance              // of Peers messages
}

// note remembers a neighbour's interest in a track.
func (p *peer) note(track string) {
	if p.noted != track {
		p.noted = track
		p.tracks.add(track)
	}
}

func (p *peer) interest(track string) bool { return p.tracks.has(track) }

// answered smooths the time a source needs to begin.
func (p *peer) answered(d time.Duration) {
	if p.answer == 0 {
		p.answer = max(d, 1)
		return
	}
	p.answer += (d - p.answer) / 8
}

// linkUp greets a new neighbour; what it needs to know follows its own hello.
func (c *Core) linkUp(l LinkUp) {
	trial := c.pend[l.Peer].trial
	delete(c.pend, l.Peer)
	if known := c.cands.find(l.Peer); known != nil && known.barred && c.now < known.until && len(c.links) >= c.cfg.MinPeers {
		c.emit(Disconnect{Peer: l.Peer, Reason: "offered and did not send"})
		return
	}
	c.cands.drop(l.Peer)
	if c.peers[l.Peer] != nil || l.Peer == c.cfg.ID {
		return
	}
	if c.banned.has(l.Peer) {
		c.emit(Disconnect{Peer: l.Peer, Reason: "banned"})
		return
	}
	c.linked++
	p := &peer{id: l.Peer, order: c.linked, salt: hash32(string(l.Peer)), since: c.now, rtt: l.RTT, trial: trial,
		forwards: newAllowance(c.now, forwardBurst), lists: newAllowance(c.now, listBurst),
		reserved: map[Key]struct{}{}, haves: newRecent[Key](MaxHaves),
		tracks: newRecent[string](64), children: map[string]*subscriber{}, leads: map[string]*lead{}, parentOf: map[string]uint8{}}
	c.peers[l.Peer] = p
	c.links = append(c.links, p)
	c.seekWait = firstSeek
	if c.reviewAt == 0 {
		c.reviewAt = c.now + c.jitter(reviewEvery)
	}
	c.send(p, c.greeting())
	c.checkPeers()
}

// greet completes a link: the neighbour learns what is held, wanted and who else
// is there.
func (c *Core) greet(p *peer, h Hello) {
	if h.Version != Version {
		c.disconnect(p, "protocol version differs")
		return
	}
	p.hello, p.greeted = h, true
	c.greetHave(p)
	var wishes []*item
	for _, it := range c.items {
		if it.useful() {
			wishes = append(wishes, it)
		}
	}
	slices.SortFunc(wishes, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.need.Deadline, b.need.Deadline), cmp.Compare(a.key, b.key))
	})
	c.reserveAt(p, wishes)
	c.introduce(p)
}

// linkLost is a link that broke, or never came up.
func (c *Core) linkLost(id PeerID) {
	if c.peers[id] != nil {
		c.again(id, 1, false) // who leaves on purpose says so
	}
	c.linkDown(id)
}

// linkDown takes a neighbour out of every table and finds other sources.
func (c *Core) linkDown(id PeerID) {
	p := c.peers[id]
	if p == nil {
		c.dialFailed(id)
		c.checkPeers()
		return
	}
	if p.audit.key != "" {
		c.bar(p)
	}
	delete(c.pend, id)
	delete(c.peers, id)
	if c.links = without(c.links, p); len(c.links) == 0 {
		c.lonelyAt = c.now
	}
	for name := range p.parentOf {
		if t := c.tracks[name]; t != nil {
			t.lose(p)
		}
	}
	c.owed -= p.outstanding
	p.outstanding = 0
	for len(p.outbound) > 0 {
		c.removeOutbound(p.outbound[0])
	}
	var orphans []*item
	for len(p.sources) > 0 {
		s := p.sources[len(p.sources)-1]
		if s.busy() {
			orphans = append(orphans, s.item)
			s.item.electFrom = max(s.item.need.Available, s.item.electFrom, c.now)
		}
		c.removeSource(s)
	}
	for _, k := range sortedKeys(p.reserved) {
		it := c.items[k]
		c.removeReservation(it, it.reservationOf(p))
		if !it.useful() || it.relay {
			orphans = append(orphans, it)
		}
	}
	for _, it := range orphans {
		if c.items[it.key] == it {
			c.step(it)
		}
	}
	c.checkPeers()
}

func (c *Core) swarmState(s SwarmState) {
	if c.size == 0 && len(c.links) == 0 {
		c.lonelyAt = c.now
	}
	c.size = s.Size
	if s.Connected && !c.connected {
		c.seekAt, c.seekWait = c.now, 0
	}
	c.connected = s.Connected
	c.checkPeers()
}

func (c *Core) disconnect(p *peer, why string) {
	c.emit(Disconnect{Peer: p.id, Reason: why})
	c.linkDown(p.id)
}

func (c *Core) ban(p *peer, k Key, why string) {
	c.banned.add(p.id)
	c.counters.Bans++
	c.note("ban %s for %s: %s", p.id, k, why)
	c.emit(Ban{Peer: p.id, Key: k, Reason: why})
	c.linkDown(p.id)
}
