package swarm

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

const (
	// maxElected is how many segments are brought in for the swarm at a time: more
	// would share one line, and the one due first would come last.
	maxElected = 3
	// freshFor is how long after its availability a segment may not be there yet.
	freshFor   = 500 * time.Millisecond
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	seedRetry  = time.Second // everybody else waits for it
)

// fetchMissing asks the origin for what is missing, the longest stretch of it first,
// and takes that back from the sources that would have brought it too late, unless it
// is a race.
func (c *Core) fetchMissing(it *item, cause Cause) {
	first, count, ok := it.stretch(it.open)
	if !ok {
		first, count, ok = it.stretch(it.absent)
	}
	if !ok {
		return
	}
	if cause == CauseDeadline {
		c.fellShort(it)
	}
	if cause != CauseHedge {
		c.takeBack(it, first, count)
	}
	c.startFetch(it, first, count, cause)
}

// gapWorth is how many pieces between two holes are asked for with them: a request of
// its own for the second hole would cost more time than they.
const gapWorth = 2

// stretches calls f for a set of pieces, those that are at most gapWorth apart in one
// stretch. count is -1 when it reaches the unknown end.
func (it *item) stretches(set func(w int) uint64, f func(first, count, missing int)) {
	if it.n < 0 {
		if first, count, ok := it.spanned(set); ok {
			f(first, count, 1)
		}
		return
	}
	first, end, missing := -1, 0, 0
	for w := it.prefix >> 6; w < words(it.n); w++ {
		for m := set(w); m != 0; m &= m - 1 {
			i := w<<6 + bits.TrailingZeros64(m)
			if first >= 0 && i-end > gapWorth {
				f(first, end-first, missing)
				first = -1
			}
			if first < 0 {
				first, missing = i, 0
			}
			end = i + 1
			missing++
		}
	}
	if first >= 0 {
		f(first, end-first, missing)
	}
}

// stretch is the one with most pieces of the set.
func (it *item) stretch(set func(w int) uint64) (first, count int, ok bool) {
	most := 0
	it.stretches(set, func(f, n, missing int) {
		if missing > most {
			first, count, most, ok = f, n, missing, true
		}
	})
	return first, count, ok
}

// takeBack no longer expects of neighbours what the origin was asked for.
func (c *Core) takeBack(it *item, first, count int) {
	if count < 0 || first <= it.prefix && first+count >= it.n {
		c.cancelInbound(it)
		return
	}
	for _, s := range it.sources {
		if s.slices != 0 {
			c.send(s.peer, Cancel{Key: it.key})
			c.release(s)
			continue
		}
		before := s.waiting
		c.judge(s)
		for i := first; i < first+count; i++ {
			s.unask(i)
		}
		if s.waiting < before {
			c.ask(s)
		}
	}
}

// hedgeShare is the part of a segment, 1/hedgeShare, that the origin may be asked for
// while neighbours are still sending it. So at most an eighth of a segment comes twice
// for it.
const hedgeShare = 8

// hedges says whether what is missing at the last moment is a tail, short enough to let
// the origin race the neighbours that owe it.
func (c *Core) hedges(it *item) bool {
	_, count, ok := it.missing()
	return ok && count >= 0 && count*hedgeShare <= it.n && it.inflow()
}

func (c *Core) startFetch(it *item, first, count int, cause Cause) {
	if !it.sure {
		count = -1 // where it ends is hearsay, and the edge would not know a last piece by its length
	}
	it.fetching = true
	c.fetches++
	c.fetchID++
	it.fetch = Fetch{Key: it.key, ID: c.fetchID, First: first, Count: count, Cause: cause}
	it.fetchAt = c.now
	if it.hops < 0 || len(it.sender) == 0 {
		it.hops = 0
	}
	if cause == CauseElected && it.need.Available <= 0 && len(c.links) > 0 { // nobody near in the film has it
		c.hunt()
	}
	it.seeded = it.seeded || c.cfg.Seed
	if cause.own() {
		c.owning++
	}
	c.counters.Fetches[cause]++
	c.note("fetch %s pieces %d+%d: %s", it.key, first, count, cause)
	c.emit(it.fetch)
	c.promise(it, nil)
}

// wait puts an elected segment behind those that are being fetched.
func (c *Core) wait(it *item) {
	if !slices.Contains(c.waiting, it) {
		c.waiting = append(c.waiting, it)
	}
}

// endFetch lets the most urgent waiting segment have its turn.
func (c *Core) endFetch(it *item) {
	it.fetching = false
	c.fetches--
	if it.fetch.Cause.own() {
		if c.owning--; c.owning == 0 {
			c.timers.set(c.refill, c.now, WhyUpload)
		}
	}
	for len(c.waiting) > 0 && c.fetches < maxElected {
		next := slices.MinFunc(c.waiting, func(a, b *item) int {
			return cmp.Or(cmp.Compare(a.need.Deadline, b.need.Deadline), cmp.Compare(a.key, b.key))
		})
		c.waiting = without(c.waiting, next)
		if next != it && c.items[next.key] == next && next.useful() {
			c.step(next)
		}
	}
}

