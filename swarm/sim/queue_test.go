package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// Pushes and pops at random distances, from the same instant to far beyond the
// ring, must come out by time and, at one time, in order of insertion.
func TestQueueOrder(t *testing.T) {
	for _, reach := range []time.Duration{0, time.Microsecond, time.Second, time.Minute} {
		rng := rand.New(rand.NewPCG(1, uint64(reach)))
		q := newQueue()
		var now swarm.Time
		pushed, popped := 0, 0
		var last event
		for pushed < 20_000 || q.size > 0 {
			if pushed < 20_000 && (q.size == 0 || rng.IntN(3) > 0) {
				q.push(event{at: now + swarm.Time(rng.Int64N(int64(reach)+1)), seg: int32(pushed)})
				pushed++
				continue
			}
			e, ok := q.pop()
			if !ok {
				t.Fatalf("reach %v: empty with %d events left", reach, q.size)
			}
			if popped > 0 && e.before(&last) {
				t.Fatalf("reach %v: event %d at %v came after event %d at %v", reach, e.seq, e.at, last.seq, last.at)
			}
			if e.seq != uint64(e.seg) {
				t.Fatalf("reach %v: event %d carries %d", reach, e.seq, e.seg)
			}
			last, now = e, e.at
			popped++
		}
		if popped != pushed {
			t.Errorf("reach %v: %d events in, %d out", reach, pushed, popped)
		}
	}
}

func TestQueueAllSeesEveryEvent(t *testing.T) {
	q := newQueue()
	for i := range 100 {
		q.push(event{at: swarm.Time(i) * 200 * time.Millisecond})
	}
	for range 30 {
		q.pop()
	}
	n := 0
	for range q.all() {
		n++
	}
	if n != 70 {
		t.Errorf("all yields %d of 70 events", n)
	}
}

func BenchmarkQueue(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	q := newQueue()
	for range 100_000 {
		q.push(event{at: swarm.Time(rng.Int64N(int64(time.Second)))})
	}
	b.ReportAllocs()
	for b.Loop() {
		e, _ := q.pop()
		e.at += swarm.Time(rng.Int64N(int64(200 * time.Millisecond)))
		q.push(e)
	}
}
