package swarm

import (
	"slices"
	"time"
)

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
	for _, id := range ids[:min(len(ids), MaxNeighbours)] {
		if id == c.cfg.ID || slices.Contains(p.neighbours, id) {
			continue
		}
		if len(p.neighbours) == MaxNeighbours {
			p.neighbours = p.neighbours[1:]
		}
		p.neighbours = append(p.neighbours, id)
	}
	if len(c.links) < c.cfg.MinPeers || !c.connected {
		c.introduced(ids)
	}
}

// forwardOut sends a signalling payload by a neighbour that knows the receiver.
func (c *Core) forwardOut(f ForwardOut) {
	for _, p := range c.links {
		if p.greeted && slices.Contains(p.neighbours, f.To) {
			c.send(p, Forward{From: c.cfg.ID, To: f.To, Payload: f.Payload})
			return
		}
	}
}

// forward delivers a payload or passes it on, one step, at a bounded rate. The
// sender cannot speak in another's name: a payload that is passed on bears the
// name of the link it came by.
func (c *Core) forward(p *peer, f Forward) {
	if c.now-p.forwardsAt >= time.Second {
		p.forwards, p.forwardsAt = 0, c.now
	}
	if p.forwards++; p.forwards > forwardsPerSecond {
		return
	}
	if f.To == c.cfg.ID {
		c.emit(Deliver{From: f.From, Payload: f.Payload})
		return
	}
	if to := c.peers[f.To]; to != nil && to.greeted && f.From == p.id {
		c.counters.Forwards++
		c.send(to, Forward{From: p.id, To: f.To, Payload: f.Payload})
	}
}
