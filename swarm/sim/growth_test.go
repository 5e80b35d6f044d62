package sim

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// perPeer are the mean sizes of what a viewer's brain holds in a swarm.
type perPeer struct {
	bytes  float64 // of the heap
	tables float64 // entries of all its tables but the candidates: those fill up to their cap in a swarm larger than it
}

// measureBrains runs a swarm of n viewers for a while and takes the brains' heap by
// letting go of them.
func measureBrains(t *testing.T, n int) perPeer {
	t.Helper()
	w := newWorld(Config{Viewers: n, Seeds: 1, Arrive: 4 * time.Second, Duration: 16 * time.Second, Churn: 0.05,
		Tracks: []int64{120e3}, Uplinks: []Uplink{{0.2, 0}, {0.6, 200e3}, {0.2, 600e3}}, Brain: swarm.Config{Signed: true}}.populate(),
		func(c swarm.Config) (brain, error) { return swarm.New(c) })
	w.run()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what the first one's sweep had left
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var sum swarm.Sizes
	before := heap()
	viewers := 0
	for _, p := range w.peers {
		if p.alive && !p.seed {
			viewers++
			s := p.brain.(sizer).Sizes()
			sum.Items += s.Items
			sum.Tracks += s.Tracks
			sum.Links += s.Links
			sum.Pending += s.Pending
			sum.Candidates += s.Candidates
			sum.Banned += s.Banned
			sum.Reservations += s.Reservations
			sum.Haves += s.Haves
			sum.Inbound += s.Inbound
			sum.Outbound += s.Outbound
			p.brain = nil
		}
	}
	after := heap()
	runtime.KeepAlive(w)
	t.Logf("%d viewers: %+v", viewers, sum)
	entries := sum.Items + sum.Tracks + sum.Links + sum.Pending + sum.Banned + sum.Reservations + sum.Haves + sum.Inbound + sum.Outbound
	return perPeer{bytes: float64(before-after) / float64(viewers), tables: float64(entries) / float64(viewers)}
}

// TestBrainsDoNotGrowWithTheSwarm compares a viewer's brain in a small and in a large
// swarm: 300 and 1,500 viewers, or, with SHOAL_SIM_FULL set, 1,000 and 50,000 (many
// minutes, and as much memory as brains of 40 kB ask for).
func TestBrainsDoNotGrowWithTheSwarm(t *testing.T) {
	few, many := 300, 1500
	if os.Getenv("SHOAL_SIM_FULL") != "" {
		few, many = 1000, 50_000
	}
	a, b := measureBrains(t, few), measureBrains(t, many)
	t.Logf("a brain among %d: %.0f bytes, %.0f table entries; among %d: %.0f bytes, %.0f table entries", few, a.bytes, a.tables, many, b.bytes, b.tables)
	// What chance gives is within a twentieth. The bytes have more slack, for maps and
	// slices that double, and for MaxCandidates names.
	if b.tables > a.tables*1.05 {
		t.Errorf("tables grew from %.0f to %.0f entries", a.tables, b.tables)
	}
	if b.bytes > a.bytes*1.25 {
		t.Errorf("brains grew from %.0f to %.0f bytes", a.bytes, b.bytes)
	}
}
