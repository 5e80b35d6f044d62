package vivaldi

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// topology is members on a plane of three far cities, each behind an access line
// of its own.
type topology struct {
	x, y, access []float64
}

func newTopology(n int, r *rand.Rand) topology {
	var t topology
	cities := [][2]float64{{0, 0}, {80, 0}, {30, 120}} // ms of round trip
	for i := range n {
		c := cities[i%len(cities)]
		t.x = append(t.x, c[0]+r.NormFloat64()*5)
		t.y = append(t.y, c[1]+r.NormFloat64()*5)
		t.access = append(t.access, 1+r.ExpFloat64()*6)
	}
	return t
}

func (t topology) rtt(i, j int) float64 {
	return math.Hypot(t.x[i]-t.x[j], t.y[i]-t.y[j]) + t.access[i] + t.access[j]
}

// settle plays rounds of measurements over the links of a random graph. Both ends
// report a link, and every round each member gives one link up for a new one, as
// members of a swarm do.
func settle(t topology, rounds, links int, noise float64, r *rand.Rand) []Coordinate {
	n := len(t.x)
	at := make([]Coordinate, n)
	to := make([][]int, n)
	for i := range to {
		for range links / 2 {
			to[i] = append(to[i], r.IntN(n))
		}
	}
	sample := func(i, j int) {
		if i != j {
			at[i] = at[i].Update(at[j], t.rtt(i, j)*(1+noise*r.ExpFloat64()), r.Float64)
		}
	}
	for range rounds {
		for i := range at {
			for _, j := range to[i] {
				sample(i, j)
				sample(j, i)
			}
			to[i][r.IntN(len(to[i]))] = r.IntN(n)
		}
	}
	return at
}

// predictionErrors are the relative errors of predictions between random pairs, sorted.
func predictionErrors(t topology, at []Coordinate, r *rand.Rand) []float64 {
	var errs []float64
	for range 5000 {
		i, j := r.IntN(len(at)), r.IntN(len(at))
		if i != j {
			errs = append(errs, math.Abs(Distance(at[i], at[j])-t.rtt(i, j))/t.rtt(i, j))
		}
	}
	slices.Sort(errs)
	return errs
}

func TestCoordinatesPredictRoundTrips(t *testing.T) {
	for _, tt := range []struct {
		name               string
		rounds, links      int
		noise, median, p90 float64
	}{
		{"quiet", 60, 8, 0, 0.03, 0.10},
		{"noisy", 60, 8, 0.1, 0.15, 0.30},
		{"few links", 60, 4, 0.05, 0.10, 0.30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			top := newTopology(300, r)
			errs := predictionErrors(top, settle(top, tt.rounds, tt.links, tt.noise, r), r)
			median, p90 := errs[len(errs)/2], errs[len(errs)*9/10]
			t.Logf("relative error of predictions: median %.3f, p90 %.3f", median, p90)
			if median > tt.median || p90 > tt.p90 {
				t.Errorf("worse than median %.2f, p90 %.2f", tt.median, tt.p90)
			}
		})
	}
}

func TestLiarMovesOnlyItself(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	top := newTopology(100, r)
	at := settle(top, 40, 8, 0, r)
	before := slices.Clone(at)
	for _, rtt := range []float64{-1, 0, 1e12, math.NaN(), math.Inf(1), math.Inf(-1)} {
		at[0] = at[0].Update(at[1], rtt, r.Float64)
		for _, v := range []float32{at[0].X, at[0].Y, at[0].Height, at[0].Error} {
			if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 2*RTTMost {
				t.Fatalf("after a sample of %v ms: %+v", rtt, at[0])
			}
		}
	}
	if fmt.Sprint(before[1:]) != fmt.Sprint(at[1:]) {
		t.Error("somebody else moved")
	}
}

func TestUnknownIsNotTrusted(t *testing.T) {
	var c Coordinate
	if c.Known() || c.Trust() != 0 {
		t.Errorf("the zero coordinate: %v, %v", c.Known(), c.Trust())
	}
	c = c.Update(Coordinate{}, 20, func() float64 { return 0.7 })
	if !c.Known() || c.Trust() > 0.5 {
		t.Errorf("after one sample: %+v", c)
	}
}

func BenchmarkUpdate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var c Coordinate
	other := Coordinate{X: 20, Y: 5, Height: 3, Error: 0.3}
	for b.Loop() {
		c = c.Update(other, 31, r.Float64)
	}
}
