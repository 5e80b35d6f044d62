package realnet

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm/sim"
)

// bounds are by how much the two worlds may differ.
type bounds struct{ offload, median float64 }

var (
	// goal is what makes the simulator worth believing. A story that misses it is told
	// in the log and in swarm/sim's table.
	goal = bounds{0.05, 0.25}
	// fails is where the test does: runs of one story differ by a tenth.
	fails = bounds{0.08, 0.4}
)

const (
	// simulations of a story, whose medians are the prediction: the mesh is a matter
	// of chance.
	simulations = 15
	// tooLate is how late timers may be, in 19 of 20 cases, for a run to count.
	tooLate = 5 * time.Millisecond
	// mostRuns of a story that seems to differ.
	mostRuns = 2
	// fewAudits may fail: of neighbours that are gone, which is not known yet.
	fewAudits = 16
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
		if s.wired {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			compare(t, s, virtual)
		})
	}
}

// compare runs a story in both worlds. Ten segments of a swarm are a small sample: an
// outcome that differs is not believed before more were seen, in runs that count as
// one, and then it does not agree.
func compare(t *testing.T, s story, build func(*testing.T, story, *show) []host) {
	t.Helper()
	var real run
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
	runs := 1
	for ; runs < mostRuns && disagree(said, real.outcome(), goal) != nil; runs++ {
		t.Logf("run %d: %v", runs, disagree(said, real.outcome(), goal))
		if more := perform(t, s.scaled(scale), build); more.late <= tooLate {
			real.add(more)
		}
	}
	was := real.outcome()
	t.Logf("| %s | %.3f | %.3f | %.0f ms | %.0f ms | %d deliveries in %d runs, timers %v late, rates 1/%d", s.name,
		said.offload, was.offload, ms(said.median), ms(was.median), len(real.took), runs, real.late.Round(100*time.Microsecond), scale)
	if err := disagree(said, was, fails); err != nil {
		t.Error(err)
	} else if err := disagree(said, was, goal); err != nil {
		t.Logf("goal missed: %v", err)
	}
	if real.failed > fewAudits && 4*real.failed > real.audits {
		t.Errorf("%d of %d audits failed: honest neighbours are parted with", real.failed, real.audits)
	}
	for _, m := range real.mistakes {
		t.Error(m)
	}
	for _, stall := range real.stalls {
		t.Errorf("stall: %s", stall)
	}
}

// disagree says in what the two worlds differ by more than is allowed.
func disagree(said, was outcome, within bounds) error {
	if d := math.Abs(was.offload - said.offload); d > within.offload {
		return fmt.Errorf("offload %.3f, simulated %.3f: they differ by %.3f, at most %.2f allowed", was.offload, said.offload, d, within.offload)
	}
	if d := math.Abs(ms(was.median)/ms(said.median) - 1); d > within.median {
		return fmt.Errorf("median delivery %.0f ms, simulated %.0f ms: they differ by %.0f %%, at most %.0f %% allowed", ms(was.median), ms(said.median), 100*d, 100*within.median)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
