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

	wanted  bool
	need    Want
	relay   bool // wanted only for neighbours (tier-2)
	renewAt Time // when neighbours are told again that it is wanted

	size   int64 // -1 unknown
	sure   bool  // the edge has checked it; else an offer says so
	n      int   // pieces, -1 unknown
	have   bitset
	held   int // pieces held
	prefix int // leading pieces held
	whole  bool
	hops   int // of what is or will be held here; -1: nothing yet
	sender []PeerID
	flows  bool // grows, and the beginning of a piece is here

	wait    bitset    // pieces that a source was asked for
	coming  uint8     // slices that come without being asked for, from pushing sources
	rare    []uint8   // how many partial sources hold each piece
	wholes  uint8     // how many sources hold all of it
	given   []uint8   // how often each piece was sent
	sources []*source // neighbours that have some of it
	stolen  int       // pieces asked of a second source

	outbound []*outbound
	reserved []*reservation
	news     bitset // pieces that neighbours were not told of
	dirty    bool   // there are some
	toldAt   Time   // when they were told last
	pushes   int    // slices that are pushed to somebody, see affords
	dealt    bool   // its slices were dealt out, see deal

	fetching  bool
	fetch     Fetch
	fetchAt   Time
	failures  int
	retryAt   Time
	asideTill Time // the origin asked not to be asked before
	dead      bool // the origin said it never will
	private   bool
	electFrom Time
	promised  Time // until when a neighbour's word holds that it is on its way
	seeded    bool // a seed's fetch is where it comes from
	heard     bool // word of the key came from a neighbour
	heardAt   Time // first
	short     bool // the origin had to bring what neighbours would have brought too late
}

// outbound is a transfer to one receiver.
type outbound struct {
	item     *item
	peer     *peer
	transfer uint32
	want     bitset // asked for, one by one
	slices   uint8  // asked for as they come, from piece `from` on
	from     int
	sent     bitset
	due      Time
	begun    bool
	pushed   bool
	// dry says that nothing can be sent before more is gained or asked for: most
	// transfers are so most of the time, and are not looked at then.
	dry bool
}

// reservation is a neighbour's interest.
type reservation struct {
	peer *peer
	due  Time
	told bool // of pieces that are here
}

func (it *item) pieces() int { return it.n }

// sized books how long a neighbour says that the segment is. Nobody has checked it.
func (it *item) sized(size int64) {
	if size >= 0 && it.size < 0 {
		it.setSize(size)
	}
}

// measured books how long the segment is, as the edge has checked.
func (c *Core) measured(it *item, size int64) {
	if size < 0 || it.sure {
		return
	}
	it.sure = true
	if it.size == size {
		return
	}
	if it.size >= 0 { // an offer lied: nothing said of the segment is worth anything
		c.note("size of %s is %d, not %d", it.key, size, it.size)
		c.cancelInbound(it)
		c.dropSources(it)
	}
	it.setSize(size)
	if it.useful() {
		c.findHolders(it)
	}
}

func (it *item) setSize(size int64) {
	it.size, it.n = size, segments.PieceCount(size)
	it.wet()
	counts := make([]uint8, 2*it.n)
	it.rare, it.given = counts[:it.n], counts[it.n:]
	w := words(it.n)
	room := make([]uint64, 3*w)
	it.have = append(bitset(room[:0:w]), it.have...)
	it.wait = append(bitset(room[w:w:2*w]), it.wait...)
	it.news = append(bitset(room[2*w:2*w:3*w]), it.news...)
	it.wholes = 0
	for _, s := range it.sources {
		s.count(1)
	}
}

// add marks pieces as held and returns how many were new.
func (it *item) add(first, count int) (fresh int) {
	for i := first; i < first+count; i++ {
		if it.have.set(i) {
			it.news.set(i)
			fresh++
		}
	}
	it.held += fresh
	it.wet()
	it.prefix = it.have.clear(it.prefix)
	return fresh
}

// wet has every transfer looked at again.
func (it *item) wet() {
	for _, out := range it.outbound {
		out.dry = false
	}
}

// limit is one past the last piece that may exist.
func (it *item) limit() int {
	if it.n >= 0 {
		return it.n
	}
	return MaxPieces
}

// open is the pieces of word w that are neither held nor expected from a source or
// the origin.
func (it *item) open(w int) uint64 {
	m := span(w, 0, it.limit()) &^ (it.have.word(w) | it.wait.word(w) | slicePattern(it.coming))
	if m != 0 && it.fetching {
		end := MaxPieces
		if it.fetch.Count >= 0 {
			end = it.fetch.First + it.fetch.Count
		}
		m &^= span(w, it.fetch.First, end)
	}
	return m
}

// gap says whether something is open, and spans it: count is -1 when it reaches
// the unknown end.
func (it *item) gap() (first, count int, ok bool) {
	return it.spanned(it.open)
}

// absent is the pieces of word w that are not held, whoever may be bringing them.
func (it *item) absent(w int) uint64 { return span(w, 0, it.limit()) &^ it.have.word(w) }

// missing is gap of what is absent.
func (it *item) missing() (first, count int, ok bool) { return it.spanned(it.absent) }

func (it *item) spanned(set func(w int) uint64) (first, count int, ok bool) {
	for w := it.prefix >> 6; w < words(it.limit()); w++ {
		m := set(w)
		if m == 0 {
			continue
		}
		if !ok {
			first, ok = w<<6+bits.TrailingZeros64(m), true
			if it.n < 0 {
				return first, -1, true
			}
		}
		count = w<<6 + 64 - bits.LeadingZeros64(m) - first
	}
	return first, count, ok
}

func (it *item) outboundTo(p *peer) *outbound {
	for _, out := range it.outbound {
		if out.peer == p {
			return out
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

// hear books the first word of an item.
func (c *Core) hear(it *item) {
	if it.heard {
		return
	}
	it.heard, it.heardAt = true, c.now
	if it.coming |= c.expected(it); it.coming != 0 {
		c.wake(it, c.pushUntil(it), WhyStall)
	}
}

// useful says whether the brain should still bring the key here.
func (it *item) useful() bool { return !it.whole && (it.wanted || it.relay) }

func (c *Core) item(k Key) *item {
	it := c.items[k]
	if it == nil {
		it = &item{key: k, track: k.Track(), size: -1, n: -1, hops: -1, timer: c.timers.add(WhyExpire)}
		it.timer.item = it
		c.items[k] = it
	}
	return it
}

// forget drops the item's record when nothing refers to it.
func (c *Core) forget(it *item) {
	if it.wanted || it.relay || it.whole || it.held > 0 || it.fetching ||
		len(it.outbound) > 0 || len(it.reserved) > 0 {
		return
	}
	c.dropSources(it)
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

// originClock estimates how long the origin takes: mean plus four deviations,
// much as RFC 6298 §2 does for round trips, because a late guess is a stall. It
// begins with half the deviation of that: a first segment is slow in itself, because
// its connection is new.
type originClock struct {
	mean, dev time.Duration
	measured  bool
}

func (o *originClock) guess(d time.Duration) { o.mean, o.dev = d/2, d/8 }

func (o *originClock) add(d time.Duration) {
	if !o.measured {
		o.mean, o.dev, o.measured = d, d/4, true
		return
	}
	diff := max(d-o.mean, o.mean-d)
	o.dev += (diff - o.dev) / 4
	o.mean += (d - o.mean) / 8
}

func (o *originClock) estimate() time.Duration { return o.mean + 4*o.dev }
