package node

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// recentDeliveries bounds the delivery times kept for percentiles.
const recentDeliveries = 4096

// tally holds what Stats reports. Fields without an atomic type belong to the
// loop.
type tally struct {
	peerBytes, uploaded, duplicate, unasked, rejected, malformed, hits, swarmSize atomic.Int64
	connected                                                                     atomic.Bool

	originBytes  int64
	notShareable int64
	banned       int
	deliveries   []Delivery
	resources    map[segments.Key]Resource // of recent segments, for samples
	recent       []segments.Key
}

// Delivery is one live segment's way here.
type Delivery struct {
	Key      segments.Key
	At       time.Time     // when it was whole here, on the local clock
	Took     time.Duration // since it was whole at the origin
	FromPeer bool          // not one byte was asked of the origin
}

const recentResources = 64

func (t *tally) arrived(o *object, now time.Time) {
	if t.resources == nil {
		t.resources = map[segments.Key]Resource{}
	}
	if _, ok := t.resources[o.key]; !ok && o.res.URL != "" {
		if len(t.recent) == recentResources {
			delete(t.resources, t.recent[0])
			t.recent = slices.Delete(t.recent, 0, 1)
		}
		t.recent = append(t.recent, o.key)
		t.resources[o.key] = o.res
	}
	available := o.res.Available
	if o.res.Whole.After(available) {
		available = o.res.Whole
	}
	if available.IsZero() || o.born.IsZero() {
		return
	}
	if len(t.deliveries) == recentDeliveries {
		t.deliveries = slices.Delete(t.deliveries, 0, recentDeliveries/4)
	}
	t.deliveries = append(t.deliveries, Delivery{Key: o.key, At: time.Now(), Took: now.Sub(available), FromPeer: !o.fromOrigin})
}

func (t *tally) lastResource(k segments.Key) (Resource, bool) {
	r, ok := t.resources[k]
	return r, ok
}

// Stats is a snapshot of one peer. Bytes are counted since New.
type Stats struct {
	Swarm        string
	ID           swarm.PeerID
	SwarmSize    int
	Connected    bool   // to signalling
	Integrity    string // "signed" or "cross-checked"
	Peers        []PeerStats
	OriginBytes  int64
	ByCause      map[string]int64 // origin bytes by swarm.Cause
	PeerBytes    int64            // verified bytes from peers
	Uploaded     int64
	Duplicate    int64 // bytes that came although they were here, or that nobody asked for
	Rejected     int64 // pieces and statements that did not verify
	Malformed    int64 // messages that could not be read
	Banned       int
	StoreHits    int64
	Deliveries   []Delivery // most recent ones, oldest first
	InProgress   int        // segments under construction
	Counters     swarm.Counters
	Tables       swarm.Sizes
	NotShareable int64
}

// PeerStats describes one link.
type PeerStats struct {
	ID       swarm.PeerID
	RTT      time.Duration
	Since    time.Time
	BytesIn  int64
	BytesOut int64
	Queued   int
}

// Stats takes a snapshot. It is empty after Close.
func (n *Node) Stats() Stats {
	var s Stats
	n.call(func() { s = n.snapshot() })
	return s
}

func (n *Node) snapshot() Stats {
	t := &n.stats
	s := Stats{
		Swarm: n.cfg.Swarm, ID: n.cfg.Core.ID, SwarmSize: int(t.swarmSize.Load()), Connected: t.connected.Load(),
		Integrity: "cross-checked", OriginBytes: t.originBytes, ByCause: map[string]int64{},
		PeerBytes: t.peerBytes.Load(), Uploaded: t.uploaded.Load(), Duplicate: t.duplicate.Load() + t.unasked.Load(),
		Rejected: t.rejected.Load(), Malformed: t.malformed.Load(), Banned: t.banned, StoreHits: t.hits.Load(),
		Deliveries: slices.Clone(t.deliveries), InProgress: len(n.objects), Counters: n.core.Counters(), Tables: n.core.Sizes(),
		NotShareable: t.notShareable,
	}
	for _, c := range swarm.Causes() {
		if b := s.Counters.OriginBytes[c]; b > 0 {
			s.ByCause[c.String()] = b
		}
	}
	if t.notShareable > 0 {
		s.ByCause[swarm.CauseNotShareable.String()] += t.notShareable
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.key != nil {
		s.Integrity = "signed"
	}
	for _, l := range n.links {
		s.Peers = append(s.Peers, PeerStats{ID: l.Peer(), RTT: l.RTT(), Since: l.since,
			BytesIn: l.bytesIn.Load(), BytesOut: l.bytesOut.Load(), Queued: l.Queued()})
	}
	slices.SortFunc(s.Peers, func(a, b PeerStats) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return s
}
