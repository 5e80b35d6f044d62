package swarm

import (
	"slices"
	"time"
)

// audit is a piece that a neighbour is asked for although it is here already: it said that
// it has it, was asked for it and kept silent, and others brought it. An overloaded line
// looks the same as a lie until one waits long enough, and when the segment is whole there
// is time to wait.
type audit struct {
	key   Key // "": none
	until Time
}

const (
	// auditTime is how long a neighbour has to send that piece. It is asked for nothing else
	// meanwhile.
	auditTime = 3 * time.Second
	// auditRest is how long one that did is not audited again.
	auditRest = time.Minute
)

// judge looks at what came of asking a source when it is let go: silence with pieces owed,
// those included that came from others meanwhile, is a reason to audit it.
func (c *Core) judge(s *source) {
	if s.started == 0 || s.slices != 0 || s.waiting+s.robbed == 0 || c.now-s.owing < c.cfg.StallAfter/2+2*s.peer.rtt {
		return
	}
	s.silent = true
	if s.waiting > 0 {
		s.lost, _ = s.asked.ends()
	}
}

// audit asks a source that was silent, when its segment is whole, for a piece that it owes.
func (c *Core) audit(s *source) {
	p := s.peer
	if !s.silent || s.lost < 0 || p.audit.key != "" || c.now < p.auditFrom {
		return
	}
	p.audit = audit{key: s.item.key, until: c.now + auditTime}
	p.shunUntil = max(p.shunUntil, p.audit.until)
	c.counters.Audits++
	c.note("audit %s with piece %d of %s", p.id, s.lost, s.item.key)
	c.send(p, Accept{Key: s.item.key, First: s.lost, Count: 1})
	if c.govern.index < 0 || p.audit.until < c.govern.at {
		c.timers.set(c.govern, p.audit.until, WhyGovern)
	}
}

// audited ends a neighbour's audit: it sent the piece, or said that it cannot.
func (c *Core) audited(p *peer, k Key, sent bool) {
	if p.audit.key != k {
		return
	}
	p.audit = audit{}
	if sent {
		p.shunUntil, p.auditFrom = 0, c.now+auditRest
	}
}

// expelSilent parts with neighbours that offer and do not send: for good with those who
// have never sent anything, for some minutes with others, where there are enough. That is
// no proof of a lie, so nobody is told.
func (c *Core) expelSilent() {
	for _, p := range slices.Clone(c.links) {
		if p.audit.key == "" || c.now < p.audit.until {
			continue
		}
		c.counters.LetDowns++
		if p.delivered > 0 && (p.hello.Seed || len(c.links) <= c.cfg.MinPeers) {
			p.audit = audit{}
			continue
		}
		c.evict(p, "offers and does not send")
	}
}

// bar keeps out who leaves while it is audited.
func (c *Core) bar(p *peer) {
	if p.delivered == 0 {
		c.cands.drop(p.id)
		c.banned.add(p.id)
		return
	}
	c.again(p.id, maxTries, true)
	if known := c.cands.find(p.id); known != nil {
		known.barred = true
	}
}
