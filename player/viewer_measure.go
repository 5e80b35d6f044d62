package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// measure counts since a moment.
type measure struct {
	since      time.Time
	base       node.Stats
	stalls     int           // before since
	stalled    time.Duration // before since
	consumed   int64
	segments   map[string]int64
	deliveries []delivery // of live segments
	startup    time.Duration
	errors     int
	newest     timeline.Segment
}

// delivery is when a live segment existed at the origin and when it was read, on
// the local clock.
type delivery struct {
	key             segments.Key
	available, read time.Time
}

// took lists how long each segment was on its way: until the peer had it whole,
// which may be before the player asked.
func (m *measure) took(node []node.Delivery) []time.Duration {
	arrived := make(map[segments.Key]time.Time, len(node))
	for _, d := range node {
		arrived[d.Key] = d.At
	}
	out := make([]time.Duration, 0, len(m.deliveries))
	for _, d := range m.deliveries {
		end := d.read
		if at, ok := arrived[d.key]; ok && at.Before(end) {
			end = at
		}
		out = append(out, max(0, end.Sub(d.available)))
	}
	return out
}

func (m *measure) reset(now time.Time, base node.Stats) {
	*m = measure{since: now, base: base, segments: make(map[string]int64), startup: m.startup, newest: m.newest}
}

func (m *measure) segment(s timeline.Segment, size int64) {
	m.consumed += size
	m.segments[string(s.Key)] = size
	if s.Duration > 0 && s.Start >= m.newest.Start {
		m.newest = s
	}
}

// Mark starts the measurement anew: what was before, start-up above all, is left
// out of it. The start-up time stays.
func (v *Viewer) Mark() {
	stats := v.cfg.Session.Stats().Node
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.play.advance(now)
	v.measure.reset(now, stats)
	v.measure.stalls, v.measure.stalled = v.play.stalls, v.play.stalled(now)
}

// Measurement is what was measured since the start or Mark.
func (v *Viewer) Measurement() Measurement {
	stats := v.cfg.Session.Stats().Node
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.play.advance(now)
	m := &v.measure
	out := Measurement{
		Seconds:        now.Sub(m.since).Seconds(),
		OriginBytes:    stats.OriginBytes - m.base.OriginBytes,
		PeerBytes:      stats.PeerBytes - m.base.PeerBytes,
		DuplicateBytes: stats.Duplicate - m.base.Duplicate,
		Rejected:       stats.Rejected - m.base.Rejected,
		Integrity:      stats.Integrity,
		ConsumedBytes:  m.consumed,
		Segments:       make(map[string]int64, len(m.segments)),
		Deliveries:     m.took(stats.Deliveries),
		Startup:        m.startup,
		Stalls:         v.play.stalls - m.stalls,
		Stalled:        v.play.stalled(now) - m.stalled,
		Errors:         m.errors,
		Buffer:         v.play.buffer(now),
	}
	for k, n := range m.segments {
		out.Segments[k] = n
	}
	if v.stream != nil {
		p, _ := v.stream.now()
		out.Format, out.Live = p.Format, p.Live
		if !p.Live && v.play.begun {
			out.Position = v.play.position
		}
		if p.Live && v.play.begun && !m.newest.AvailableAt.IsZero() {
			out.Latency = v.edge(p, m.newest, now) - v.play.position
		}
	}
	return out
}

// Report is the viewer's own: one viewer, no seed.
func (v *Viewer) Report() Report { return Summarize([]Measurement{v.Measurement()}, 0) }
