package swarm

import (
	"fmt"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// relay is a viewer that gets segments from one neighbour and passes each piece on
// to three others as it comes: what a brain in the middle of a swarm does all day.
type relay struct {
	core  *Core
	now   Time
	track int
}

const (
	relayChildren = 3
	relayPieces   = 77 // 2 s of 5 Mbit/s
)

func newRelay(tb testing.TB) *relay {
	core, err := New(Config{ID: "a", Signed: true})
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{core: core}
	for i := range relayChildren + 7 {
		id := PeerID(fmt.Sprintf("%016x", i))
		r.tell(LinkUp{Peer: id, RTT: 40 * time.Millisecond})
		r.tell(Received{From: id, Message: Hello{Version: Version, MaxPeers: 10}})
	}
	return r
}

func (r *relay) tell(in Input) {
	r.core.Handle(r.now, in)
	r.core.Drain()
}

// open brings a segment to the point where pieces flow in and out.
func (r *relay) open() Key {
	r.track++
	r.now += 2 * time.Second
	key := segments.NumberKey("p/v", uint64(r.track))
	size := int64(relayPieces * segments.PieceSize)
	r.tell(Want{Key: key, Available: r.now + time.Second, Deadline: r.now + time.Minute, Duration: 2 * time.Second, Size: size, Fetchable: true})
	for i := range relayChildren {
		r.tell(Received{From: child(i), Message: Reserve{Items: []Reservation{{Key: key, Due: time.Minute}}}})
	}
	source := PeerID(fmt.Sprintf("%016x", relayChildren))
	r.tell(Received{From: source, Message: Offer{Key: key, Size: size, Pieces: relayPieces}})
	r.tell(Received{From: source, Message: Begin{Transfer: 1, Key: key, Size: size, Count: -1}})
	r.tell(Gained{Key: key, From: source, Count: 1, Size: size})
	for i := range relayChildren {
		r.tell(Received{From: child(i), Message: Accept{Key: key, First: 0, Count: -1, Due: time.Minute}})
		r.tell(Sent{To: child(i), Count: 1})
	}
	return key
}

// close lets the segment go, so that the brain does not fill up.
func (r *relay) close(key Key) { r.tell(Evicted{Key: key}) }

func child(i int) PeerID { return children[i] }

var children = [relayChildren]PeerID{"0000000000000000", "0000000000000001", "0000000000000002"}

// piece is one piece-run event's worth of inputs: it comes in, and has left to each
// child. It returns how many inputs that were.
func (r *relay) piece(key Key, i int, inputs []Input) int {
	r.now += time.Millisecond
	for _, in := range inputs {
		if g, ok := in.(Gained); ok {
			g.First = i
			in = g
		}
		r.tell(in)
	}
	return len(inputs)
}

func (r *relay) inputs(key Key) []Input {
	in := []Input{Gained{Key: key, From: PeerID(fmt.Sprintf("%016x", relayChildren)), Count: 1, Size: int64(relayPieces * segments.PieceSize)}}
	for i := range relayChildren {
		in = append(in, Sent{To: child(i), Count: 1})
	}
	return in
}

// BenchmarkPieceRun is the cost of one event of a piece run: a piece that came, or
// one that has left. The goal is 2 µs and 2 allocations.
func BenchmarkPieceRun(b *testing.B) {
	r := newRelay(b)
	b.ReportAllocs()
	for n := 0; n < b.N; {
		b.StopTimer()
		key := r.open()
		inputs := r.inputs(key)
		b.StartTimer()
		for i := 1; i < relayPieces-1 && n < b.N; i++ {
			n += r.piece(key, i, inputs)
		}
		b.StopTimer()
		r.close(key)
		b.StartTimer()
	}
}

// TestPieceRunAllocations holds the brain to the goal's second half, which no busy
// machine can change.
func TestPieceRunAllocations(t *testing.T) {
	r := newRelay(t)
	key := r.open()
	inputs := r.inputs(key)
	i := 0
	per := testing.AllocsPerRun(50, func() {
		i++
		r.piece(key, i, inputs)
	}) / float64(len(inputs))
	out := r.core.Counters().PiecesOut
	if out < 50*relayChildren {
		t.Errorf("only %d pieces went out: this is not what was to be measured", out)
	}
	t.Logf("%.2f allocations an event", per)
	if per > 2 {
		t.Errorf("%.2f allocations an event, want 2 at most", per)
	}
}
