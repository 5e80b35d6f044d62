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
	hello   Hello
	greeted bool
	since   Time

	rtt       time.Duration
	answer    time.Duration // smoothed time from Accept to Begin
	delivered int           // pieces
	uploaded  int64         // pieces
	strikes   int

	inbound     []*inbound
	outbound    []*outbound
	outstanding int
	reserved    map[Key]struct{}
	haves       *recent[Key]
	tracks      *recent[string] // that it showed interest in
	children    map[string]int  // tracks pushed to it, with refused pushes in a row
	neighbours  []PeerID
	forwards    int // in the current second
	forwardsAt  Time
}

// note remembers a neighbour's interest in a track.
func (p *peer) note(track string) { p.tracks.add(track) }

func (p *peer) interest(track string) bool { return p.tracks.has(track) }

// answered smooths the time a source needs to begin.
func (p *peer) answered(d time.Duration) {
	if p.answer == 0 {
		p.answer = max(d, 1)
		return
	}
	p.answer += (d - p.answer) / 8
}

const (
	connectPatience = 15 * time.Second // after which an attempt is forgotten
	seekMore        = 15 * time.Second // between questions for peers above the minimum
	firstSeek       = time.Second
	lastSeek        = 30 * time.Second
)

// linkUp greets a new neighbour; what it needs to know follows its own hello.
func (c *Core) linkUp(l LinkUp) {
	delete(c.pend, l.Peer)
	c.cands = without(c.cands, l.Peer)
	if c.peers[l.Peer] != nil || l.Peer == c.cfg.ID {
		return
	}
	if c.banned.has(l.Peer) {
		c.emit(Disconnect{Peer: l.Peer, Reason: "banned"})
		return
	}
	c.linked++
	p := &peer{id: l.Peer, order: c.linked, since: c.now, rtt: l.RTT,
		reserved: map[Key]struct{}{}, haves: newRecent[Key](MaxHaves),
		tracks: newRecent[string](64), children: map[string]int{}}
	c.peers[l.Peer] = p
	c.links = append(c.links, p)
	c.seekWait = firstSeek
	c.send(p, Hello{Version: Version, Seed: c.cfg.Seed, Metered: c.cfg.Metered,
		Uplink: c.cfg.UploadMax, MaxPeers: c.cfg.MaxPeers})
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

// linkDown takes a neighbour out of every table and finds other sources.
func (c *Core) linkDown(id PeerID) {
	delete(c.pend, id)
	p := c.peers[id]
	if p == nil {
		c.checkPeers()
		return
	}
	delete(c.peers, id)
	c.links = without(c.links, p)
	for _, t := range c.tracks {
		if t.parent == p {
			t.parent, t.streak = nil, 0
		}
		if t.subscribed == p {
			t.subscribed = nil
		}
	}
	for len(p.outbound) > 0 {
		c.removeOutbound(p.outbound[0])
	}
	var orphans []*item
	for len(p.inbound) > 0 {
		in := p.inbound[0]
		orphans = append(orphans, in.item)
		c.removeInbound(in)
		in.item.electFrom = max(in.item.need.Available, c.now)
	}
	for _, k := range sortedKeys(p.reserved) {
		it := c.items[k]
		c.removeReservation(it, it.reservationOf(p))
		if !it.useful() || it.relay {
			orphans = append(orphans, it)
		}
	}
	for _, it := range c.items {
		if o := it.offerOf(p); o != nil {
			it.offers = without(it.offers, o)
		}
	}
	for _, it := range orphans {
		if c.items[it.key] == it {
			c.step(it)
		}
	}
	c.checkPeers()
}

// checkPeers keeps the number of neighbours between the minimum and the maximum.
// It runs when the websocket connects and whenever a peer comes or goes.
func (c *Core) checkPeers() {
	for id, since := range c.pend {
		if c.now-since >= connectPatience {
			delete(c.pend, id)
		}
	}
	if len(c.links) > c.cfg.MaxPeers {
		c.disconnect(c.worst(), "too many peers")
		return
	}
	// two places stay free for peers that find us
	target := max(c.cfg.MinPeers, c.cfg.MaxPeers-2)
	for len(c.links)+len(c.pend) < target && len(c.cands) > 0 {
		id := c.cands[0]
		c.cands = c.cands[1:]
		if c.peers[id] != nil || c.banned.has(id) {
			continue
		}
		c.pend[id] = c.now
		c.emit(Connect{Peer: id})
	}
	missing := target - len(c.links) - len(c.pend)
	c.checkWebsocket()
	if missing <= 0 || !c.connected {
		c.timers.clear(c.govern)
		if len(c.pend) > 0 {
			c.timers.set(c.govern, c.now+connectPatience, WhyGovern)
		}
		return
	}
	if c.now >= c.seekAt {
		c.emit(Discover{Count: missing})
		wait := seekMore
		if len(c.links) < c.cfg.MinPeers {
			c.seekWait = min(max(c.seekWait*2, firstSeek), lastSeek)
			wait = c.seekWait
		}
		c.seekAt = c.now + wait
	}
	c.timers.set(c.govern, c.seekAt, WhyGovern)
}

// checkWebsocket leaves the signalling server when nothing is missing and comes
// back when too few neighbours are left (DisconnectWebsocketOnMax).
func (c *Core) checkWebsocket() {
	if !c.cfg.DisconnectWebsocketOnMax {
		return
	}
	switch {
	case !c.closedWS && len(c.links) >= c.cfg.MaxPeers:
		c.closedWS = true
		c.emit(CloseSignal{})
	case c.closedWS && len(c.links) < c.cfg.MinPeers:
		c.closedWS = false
		c.emit(OpenSignal{})
	}
}

// worst is the neighbour with most failures, then least delivered, then newest;
// a seed is never the worst.
func (c *Core) worst() *peer {
	return slices.MinFunc(c.links, func(a, b *peer) int {
		return cmp.Or(
			cmp.Compare(btoi(a.hello.Seed), btoi(b.hello.Seed)),
			cmp.Compare(b.strikes, a.strikes),
			cmp.Compare(a.delivered, b.delivered),
			cmp.Compare(b.order, a.order))
	})
}

func (c *Core) swarmState(s SwarmState) {
	c.size = s.Size
	if s.Connected && !c.connected {
		c.seekAt, c.seekWait = c.now, 0
	}
	c.connected = s.Connected
	c.checkPeers()
}

// introduced remembers peers to connect to.
func (c *Core) introduced(ids []PeerID) {
	for _, id := range ids {
		if id == c.cfg.ID || c.peers[id] != nil || c.banned.has(id) || slices.Contains(c.cands, id) {
			continue
		}
		if _, trying := c.pend[id]; trying {
			continue
		}
		if len(c.cands) == MaxCandidates {
			c.cands = c.cands[1:]
		}
		c.cands = append(c.cands, id)
	}
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
