package tracker

import (
	"time"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
)

// announce takes one announce in: the client's place in the swarm, its offers to
// others, its answer to one of them.
func (t *Tracker) announce(c *client, q *request) {
	h := q.InfoHash[0]
	t.metrics.announces.Inc()
	t.mu.Lock()
	defer t.mu.Unlock()
	p, reason := t.place(c, q, h)
	if reason != "" {
		c.fail(actionAnnounce, reason, &h)
		return
	}
	s := t.swarms[h]
	if q.answers() { // has no answer of its own, as clients expect
		if to := s.peer(*q.ToPeerID); to != nil && p != nil && to != p {
			t.pass(c, to, &passed{Answer: q.Answer, OfferID: q.OfferID, PeerID: p.id, InfoHash: h})
		} else {
			t.metrics.undelivered.Inc()
		}
		return
	}
	n := s.count()
	c.reply(&announced{Action: actionAnnounce, InfoHash: h, Interval: seconds(t.cfg.Interval),
		Complete: n.Complete, Incomplete: n.Incomplete})
	if p == nil {
		return
	}
	offers := q.Offers[:min(len(q.Offers), t.cfg.Limits.Offers)]
	for i, to := range s.draw(len(offers), p) {
		if o := &offers[i]; present(o.Offer) {
			t.pass(c, to, &passed{Offer: o.Offer, OfferID: o.ID, PeerID: p.id, InfoHash: h})
		}
	}
}

// place finds or makes the client's place in the swarm, nil after "stopped". A
// reason says why it cannot have one.
func (t *Tracker) place(c *client, q *request, h hash) (p *peer, reason string) {
	l := &t.cfg.Limits
	s := t.swarms[h]
	at := place{h, *q.PeerID}
	p = c.peers[at]
	if q.Event == "stopped" {
		t.drop(c, at)
		return nil, ""
	}
	if p == nil {
		if old := s.peer(*q.PeerID); old != nil {
			// The same client on a new connection, while the old one is dying. Somebody
			// else's id cannot be taken from elsewhere.
			if old.client.from != c.from {
				return nil, "this peer_id is in use"
			}
			t.drop(old.client, at)
			s = t.swarms[h]
		}
		switch {
		case len(c.peers) >= l.SwarmsPerConnection:
			return nil, "too many swarms on one connection"
		case s == nil && len(t.swarms) >= l.Swarms:
			return nil, "too many swarms on this tracker"
		case s != nil && len(s.order) >= l.PeersPerSwarm:
			return nil, "too many peers in this swarm"
		}
		if s == nil {
			s = &swarm{hash: h, peers: make(map[hash]*peer)}
			t.swarms[h] = s
		}
		p = &peer{client: c, id: *q.PeerID, complete: q.complete()}
		if c.peers == nil {
			c.peers = make(map[place]*peer)
		}
		c.peers[at] = p
		s.add(p)
	}
	if q.Event == "completed" || q.complete() {
		s.finished(p)
	}
	return p, ""
}

// drop takes one peer of the client out of its swarm.
func (t *Tracker) drop(c *client, at place) {
	p, s := c.peers[at], t.swarms[at.swarm]
	if p == nil || s == nil {
		return
	}
	delete(c.peers, at)
	s.remove(p)
	if len(s.order) == 0 {
		delete(t.swarms, at.swarm)
	}
}

// peer and count may be asked of a swarm that does not exist.
func (s *swarm) peer(id hash) *peer {
	if s == nil {
		return nil
	}
	return s.peers[id]
}

// pass sends an offer or an answer on.
func (t *Tracker) pass(from *client, to *peer, m *passed) {
	m.Action = actionAnnounce
	t.metrics.passed.Inc()
	if err := from.conn.Forward(to.client.conn, frame.Text, encode(m)); err != nil {
		t.metrics.refused.WithLabelValues("slow").Inc()
		to.client.conn.Kill()
	}
}

func (t *Tracker) scrape(c *client, q *request) {
	if len(q.InfoHash) > t.cfg.Limits.Scrapes {
		c.fail(actionScrape, "too many info hashes", nil)
		return
	}
	a := scraped{Action: actionScrape, Files: make(map[string]count)}
	a.Flags.Interval = seconds(t.cfg.Interval)
	t.mu.Lock()
	for _, h := range q.InfoHash {
		a.Files[h.text()] = t.swarms[h].count()
	}
	t.mu.Unlock()
	c.reply(&a)
}

func seconds(d time.Duration) int { return max(int(d/time.Second), 1) }
