package sim

import (
	"slices"
	"time"
)

// delivery is one segment's way to one viewer.
type delivery struct {
	took  time.Duration // available at the origin → whole here
	added time.Duration // more than one request to an idle origin would have taken
	hops  uint8         // peers its farthest piece came through, 0 straight from the origin
}

// HopDelivery is how long segments took that came over so many peers.
type HopDelivery struct {
	Hops  int     `json:"hops"` // of the piece that came farthest; 0 straight from the origin
	Count int     `json:"count"`
	P50   float64 `json:"p50"` // ms
	P95   float64 `json:"p95"`
	Max   float64 `json:"max"`
	// Bins counts deliveries by time, deliveryBin each; the last holds all above.
	Bins []int `json:"bins"`
}

const (
	deliveryBin  = 100 * time.Millisecond
	deliveryBins = 80
	hopClasses   = 8 // the last is "so many or more"
)

// byHops sorts deliveries into classes of distance.
func byHops(all []delivery) []HopDelivery {
	var classes [hopClasses + 1][]time.Duration
	for _, d := range all {
		h := min(int(d.hops), hopClasses)
		classes[h] = append(classes[h], d.took)
	}
	var out []HopDelivery
	for h, took := range classes {
		if len(took) == 0 {
			continue
		}
		s := spread(took)
		bins := make([]int, deliveryBins)
		for _, d := range took {
			bins[min(int(max(0, d)/deliveryBin), deliveryBins-1)]++
		}
		out = append(out, HopDelivery{Hops: h, Count: len(took), P50: s.P50, P95: s.P95, Max: s.Max, Bins: bins})
	}
	return out
}

// UplinkClass is how much of their uplink viewers with the same uplink gave away.
type UplinkClass struct {
	Rate    int64 `json:"rate"` // bit/s
	Viewers int   `json:"viewers"`
	Bytes   int64 `json:"bytes"` // sent
	// Used is the share of the uplink that was used while the viewer was there, of
	// viewers in order: the least, every twentieth, the most.
	Used []float64 `json:"used"`
}

// quantiles of UplinkClass.Used: 0, 1/20, … 1.
const quantiles = 20

// uploads gives each class of uplinks, by rate, and Jain's index of how evenly
// viewers used theirs: (Σx)² / (n·Σx²), 1 when all used the same share.
func (w *world) uploads() (classes []UplinkClass, jain float64) {
	used := map[int64][]float64{}
	bytes := map[int64]int64{}
	var sum, squares, n float64
	for _, p := range w.peers {
		there := min(p.left, w.now) - max(p.joined, w.cfg.Warmup)
		if p.seed || there < time.Second {
			continue
		}
		sent := p.sent - p.sentBefore
		share := 0.0
		if p.up.rate > 0 {
			share = float64(sent) * 8 / (float64(p.up.rate) * there.Seconds())
			sum, squares, n = sum+share, squares+float64(share*share), n+1
		}
		used[p.up.rate] = append(used[p.up.rate], share)
		bytes[p.up.rate] += sent
	}
	for rate, shares := range used {
		slices.Sort(shares)
		c := UplinkClass{Rate: rate, Viewers: len(shares), Bytes: bytes[rate]}
		for q := range quantiles + 1 {
			c.Used = append(c.Used, shares[q*(len(shares)-1)/quantiles])
		}
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b UplinkClass) int { return int(a.Rate - b.Rate) })
	if squares > 0 {
		jain = sum * sum / (n * squares)
	}
	return classes, jain
}

// cheat books that a liar wronged a victim on a segment.
func (w *world) cheat(victim, liar *peer, seg int32) {
	pair := int64(victim.index)<<32 | int64(liar.index)
	if segs := w.cheated[pair]; !slices.Contains(segs, seg) {
		w.cheated[pair] = append(segs, seg)
	}
}

// liarSegments is the most segments on which one liar wronged one victim.
func (w *world) liarSegments() (most int) {
	for _, segs := range w.cheated {
		most = max(most, len(segs))
	}
	return most
}

// heldFor is how long there has been a peer with the segment whole, 0 if there is
// none.
func (w *world) heldFor(seg int32) time.Duration {
	if w.holders[seg] == 0 {
		return 0
	}
	return w.now - w.heldSince[seg]
}

// copiesOf is how often a segment left the origin, joiners' first segments apart.
func (w *world) copiesOf(seg int32) float64 {
	return float64(w.copies[seg]) / float64(w.stream.sizes[seg])
}

// SegmentCopies is how often one segment left the origin.
type SegmentCopies struct {
	At     float64 `json:"at"` // seconds, when it was whole at the origin
	Copies float64 `json:"copies"`
}

// copiesOverTime is for live: VOD segments have no time.
func (w *world) copiesOverTime() (out []SegmentCopies) {
	if w.cfg.Mode == VOD {
		return nil
	}
	for n := range w.stream.count {
		at := w.stream.available(w.stream.seg(0, n))
		if at < 0 || at > w.cfg.Duration-w.cfg.SegmentDuration {
			continue
		}
		for t := range w.stream.tracks {
			seg := w.stream.seg(t, n)
			if w.consumed[seg] > 0 || w.copies[seg] > 0 {
				out = append(out, SegmentCopies{at.Seconds(), w.copiesOf(seg)})
			}
		}
	}
	return out
}

// hops is the longest way of any piece.
func (h *holding) hops() uint8 {
	if len(h.way) == 0 {
		return 0
	}
	return max(slices.Max(h.way), 1) - 1
}
