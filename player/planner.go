package player

import (
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

const (
	// planEvery is how often a plan is renewed without a reason, so that newly
	// predictable segments are reserved within half a second.
	planEvery = 500 * time.Millisecond
	// planPause is the shortest time between two plans: a player that asks for
	// hundreds of segments a second needs one plan for all of them.
	planPause = 20 * time.Millisecond
	// deadlineSlop is how far a planned deadline may drift before the node is
	// told: it needs to know tenths of seconds, not microseconds.
	deadlineSlop = 200 * time.Millisecond
)

// replan asks the planner for a new plan soon; it never blocks.
func (s *Session) replan() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// keepPlan owns the node's plan: it renews it on every request and manifest and
// every planEvery while a player is there.
func (s *Session) keepPlan() {
	timer := time.NewTimer(planEvery)
	defer timer.Stop()
	var last []node.Resource
	var planned time.Time
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.kick:
			if pause := planPause - time.Since(planned); pause > 0 {
				timer.Reset(pause)
				continue
			}
		case <-timer.C:
		}
		s.mu.Lock()
		now := time.Now()
		planned = now
		rs := s.plan(now)
		s.mu.Unlock()
		if !samePlan(last, rs) {
			last = rs
			skew := s.cfg.Node.Now().Sub(now)
			timed := make([]node.Resource, len(rs))
			for i, r := range rs {
				timed[i] = onSwarmClock(r, skew)
			}
			s.cfg.Node.Plan(timed)
		}
		timer.Reset(planEvery)
	}
}

func samePlan(a, b []node.Resource) bool {
	return slices.EqualFunc(a, b, func(x, y node.Resource) bool {
		drift := x.Deadline.Sub(y.Deadline)
		return x.Key == y.Key && x.URL == y.URL && x.Available.Equal(y.Available) && x.Whole.Equal(y.Whole) &&
			drift < deadlineSlop && drift > -deadlineSlop
	})
}
