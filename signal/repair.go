package signal

import (
	"math/rand/v2"
	"time"
)

// Links that chance and Nearest choose keep a graph in one piece, but nothing can
// promise it: a country's cable breaks, an office restarts. Members that report
// their links let the server see pieces, and it introduces them to each other.

// bridges is how many introductions join a piece to the largest one.
const bridges = 2

// freshReports is how many report intervals a report counts.
const freshReports = 3

// repair introduces the pieces of each region of a swarm to each other.
func (s *Server) repair(w *swarm, now time.Time) {
	fresh := freshReports * s.cfg.ReportInterval
	for region, at := range w.pieces(now, fresh) {
		if len(at) < 2 {
			continue
		}
		largest := 0
		for i := range at {
			if len(at[i]) > len(at[largest]) {
				largest = i
			}
		}
		s.cfg.Log.Info("a swarm fell into pieces", "swarm", w.name, "pieces", len(at), "group", region.group)
		for i := range at {
			if i == largest {
				continue
			}
			for range bridges {
				a, b := at[i][rand.IntN(len(at[i]))], at[largest][rand.IntN(len(at[largest]))]
				if mayMeet(&a.Peer, &b.Peer) && !a.pairedSince(b.ID, now, s.cfg.PairAgainAfter) &&
					!b.pairedSince(a.ID, now, s.cfg.PairAgainAfter) {
					s.pairUp(a, []*Peer{&b.Peer}, now)
					s.metrics.repairs.Inc()
				}
			}
		}
	}
}

// pieces are the connected components of the reported links, by region. Links to
// members that did not report, or are on another server, connect as well.
func (w *swarm) pieces(now time.Time, fresh time.Duration) map[region][][]*member {
	type node struct {
		region region
		id     MemberID
	}
	parent := make(map[node]node)
	var find func(node) node
	find = func(n node) node {
		p, ok := parent[n]
		if !ok || p == n {
			return n
		}
		top := find(p)
		parent[n] = top
		return top
	}
	reporting := func(m *member) bool { return m.report != nil && now.Sub(m.report.at) <= fresh }
	each := func(do func(m *member, r region)) {
		for _, m := range w.members {
			if !reporting(m) || m.MaxLinks == 0 {
				continue
			}
			do(m, m.region)
			if m.entrance != nil {
				do(m, m.region.open())
			}
		}
	}
	each(func(m *member, r region) {
		for _, f := range m.report.Flows {
			parent[find(node{r, m.ID})] = find(node{r, f.Peer})
		}
	})
	sorted := make(map[node][]*member)
	each(func(m *member, r region) {
		top := find(node{r, m.ID})
		sorted[top] = append(sorted[top], m)
	})
	all := make(map[region][][]*member)
	for top, members := range sorted {
		all[top.region] = append(all[top.region], members)
	}
	return all
}

// tendBudget is how many members one round looks at: the lock is held meanwhile.
const tendBudget = 5000

// tend keeps the history of swarms and repairs those whose turn it is.
func (s *Server) tend(now time.Time) {
	if s.cfg.ReportInterval == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	budget := tendBudget
	for _, w := range s.swarms {
		if w.tally == nil {
			continue
		}
		w.tally.mark(now, s.size(w))
		if budget > 0 && !s.draining && now.Sub(w.repaired) >= s.cfg.ReportInterval {
			w.repaired = now
			budget -= len(w.members)
			s.repair(w, now)
		}
	}
}
