package realnet

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm/sim"
)

const (
	offloadWithin = 0.05
	medianWithin  = 0.25
	// simulations of a story, whose medians are the prediction: the mesh is a matter
	// of chance.
	simulations = 9
	// tooLate is how late timers may be, in 19 of 20 cases, for a run to count.
	tooLate = 8 * time.Millisecond
)

// predict is the median outcome of a story's simulations.
func predict(t *testing.T, s story) outcome {
	t.Helper()
	var offloads, medians []float64
	for i := range simulations {
		r, err := sim.Run(s.simulated(uint64(i)))
		if err != nil {
			t.Logf("simulation %d: %v", i, err)
		}
		offloads = append(offloads, r.Offload)
		medians = append(medians, r.DeliveryMS.P50)
	}
	t.Logf("simulated: offload %.3f, median ms %.0f", offloads, medians)
	slices.Sort(offloads)
	slices.Sort(medians)
	return outcome{offload: offloads[simulations/2], median: time.Duration(medians[simulations/2] * float64(time.Millisecond))}
}

func TestVirtualNetworkAgrees(t *testing.T) {
	need(t)
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			compare(t, s, virtual)
		})
	}
}

// compare runs a story in both worlds.
func compare(t *testing.T, s story, build func(*testing.T, story, *show) []host) {
	t.Helper()
	var real outcome
	scale := int64(1)
	for ; ; scale *= 2 {
		real = perform(t, s.scaled(scale), build)
		if real.late <= tooLate {
			break
		}
		if scale >= 4 {
			t.Fatalf("timers are %v late even at %d bit/s: this machine is too busy for real time", real.late, bitrate/scale)
		}
		t.Logf("timers were %v late: again with half the rates", real.late)
	}
	said := predict(t, s.scaled(scale))
	for _, m := range real.mistakes {
		t.Error(m)
	}
	if real.stalls > 0 {
		t.Errorf("%d stalls", real.stalls)
	}
	t.Logf("| %s | %.3f | %.3f | %.0f ms | %.0f ms | (%d deliveries, %d links, timers %v late, scale 1/%d)", s.name, said.offload, real.offload,
		ms(said.median), ms(real.median), real.deliveries, real.links/2, real.late, scale)
	if d := math.Abs(real.offload - said.offload); d > offloadWithin {
		t.Errorf("offload %.3f, simulated %.3f: they differ by %.3f, at most %.2f allowed", real.offload, said.offload, d, offloadWithin)
	}
	if d := math.Abs(ms(real.median)/ms(said.median) - 1); d > medianWithin {
		t.Errorf("median delivery %.0f ms, simulated %.0f ms: they differ by %.0f %%, at most %.0f %% allowed", ms(real.median), ms(said.median), 100*d, 100*medianWithin)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
