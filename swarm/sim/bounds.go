package sim

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// Bounds are what no brain could do better than, computed from who was there in
// the window with what uplink. They are upper bounds on offload and lower bounds on
// time; round trips, hops and churn, which no real swarm escapes, are left out of
// them.
type Bounds struct {
	// Offload is the most that uplinks allow. For live, of N viewers who consume D
	// bit/s of tracks that add up to R bit/s, with uplinks of U bit/s and seeds' of S:
	//
	//	1 − min(max(R, D − U), R + max(0, D − U − S)) / D
	//
	// (one copy of each track must leave the origin; what uplinks cannot carry comes
	// from there too; a seed costs a copy more). For vod, see vodServed.
	Offload float64 `json:"offload"`
	// UplinkShare is (U + S) / D: the mean uplink, as a multiple of the bitrate.
	UplinkShare float64 `json:"uplink_share"`
	// DeliveryMS is the fluid bound (Kumar and Ross, 2006) on handing segments of Z
	// bits to N viewers with downlinks of d bit/s, from a source of s bit/s:
	//
	//	T(q) = max(Z/s, Z/d, q·N·Z/(U + S))
	//
	// for the share q of viewers that get it first: p50, p95, and all (max).
	DeliveryMS Spread `json:"delivery_ms"`
}

// supply adds up, over the samples of a window, what bounds are made of.
type supply struct {
	samples                            int
	demand, tracks, uplinks, seedLinks float64 // bit/s
	least                              float64 // of the origin, bit/s
	viewers, segment                   float64 // segment: bits of a viewer's track
	vodDemand, vodServed               float64
}

// sampleEvery is how often the swarm is looked at for its bounds. A vod swarm moves
// as one, so it need not be looked at as often.
const (
	sampleEvery    = time.Second
	vodSampleEvery = 10 * time.Second
)

// sampleSupply looks at who is there.
func (w *world) sampleSupply() {
	var demand, up, seeds float64
	watched := map[int]bool{}
	viewers := 0
	for _, p := range w.peers {
		switch {
		case !p.alive:
		case p.seed:
			seeds += float64(p.up.rate)
		default:
			viewers++
			up += float64(p.up.rate)
			demand += float64(w.stream.tracks[p.player.track])
			watched[p.player.track] = true
		}
	}
	if viewers == 0 {
		return
	}
	tracks := 0.0
	for t := range watched {
		tracks += float64(w.stream.tracks[t]) // order does not matter: bitrates are whole numbers
	}
	s := &w.supply
	s.samples++
	s.demand += demand
	s.tracks += tracks
	s.uplinks += up
	s.seedLinks += seeds
	s.viewers += float64(viewers)
	s.segment += float64(demand / float64(viewers) * w.cfg.SegmentDuration.Seconds())
	s.least += leastOrigin(demand, tracks, up, seeds)
	if w.cfg.Mode == VOD && w.now%vodSampleEvery < sampleEvery {
		d, v := w.vodServed()
		s.vodDemand += d
		s.vodServed += v
	}
}

// leastOrigin is the least an origin must send, in the units of its arguments: with
// viewers alone, or with seeds.
func leastOrigin(demand, tracks, uplinks, seeds float64) float64 {
	alone := max(tracks, demand-uplinks)
	if seeds == 0 {
		return min(alone, demand)
	}
	return min(alone, tracks+max(0, demand-uplinks-seeds))
}

func (w *world) bounds() Bounds {
	s := &w.supply
	if s.samples == 0 || s.demand == 0 {
		return Bounds{}
	}
	n := float64(s.samples)
	b := Bounds{Offload: 1 - s.least/s.demand, UplinkShare: (s.uplinks + s.seedLinks) / s.demand}
	if w.cfg.Mode == VOD {
		b.Offload = 0
		if s.vodDemand > 0 {
			b.Offload = s.vodServed / s.vodDemand
		}
		return b
	}
	source := float64(w.cfg.OriginRate)
	if s.seedLinks > 0 {
		source = s.seedLinks / n
	}
	fluid := func(q float64) float64 {
		t := fluidDelivery(q, s.viewers/n, s.segment/n, source, float64(w.cfg.Downlink), (s.uplinks+s.seedLinks)/n)
		return float64(t.Microseconds()) / 1000
	}
	b.DeliveryMS = Spread{P50: fluid(0.5), P95: fluid(0.95), Max: fluid(1)}
	return b
}

