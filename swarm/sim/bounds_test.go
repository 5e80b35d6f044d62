package sim

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestFluidDelivery(t *testing.T) {
	const segment = 10e6 // 2 s of 5 Mbit/s
	for _, test := range []struct {
		name                      string
		q, viewers                float64
		source, downlink, uplinks float64 // uplinks of all together
		want                      time.Duration
	}{
		// 10 Mbit / (1.46 × 5 Mbit/s)
		{"ten thousand, uplinks 1.46 × the bitrate", 1, 1e4, 100e6, 50e6, 1e4 * 7.3e6, 1369863013},
		{"half of them", 0.5, 1e4, 100e6, 50e6, 1e4 * 7.3e6, 684931506},
		{"uplinks doubled", 1, 1e4, 100e6, 50e6, 1e4 * 14.6e6, 684931506},
		{"a slow source", 1, 100, 2e6, 50e6, 100 * 100e6, 5 * time.Second},
		{"slow downlinks", 1, 100, 100e6, 4e6, 100 * 100e6, 2500 * time.Millisecond},
		{"no uplink at all", 1, 100, 40e6, 50e6, 0, 0},
	} {
		if got := fluidDelivery(test.q, test.viewers, segment, test.source, test.downlink, test.uplinks); max(got-test.want, test.want-got) > time.Microsecond {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestLeastOrigin(t *testing.T) {
	for _, test := range []struct {
		name                           string
		demand, tracks, uplinks, seeds float64
		want                           float64
	}{
		{"enough uplink: one copy", 100, 5, 146, 0, 5},
		{"a seed is not worth a copy of its own", 100, 5, 146, 100, 5},
		{"uplinks halved", 100, 5, 73, 0, 27},
		{"uplinks halved, a seed makes up for some", 100, 5, 73, 10, 22},
		{"and for all", 100, 5, 73, 100, 5},
		{"a seed that carries less than its copy costs", 100, 5, 73, 3, 27},
		{"two viewers", 10, 5, 40, 0, 5},
		{"nobody can send", 100, 5, 0, 0, 100},
		{"as many tracks as viewers", 10, 20, 40, 0, 10},
	} {
		if got := leastOrigin(test.demand, test.tracks, test.uplinks, test.seeds); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// A run reports the bounds of those who were there.
func TestBoundsOfARun(t *testing.T) {
	w := newWorld(Config{Viewers: 1000, Warmup: 3 * time.Second}.populate(), quiet)
	w.cfg.Duration = 10 * time.Second
	w.run()
	b := w.bounds()
	if want := 1 - 1.0/1000; math.Abs(b.Offload-want) > 1e-9 || math.Abs(b.UplinkShare-1.46) > 0.01 {
		t.Errorf("offload %v, want %v; uplinks %v × the bitrate, want 1.46", b.Offload, want, b.UplinkShare)
	}
	if b.DeliveryMS.Max < 1360 || b.DeliveryMS.Max > 1380 || math.Abs(b.DeliveryMS.P50*2-b.DeliveryMS.Max) > 1 {
		t.Errorf("delivery bound %+v, want 1370 for all", b.DeliveryMS)
	}
}

// serveConvex against a maximum flow by augmenting paths, on small films.
func TestServeConvexIsMaximal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		n := 1 + rng.IntN(6)
		behind := 1 + rng.IntN(5)
		var wants []vodWant
		var shelves []vodShelf
		for i := range n {
			at := rng.IntN(12)
			wants = append(wants, vodWant{at, i, float64(1 + rng.IntN(3))})
			shelves = append(shelves, vodShelf{at - behind, at, i, float64(rng.IntN(5))})
		}
		if rng.IntN(4) == 0 {
			shelves = append(shelves, vodShelf{0, 100, -1, float64(rng.IntN(4))})
		}
		want := maximumFlow(wants, shelves)
		if _, got := serveConvex(wants, shelves); got != want {
			t.Fatalf("served %v, want %v: %v, %v", got, want, wants, shelves)
		}
	}
}

// maximumFlow moves one unit at a time along paths found by depth-first search.
func maximumFlow(wants []vodWant, shelves []vodShelf) (total float64) {
	flow := make([][]float64, len(wants)) // [want][shelf]
	for i := range flow {
		flow[i] = make([]float64, len(shelves))
	}
	linked := func(i, j int) bool {
		x, s := wants[i], shelves[j]
		return s.first <= x.number && (x.number < s.end || x.number == s.end && s.viewer < x.viewer)
	}
	given := func(j int) (sum float64) {
		for i := range wants {
			sum += flow[i][j]
		}
		return sum
	}
	for start := range wants {
		for unit := 0.0; unit < wants[start].rate; unit++ {
			seen := map[int]bool{}
			var try func(i int) bool
			try = func(i int) bool {
				for j := range shelves {
					if !linked(i, j) || seen[j] {
						continue
					}
					seen[j] = true
					if given(j) < shelves[j].rate {
						flow[i][j]++
						return true
					}
					for other := range wants {
						if other != i && flow[other][j] > 0 && try(other) {
							flow[other][j]--
							flow[i][j]++
							return true
						}
					}
				}
				return false
			}
			if try(start) {
				total++
			}
		}
	}
	return total
}

// A film in which everybody's number is on the shelf of somebody ahead, but for the
// one who is farthest.
func TestVODBound(t *testing.T) {
	w := newWorld(Config{Mode: VOD, Viewers: 40, Spread: true, Film: 20 * time.Minute, Cache: 5 * time.Minute,
		Uplinks: []Uplink{{1, 20e6}}, Warmup: time.Second}.populate(), quiet)
	w.cfg.Duration = 21 * time.Second
	w.run()
	if b := w.bounds(); b.Offload < 0.97 || b.Offload > 1 {
		t.Errorf("%v, want almost all", b.Offload)
	}
	for _, p := range w.peers {
		p.up.rate = 2_500_000 // half the bitrate
	}
	if demand, served := w.vodServed(); served > demand/2 || served < demand*0.45 {
		t.Errorf("served %v of %v, want almost half", served, demand)
	}
}
