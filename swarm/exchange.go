package swarm

import "slices"

// introduce tells a new neighbour who else is linked here, and the others of it,
// so that the mesh grows and signals find a way without the server.
func (c *Core) introduce(p *peer) {
	ids := make([]PeerID, 0, len(c.links))
	for _, o := range c.links {
		if o != p && o.greeted && len(ids) < MaxNeighbours {
			ids = append(ids, o.id)
		}
	}
	if len(ids) == 0 {
		return
	}
	c.send(p, Peers{IDs: ids})
	for _, o := range c.links {
		if o != p && o.greeted {
			c.send(o, Peers{IDs: []PeerID{p.id}})
		}
	}
}

// exchanged books a neighbour's neighbours: candidates, and ways to forward by.
func (c *Core) exchanged(p *peer, ids []PeerID) {
	if !p.lists.take(c.now, listBurst, listsPerSecond) {
		return
	}
	for _, id := range ids[:min(len(ids), MaxNeighbours)] {
		if id == c.cfg.ID {
			continue
		}
		p.neighbours = without(p.neighbours, id)
		if len(p.neighbours) == MaxNeighbours {
			p.neighbours = p.neighbours[1:]
		}
		p.neighbours = append(p.neighbours, id)
	}
	c.introduced(ids[:min(len(ids), MaxNeighbours)], true)
}

// forwardOut sends a signalling payload by a neighbour that knows the receiver:
// the one that carries its signals already, else the one of the shortest round trip.
func (c *Core) forwardOut(f ForwardOut) {
	if c.cfg.ID == f.To {
		return
	}
	via := c.way(f.To)
	if via == nil {
		return
	}
	if d, dialing := c.pend[f.To]; dialing {
		d.via = via.id
		c.pend[f.To] = d
	}
	c.send(via, Forward{From: c.cfg.ID, To: f.To, Payload: f.Payload})
}

// way is the neighbour to reach a peer by.
func (c *Core) way(to PeerID) (via *peer) {
	if p := c.peers[c.pend[to].via]; p != nil && slices.Contains(p.neighbours, to) {
		return p
	}
	for _, p := range c.links {
		if p.greeted && slices.Contains(p.neighbours, to) && (via == nil || p.rtt < via.rtt) {
			via = p
		}
	}
	return via
}

// Reaches says whether a ForwardOut to a peer would find a way.
func (c *Core) Reaches(to PeerID) bool { return c.way(to) != nil }

// forward delivers a payload or passes it on, one step, at a bounded rate. The
// sender cannot speak in another's name: a payload that is passed on bears the
// name of the link it came by. One message in is one message out at most.
func (c *Core) forward(p *peer, f Forward) {
	if !p.forwards.take(c.now, forwardBurst, forwardsPerSecond) {
		c.counters.ForwardsCut++
		return
	}
	if f.To == c.cfg.ID {
		// The answer goes back the way this came, as long as that is open.
		if f.From != c.cfg.ID && c.peers[f.From] == nil && !c.banned.has(f.From) {
			p.neighbours = without(p.neighbours, f.From)
			if len(p.neighbours) == MaxNeighbours {
				p.neighbours = p.neighbours[1:]
			}
			p.neighbours = append(p.neighbours, f.From)
		}
		c.emit(Deliver{From: f.From, Payload: f.Payload})
		return
	}
	to := c.peers[f.To]
	if to == nil || to == p || !to.greeted || f.From != p.id || !c.relayed.take(c.now, relayBurst, relaysPerSecond) {
		c.counters.ForwardsCut++
		return
	}
	c.counters.Forwards++
	c.send(to, Forward{From: p.id, To: f.To, Payload: f.Payload})
}