// fetchEnded books what left the origin and decides what a failure means.
func (c *Core) fetchEnded(f FetchEnded) {
	it, cause := c.items[f.Fetch.Key], f.Fetch.Cause
	c.note("fetched %s: %d bytes, %s, error %d", f.Fetch.Key, f.Bytes, cause, f.Err)
	c.counters.OriginBytes[cause] += f.Bytes
	if it == nil {
		return
	}
	if !it.fetching || f.Fetch.ID != it.fetch.ID {
		c.forget(it) // a sample, or cancelled before; its bytes count all the same
		return
	}
	c.endFetch(it)
	switch f.Err {
	case NoError:
		if it.fetch.Count < 0 && it.fetch.First == 0 {
			// The time in which the origin was still making it is not its delay.
			c.origin.add(max(0, c.now-max(it.fetchAt, it.need.Whole)))
		}
		it.failures = 0
		c.originBack()
		if it.useful() && cause != CauseSample && it.held == 0 && it.size != 0 {
			c.retryLater(it, f.RetryAfter)
		}
	case FetchPrivate:
		c.counters.OriginBytes[cause] -= f.Bytes
		c.counters.OriginBytes[CauseNotShareable] += f.Bytes
		c.keepPrivate(Private{Key: it.key})
		it.wanted = false
	case FetchCancelled: // the edge could not even try
		it.need.Fetchable = false
	case FetchTemporary, FetchFinal:
		c.counters.FetchErrors++
		it.dead = f.Err == FetchFinal
		c.failed(it, f.Err)
		c.retryLater(it, f.RetryAfter)
		c.starve(it)
	}
	c.step(it)
	c.giveUp(it, f.Err)
}

// retryLater waits 100 ms × 2^n, jittered to between a half and the whole of it,
// at most 5 s, and at least what the origin asked for. The pause ends at the last
// moment before the deadline at the latest: an origin that has recovered by then
// must not be found out after it.
func (c *Core) retryLater(it *item, asked time.Duration) {
	most := lastRetry
	if c.cfg.Seed {
		most = seedRetry
	}
	d := min(firstRetry<<min(it.failures, 10), most)
	d = d/2 + time.Duration(c.random()*float64(d/2))
	if left := it.need.Deadline - c.lead(it) - c.now; left > 0 {
		d = min(d, left)
	}
	it.failures++
	it.asideTill = c.now + asked
	it.retryAt = max(c.now+d, it.asideTill)
}

// starve tells those who were to receive the segment from here to look elsewhere.
func (c *Core) starve(it *item) {
	if it.inflow() {
		return
	}
	c.cancelOutbound(it)
	for _, r := range it.reserved {
		r.told = false
	}
	if len(it.sender) == 0 && it.held == 0 {
		it.hops = -1
	}
}

// giveUp ends the player's request when the origin refuses and no neighbour has
// the key, as plain HTTP would; the player retries by its own rules. A segment
// that has just become available is asked for again in any case: clocks agree to
// a few milliseconds at best, and the first request may have come too early.
func (c *Core) giveUp(it *item, err FetchError) {
	if err != FetchTemporary && err != FetchFinal || !it.wanted || !it.need.Asked || it.fetching {
		return
	}
	if it.inflow() {
		return
	}
	late := it.need.Deadline <= c.now && c.now >= it.need.Available+freshFor
	if it.dead || late || it.failures > 3 {
		it.need.Asked = false
		c.emit(Failed{Key: it.key})
	}
}

// keepPrivate takes a segment out of the swarm that its origin does not want
// shared.
func (c *Core) keepPrivate(p Private) {
	it := c.items[p.Key]
	if it == nil || it.private {
		return
	}
	it.private = true
	c.cancelOutbound(it)
	for len(it.reserved) > 0 {
		c.removeReservation(it, it.reserved[0])
	}
	delete(c.changed, it.key)
	c.order = without(c.order, it.key)
}

// sample fetches one piece of an unsigned segment from the origin again, so that
// peers who agree on a lie are found out.
func (c *Core) sample(it *item) {
	if c.cfg.Signed || len(it.sender) == 0 || !it.need.Fetchable || it.pieces() <= 0 ||
		it.private || c.random() >= c.cfg.SampleRate {
		return
	}
	c.counters.Fetches[CauseSample]++
	c.fetchID++
	c.emit(Fetch{Key: it.key, ID: c.fetchID, First: int(c.random() * float64(it.pieces())), Count: 1, Cause: CauseSample})
}

// badPiece bans a peer whose bytes do not verify.
func (c *Core) badPiece(b BadPiece) {
	if p := c.peers[b.From]; p != nil {
		c.ban(p, b.Key, "a piece did not verify")
		return
	}
	if b.From != "" && !c.banned.has(b.From) {
		c.banned.add(b.From)
		c.counters.Bans++
		c.emit(Ban{Peer: b.From, Key: b.Key, Reason: "a piece did not verify"})
	}
}

// conflict settles two claims about one unsigned segment by asking the origin.
func (c *Core) conflict(x Conflict) {
	it := c.items[x.Key]
	if it == nil {
		return
	}
	c.counters.Conflicts++
	if x.From != "" {
		if p := c.peers[x.From]; p != nil {
			if s := it.sourceOf(p); s != nil {
				if s.busy() {
					c.send(p, Cancel{Key: it.key})
				}
				c.removeSource(s)
			}
		}
	}
	if it.fetching && it.fetch.Cause == CauseCorrupt || !it.need.Fetchable {
		c.step(it)
		return
	}
	liars := it.sender
	c.interrupt(it)
	wanted := it.wanted || it.whole
	if it.whole {
		c.mark(it.key, false)
	}
	need := it.need
	c.dropSources(it)
	it.reset()
	it.wanted, it.need = wanted, need
	c.emit(Distrust{Key: it.key})
	if x.From == "" { // the origin itself contradicts what they sent
		for _, id := range liars {
			c.badPiece(BadPiece{Key: x.Key, From: id})
		}
	}
	if wanted {
		c.startFetch(it, 0, -1, CauseCorrupt)
	}
	c.step(it)
}
