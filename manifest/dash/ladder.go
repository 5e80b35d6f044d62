package dash

import (
	"math"
	"math/bits"
	"sort"
	"time"
)

// run is n segments of equal duration, one after the other. All times are in
// the Representation's timescale on the media timeline.
type run struct {
	time    int64 // of the first
	length  int64 // of each, > 0
	count   int64 // > 0
	number  uint64
	ordinal int64 // of the first among all
	subs    int64 // segments of a Segment Sequence (S@k), 1 otherwise
}

// endless is the count of a run that goes on for as long as its Period does.
const endless = math.MaxInt64

// end returns the media time at which the run ends, saturating.
func (r run) end() int64 { return addSat(r.time, mulSat(r.length, r.count)) }

// slot is one place in a ladder.
type slot struct {
	time, length int64
	number       uint64
	ordinal      int64
	subs         int64
}

func (r run) slot(i int64) slot {
	return slot{addSat(r.time, mulSat(r.length, i)), r.length, r.number + uint64(i), r.ordinal + i, r.subs}
}

// ladder is the segments of a Representation in order of their start. It is
// shared by the Representations that inherit one SegmentTimeline.
type ladder struct {
	timescale uint64
	offset    int64 // presentationTimeOffset: media time of the Period's start
	runs      []run
}

// scan calls yield for the slots with end > from, both relative to the Period's
// start in the timescale, until yield returns false.
func (l *ladder) scan(from int64, yield func(slot) bool) {
	from = addSat(from, l.offset)
	first := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].time > from })
	for first > 0 && l.runs[first-1].end() > from {
		first--
	}
	for _, r := range l.runs[first:] {
		i := int64(0)
		if from > r.time {
			i = (from - r.time) / r.length
		}
		for ; i < r.count; i++ {
			s := r.slot(i)
			if addSat(s.time, s.length) <= from {
				continue
			}
			if s.time == math.MaxInt64 || !yield(s) {
				return
			}
		}
	}
}

// window returns the earliest time, relative to the Period's start, from which at
// most MaxWindow slots start before edge.
func (l *ladder) window(edge int64) int64 {
	edge = addSat(edge, l.offset)
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].time >= edge })
	left := int64(MaxWindow)
	for i--; i >= 0; i-- {
		r := l.runs[i]
		n := min(ceilDiv(edge-r.time, r.length), r.count)
		if n >= left {
			return addSat(r.slot(n-left).time, -l.offset)
		}
		left -= n
	}
	return math.MinInt64
}

// last returns the last slot, false when there is none or the last run is endless.
func (l *ladder) last() (slot, bool) {
	if len(l.runs) == 0 {
		return slot{}, false
	}
	r := l.runs[len(l.runs)-1]
	if r.count == endless {
		return slot{}, false
	}
	return r.slot(r.count - 1), true
}

// byNumber finds the slot of a segment number.
func (l *ladder) byNumber(n uint64) (slot, bool) {
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].number > n })
	if i == 0 {
		return slot{}, false
	}
	r := l.runs[i-1]
	if n-r.number >= uint64(r.count) {
		return slot{}, false
	}
	return r.slot(int64(n - r.number)), true
}

// byTime finds the slot that starts at exactly media time t.
func (l *ladder) byTime(t int64) (slot, bool) {
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].time > t })
	for i--; i >= 0; i-- {
		r := l.runs[i]
		if n := (t - r.time) / r.length; (t-r.time)%r.length == 0 && n < r.count {
			return r.slot(n), true
		}
		if r.time < t {
			break
		}
	}
	return slot{}, false
}

// byOrdinal finds the i-th slot.
func (l *ladder) byOrdinal(n int64) (slot, bool) {
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].ordinal > n })
	if i == 0 || n-l.runs[i-1].ordinal >= l.runs[i-1].count {
		return slot{}, false
	}
	return l.runs[i-1].slot(n - l.runs[i-1].ordinal), true
}

// duration converts ticks of the timescale to a duration, rounded down, and
// saturates: duration = ticks × 10⁹ / timescale.
func (l *ladder) duration(ticks int64) time.Duration {
	return time.Duration(mulDiv(ticks, uint64(time.Second), l.timescale))
}

// ticks is the inverse, rounded down.
func (l *ladder) ticks(d time.Duration) int64 {
	if d == math.MaxInt64 {
		return math.MaxInt64
	}
	return mulDiv(int64(d), l.timescale, uint64(time.Second))
}

// ticksUp is the inverse, rounded up.
func (l *ladder) ticksUp(d time.Duration) int64 {
	return -mulDiv(-int64(d), l.timescale, uint64(time.Second))
}

// mulDiv returns floor(a × b / c) in 128 bits, saturating at ±(2⁶³−1).
func mulDiv(a int64, b, c uint64) int64 {
	magnitude := uint64(a)
	if a < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, b)
	if hi >= c {
		if a < 0 {
			return -math.MaxInt64
		}
		return math.MaxInt64
	}
	q, r := bits.Div64(hi, lo, c)
	if a < 0 {
		if r != 0 {
			q++
		}
		return -int64(min(q, math.MaxInt64))
	}
	return int64(min(q, math.MaxInt64))
}

func addSat(a, b int64) int64 {
	s := a + b
	if a > 0 && b > 0 && s < 0 {
		return math.MaxInt64
	}
	if a < 0 && b < 0 && s >= 0 {
		return math.MinInt64
	}
	return s
}

// mulSat multiplies a ≥ 0 by b ≥ 0.
func mulSat(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}
