package sim

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestCorruptPiecesAreRejected(t *testing.T) {
	st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 8e6}}}, nil)
	st.join2(0, 1)
	st.peers[0].lie = corrupts
	st.stock(st.peers[0], 0)
	st.send(0, 1, 0)
	st.until(st.now + 5*time.Second)
	_, bad := inputs[swarm.BadPiece](st, 1)
	_, gained := inputs[swarm.Gained](st, 1)
	if len(bad) != st.stream.pieces(0) || len(gained) != 0 || st.peers[1].shelf.get(0) != nil {
		t.Errorf("%d bad, %d gained of %d", len(bad), len(gained), st.stream.pieces(0))
	}
	st.sound()
}

func TestStallerStops(t *testing.T) {
	st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 8e6}}}, nil)
	st.join2(0, 1)
	st.peers[0].lie = stalls
	st.stock(st.peers[0], 0)
	st.send(0, 1, 0)
	st.until(st.now + 5*time.Second)
	if _, gained := inputs[swarm.Gained](st, 1); len(gained) != stallAfter {
		t.Errorf("%d pieces came, want %d", len(gained), stallAfter)
	}
	if _, sent := inputs[swarm.Sent](st, 0); len(sent) != st.stream.pieces(0) {
		t.Errorf("its own brain heard Sent %d times, want %d", len(sent), st.stream.pieces(0))
	}
	st.sound()
}

// A false offerer answers a reservation when the segment comes into being, and an
// Accept never.
func TestFalseOffer(t *testing.T) {
	st := set(t, Config{Viewers: 2}, nil)
	st.join2(0, 1)
	st.peers[1].lie = offers
	seg := int32(st.stream.edge(st.now) + 1)
	key := st.stream.keys[seg]
	st.order(0, swarm.Send{To: st.peers[1].id, Message: swarm.Reserve{Items: []swarm.Reservation{{Key: key}}}},
		swarm.Send{To: st.peers[1].id, Message: swarm.Accept{Key: key, Count: -1}})
	st.until(st.now + 5*time.Second)
	at, got := inputs[swarm.Received](st, 0)
	if len(got) != 1 || got[0].Message.(swarm.Offer).Key != key || at[0] < st.stream.available(seg) {
		t.Errorf("heard %+v at %v, available at %v", got, at, st.stream.available(seg))
	}
	if _, got := inputs[swarm.Received](st, 1); len(got) != 0 {
		t.Errorf("the liar's brain heard %+v", got)
	}
}

func TestQuotas(t *testing.T) {
	st := set(t, Config{Viewers: 200, Liars: Liars{0.05, 0.05, 0.05}, Symmetric: 0.25}, nil)
	rates, lies, symmetric := map[int64]int{}, map[lie]int{}, 0
	for _, p := range st.peers {
		rates[p.up.rate]++
		lies[p.lie]++
		if p.symmetric {
			symmetric++
		}
	}
	about := func(what string, got, want int) {
		if got < want-3 || got > want+3 {
			t.Errorf("%s: %d of 200, want about %d", what, got, want)
		}
	}
	about("no uplink", rates[0], 40)
	about("3 Mbit/s", rates[3e6], 60)
	about("8 Mbit/s", rates[8e6], 60)
	about("20 Mbit/s", rates[20e6], 40)
	about("corrupt", lies[corrupts], 10)
	about("false offers", lies[offers], 10)
	about("stall", lies[stalls], 10)
	about("symmetric", symmetric, 50)
}

func TestChurnKeepsTheNumber(t *testing.T) {
	st := set(t, Config{Viewers: 100, Churn: 0.5}, nil)
	st.until(40 * time.Second)
	if st.viewers != 100 {
		t.Errorf("%d viewers, want 100", st.viewers)
	}
	// 100 viewers leave at 0.5 a minute: 33 within 40 s, give or take three deviations
	if left := len(st.peers) - 100; left < 16 || left > 50 {
		t.Errorf("%d left in 40 s", left)
	}
	for _, p := range st.peers {
		if !p.alive && (len(p.shelf.items) > 0 || p.brain != nil) {
			t.Errorf("the dead peer %s still holds something", p.id)
		}
	}
	st.sound()
}

func TestKillAndCrowd(t *testing.T) {
	st := set(t, Config{Viewers: 40, Seeds: 4,
		Crowds: []Crowd{{20 * time.Second, 10, 2 * time.Second}},
		Kills:  []Kill{{At: 10 * time.Second, Viewers: 0.3, Seeds: 0.5, Silent: true}}}, nil)
	count := func() (viewers, seeds int) {
		for _, p := range st.peers {
			switch {
			case p.alive && p.seed:
				seeds++
			case p.alive:
				viewers++
			}
		}
		return
	}
	st.until(11 * time.Second)
	if v, s := count(); v != 28 || s != 2 || st.viewers != 28 {
		t.Errorf("%d viewers and %d seeds are left, want 28 and 2", v, s)
	}
	st.until(23 * time.Second)
	if v, _ := count(); v != 38 {
		t.Errorf("%d viewers after the crowd came, want 38", v)
	}
}
