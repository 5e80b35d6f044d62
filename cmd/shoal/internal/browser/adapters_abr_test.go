package browser

import (
	"fmt"
	"math"
	"net/http"
	"path"
	"slices"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// heights of the demo's three qualities, rising.
var heights = []float64{234, 360, 480}

// chosen is one video segment that a player loaded: seconds since its start, and
// the quality's index.
type chosen struct {
	at      float64
	quality int
}

func (tb *tab) chosen(t testing.TB) (list []chosen) {
	t.Helper()
	for _, l := range eval[[][2]float64](t, tb, "loaded") {
		q := slices.Index(heights, l[1])
		if q < 0 {
			t.Fatalf("%s: a segment of height %v", tb.name, l[1])
		}
		list = append(list, chosen{l[0], q})
	}
	return list
}

// qualityAt is the quality last loaded at a time, -1 before the first.
func qualityAt(list []chosen, at float64) int {
	q := -1
	for _, c := range list {
		if c.at <= at {
			q = c.quality
		}
	}
	return q
}

// abrTime is for how long a throttled player is watched, in seconds: dash.js for a
// full minute.
func abrTime(player string) float64 {
	if player == "dash" {
		return 60
	}
	return 15
}

// throttle limits every media answer to bit/s.
func throttle(bits int64) func(*http.Request) *origin.Fault {
	return func(r *http.Request) *origin.Fault {
		if path.Ext(r.URL.Path) != ".m4s" {
			return nil
		}
		return &origin.Fault{Rate: bits / 8}
	}
}

// TestTimedABR: a viewer with peers chooses the qualities that a plain player
// chooses beside it. Its peer may upload no faster than the origin answers.
func TestTimedABR(t *testing.T) {
	timed(t)
	c := startChromium(t)
	for _, test := range []struct{ player, url string }{{"dash", "/live/manifest.mpd"}, {"hls", "/live/master.m3u8"}, {"shaka", "/live/manifest.mpd"}} {
		t.Run(test.player, func(t *testing.T) {
			t.Parallel()
			s := newAdapterStage(t)
			play := func(t testing.TB, name string, p2p bool, options string) *tab {
				tb := c.newProfile(t).open(t, test.player+" "+name, s.URL+"/?peer")
				eval[bool](t, tb, fmt.Sprintf("play(%q, %q, %v, %s).then(() => true)", test.player, test.url, p2p, options))
				return tb
			}
			t.Run("unthrottled", func(t *testing.T) {
				peer := play(t, "peer", true, "{}")
				peer.when(t, "played() > 2")
				plain, ours := play(t, "plain", false, "{}"), play(t, "ours", true, "{}")
				top := func(tb *tab) int {
					tb.when(t, fmt.Sprintf("loaded.some(([, height]) => height == %v) && loaded.length >= 4", heights[2]))
					return slices.IndexFunc(tb.chosen(t), func(c chosen) bool { return c.quality == 2 })
				}
				p, o := top(plain), top(ours)
				t.Logf("top quality from segment %d plain, %d with peers", p, o)
				if o > p+1 {
					t.Errorf("top quality at segment %d, a plain player has it at %d", o, p)
				}
			})
			t.Run("throttled", func(t *testing.T) {
				const rate = 1_500_000
				s.origin.SetFault(throttle(rate))
				defer s.origin.SetFault(nil)
				options := fmt.Sprintf("{ upload: %d }", rate)
				peer := play(t, "peer", true, options)
				peer.when(t, "played() > 2")
				plain, ours := play(t, "plain", false, "{}"), play(t, "ours", true, options)
				until := abrTime(test.player)
				for _, tb := range []*tab{plain, ours} {
					tb.when(t, fmt.Sprintf("(performance.now() - start) / 1000 > %v", until))
				}
				// Whichever of the two asks first feeds the other, who is the one to look at.
				const fed = "shoal.stats()[0].peerBytes"
				if eval[float64](t, peer, fed) > eval[float64](t, ours, fed) {
					ours = peer
				}
				a, b := plain.chosen(t), ours.chosen(t)
				var apart, samples int
				var meanA, meanB float64
				for at := 5.0; at < until; at++ {
					qa, qb := qualityAt(a, at), qualityAt(b, at)
					if qa < 0 || qb < 0 {
						continue
					}
					samples++
					meanA, meanB = meanA+float64(qa), meanB+float64(qb)
					if qa-qb > 1 || qb-qa > 1 {
						apart++
					}
				}
				stats := eval[string](t, ours, "JSON.stringify(shoal.stats()[0])")
				if samples < int(until/2) {
					t.Fatalf("only %d samples: plain %v, ours %v", samples, a, b)
				}
				meanA, meanB = meanA/float64(samples), meanB/float64(samples)
				t.Logf("mean quality over %.0f s: %.2f plain, %.2f with peers; more than one step apart %d of %d s; %s", until, meanA, meanB, apart, samples, stats)
				if math.Abs(meanA-meanB) > 1 || apart*10 > samples {
					t.Errorf("mean quality %.2f, a plain player has %.2f; more than one step apart for %d of %d s\nplain %v\nours  %v", meanB, meanA, apart, samples, a, b)
				}
				if eval[float64](t, ours, fed) == 0 {
					t.Error("nothing came from the peer: nothing was tested")
				}
			})
		})
	}
}
