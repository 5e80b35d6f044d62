package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// Each test here breaks one invariant on purpose: a check that cannot fail is none.

// broken fails the test unless err is a broken invariant that says what.
func broken(t *testing.T, err error, what string) {
	t.Helper()
	if !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), what) {
		t.Errorf("error %v, want a broken invariant about %q", err, what)
	}
}

// muzzled is a brain some of whose effects never come out.
type muzzled struct {
	*swarm.Core
	drop func(now swarm.Time, e swarm.Effect) bool
	now  swarm.Time
}

func (m *muzzled) Handle(now swarm.Time, in swarm.Input) { m.now = now; m.Core.Handle(now, in) }

func (m *muzzled) Drain() (out []swarm.Effect) {
	for _, e := range m.Core.Drain() {
		if !m.drop(m.now, e) {
			out = append(out, e)
		}
	}
	return out
}

var smallSwarm = Config{Viewers: 6, Duration: 16 * time.Second, Tracks: []int64{1e6}, Uplinks: []Uplink{{1, 8e6}}}

func TestStallBecauseOfTheSwarmIsBroken(t *testing.T) {
	_, err := simulate(smallSwarm, func(c swarm.Config) (brain, error) {
		core, err := swarm.New(c)
		return &muzzled{Core: core, drop: func(now swarm.Time, e swarm.Effect) bool {
			_, fetch := e.(swarm.Fetch)
			return fetch && now > 6*time.Second // nobody asks the origin any more
		}}, err
	})
	broken(t, err, "which plain HTTP would have had at")
}

// The same silence, but the origin is down: plain HTTP would stall too.
func TestStallBecauseOfTheOriginIsNot(t *testing.T) {
	cfg := smallSwarm
	cfg.Outages = []Outage{{6 * time.Second, time.Minute}}
	r, err := simulate(cfg, func(c swarm.Config) (brain, error) { return swarm.New(c) })
	if err != nil || r.Stalls == 0 {
		t.Errorf("%d stalls, error %v, want some and none", r.Stalls, err)
	}
}

func TestNeverStartingIsBroken(t *testing.T) {
	_, err := simulate(smallSwarm, quiet)
	broken(t, err, "has still not started to play")
}

func TestUnverifiedPieceIsBroken(t *testing.T) {
	for _, blind := range []bool{false, true} {
		st := set(t, Config{Viewers: 2, Uplinks: []Uplink{{1, 20e6}}}, nil)
		st.blind = blind
		st.join2(0, 1)
		st.peers[0].lie = corrupts
		seg := st.stream.seg(0, st.peers[1].player.next)
		st.stock(st.peers[0], seg)
		st.send(0, 1, seg)
		st.until(st.now + 5*time.Second)
		if err := st.err(); blind {
			broken(t, err, "did not verify every piece")
		} else if err != nil {
			t.Errorf("edges that verify: %v", err)
		}
	}
}

func TestPiecesAreConserved(t *testing.T) {
	for _, test := range []struct {
		name   string
		tamper func(w *world)
		what   string
	}{
		{"nothing", func(*world) {}, ""},
		{"a piece more was sent", func(w *world) { w.ledger.sent++ }, "sent = kept"},
		{"a piece more was kept", func(w *world) { w.ledger.fromPeers++ }, "sent = kept"},
		{"a piece more left the origin", func(w *world) { w.ledger.origin++ }, "left the origin"},
		{"a piece on a shelf from nowhere", func(w *world) {
			for i := range w.peers {
				if items := w.peers[i].shelf.items; len(items) > 0 {
					items[0].held++
					return
				}
			}
		}, "on shelves"},
		{"a segment gone without a word", func(w *world) {
			for _, p := range w.peers {
				if len(p.shelf.items) > 0 {
					p.shelf.drop(p.shelf.items[0].seg)
					return
				}
			}
		}, "on shelves"},
		{"a piece under way that vanishes", func(w *world) { w.ledger.flying++ }, "under way between peers"},
		{"one from the origin", func(w *world) { w.ledger.originFlying++ }, "under way from the origin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(smallSwarm.populate(), func(c swarm.Config) (brain, error) { return swarm.New(c) })
			w.run()
			test.tamper(w)
			w.balance()
			if test.what != "" {
				broken(t, w.err(), test.what)
			} else if w.err() != nil {
				t.Error(w.err())
			}
		})
	}
}

// fat is a brain with a table past its cap.
type fat struct {
	script
	sizes swarm.Sizes
}

func (f *fat) Sizes() swarm.Sizes { return f.sizes }

func TestTableWithoutBoundIsBroken(t *testing.T) {
	for name, sizes := range map[string]swarm.Sizes{
		"": {}, "links": {Links: 11 + spareLinks}, "connecting": {Pending: 2*(10+spareLinks) + 1}, "candidates": {Candidates: swarm.MaxCandidates + 1},
		"banned": {Banned: swarm.MaxBanned + 1}, "tracks": {Tracks: swarm.MaxTracks + 1},
		"reservations": {Reservations: (10+spareLinks)*swarm.MaxReservations + 1}, "haves": {Haves: (10+spareLinks)*swarm.MaxHaves + 1},
		"outbound": {Outbound: (10+spareLinks)*swarm.MaxOutbound + 1}, "items": {Items: 1 << 20}, "inbound": {Inbound: 1 << 20},
	} {
		w := newWorld(smallSwarm.populate(), func(c swarm.Config) (brain, error) {
			return &fat{script: script{id: c.ID}, sizes: sizes}, nil
		})
		w.cfg.Duration = 8 * time.Second
		w.run()
		if name != "" {
			broken(t, w.err(), name+" table has")
		} else if w.err() != nil {
			t.Error(w.err())
		}
	}
}

// A piece's way is counted by the simulator itself, whatever hops brains speak of.
func TestPieceThatWentInCirclesIsBroken(t *testing.T) {
	for hops, ok := range map[int]bool{5: true, 6: false} {
		st := set(t, Config{Viewers: 2, MaxHops: 5, Uplinks: []Uplink{{1, 20e6}}}, nil)
		st.join2(0, 1)
		st.stock(st.peers[0], 0)
		for i := range st.peers[0].shelf.get(0).way {
			st.peers[0].shelf.get(0).way[i] = uint8(hops)
		}
		st.send(0, 1, 0)
		st.until(st.now + 3*time.Second)
		if err := st.err(); !ok {
			broken(t, err, "a loop")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestTicksWithoutEndAreBroken(t *testing.T) {
	_, err := simulate(smallSwarm, func(c swarm.Config) (brain, error) {
		return &script{id: c.ID, react: func(s *script, _ swarm.Input) { s.tickAt = s.now }}, nil
	})
	broken(t, err, "again and again")
}

func TestEffectsOnWhatDoesNotExistAreBroken(t *testing.T) {
	for _, test := range []struct {
		effect swarm.Effect
		what   string
	}{
		{swarm.Fetch{Key: "sim/v9/1", Count: -1}, "not of this stream"},
		{swarm.Fetch{Key: "sim/v0/1", First: 1 << 20, Count: 1}, "which has"},
		{swarm.Connect{Peer: "nobody"}, "never introduced"},
		{swarm.Transmit{To: "nobody", Key: "sim/v0/1", Count: 1}, "does not hold"},
	} {
		st := set(t, Config{Viewers: 2}, nil)
		st.order(0, test.effect)
		broken(t, st.err(), test.what)
	}
}
