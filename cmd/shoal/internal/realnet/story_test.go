package realnet

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/sim"
)

// story is a set-up for both worlds.
type story struct {
	name   string
	config sim.Config
	// away is how far each member is from the middle of the network, one way: the
	// round trip of two is 2 × (away of one + away of the other). None: the
	// namespaces' own.
	away []time.Duration
	loss int // percent of packets
	// wired stories are for namespaces only: their deliveries are so fast that what
	// the virtual network's own goroutines add to a round trip would be compared.
	wired bool
}

const (
	bitrate = 1_000_000 // of the stream
	second  = time.Second
)

// evening is what all stories have in common.
func evening(members ...sim.Member) sim.Config {
	return sim.Config{
		Brain:           swarm.Config{MaxPeers: 8, UploadMax: 8 * bitrate}, // of a seed: viewers say their own
		Members:         members,
		Duration:        30 * second,
		Warmup:          10 * second,
		SegmentDuration: 2 * second,
		Tracks:          []int64{bitrate},
		SizeSpread:      -1,
		Latency:         6 * second,
		Horizon:         10 * second,
		UplinkTold:      true,
		Downlink:        20 * bitrate,
		SeedLink:        8 * bitrate,
		SeedPeers:       10,
		RTTMin:          time.Millisecond,
		RTTMax:          time.Millisecond,
		Jitter:          -1,
		SignalRTT:       time.Millisecond,
		OriginRTT:       30 * time.Millisecond,
		OriginRate:      10 * bitrate,
	}
}

// crowd is count viewers that come one after the other, with these uplinks in turn.
func crowd(count int, uplinks ...int64) (members []sim.Member) {
	for i := range count {
		members = append(members, sim.Member{Up: uplinks[i%len(uplinks)], Joins: second + time.Duration(i)*100*time.Millisecond})
	}
	return members
}

func seed() sim.Member { return sim.Member{Up: 8 * bitrate, Down: 20 * bitrate, Seed: true} }

// apart puts members at 5 to 45 ms from the middle: round trips of 20 to 180 ms.
func apart(members int) (away []time.Duration) {
	for i := range members {
		away = append(away, time.Duration(5+(i*17)%41)*time.Millisecond)
	}
	return away
}

var mixed = []int64{bitrate * 6 / 10, bitrate * 16 / 10, bitrate * 4, bitrate * 6 / 10, bitrate * 16 / 10}

func stories() []story {
	withSeed := evening(append([]sim.Member{seed()}, crowd(12, mixed...)...)...)
	withSeed.Brain.Signed = true

	noSeed := evening(crowd(12, bitrate*16/10, bitrate*4, bitrate*3)...)

	dies := evening(append([]sim.Member{seed()}, crowd(12, bitrate*16/10, bitrate*4, bitrate*3)...)...)
	dies.Kills = []sim.Kill{{At: 14 * second, Seeds: 1, Silent: true}}
	dies.Brain.Signed = true

	liar := evening(append([]sim.Member{seed()}, crowd(11, bitrate*16/10, bitrate*4, bitrate*3)...)...)
	liar.Members = append(liar.Members, sim.Member{Up: 4 * bitrate, Joins: 4 * second, Corrupt: true})
	liar.Brain.Signed = true

	late := evening(append([]sim.Member{seed()}, crowd(8, bitrate*16/10, bitrate*4, bitrate*3)...)...)
	for i := range 4 {
		late.Members = append(late.Members, sim.Member{Up: 2 * bitrate, Joins: 14*second + time.Duration(i)*second})
	}
	late.Brain.Signed = true

	nats := evening(append([]sim.Member{seed()}, crowd(12, bitrate*16/10, bitrate*4, bitrate*3)...)...)
	for i := range nats.Members {
		nats.Members[i].Symmetric = i%2 == 1
	}
	nats.Brain.Signed = true

	untold := evening(append([]sim.Member{seed()}, crowd(12, bitrate*2, bitrate*4, bitrate*3)...)...)
	untold.UplinkTold, untold.Brain.UploadMax, untold.Brain.Signed = false, 0, true
	untold.Members[0].Up = 16 * bitrate

	weak := evening(append([]sim.Member{seed()}, crowd(12, mixed...)...)...)
	weak.UplinkTold, weak.Brain.UploadMax, weak.Brain.Signed = false, 0, true

	return []story{
		{name: "uplinks not told", config: untold, wired: true},
		{name: "mixed uplinks not told", config: weak, away: apart(13)},
		{name: "seed and mixed uplinks", config: withSeed, away: apart(13)},
		{name: "no seed", config: noSeed, away: apart(12)},
		{name: "seed dies", config: dies, away: apart(13)},
		{name: "a liar", config: liar, away: apart(13)},
		{name: "late joiners", config: late, away: apart(13), loss: 1},
		{name: "NATs that cannot connect", config: nats, away: apart(13)},
	}
}

// onWires is the story between hosts that are next to each other.
func (s story) onWires() story {
	s.away, s.loss = nil, 0
	return s
}

// scaled is the story with all rates divided: as long, and easier on the machine.
func (s story) scaled(by int64) story {
	c := s.config
	c.Tracks = []int64{c.Tracks[0] / by}
	c.Downlink, c.SeedLink, c.OriginRate = c.Downlink/by, c.SeedLink/by, c.OriginRate/by
	c.Members = append([]sim.Member(nil), c.Members...)
	for i := range c.Members {
		c.Members[i].Up /= by
		c.Members[i].Down /= by
	}
	s.config = c
	return s
}

// simulated is the story as the simulator takes it.
func (s story) simulated(randomSeed uint64) sim.Config {
	c := s.config
	c.RandomSeed = randomSeed
	for a := range c.Members {
		for b := range a {
			if s.away != nil {
				c.Paths = append(c.Paths, sim.Path{A: a, B: b, RTT: 2 * (s.away[a] + s.away[b]), Loss: float64(s.loss) / 100})
			}
		}
	}
	return c
}

// natted says whether some members cannot connect to one another.
func (s story) natted() bool {
	for _, m := range s.config.Members {
		if m.Symmetric {
			return true
		}
	}
	return false
}
