package node

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// slowLink acknowledges when it is told to.
type slowLink struct {
	*fakeLink
	queued, wakeAt int
	rtt            time.Duration
}

func (l *slowLink) Queued() int        { return l.queued }
func (l *slowLink) WakeAt(queued int)  { l.wakeAt = queued }
func (l *slowLink) RTT() time.Duration { return l.rtt }

// TestDepartures: a piece has left when the peer has all of it but the last packets, or
// sooner by what the uplink carries in the time that acknowledgements take.
func TestDepartures(t *testing.T) {
	const frame = segments.PieceSize + 10
	var left []int
	n := &Node{feeding: true} // so that what is fed only waits in the queue
	slow := &slowLink{rtt: 10 * time.Millisecond}
	l := &link{Link: slow}
	give := func() {
		l.given += frame
		n.flight.queued += frame
		slow.queued += frame
		n.handOver(l, swarm.Sent{Count: 1})
		left = append(left, len(n.queue))
	}
	acknowledge := func(bytes int) {
		slow.queued -= bytes
		n.depart(l)
		left = append(left, len(n.queue))
	}
	give() // the first one is under way, whatever the uplink
	give()
	give()
	if slow.wakeAt >= slow.queued || slow.wakeAt <= 0 {
		t.Errorf("woken at %d with %d queued", slow.wakeAt, slow.queued)
	}
	acknowledge(slow.queued - slow.wakeAt)
	acknowledge(frame)
	acknowledge(slow.queued)
	for i, want := range []int{1, 1, 1, 2, 3, 3} {
		if left[i] != want {
			t.Fatalf("pieces that have left: %v", left)
		}
	}
	if n.flight.queued != 0 || n.flight.waiting != 0 || l.departures != nil {
		t.Errorf("after all is acknowledged: %+v, departures %v", n.flight, l.departures)
	}
	// A mebibyte a second is sixteen pieces in the quarter of a second and the round trip.
	n.flight.rate, n.queue = 1<<20, nil
	for range 30 {
		give()
	}
	if got := len(n.queue); got != 16 {
		t.Errorf("%d pieces of 30 are taken for gone at 1 MiB/s", got)
	}
	n.abandon(l)
	if n.flight.queued != 0 || n.flight.waiting != 0 {
		t.Errorf("after the link is down: %+v", n.flight)
	}
}

// TestUplinkIsMeasured: the rate is of the time in which pieces waited, and of no other.
func TestUplinkIsMeasured(t *testing.T) {
	f := flight{}
	at := time.Unix(0, 0)
	f.progress(at, 0)
	for range 40 {
		f.queued += 100_000
		f.waiting = 1
		for range 10 { // 100 kB in 100 ms, and then a pause
			at = at.Add(10 * time.Millisecond)
			f.progress(at, 10_000)
		}
		f.waiting = 0
		at = at.Add(5 * time.Second)
		f.progress(at, 0)
	}
	if f.rate < 950_000 || f.rate > 1_050_000 || f.queued != 0 {
		t.Errorf("%+v, want 1 MB/s", f)
	}
}