// fluidDelivery is T(q) of Bounds.DeliveryMS; sizes in bits, rates in bit/s. It is 0
// where there is no uplink at all: then nothing bounds it but the origin.
func fluidDelivery(q, viewers, segment, source, downlink, uplinks float64) time.Duration {
	if uplinks == 0 {
		return 0
	}
	t := max(segment/source, segment/downlink, q*viewers*segment/uplinks)
	return time.Duration(t * float64(time.Second))
}

// vodServed is how much of what viewers of a film demand at this moment others
// could send them if everybody knew everything, in bit/s. A viewer demands its
// track's bitrate at the number it has reached, and can be served by whoever has
// that number on its shelf as perfect knowledge would fill it: from Cache behind its
// playhead up to the number it has reached itself.
//
// Shelves are intervals of numbers, so the assignment is a flow in a convex
// bipartite graph, which the greedy rule solves (Glover, 1967): demands in order of
// their number, each served by those whose interval ends first.
func (w *world) vodServed() (demand, served float64) {
	behind := int(w.cfg.Cache / w.cfg.SegmentDuration)
	var wants []vodWant
	var shelves []vodShelf
	for i, p := range w.peers {
		switch {
		case !p.alive:
		case p.seed:
			shelves = append(shelves, vodShelf{0, w.stream.count, -1, float64(p.up.rate)})
		default:
			reached := p.player.next + len(p.player.plan)
			if reached < w.stream.count {
				wants = append(wants, vodWant{reached, i, float64(w.stream.tracks[p.player.track])})
			}
			// Of two at one number, one can send to the other what it is getting: the one
			// that came first is ahead.
			shelves = append(shelves, vodShelf{p.player.next - behind, reached, i, float64(p.up.rate)})
		}
	}
	return serveConvex(wants, shelves)
}

type vodWant struct {
	number, viewer int
	rate           float64
}

// vodShelf can serve numbers first ≤ n < end, and n = end to viewers that came
// later; viewer is -1 for a seed.
type vodShelf struct {
	first, end, viewer int
	rate               float64
}

func serveConvex(wants []vodWant, shelves []vodShelf) (demand, served float64) {
	slices.SortFunc(wants, func(a, b vodWant) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(b.viewer, a.viewer))
	})
	slices.SortFunc(shelves, func(a, b vodShelf) int { return cmp.Compare(a.first, b.first) })
	var open shelfHeap
	for _, want := range wants {
		demand += want.rate
		for len(shelves) > 0 && shelves[0].first <= want.number {
			heap.Push(&open, shelves[0])
			shelves = shelves[1:]
		}
		left := want.rate
		for left > 0 && len(open) > 0 {
			s := &open[0]
			if s.end < want.number || s.end == want.number && s.viewer >= want.viewer || s.rate == 0 {
				heap.Pop(&open) // it serves nobody who comes after this in the order either
				continue
			}
			given := min(left, s.rate)
			left -= given
			s.rate -= given
			served += given
		}
	}
	return demand, served
}

// shelfHeap is ordered by the end of the interval.
type shelfHeap []vodShelf

func (h shelfHeap) Len() int { return len(h) }
func (h shelfHeap) Less(i, j int) bool {
	if h[i].end != h[j].end {
		return h[i].end < h[j].end
	}
	return h[i].viewer > h[j].viewer
}
func (h shelfHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *shelfHeap) Push(x any)   { *h = append(*h, x.(vodShelf)) }
func (h *shelfHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
