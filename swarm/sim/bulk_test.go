package sim

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// send hands a whole segment to the link from i to j.
func (st *stage) send(i, j int, seg int32) {
	st.order(i, swarm.Transmit{To: st.peers[j].id, Transfer: 1, Key: st.stream.keys[seg], Count: st.stream.pieces(seg)})
}

// arrival is when peer i got the last piece of a segment, measured from start.
func (st *stage) arrival(i int, seg int32, start swarm.Time) time.Duration {
	st.t.Helper()
	at, gained := inputs[swarm.Gained](st, i)
	last, n := swarm.Time(0), 0
	for k, g := range gained {
		if g.Key == st.stream.keys[seg] {
			last, n = at[k], n+1
		}
	}
	if n != st.stream.pieces(seg) {
		st.t.Fatalf("peer %d gained %d pieces of %d", i, n, st.stream.pieces(seg))
	}
	return last - start
}

func (st *stage) bytes(seg int32) int { return int(st.stream.sizes[seg]) }

// One transfer takes size/rate and half a round trip; the receiver's faster
// downlink adds nothing, because its bits overlap.
func TestOneTransferTakesSizeOverRate(t *testing.T) {
	st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 8e6}}, Downlink: 50e6}, nil)
	st.join2(0, 1)
	st.stock(st.peers[0], 0)
	start := st.now
	st.send(0, 1, 0)
	st.until(start + 10*time.Second)
	want := span(st.bytes(0), 8e6) + st.links[0].rtt/2
	if got := st.arrival(1, 0, start); !near(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if _, sent := inputs[swarm.Sent](st, 0); len(sent) != st.stream.pieces(0) {
		t.Errorf("sender heard Sent %d times, want %d", len(sent), st.stream.pieces(0))
	}
	st.sound()
}

// Two links share an uplink fairly: both take twice as long, not one after the
// other.
func TestUplinkIsSharedFairly(t *testing.T) {
	st := set(t, Config{Viewers: 3, Uplinks: []Uplink{{1, 8e6}}, RTTMax: 10 * time.Millisecond}, nil)
	st.join2(0, 1)
	st.join2(0, 2)
	st.stock(st.peers[0], 0)
	start := st.now
	st.send(0, 1, 0)
	st.send(0, 2, 0)
	st.until(start + 20*time.Second)
	want := 2 * span(st.bytes(0), 8e6)
	for _, i := range []int{1, 2} {
		if got := st.arrival(i, 0, start); !near(got, want) {
			t.Errorf("peer %d was served in %v, want %v", i, got, want)
		}
	}
	st.sound()
}

// A slow receiver is the bottleneck of a fast sender, and its receive window
// keeps the sender from filling the network.
func TestDownlinkLimits(t *testing.T) {
	st := set(t, Config{Viewers: 2, Tracks: []int64{40e6}, Uplinks: []Uplink{{1, 100e6}}, Downlink: 10e6}, nil)
	st.join2(0, 1)
	st.stock(st.peers[0], 0)
	start := st.now
	st.send(0, 1, 0)
	for st.now < start+20*time.Second {
		st.until(st.now + 100*time.Millisecond)
		if n := st.links[0].flows[0].inflight; n > underWay {
			t.Fatalf("%d pieces under way, the window is %d", n, underWay)
		}
	}
	want := span(st.bytes(0), 10e6)
	if got := st.arrival(1, 0, start); !near(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	st.sound()
}

func TestFreeRiderSendsNothing(t *testing.T) {
	st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 0}}}, nil)
	st.join2(0, 1)
	st.stock(st.peers[0], 0)
	st.send(0, 1, 0)
	st.until(st.now + 10*time.Second)
	if _, gained := inputs[swarm.Gained](st, 1); len(gained) != 0 {
		t.Errorf("%d pieces came from a peer without uplink", len(gained))
	}
	st.sound()
}

// What is under way when a link closes is lost and accounted for, and both ends
// know that the link is gone.
func TestCloseInMidTransfer(t *testing.T) {
	for _, test := range []struct {
		name    string
		end     func(st *stage)
		waiting time.Duration // until the other end knows
	}{
		{"disconnect", func(st *stage) { st.order(0, swarm.Disconnect{Peer: st.peers[1].id}) }, 200 * time.Millisecond},
		{"leave", func(st *stage) { st.leaveSwarm(st.peers[0], false) }, 200 * time.Millisecond},
		{"silent death", func(st *stage) { st.leaveSwarm(st.peers[0], true) }, 2100 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 8e6}}}, nil)
			st.join2(0, 1)
			st.stock(st.peers[0], 0)
			st.send(0, 1, 0)
			st.until(st.now + 500*time.Millisecond)
			test.end(st)
			_, before := inputs[swarm.Gained](st, 1)
			st.until(st.now + test.waiting)
			if _, downs := inputs[swarm.LinkDown](st, 1); len(downs) != 1 {
				t.Errorf("the other end heard %d times that the link is down, want once", len(downs))
			}
			st.until(st.now + 5*time.Second)
			_, after := inputs[swarm.Gained](st, 1)
			if len(before) == 0 || len(after) > len(before)+underWay || len(after) == st.stream.pieces(0) {
				t.Errorf("%d pieces before the end, %d after", len(before), len(after))
			}
			st.sound()
		})
	}
}

func TestLossDelaysAndNeverLoses(t *testing.T) {
	took := func(loss float64) time.Duration {
		st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 8e6}}, Loss: loss}, nil)
		st.join2(0, 1)
		st.stock(st.peers[0], 0)
		start := st.now
		st.send(0, 1, 0)
		st.until(start + 20*time.Second)
		st.sound()
		return st.arrival(1, 0, start)
	}
	if clean, lossy := took(0), took(0.2); lossy <= clean {
		t.Errorf("with 20 %% loss %v, without %v", lossy, clean)
	}
}

func TestTransmitOfWhatIsNotHeldIsAViolation(t *testing.T) {
	st := set(t, Config{Viewers: 2}, nil)
	st.join2(0, 1)
	st.send(0, 1, 0)
	if st.err() == nil {
		t.Error("nobody minds")
	}
}
