// Package vivaldi gives members of a network coordinates whose distances predict
// their round-trip times, so that two members need never have met to be known as
// near (Dabek, Cox, Kaashoek, Morris: Vivaldi, SIGCOMM 2004).
//
// A coordinate is a point x in two dimensions and a height h, the way from the
// member to the core of the network, all in milliseconds of round trip:
//
//	distance(i, j) = ‖x_i − x_j‖ + h_i + h_j                      (§5.4)
//
// More dimensions predict little better (§5.1) and need more links to be pinned down.
//
// A member i that measured the round trip rtt to j moves as a spring would pull it:
//
//	w   = e_i / (e_i + e_j)                       whom to believe
//	e_s = |distance(i, j) − rtt| / rtt            error of this sample
//	e_i ← e_s·c_e·w + e_i·(1 − c_e·w)             c_e = 0.25
//	x_i ← x_i + c_c·w·(rtt − distance)·u          c_c = 0.25, u = (x_i − x_j)/‖x_i − x_j‖
//	h_i ← h_i + c_c·w·(rtt − distance)·(h_i + h_j)/distance
//
// Only i moves, and by at most a quarter of what it measured is off: a member that
// reports nonsense misplaces itself and nobody else.
package vivaldi

import "math"

// Constants of the paper (§3.4), and bounds that keep nonsense finite.
const (
	gain        = 0.25 // c_c and c_e
	errorMost   = 1.5  // of a member that knows nothing
	errorLeast  = 0.01
	heightLeast = 0.1 // ms
	heightFirst = 5   // ms: heights grow in proportion, so none may start at nothing
	// RTTLeast and RTTMost bound a sample, in ms.
	RTTLeast = 0.1
	RTTMost  = 5000
)

// Coordinate of a member, in milliseconds. The zero Coordinate knows nothing.
type Coordinate struct {
	X, Y   float32
	Height float32
	// Error is the relative error of distances to this coordinate: 0.1 is good, 1
	// and more says nothing. 0 marks the zero Coordinate.
	Error float32
}

// Known says whether anything was ever measured.
func (c Coordinate) Known() bool { return c.Error != 0 }

// Trust is how far distances to c may be believed, 0 to 1.
func (c Coordinate) Trust() float64 {
	if !c.Known() {
		return 0
	}
	return max(1-float64(c.Error), 0)
}

// Distance predicts the round-trip time between a and b in milliseconds.
func Distance(a, b Coordinate) float64 {
	return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) + float64(a.Height) + float64(b.Height)
}

// Update is c after its member measured a round trip of rtt milliseconds to one at
// other. random, in [0, 1), chooses a direction when both are at the same point.
func (c Coordinate) Update(other Coordinate, rtt float64, random func() float64) Coordinate {
	if math.IsNaN(rtt) {
		return c
	}
	rtt = min(max(rtt, RTTLeast), RTTMost)
	c, other = c.begun(), other.begun()
	distance := Distance(c, other)
	own, its := float64(c.Error), float64(other.Error)
	weight := own / (own + its)
	sample := math.Abs(distance-rtt) / rtt
	c.Error = float32(min(max(sample*gain*weight+own*(1-gain*weight), errorLeast), errorMost))

	force := gain * weight * (rtt - distance)
	x, y := float64(c.X-other.X), float64(c.Y-other.Y)
	length := math.Hypot(x, y)
	if length < 1e-6 { // the same point: any direction is as good
		y, x = math.Sincos(2 * math.Pi * random())
		length = 1
	}
	c.X += float32(force * x / length)
	c.Y += float32(force * y / length)
	if distance > 0 {
		height := float64(c.Height) + force*float64(c.Height+other.Height)/distance
		c.Height = float32(max(height, heightLeast))
	}
	return c
}

// begun is where a member without any sample stands: at the origin, unbelieved.
func (c Coordinate) begun() Coordinate {
	if !c.Known() {
		return Coordinate{Height: heightFirst, Error: errorMost}
	}
	return c
}
