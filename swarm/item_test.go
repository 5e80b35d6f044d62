package swarm

import (
	"math/rand/v2"
	"testing"
)

// TestOpen compares open, gap and missing with a piece by piece look, on items of
// every shape.
func TestOpen(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		it := &item{size: -1, n: -1}
		limit := 1 + rng.IntN(200)
		if rng.IntN(4) > 0 {
			it.sized(int64(limit) << 14)
		}
		for range rng.IntN(4) {
			first := rng.IntN(limit)
			it.add(first, 1+rng.IntN(limit-first))
		}
		for range rng.IntN(40) {
			it.wait.set(rng.IntN(limit))
		}
		if rng.IntN(3) == 0 {
			it.coming = uint8(rng.IntN(256))
		}
		if it.fetching = rng.IntN(3) == 0; it.fetching {
			it.fetch.First, it.fetch.Count = rng.IntN(limit), -1
			if rng.IntN(3) > 0 {
				it.fetch.Count = 1 + rng.IntN(limit-it.fetch.First)
			}
		}
		open := func(i int) bool {
			f := it.fetch
			return !it.have.get(i) && !it.wait.get(i) && it.coming&(1<<(i%sliceCount)) == 0 &&
				!(it.fetching && i >= f.First && (f.Count < 0 || i < f.First+f.Count))
		}
		for i := range it.limit() {
			if got := it.open(i>>6)>>(i&63)&1 == 1; got != open(i) {
				t.Fatalf("piece %d is open: %t, want %t", i, got, open(i))
			}
		}
		compareSpan(t, it, "gap", it.gap, open)
		compareSpan(t, it, "missing", it.missing, func(i int) bool { return !it.have.get(i) })
	}
}

func compareSpan(t *testing.T, it *item, name string, span func() (int, int, bool), in func(int) bool) {
	t.Helper()
	first, count := -1, 0
	for i := range it.limit() {
		if in(i) && first < 0 {
			first = i
		}
		if in(i) {
			count = i + 1 - first
		}
	}
	if first >= 0 && it.n < 0 {
		count = -1
	}
	gotFirst, gotCount, ok := span()
	if ok != (first >= 0) || ok && (gotFirst != first || gotCount != count) {
		t.Fatalf("%s %d+%d %t, want %d+%d of %+v", name, gotFirst, gotCount, ok, first, count, it)
	}
}

// TestPieceMap takes sets to the wire's form and back.
func TestPieceMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		end := 1 + rng.IntN(300)
		first := rng.IntN(end)
		var set, back bitset
		for range rng.IntN(60) {
			set.set(rng.IntN(end))
		}
		back.addMap(first, set.pieceMap(first, end))
		for i := range end {
			if want := i >= first && set.get(i); back.get(i) != want {
				t.Fatalf("piece %d of %d to %d: %t, want %t", i, first, end, back.get(i), want)
			}
		}
	}
}
