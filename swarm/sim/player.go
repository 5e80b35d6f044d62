package sim

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// player is a virtual viewer. It names segments to its brain as a manifest does,
// plays one after the other, and stalls when one is not whole in time.
type player struct {
	joined  swarm.Time
	track   int
	first   int     // number it began with
	next    int     // number to be played next
	plan    []uint8 // track of each number from next on that has been named
	asked   int     // highest number it has asked for, -1 none
	playing bool
	playAt  swarm.Time // when next is due, once playing
	stalled swarm.Time // since when, never if it plays
	timer   uint8      // makes earlier evPlay void
	plain   plainHTTP
}

// joining says whether a segment is one of the first two, which come from
// wherever is fastest and are not counted as copies.
func (pl *player) joining(number int) bool { return number <= pl.first+1 }

// wanted says whether the player still has use for a segment.
func (pl *player) wanted(track, number int) bool {
	i := number - pl.next
	return i >= 0 && i < len(pl.plan) && int(pl.plan[i]) == track
}

// enter starts a viewer: Latency behind the live edge, or somewhere in the film.
func (w *world) enter(p *peer) {
	pl := &player{joined: w.now, stalled: never, track: p.rng.IntN(len(w.stream.tracks))}
	p.player = pl
	d := w.cfg.SegmentDuration
	switch {
	case w.cfg.Mode == Live:
		pl.first = max(0, w.stream.edge(w.now)+1-int(w.cfg.Latency/d))
	case w.cfg.Spread:
		pl.first = p.rng.IntN(w.stream.count)
		for n := max(0, pl.first-int(w.cfg.Cache/d)); n < pl.first; n++ {
			w.stock(p, w.stream.seg(pl.track, n))
		}
	}
	pl.next = pl.first
	pl.asked = pl.first // the player's first request comes before anything is known to the swarm
	w.name(p)
	w.queue.push(event{at: w.now + d, kind: evPeriod, who: p.index})
	if w.cfg.Switches > 0 && len(w.stream.tracks) > 1 {
		w.queue.push(event{at: w.now + w.wait(p, w.cfg.Switches), kind: evSwitch, who: p.index})
	}
}

// stock puts a whole segment on the shelf, as found on disk.
func (w *world) stock(p *peer, seg int32) {
	for i := range w.stream.pieces(seg) {
		if fresh, _ := w.put(p, seg, i, 0); fresh {
			w.ledger.stocked++
		}
	}
	w.tell(p, swarm.Held{Key: w.stream.keys[seg], Size: int64(w.stream.sizes[seg])})
}

// wait draws the time to the next of rate events a minute: −ln(U)/rate.
func (w *world) wait(p *peer, rate float64) time.Duration {
	return time.Duration(p.rng.ExpFloat64() / rate * float64(time.Minute)).Truncate(time.Microsecond)
}

// name tells the brain of the segments that came within the horizon.
func (w *world) name(p *peer) {
	pl := p.player
	ahead := int(w.cfg.Horizon / w.cfg.SegmentDuration)
	end := pl.next + ahead
	if w.cfg.Mode == Live {
		end = w.stream.edge(w.now) + 1 + ahead
	}
	for n := pl.next + len(pl.plan); n < min(end, w.stream.count); n++ {
		pl.plan = append(pl.plan, uint8(pl.track))
		w.want(p, n)
	}
	w.ask(p)
}

// due is when the player needs a number whole.
func (w *world) due(p *peer, number int) swarm.Time {
	pl := p.player
	at := w.now
	if pl.playing && pl.stalled == never {
		at = pl.playAt
	}
	return at + time.Duration(number-pl.next)*w.cfg.SegmentDuration
}

// want names one number, or says what changed about it. Times are those of the
// peer's own clock, except that the stream's timetable is everybody's.
func (w *world) want(p *peer, number int) {
	pl := p.player
	seg := w.stream.seg(int(pl.plan[number-pl.next]), number)
	if h := p.shelf.get(seg); h != nil && h.whole() {
		return
	}
	w.tell(p, swarm.Want{
		Key:       w.stream.keys[seg],
		Available: w.stream.available(seg),
		Deadline:  w.due(p, number) + p.skew,
		Duration:  w.cfg.SegmentDuration,
		Size:      w.stream.nominal(seg),
		Urgent:    pl.joining(number) && number <= pl.asked,
		Asked:     number <= pl.asked,
		Fetchable: true,
	})
}

