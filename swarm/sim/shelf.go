package sim

import (
	"slices"
	"sort"

	"github.com/shoal-p2p/shoal/swarm"
)

// holding is what a peer has of one segment: which pieces and how far they came,
// not their bytes.
type holding struct {
	seg  int32
	held int32
	// touched is when the last piece came.
	touched swarm.Time
	// unverified says that a wrong piece got in, which is the end of all trust.
	unverified bool
	way        []uint8 // of each piece: 0 not held, else 1 + the peers it came through
}

func (h *holding) whole() bool { return int(h.held) == len(h.way) }

func (h *holding) has(piece int) bool { return h != nil && h.way[piece] != 0 }

// hasRun says whether all of count pieces from first on are here.
func (h *holding) hasRun(first, count int) bool {
	if h == nil || first < 0 || count < 0 || first+count > len(h.way) {
		return false
	}
	return !slices.Contains(h.way[first:first+count], 0)
}

// add marks a piece and says whether it was new.
func (h *holding) add(piece int, hops int) bool {
	if h.way[piece] != 0 {
		return false
	}
	h.way[piece] = uint8(min(hops, 254)) + 1
	h.held++
	return true
}

// shelf is a peer's store, ordered by segment.
type shelf struct{ items []holding }

func (s *shelf) search(seg int32) (int, bool) {
	i := sort.Search(len(s.items), func(i int) bool { return s.items[i].seg >= seg })
	return i, i < len(s.items) && s.items[i].seg == seg
}

// get returns nil for a segment of which nothing is held. The pointer is valid
// until the next open or drop.
func (s *shelf) get(seg int32) *holding {
	if i, ok := s.search(seg); ok {
		return &s.items[i]
	}
	return nil
}

func (s *shelf) open(seg int32, pieces int) *holding {
	i, ok := s.search(seg)
	if !ok {
		s.items = slices.Insert(s.items, i, holding{seg: seg, way: make([]uint8, pieces)})
	}
	return &s.items[i]
}

func (s *shelf) drop(seg int32) (holding, bool) {
	i, ok := s.search(seg)
	if !ok {
		return holding{}, false
	}
	h := s.items[i]
	s.items = slices.Delete(s.items, i, i+1)
	return h, true
}
