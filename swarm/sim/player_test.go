package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// eager fetches every wanted segment from the origin as soon as it exists, a
// plain HTTP player; those from 20 s on that much later.
func eager(late time.Duration) func(s *script, in swarm.Input) {
	var waiting []swarm.Want
	seen := map[swarm.Key]bool{}
	return func(s *script, in swarm.Input) {
		if w, ok := in.(swarm.Want); ok && !seen[w.Key] {
			seen[w.Key] = true
			waiting = append(waiting, w)
		}
		if u, ok := in.(swarm.Unwant); ok {
			waiting = slices.DeleteFunc(waiting, func(w swarm.Want) bool { return slices.Contains(u.Keys, w.Key) })
		}
		when := func() swarm.Time {
			if at := waiting[0].Available; at < 20*time.Second {
				return at
			}
			return waiting[0].Available + late
		}
		for len(waiting) > 0 && when() <= s.now {
			s.do(swarm.Fetch{Key: waiting[0].Key, Count: -1, Cause: swarm.CauseElected})
			waiting = waiting[1:]
		}
		s.tickAt = 0
		if len(waiting) > 0 {
			s.tickAt = when()
		}
	}
}

func TestLivePlayer(t *testing.T) {
	for _, test := range []struct {
		name        string
		late        time.Duration
		outages     []Outage
		stalls, p2p bool
	}{
		{name: "plays"},
		{name: "asks too late", late: 7 * time.Second, stalls: true, p2p: true},
		{name: "outage", outages: []Outage{{20 * time.Second, 12 * time.Second}}, stalls: true},
		{name: "short outage", outages: []Outage{{20 * time.Second, time.Second}}, stalls: true, p2p: true}, // the script never retries
	} {
		t.Run(test.name, func(t *testing.T) {
			st := set(t, Config{Viewers: 1, Outages: test.outages}, eager(test.late))
			st.until(50 * time.Second)
			r := st.report()
			if (r.Stalls > 0) != test.stalls || (r.StallsP2P > 0) != test.p2p {
				t.Errorf("stalls %d, caused by p2p %d; want %v and %v", r.Stalls, r.StallsP2P, test.stalls, test.p2p)
			}
			if (st.err() != nil) != test.p2p {
				t.Errorf("violations: %v", st.err())
			}
			if !test.stalls && (r.Offload != 0 || r.OriginCopies != 1 || r.DeliveryMS.P50 < 250 || r.DeliveryMS.P50 > 350) {
				t.Errorf("offload %v, copies %v, delivery %v: want 0, 1, the origin's time", r.Offload, r.OriginCopies, r.DeliveryMS)
			}
		})
	}
}

// A viewer starts three segments behind the edge, asks for them one by one, knows
// coming ones by their time, and its deadlines follow from when it began to play.
func TestLiveWants(t *testing.T) {
	st := set(t, Config{Viewers: 1, ClockSkew: 50 * time.Millisecond}, eager(0))
	st.until(200 * time.Millisecond)
	_, wants := inputs[swarm.Want](st, 0)
	skew := st.peers[0].skew
	edge := st.stream.edge(st.now)
	if wants[0].Key != st.stream.keys[edge-2] || !wants[0].Asked || !wants[0].Urgent {
		t.Errorf("first want is %+v, want %s, asked and urgent", wants[0], st.stream.keys[edge-2])
	}
	if wants[1].Asked || wants[1].Urgent {
		t.Errorf("second want is %+v, which the player does not ask for yet", wants[1])
	}
	ahead := 0
	for _, w := range wants {
		if w.Available > 0 {
			ahead++
		}
	}
	if want := int(st.cfg.Horizon / st.cfg.SegmentDuration); ahead != want {
		t.Errorf("%d segments that do not exist yet were named, want %d", ahead, want)
	}
	st.until(10 * time.Second)
	_, wants = inputs[swarm.Want](st, 0)
	started := st.fig.startup[0] + st.peers[0].player.joined
	for _, w := range wants[len(wants)-3:] {
		n := st.stream.number(st.stream.index[w.Key])
		want := started + time.Duration(n-(edge-2))*st.cfg.SegmentDuration + skew
		if w.Deadline != want {
			t.Errorf("%s is due at %v, want %v", w.Key, w.Deadline, want)
		}
	}
}

func TestFallenBehindJumps(t *testing.T) {
	react := eager(0)
	var asleep bool
	st := set(t, Config{Viewers: 1, MaxLatency: 10 * time.Second}, func(s *script, in swarm.Input) {
		if !asleep {
			react(s, in)
		}
	})
	st.until(10 * time.Second)
	asleep = true
	st.until(24 * time.Second)
	asleep = false
	st.until(40 * time.Second)
	pl := st.peers[0].player
	if st.fig.Jumps == 0 || pl.stalled != never {
		t.Errorf("%d jumps, stalled %v: want a jump and play", st.fig.Jumps, pl.stalled != never)
	}
	if behind := time.Duration(st.stream.edge(st.now)+1-pl.next) * st.cfg.SegmentDuration; behind > st.cfg.MaxLatency {
		t.Errorf("%v behind the edge, the limit is %v", behind, st.cfg.MaxLatency)
	}
}

func TestVODPlayer(t *testing.T) {
	st := set(t, Config{Viewers: 1, Mode: VOD, Film: time.Minute, Horizon: 10 * time.Second, Cache: 10 * time.Second, Spread: true}, eager(0))
	pl := st.peers[0].player
	_, held := inputs[swarm.Held](st, 0)
	if want := min(pl.first, 5); len(held) != want {
		t.Errorf("starts at number %d with %d held, want %d", pl.first, len(held), want)
	}
	st.until(50 * time.Second)
	if r := st.report(); r.Stalls != 0 || r.Offload != 0 {
		t.Errorf("stalls %d, offload %v", r.Stalls, r.Offload)
	}
	_, evicted := inputs[swarm.Evicted](st, 0)
	if n := len(st.peers[0].shelf.items); len(evicted) == 0 || n > 12 {
		t.Errorf("%d evicted, %d kept", len(evicted), n)
	}
	st.sound()
}

func TestSwitchKeepsWhatHasBegun(t *testing.T) {
	st := set(t, Config{Viewers: 1, Tracks: []int64{5e6, 1e6}, Switches: 0.001}, eager(0))
	st.until(10 * time.Second)
	p := st.peers[0]
	old := p.player.track
	st.change(p)
	_, unwants := inputs[swarm.Unwant](st, 0)
	if len(unwants) != 1 {
		t.Fatalf("%d unwants, want one", len(unwants))
	}
	for _, k := range unwants[0].Keys {
		seg := st.stream.index[k]
		if st.stream.track(seg) != old || st.stream.available(seg) <= st.now {
			t.Errorf("%s was taken back", k)
		}
	}
	for i, track := range p.player.plan {
		seg := st.stream.seg(1-old, p.player.next+i)
		if int(track) != old && st.stream.available(seg) < st.now {
			t.Errorf("number %d changed its track although it exists", p.player.next+i)
		}
	}
	st.until(40 * time.Second)
	if r := st.report(); r.Stalls != 0 {
		t.Errorf("%d stalls", r.Stalls)
	}
	st.sound()
}
