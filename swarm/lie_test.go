package swarm

import (
	"testing"
	"time"
)

// TestOffersLieAboutSize: nobody checks the size in an Offer, while that of a Begin and
// of pieces that came is checked by the edge. A neighbour that says too little or too
// much must not keep the segment from being whole and from being passed on.
func TestOffersLieAboutSize(t *testing.T) {
	const key, size = "p/v/1", 4 * 16384
	for _, lie := range []int64{0, 1, 16384, 64 << 20} {
		c, err := New(Config{ID: "a", Signed: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []PeerID{"b", "c"} {
			c.Handle(0, LinkUp{Peer: id})
			c.Handle(0, Received{From: id, Message: Hello{Version: Version}})
		}
		c.Handle(0, Want{Key: key, Deadline: 30 * time.Second, Size: -1, Fetchable: true})
		c.Handle(0, Received{From: "c", Message: Reserve{Items: []Reservation{{Key: key, Due: time.Second}}}})
		c.Handle(0, Received{From: "b", Message: Offer{Key: key, Size: lie, Pieces: 1}})
		for i := range 4 {
			c.Handle(Time(i)*time.Millisecond, Gained{Key: key, From: "b", First: i, Count: 1, Size: size})
		}
		c.Handle(10*time.Millisecond, Received{From: "c", Message: Accept{Key: key, Count: -1}})
		for i := range 4 {
			c.Handle(Time(10+i)*time.Millisecond, Sent{To: "c", Count: 1})
		}
		sent := map[int]bool{}
		for _, e := range c.Drain() {
			if x, ok := e.(Transmit); ok {
				for i := x.First; i < x.First+x.Count; i++ {
					sent[i] = true
				}
			}
		}
		if c.Counters().Completed != 1 || len(sent) != 4 {
			t.Errorf("an offer of size %d: %d segments whole, pieces sent %v; want 1, and all 4", lie, c.Counters().Completed, sent)
		}
	}
}

// TestHearsayOfSizeBoundsNoFetch: where only an offer tells a segment's size, the origin
// is asked for everything to the end. Of a range the edge could not tell whether its
// last, short piece is whole, and would be asked for it for ever.
func TestHearsayOfSizeBoundsNoFetch(t *testing.T) {
	const key = "p/v/1"
	c, err := New(Config{ID: "a", Signed: true})
	if err != nil {
		t.Fatal(err)
	}
	c.Handle(0, LinkUp{Peer: "b"})
	c.Handle(0, Received{From: "b", Message: Hello{Version: Version}})
	c.Handle(0, Want{Key: key, Deadline: 9 * time.Second, Size: -1, Asked: true, Fetchable: true, Available: time.Second})
	c.Handle(time.Second, Received{From: "b", Message: Offer{Key: key, Size: 40_000, Pieces: 3}})
	c.Drain()
	c.Handle(1100*time.Millisecond, LinkDown{Peer: "b"})
	c.Handle(8*time.Second, Tick{})
	var fetches []Fetch
	for _, e := range c.Drain() {
		if f, ok := e.(Fetch); ok {
			fetches = append(fetches, f)
		}
	}
	if len(fetches) != 1 || fetches[0].First != 0 || fetches[0].Count != -1 {
		t.Errorf("fetches %+v, want one from piece 0 to the end", fetches)
	}
}
