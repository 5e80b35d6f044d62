package swarm

import (
	"math/rand/v2"
	"testing"
)

// TestGap compares gap with a piece by piece look, on items of every shape.
func TestGap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		it := &item{size: -1}
		span := 1 + rng.IntN(200)
		if rng.IntN(4) > 0 {
			it.size = int64(span) << 14
		}
		for range rng.IntN(4) {
			first := rng.IntN(span)
			it.add(first, 1+rng.IntN(span-first))
		}
		run := func() (first, count int) {
			first, count = rng.IntN(span), -1
			if rng.IntN(3) > 0 {
				count = 1 + rng.IntN(span-first)
			}
			return first, count
		}
		for range rng.IntN(3) {
			in := &inbound{item: it}
			in.first, in.count = run()
			it.inbound = append(it.inbound, in)
		}
		if it.fetching = rng.IntN(3) == 0; it.fetching {
			it.fetch.First, it.fetch.Count = run()
		}
		first, count, ok := it.gap()
		wantFirst, wantCount, wantOK := slowGap(it)
		if first != wantFirst || count != wantCount || ok != wantOK {
			t.Fatalf("gap %d+%d %t, want %d+%d %t of %+v", first, count, ok, wantFirst, wantCount, wantOK, it)
		}
	}
}

func slowGap(it *item) (first, count int, ok bool) {
	limit := it.pieces()
	if limit < 0 {
		limit = MaxPieces
	}
	in := func(i, first, count int) bool { return i >= first && (count < 0 || i < first+count) }
	open := func(i int) bool {
		if it.have.get(i) || it.fetching && in(i, it.fetch.First, it.fetch.Count) {
			return false
		}
		for _, x := range it.inbound {
			if in(i, x.first, x.count) {
				return false
			}
		}
		return true
	}
	for first < limit && !open(first) {
		first++
	}
	if first == limit {
		return 0, 0, false
	}
	for first+count < limit && open(first+count) {
		count++
	}
	if it.size < 0 && first+count == limit {
		count = -1
	}
	return first, count, true
}
