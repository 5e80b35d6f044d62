package swarm

import (
	"math/bits"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// item is all the brain knows of one key.
type item struct {
	key   Key
	track string
	timer *timer

	wanted bool
	need   Want
	relay  bool // wanted only for neighbours (tier-2)

	size   int64 // -1 unknown
	have   bitset
	held   int // pieces held
	prefix int // leading pieces held
	whole  bool
	hops   int // of what is or will be held here; -1: nothing chosen yet
	sender []PeerID
	flows  bool // grows, and the beginning of a piece is here

	offers   []*offer
	inbound  []*inbound
	outbound []*outbound
	reserved []*reservation

	fetching  bool
	fetch     Fetch
	fetchAt   Time
	failures  int
	retryAt   Time
	dead      bool // the origin said it never will
	private   bool
	electFrom Time
	promised  Time // until when a neighbour's word holds that it asked the origin
	heard     bool // word of the key came from a neighbour
	heardAt   Time // first
}

// offer is a source that can be asked.
type offer struct {
	peer    *peer
	hops    int
	room    int  // pieces it can send, 0 all
	pieces  int  // leading pieces it had when it said so
	whole   bool // it holds all of it
	blocked bool // refused or stalled; a new offer clears it
	busy    bool // refused for want of room: the bytes are near all the same
}

// inbound is a transfer locked to one source.
type inbound struct {
	item    *item
	peer    *peer
	first   int
	count   int // -1: to the end
	got     int
	started Time
	last    Time // when the last piece came
	begun   bool
	whole   bool // the source holds everything, so silence is its own fault
}

// outbound is a transfer to one receiver.
type outbound struct {
	item     *item
	peer     *peer
	transfer uint32
	next     int
	end      int // -1: the segment's end
	due      Time
	begun    bool
	pushed   bool
}

// reservation is a neighbour's interest.
type reservation struct {
	peer    *peer
	due     Time
	offered bool
}

func (it *item) pieces() int {
	if it.size < 0 {
		return -1
	}
	return segments.PieceCount(it.size)
}

// add marks pieces as held and returns how many were new.
func (it *item) add(first, count int) (fresh int) {
	for i := first; i < first+count; i++ {
		if it.have.set(i) {
			fresh++
		}
	}
	it.held += fresh
	it.prefix = it.have.clear(it.prefix)
	return fresh
}

// gap returns the first run of pieces that is neither held nor expected from a
// source or the origin. count is -1 when it reaches the unknown end.
func (it *item) gap() (first, count int, ok bool) {
	end := it.pieces()
	limit := end
	if end < 0 {
		limit = MaxPieces
	}
	first = it.prefix
	for moved := true; moved && first < limit; {
		at := it.have.clear(first)
		for _, in := range it.inbound {
			at = beyond(at, in.first, in.count, limit)
		}
		if it.fetching {
			at = beyond(at, it.fetch.First, it.fetch.Count, limit)
		}
		first, moved = at, at != first
	}
	if first >= limit {
		return 0, 0, false
	}
	last := it.have.next(first, limit)
	for _, in := range it.inbound {
		if in.first > first {
			last = min(last, in.first)
		}
	}
	if it.fetching && it.fetch.First > first {
		last = min(last, it.fetch.First)
	}
	if last == limit && end < 0 {
		return first, -1, true
	}
	return first, last - first, true
}

// beyond is i, or the end of the run first+count if i lies in it.
func beyond(i, first, count, limit int) int {
	switch {
	case i < first || count >= 0 && i >= first+count:
		return i
	case count < 0:
		return limit
	}
	return first + count
}

func (it *item) inboundFrom(p *peer) *inbound {
	for _, in := range it.inbound {
		if in.peer == p {
			return in
		}
	}
	return nil
}

func (it *item) outboundTo(p *peer) *outbound {
	for _, out := range it.outbound {
		if out.peer == p {
			return out
		}
	}
	return nil
}

func (it *item) offerOf(p *peer) *offer {
	for _, o := range it.offers {
		if o.peer == p {
			return o
		}
	}
	return nil
}

func (it *item) reservationOf(p *peer) *reservation {
	for _, r := range it.reserved {
		if r.peer == p {
			return r
		}
	}
	return nil
}

func (it *item) hear(now Time) {
	if !it.heard {
		it.heard, it.heardAt = true, now
	}
}

// useful says whether the brain should still bring the key here.
func (it *item) useful() bool { return !it.whole && (it.wanted || it.relay) }

func (c *Core) item(k Key) *item {
	it := c.items[k]
	if it == nil {
		it = &item{key: k, track: k.Track(), size: -1, hops: -1, timer: c.timers.add(WhyExpire)}
		it.timer.item = it
		c.items[k] = it
	}
	return it
}

// forget drops the item's record when nothing refers to it.
func (c *Core) forget(it *item) {
	if it.wanted || it.relay || it.whole || it.held > 0 || it.fetching ||
		len(it.inbound) > 0 || len(it.outbound) > 0 || len(it.reserved) > 0 {
		return
	}
	c.timers.clear(it.timer)
	delete(c.items, it.key)
}

func without[T comparable](s []T, v T) []T {
	for i, x := range s {
		if x == v {
			copy(s[i:], s[i+1:])
			var zero T
			s[len(s)-1] = zero
			return s[:len(s)-1]
		}
	}
	return s
}

// bitset grows as pieces come.
type bitset []uint64

func (b bitset) get(i int) bool {
	return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0
}

// clear is the first bit from i on that is not set.
func (b bitset) clear(i int) int {
	for w := i >> 6; w < len(b); w++ {
		if free := ^b[w] >> (i & 63) << (i & 63); free != 0 {
			return w<<6 + bits.TrailingZeros64(free)
		}
		i = (w + 1) << 6
	}
	return i
}

// next is the first bit from i on that is set, limit if there is none before it.
func (b bitset) next(i, limit int) int {
	for w := i >> 6; w < len(b) && w<<6 < limit; w++ {
		if set := b[w] >> (i & 63) << (i & 63); set != 0 {
			return min(limit, w<<6+bits.TrailingZeros64(set))
		}
		i = (w + 1) << 6
	}
	return limit
}

func (b *bitset) set(i int) bool {
	for i>>6 >= len(*b) {
		*b = append(*b, 0)
	}
	w := &(*b)[i>>6]
	bit := uint64(1) << (i & 63)
	if *w&bit != 0 {
		return false
	}
	*w |= bit
	return true
}

// originClock estimates how long the origin takes: mean plus four deviations,
// as RFC 6298 §2 does for round trips, because a late guess is a stall.
type originClock struct {
	mean, dev time.Duration
	measured  bool
}

func (o *originClock) guess(d time.Duration) { o.mean, o.dev = d/2, d/8 }

func (o *originClock) add(d time.Duration) {
	if !o.measured {
		o.mean, o.dev, o.measured = d, d/2, true
		return
	}
	diff := max(d-o.mean, o.mean-d)
	o.dev += (diff - o.dev) / 4
	o.mean += (d - o.mean) / 8
}

func (o *originClock) estimate() time.Duration { return o.mean + 4*o.dev }
