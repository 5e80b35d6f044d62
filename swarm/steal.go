package swarm

import (
	"math/bits"
	"time"
)

// fewSteals are allowed of a segment besides a quarter of its pieces: of a short one,
// all.
const fewSteals = 4

// stealMargin is how much sooner another source must be expected to bring a piece
// before it is asked for it too.
const stealMargin = 50 * time.Millisecond

// eta is when everything a neighbour owes will have come; one that is silent for
// longer than usual is expected to stay so.
func (c *Core) eta(p *peer) time.Duration {
	since := c.now - p.lastPiece
	if p.rested {
		since = c.now - p.askedAt - p.rtt
	}
	return time.Duration(p.waiting) * max(p.pace(), since)
}

// steal asks a neighbour that has nothing left to do for pieces that another owes
// and would bring much later. Each may come twice, so they are few: a quarter of a
// segment.
func (c *Core) steal(p *peer) bool {
	mine := p.rtt + time.Duration(p.waiting+1)*p.pace()
	for _, s := range p.sources {
		it := s.item
		if s.blocked || p.hello.Metered || !it.useful() || it.n < 0 || it.stolen >= it.n/4+fewSteals {
			continue
		}
		var slow *source
		eta := 2*mine + stealMargin
		for _, o := range it.sources {
			if o != s && o.waiting > 0 {
				if e := c.eta(o.peer); e > eta {
					slow, eta = o, e
				}
			}
		}
		if slow == nil {
			continue
		}
		for w := words(it.n) - 1; w >= 0; w-- {
			m := slow.asked.word(w)
			if !s.whole {
				m &= s.has.word(w)
			}
			if m == 0 {
				continue
			}
			i := w<<6 + 63 - bits.LeadingZeros64(m)
			slow.unask(i)
			slow.robbed++
			slow.lost = i
			c.ask(slow)
			c.request(s, i)
			it.stolen++
			c.counters.Stolen++
			c.ask(s)
			return true
		}
	}
	return false
}
