package dash

// A SegmentTimeline names only what exists. What comes next repeats the
// durations at its end: one value for video; for audio a cycle, because frames
// of 1024 samples do not divide the segment's nominal duration (2 s at 48 kHz is
// 93.75 frames: 94, 94, 94, 93).

const (
	tailLength = 64 // durations looked at
	maxCycle   = 16 // longest cycle looked for
)

// tail returns up to tailLength last durations, oldest first.
func (l *ladder) tail() []int64 {
	out := make([]int64, 0, tailLength)
	for i := len(l.runs) - 1; i >= 0 && len(out) < tailLength; i-- {
		r := l.runs[i]
		if i+1 < len(l.runs) && r.end() != l.runs[i+1].time {
			break // a gap or an overlap: what lies before it says nothing
		}
		for j := int64(0); j < r.count && len(out) < tailLength; j++ {
			out = append(out, r.length)
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// cycle returns the durations that come next, to be repeated: the shortest cycle
// that explains the tail at least once over, else the last duration alone.
func (l *ladder) cycle() []int64 {
	tail := l.tail()
	n := len(tail)
	if n == 0 {
		return nil
	}
	for p := 1; p <= maxCycle && 2*p <= n; p++ {
		if repeats(tail, p) {
			return tail[n-p:]
		}
	}
	return tail[n-1:]
}

func repeats(tail []int64, p int) bool {
	for i := p; i < len(tail); i++ {
		if tail[i] != tail[i-p] {
			return false
		}
	}
	return true
}

// extrapolate calls yield for slots after the last one with end > from (relative
// to the Period's start) until yield returns false.
func (l *ladder) extrapolate(from int64, yield func(slot) bool) {
	s, ok := l.last()
	cycle := l.cycle()
	if !ok || len(cycle) == 0 {
		return
	}
	var total int64
	for _, d := range cycle {
		total = addSat(total, d)
	}
	next := slot{time: addSat(s.time, s.length), number: s.number + 1, ordinal: s.ordinal + 1, subs: s.subs}
	if behind := addSat(addSat(from, l.offset), -next.time); behind > total {
		n := behind / total
		next.time = addSat(next.time, mulSat(n, total))
		next.number += uint64(n) * uint64(len(cycle))
		next.ordinal += n * int64(len(cycle))
	}
	for i := 0; ; i = (i + 1) % len(cycle) {
		next.length = cycle[i]
		if !yield(next) {
			return
		}
		next.time = addSat(next.time, next.length)
		next.number++
		next.ordinal++
	}
}

// beyond places a number that is not in the ladder, by the nearest duration.
func (l *ladder) beyond(n uint64) (slot, bool) {
	if len(l.runs) == 0 {
		return slot{}, false
	}
	if first := l.runs[0]; n < first.number {
		back := mulSat(int64(min(first.number-n, endless)), first.length)
		return slot{addSat(first.time, -back), first.length, n, -1, first.subs}, true
	}
	s, ok := l.last()
	if !ok || n <= s.number {
		return slot{}, false
	}
	ahead := mulSat(int64(min(n-s.number, endless)), s.length)
	return slot{addSat(s.time, ahead), s.length, n, -1, s.subs}, true
}

// around places a media time that is not the start of a slot of the ladder:
// before its first or after its last one.
func (l *ladder) around(t int64) (slot, bool) {
	if len(l.runs) == 0 {
		return slot{}, false
	}
	if first := l.runs[0]; t < first.time {
		steps := uint64((first.time - t) / first.length)
		return slot{t, first.length, first.number - min(steps, first.number), -1, first.subs}, true
	}
	s, ok := l.last()
	if !ok || t < addSat(s.time, s.length) {
		return slot{}, false
	}
	return slot{t, s.length, s.number + uint64((t-s.time)/s.length), -1, s.subs}, true
}