// rename repeats all open wants, because deadlines moved.
func (w *world) rename(p *peer) {
	pl := p.player
	for i := 0; i < len(pl.plan); i++ {
		w.want(p, pl.next+i)
	}
}

// ask is the player's own request: for the first segment that is not whole, as
// soon as it exists.
func (w *world) ask(p *peer) {
	pl := p.player
	for i, track := range pl.plan {
		n := pl.next + i
		seg := w.stream.seg(int(track), n)
		if h := p.shelf.get(seg); h != nil && h.whole() {
			continue
		}
		if at := w.stream.available(seg); at > w.now {
			w.queue.push(event{at: at, kind: evAsk, who: p.index})
		} else if n > pl.asked {
			pl.asked = n
			w.want(p, n)
		}
		return
	}
}

// completed is called when the last piece of a segment has come.
func (w *world) completed(p *peer, seg int32) {
	pl := p.player
	if pl == nil {
		return
	}
	n := w.stream.number(seg)
	if h := p.shelf.get(seg); h == nil || !h.whole() || !pl.wanted(w.stream.track(seg), n) {
		return
	}
	w.consume(p, seg)
	switch {
	case n != pl.next:
	case !pl.playing:
		pl.playing, pl.playAt = true, w.now
		w.fig.startup = append(w.fig.startup, w.now-pl.joined)
		w.fig.startupPlain = append(w.fig.startupPlain, w.plain(p, n)-pl.joined)
		w.play(p)
		w.rename(p)
	case pl.stalled != never:
		w.fig.StallTime += w.now - pl.stalled
		pl.stalled, pl.playAt = never, w.now
		w.play(p)
		w.rename(p)
	}
	w.ask(p)
}

// consume books a segment that the player has got.
func (w *world) consume(p *peer, seg int32) {
	if p.shelf.get(seg).unverified {
		w.violate("peer %s plays %s, of which it did not verify every piece", p.id, w.stream.keys[seg])
	}
	size := int64(w.stream.sizes[seg])
	w.fig.ConsumedBytes += size
	w.second().ConsumedBytes += size
	w.consumed[seg]++
	if at := w.stream.available(seg); w.cfg.Mode == Live && at > p.player.joined {
		alone := w.cfg.OriginRTT + span(int(size), min(w.cfg.OriginRate, p.down.rate))
		w.fig.delivery = append(w.fig.delivery, delivery{w.now - at, w.now - at - alone, p.shelf.get(seg).hops()})
	}
	if w.cfg.Mode == VOD {
		w.fig.wanted++
		if w.holders[seg] > 1 {
			w.fig.held++ // somebody else had it: perfect knowledge would not have asked the origin
		}
	}
}

// play begins the next segment and sets the clock for the one after.
func (w *world) play(p *peer) {
	pl := p.player
	pl.next++
	pl.plan = pl.plan[:copy(pl.plan, pl.plan[1:])]
	pl.playAt += w.cfg.SegmentDuration
	w.playTimer(p)
}

func (w *world) playTimer(p *peer) {
	p.player.timer++
	w.queue.push(event{at: p.player.playAt, kind: evPlay, who: p.index, flag: p.player.timer})
}

// heldGrace is for how many segment durations a peer must have had a segment before
// a stall on it counts as one that the swarm could have prevented.
const heldGrace = 2

// playDue is the moment at which the next segment must be whole.
func (w *world) playDue(p *peer, timer uint8) {
	pl := p.player
	if !p.alive || timer != pl.timer || pl.next >= w.stream.count {
		return
	}
	n := pl.next
	plain := w.plain(p, n)
	if len(pl.plan) > 0 {
		if h := p.shelf.get(w.stream.seg(int(pl.plan[0]), n)); h != nil && h.whole() {
			w.play(p)
			return
		}
	}
	pl.stalled = w.now
	w.fig.Stalls++
	if len(pl.plan) > 0 && w.heldFor(w.stream.seg(int(pl.plan[0]), n)) > heldGrace*w.cfg.SegmentDuration {
		w.fig.StallsHeld++
	}
	w.second().Stalls++
	if plain <= w.now {
		w.fig.StallsP2P++
		w.violate("peer %s stalls at %v on number %d, which plain HTTP would have had at %v", p.id, w.now, n, plain)
	}
	w.rename(p)
}

