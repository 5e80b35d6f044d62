package dash

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/google/go-cmp/cmp"
)

type at struct {
	Time, Length int64
	Number       uint64
}

// s makes an S element; t < 0 leaves @t out.
func s(t int64, d uint64, r int64) entry {
	return entry{time: uint64(max(t, 0)), timed: t >= 0, length: d, repeat: r}
}

func slots(l *ladder, from int64, n int) (out []at) {
	l.scan(from, func(s slot) bool {
		out = append(out, at{s.time, s.length, s.number})
		return len(out) < n
	})
	return out
}

func TestExplicitTimelines(t *testing.T) {
	known := func(ticks int64) time64 { return time64{ticks: ticks, known: true} }
	base := information{timescale: 1, startNumber: 1, endNumber: math.MaxUint64, subs: 1}
	with := func(f func(*information)) information { in := base; f(&in); return in }
	for _, c := range []struct {
		name    string
		in      information
		s       []entry
		length  time64
		want    []at
		dropped int
	}{
		{"plain", base, []entry{s(0, 4, 1), s(-1, 2, 0)}, known(10), []at{{0, 4, 1}, {4, 4, 2}, {8, 2, 3}}, 0},
		{"first S without t", base, []entry{s(-1, 4, 1)}, known(8), []at{{0, 4, 1}, {4, 4, 2}}, 0},
		{"to the Period's end", base, []entry{s(0, 4, -1)}, known(10), []at{{0, 4, 1}, {4, 4, 2}, {8, 4, 3}}, 0},
		{"to the next t", base, []entry{s(22, 8, 0), s(-1, 10, -1), s(50, 12, 0), s(-1, 10, 0)}, known(75),
			[]at{{22, 8, 1}, {30, 10, 2}, {40, 10, 3}, {50, 12, 4}, {62, 10, 5}}, 0},
		{"to the end, counted from the offset", with(func(in *information) { in.offset = 100 }), []entry{s(100, 4, -1)}, known(8),
			[]at{{100, 4, 1}, {104, 4, 2}}, 0},
		{"other negative r", base, []entry{s(0, 5, -7)}, known(10), []at{{0, 5, 1}, {5, 5, 2}}, 0},
		{"unknown end", base, []entry{s(0, 5, -1)}, time64{}, []at{{0, 5, 1}}, 0},
		{"gap", base, []entry{s(0, 4, 0), s(10, 4, 0)}, known(14), []at{{0, 4, 1}, {10, 4, 2}}, 0},
		{"overlap", base, []entry{s(0, 4, 0), s(3, 4, 0)}, known(14), []at{{0, 4, 1}, {3, 4, 2}}, 0},
		{"backwards", base, []entry{s(10, 4, 0), s(2, 4, 0), s(20, 4, 0)}, known(30), []at{{10, 4, 1}, {20, 4, 3}}, 1},
		{"no duration", base, []entry{s(0, 0, -1), s(8, 4, 0)}, known(12), []at{{8, 4, 2}}, 1},
		{"startNumber", with(func(in *information) { in.startNumber = 7 }), []entry{s(0, 4, 1)}, known(8), []at{{0, 4, 7}, {4, 4, 8}}, 0},
		{"endNumber", with(func(in *information) { in.endNumber = 3 }), []entry{s(0, 4, 1), s(-1, 4, 5)}, known(99),
			[]at{{0, 4, 1}, {4, 4, 2}, {8, 4, 3}}, 0},
		{"n", base, []entry{s(0, 4, 0), {length: 4, more: &entryMore{number: 5, numbered: true}}}, known(99), []at{{0, 4, 1}, {4, 4, 6}}, 0},
		{"beyond 2⁶³", base, []entry{s(math.MaxInt64, math.MaxUint64, 0)}, known(9), nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, dropped := explicit(c.in, c.s, nil, c.length)
			if diff := cmp.Diff(c.want, slots(l, math.MinInt64/2, 20)); diff != "" {
				t.Error(diff)
			}
			if dropped != c.dropped {
				t.Errorf("%d entries dropped, want %d", dropped, c.dropped)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	patterns := []*mpd.PatternType{{Id: 3, P: []*mpd.RunLengthType{{D: 96, R: 2}, {D: 95}}}}
	list := []entry{{timed: true, repeat: 5, more: &entryMore{pattern: 3, patterns: true, entered: 2}}}
	in := information{timescale: 1, startNumber: 1, endNumber: math.MaxUint64, subs: 1}
	l, dropped := explicit(in, list, patterns, time64{})
	want := []at{{0, 96, 1}, {96, 95, 2}, {191, 96, 3}, {287, 96, 4}, {383, 96, 5}, {479, 95, 6}}
	if diff := cmp.Diff(want, slots(l, math.MinInt64/2, 20)); diff != "" || dropped != 0 {
		t.Errorf("%d dropped\n%s", dropped, diff)
	}
}

func TestUniformCounts(t *testing.T) {
	in := information{timescale: 1, duration: 4, startNumber: 1, endNumber: math.MaxUint64, subs: 1}
	for _, c := range []struct {
		length time64
		end    uint64
		delta  int64
		want   int64
	}{
		{time64{ticks: 8, known: true}, math.MaxUint64, 0, 2},
		{time64{ticks: 9, known: true}, math.MaxUint64, 0, 3},
		{time64{ticks: 9, known: true}, 2, 0, 2},
		{time64{ticks: 9, known: true}, 0, 0, 0},
		{time64{}, math.MaxUint64, 0, 1},
		{time64{open: true}, math.MaxUint64, 0, endless},
		{time64{ticks: 8, known: true}, math.MaxUint64, -3, 3},
	} {
		in.endNumber, in.delta = c.end, c.delta
		l := uniform(in, c.length)
		got := int64(0)
		if len(l.runs) > 0 {
			got = l.runs[0].count
		}
		if got != c.want {
			t.Errorf("%+v: %d segments, want %d", c, got, c.want)
		}
	}
}

func TestLadderLookups(t *testing.T) {
	in := information{timescale: 1, startNumber: 10, endNumber: math.MaxUint64, subs: 1}
	l, _ := explicit(in, []entry{s(100, 4, 2), s(120, 5, 1)}, nil, time64{})
	for _, want := range []slot{{100, 4, 10, 0, 1}, {108, 4, 12, 2, 1}, {120, 5, 13, 3, 1}, {125, 5, 14, 4, 1}} {
		for how, find := range map[string]func() (slot, bool){
			"number":  func() (slot, bool) { return l.byNumber(want.number) },
			"time":    func() (slot, bool) { return l.byTime(want.time) },
			"ordinal": func() (slot, bool) { return l.byOrdinal(want.ordinal) },
		} {
			if got, ok := find(); !ok || got != want {
				t.Errorf("by %s: %+v, %v; want %+v", how, got, ok, want)
			}
		}
	}
	for _, n := range []uint64{0, 9, 15, math.MaxUint64} {
		if got, ok := l.byNumber(n); ok {
			t.Errorf("number %d: %+v", n, got)
		}
	}
	for _, at := range []int64{0, 99, 101, 112, 121, 130} {
		if got, ok := l.byTime(at); ok {
			t.Errorf("time %d: %+v", at, got)
		}
	}
	if got := slots(l, 109, 2); got[0].Time != 108 || got[1].Time != 120 {
		t.Errorf("scan from inside a segment: %v", got)
	}
	if got := slots(l, 112, 1); got[0].Time != 120 {
		t.Errorf("scan from inside a gap: %v", got)
	}
}

func TestWindowIsLimited(t *testing.T) {
	l := &ladder{timescale: 1, runs: []run{{length: 1, count: endless, subs: 1}}}
	if got := l.window(MaxWindow); got > 0 {
		t.Errorf("%d segments start at %d", MaxWindow, got)
	}
	if got := l.window(MaxWindow + 1); got != 1 {
		t.Errorf("%d segments start at %d", MaxWindow+1, got)
	}
	begin := l.window(math.MaxInt64 - 1)
	if n := math.MaxInt64 - 1 - begin; n != MaxWindow {
		t.Errorf("the window holds %d", n)
	}
}

func TestMulDivAgainstBig(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a := int64(random.Uint64()) >> random.IntN(64)
		b, c := random.Uint64()>>random.IntN(64), random.Uint64()>>random.IntN(63)|1
		want := new(big.Int).Mul(big.NewInt(a), new(big.Int).SetUint64(b))
		divisor := new(big.Int).SetUint64(c)
		m := new(big.Int)
		want.DivMod(want, divisor, m) // Euclidean: floor for a positive divisor
		limit := big.NewInt(math.MaxInt64)
		if want.Cmp(limit) > 0 {
			want.Set(limit)
		}
		if low := new(big.Int).Neg(limit); want.Cmp(low) < 0 {
			want.Set(low)
		}
		if got := mulDiv(a, b, c); got != want.Int64() {
			t.Fatalf("%d × %d / %d: %d, want %v", a, b, c, got, want)
		}
	}
}

func TestExtrapolationFindsTheCycle(t *testing.T) {
	in := information{timescale: 48000, startNumber: 1, endNumber: math.MaxUint64, subs: 1}
	// 2 s of 1024-sample frames: boundaries at ⌈93.75 k⌉ frames.
	boundary := func(k int64) int64 { return (k*375 + 3) / 4 * 1024 }
	var entries []entry
	for k := int64(7); k < 37; k++ {
		entries = append(entries, s(boundary(k), uint64(boundary(k+1)-boundary(k)), 0))
	}
	l, _ := explicit(in, entries, nil, time64{open: true})
	k, n := int64(37), 0
	l.extrapolate(0, func(s slot) bool {
		if s.time != boundary(k) || s.length != boundary(k+1)-boundary(k) || s.number != uint64(31+n) {
			t.Errorf("segment %d: %+v, want time %d", n, s, boundary(k))
		}
		k++
		n++
		return n < 40
	})
	// A stale manifest is caught up with in whole cycles.
	far := boundary(1_000_001)
	l.extrapolate(far, func(s slot) bool {
		if s.time > far || s.time < far-8*96256 {
			t.Errorf("far extrapolation starts at %d, want about %d", s.time, far)
		}
		return false
	})
}
