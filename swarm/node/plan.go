package node

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// MaxPlan is how many segments may be planned ahead at a time.
const MaxPlan = 1024

// replanAfter is how far a deadline must move before the brain hears of it.
const replanAfter = 250 * time.Millisecond

// Plan replaces the set of segments the player will need soon, known and
// predicted. Those that are new are reserved with the neighbours, those that are
// gone are released. Past MaxPlan the rest is ignored.
func (n *Node) Plan(rs []Resource) {
	n.post(func() { n.plan(rs[:min(len(rs), MaxPlan)]) })
}

func (n *Node) plan(rs []Resource) {
	next := make(map[segments.Key]struct{}, len(rs))
	for _, r := range rs {
		if !r.Shareable || r.Key.Validate() != nil {
			continue
		}
		next[r.Key] = struct{}{}
		o := n.objects[r.Key]
		if o == nil {
			if _, ok := n.known[r.Key]; ok {
				continue
			}
			if n.cfg.Store.Has(r.Key) {
				n.found(r.Key)
				continue
			}
			o = n.object(r.Key)
		}
		if o.finished || o.planned && !changed(o.res, r) {
			continue
		}
		o.planned = true
		if len(o.streams) > 0 { // what the player asked for itself knows better
			continue
		}
		o.res = r
		n.want(o)
	}
	var gone []segments.Key
	for k, o := range n.objects {
		if _, ok := next[k]; ok || !o.planned {
			continue
		}
		o.planned = false
		if len(o.streams) == 0 && !o.finished {
			gone = append(gone, k)
		}
	}
	if len(gone) > 0 {
		n.feed(swarm.Unwant{Keys: gone})
		for _, k := range gone {
			n.discard(n.objects[k], ErrUnavailable)
		}
	}
}

// changed says whether a plan's news matter to the brain.
func changed(old, new Resource) bool {
	far := func(a, b time.Time) bool { return a.Sub(b).Abs() > replanAfter }
	return old.URL == "" != (new.URL == "") || old.URL != new.URL || old.Urgent != new.Urgent ||
		far(old.Deadline, new.Deadline) || far(old.Available, new.Available) || far(old.Whole, new.Whole)
}