// period runs once a segment: new names, old media out, and a jump to the live
// edge for those who fell too far behind.
func (w *world) period(p *peer) {
	if !p.alive {
		return
	}
	pl := p.player
	d := w.cfg.SegmentDuration
	w.queue.push(event{at: w.now + d, kind: evPeriod, who: p.index})
	if pl == nil {
		w.follow(p)
		return
	}
	if w.cfg.Mode == Live && pl.stalled != never {
		edge := w.stream.edge(w.now)
		if to := edge + 1 - int(w.cfg.Latency/d); time.Duration(edge+1-pl.next)*d > w.cfg.MaxLatency {
			w.jump(p, to)
		}
	}
	w.name(p)
	w.evict(p, pl.next-int(w.cfg.Cache/d))
}

// jump gives up everything before a number and goes on there.
func (w *world) jump(p *peer, to int) {
	pl := p.player
	w.fig.Jumps++
	var gone []int32
	for pl.next < to && len(pl.plan) > 0 {
		gone = append(gone, w.stream.seg(int(pl.plan[0]), pl.next))
		pl.next++
		pl.plan = pl.plan[:copy(pl.plan, pl.plan[1:])]
	}
	pl.next = max(pl.next, to)
	w.unwant(p, gone)
	w.name(p)
	w.rename(p)
	if len(pl.plan) == 0 {
		return
	}
	if h := p.shelf.get(w.stream.seg(int(pl.plan[0]), pl.next)); h != nil && h.whole() {
		w.fig.StallTime += w.now - pl.stalled
		pl.stalled, pl.playAt = never, w.now
		w.play(p)
		w.rename(p)
	}
}

// unwant takes back what is not whole; the edge keeps no unfinished bytes.
func (w *world) unwant(p *peer, segs []int32) {
	var keys []swarm.Key
	for _, seg := range segs {
		if h := p.shelf.get(seg); h != nil && h.whole() {
			continue
		}
		w.take(p, seg)
		keys = append(keys, w.stream.keys[seg])
	}
	if len(keys) > 0 {
		w.tell(p, swarm.Unwant{Keys: keys})
	}
}

// change moves to another track from the first number on of which nothing is
// held yet, as a rate switch does.
func (w *world) change(p *peer) {
	if !p.alive {
		return
	}
	pl := p.player
	w.queue.push(event{at: w.now + w.wait(p, w.cfg.Switches), kind: evSwitch, who: p.index})
	pl.track = (pl.track + 1 + p.rng.IntN(len(w.stream.tracks)-1)) % len(w.stream.tracks)
	var gone []int32
	from := len(pl.plan)
	for i := len(pl.plan) - 1; i > 0; i-- {
		seg := w.stream.seg(int(pl.plan[i]), pl.next+i)
		if p.shelf.get(seg) != nil || pl.next+i <= pl.asked {
			break
		}
		gone = append(gone, seg)
		from = i
	}
	for i := from; i < len(pl.plan); i++ {
		pl.plan[i] = uint8(pl.track)
	}
	w.unwant(p, gone)
	for i := from; i < len(pl.plan); i++ {
		w.want(p, pl.next+i)
	}
}

// failed is the origin's error at the player, which tries again a second later.
func (w *world) failed(p *peer, key swarm.Key) {
	seg, ok := w.stream.index[key]
	if !ok {
		return
	}
	w.fig.Failed++
	w.queue.push(event{at: w.now + time.Second, kind: evRetry, who: p.index, seg: seg})
}

func (w *world) retry(p *peer, seg int32) {
	pl := p.player
	if p.alive && pl != nil && pl.wanted(w.stream.track(seg), w.stream.number(seg)) {
		w.want(p, w.stream.number(seg))
	}
}

// follow is a seed's evPeriod: it wants every segment of every track as soon as
// it exists.
func (w *world) follow(p *peer) {
	if w.cfg.Mode == VOD {
		return
	}
	edge := w.stream.edge(w.now)
	end := min(edge+1+int(w.cfg.Horizon/w.cfg.SegmentDuration), w.stream.count)
	for n := p.followed; n < end; n++ {
		for t := range w.stream.tracks {
			seg := w.stream.seg(t, n)
			at := w.stream.available(seg)
			w.tell(p, swarm.Want{
				Key: w.stream.keys[seg], Available: at, Deadline: max(at, w.now) + w.cfg.Latency + p.skew,
				Duration: w.cfg.SegmentDuration, Size: w.stream.nominal(seg), Fetchable: true,
			})
		}
	}
	p.followed = max(p.followed, end)
	w.evict(p, edge-int(w.cfg.Cache/w.cfg.SegmentDuration))
}
