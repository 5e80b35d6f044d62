package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// Mode is what is watched.
type Mode string

const (
	Live Mode = "live"
	VOD  Mode = "vod"
)

// Pairing is how the virtual signal server answers a Discover.
type Pairing string

const (
	PairFirst   Pairing = "first"   // members with room, in turn
	PairNearest Pairing = "nearest" // the closest of a sample of members with room
)

// Config of one run. The zero value is a valid story: 50 viewers watch a live
// stream for a minute, without a seed.
type Config struct {
	// Brain is the template of every peer's brain; ID, RandomSeed and Seed are set
	// per peer.
	Brain swarm.Config
	// RandomSeed decides everything that is left to chance. Same seed, same Config,
	// same brain: same Report.Hash.
	RandomSeed uint64
	// Mode is live (default) or vod.
	Mode Mode
	// Viewers is how many there are once Arrive is over (default 50).
	Viewers int
	// Seeds is how many headless peers fetch every segment at once (default 0).
	Seeds int
	// Duration of the run (default 60 s).
	Duration time.Duration
	// Warmup is left out of the report's figures, but not of its stalls or
	// invariants (default 15 s, a quarter of Duration if that is less).
	Warmup time.Duration
	// Arrive is the time within which the first viewers come, evenly (default 2 s).
	Arrive time.Duration

	// SegmentDuration is the media length of a segment (default 2 s).
	SegmentDuration time.Duration
	// Tracks are the bitrates in bit/s that a viewer chooses among (default one of
	// 5 Mbit/s).
	Tracks []int64
	// SizeSpread is how far segment sizes stray from the bitrate: ± this share
	// (default 0.1; negative for none).
	SizeSpread float64
	// Switches is how often per minute a viewer changes track (default 0).
	Switches float64
	// Latency is how far behind the live edge viewers start (default three
	// segments).
	Latency time.Duration
	// MaxLatency is how far behind a viewer may fall before it jumps back to
	// Latency (default Latency + 20 s).
	MaxLatency time.Duration
	// Horizon is how far ahead of the playhead segments are named to the brain
	// (default 10 s live, 30 s vod: there it is the player's buffer target).
	Horizon time.Duration
	// Cache is how much media a peer keeps behind its playhead (default 60 s live,
	// 5 min vod).
	Cache time.Duration
	// Film is the length of the vod presentation (default 10 min).
	Film time.Duration
	// Spread lets vod viewers begin anywhere in the film, with Cache before that
	// point already held, as in a swarm that has been running for long (default:
	// all begin at 0 with nothing).
	Spread bool

	// Uplinks is how viewers' uplinks are shared out (default 20 % none, 30 % 3,
	// 30 % 8, 20 % 20 Mbit/s). The shares are quotas, not odds.
	Uplinks []Uplink
	// Members describes peers one by one, in place of Viewers, Seeds, Arrive and
	// Uplinks (default: none).
	Members []Member
	// Paths is what lies between Members, where it is not as between all others.
	Paths []Path
	// UplinkTold says that brains know their uplink (as UploadMax, and Metered where
	// there is none) instead of finding out.
	UplinkTold bool
	// Downlink of every viewer in bit/s (default 50 Mbit/s).
	Downlink int64
	// SeedLink is the rate of a seed in bit/s, both ways (default 100 Mbit/s).
	SeedLink int64
	// SeedPeers is the MaxPeers of a seed (default 20).
	SeedPeers int
	// RTTMin and RTTMax bound the round trip between peers (default 10 and 200 ms):
	// RTTMin + (RTTMax − RTTMin) × distance/√2 of random points in a unit square.
	RTTMin, RTTMax time.Duration
	// Jitter is the largest extra delay of a message, one way (default 5 ms;
	// negative for none).
	Jitter time.Duration
	// Loss is the share of packets lost (default 0). Links are reliable: a lost
	// packet delays its message, and those behind it, by a round trip.
	Loss float64
	// Symmetric is the share of viewers behind a NAT of the kind that cannot connect
	// to another of its kind (default 0).
	Symmetric float64
	// Pairing of the signal server (default first).
	Pairing Pairing
	// SizeFactor is how wrong the signal server is about the swarm's size: it says so
	// many times the truth (default 1).
	SizeFactor float64
	// SignalRTT is the round trip to the signal server (default 40 ms).
	SignalRTT time.Duration
	// ConnectTimeout is when a connection that cannot be made is given up
	// (default 5 s).
	ConnectTimeout time.Duration
	// ClockSkew is the largest error of a peer's clock, both ways (default 0).
	ClockSkew time.Duration

	// OriginRTT is the round trip to the origin (default 30 ms).
	OriginRTT time.Duration
	// OriginRate is what one client gets from the origin in bit/s (default 40 Mbit/s).
	OriginRate int64
	// OriginTotal is what the origin can send to all in bit/s (default 0: no limit).
	OriginTotal int64
	// Outages are times when the origin answers every request with an error.
	Outages []Outage

	// Churn is the share of viewers that leave each minute, each replaced by a new
	// one (default 0).
	Churn float64
	// Silent is the share of leavers that say nothing (default 1/3; negative for
	// none): their neighbours notice after Detect.
	Silent float64
	// Detect is how long a silent death goes unnoticed (default 2 s).
	Detect time.Duration
	// Crowds are viewers who come later.
	Crowds []Crowd
	// Kills are deaths of many at once.
	Kills []Kill
	// Liars are shares of viewers that play foul, by kind.
	Liars Liars

	// MaxHops is the longest way from the origin that is not taken for a loop
	// (default 64).
	MaxHops int
	// Progress, when set, is told once a virtual second how far the run is; an error
	// ends it.
	Progress func(Progress) error
	// Trace, when set, is told every input and effect of every brain: for finding
	// out why. The strings are Go syntax.
	Trace func(at swarm.Time, peer swarm.PeerID, what string)
}

// Uplink is a class of uplinks.
type Uplink struct {
	Share float64 // of the viewers
	Rate  int64   // bit/s, 0 sends nothing at all
}

// Outage is a time without origin.
type Outage struct{ At, For time.Duration }

// Crowd is Count viewers that come within Within from At on.
type Crowd struct {
	At     time.Duration
	Count  int
	Within time.Duration
}

// Kill ends this share of viewers and seeds at At, silently or not.
type Kill struct {
	At      time.Duration
	Viewers float64
	Seeds   float64
	Silent  bool
}

// Liars are shares of the viewers.
type Liars struct {
	Corrupt float64 // every piece they send is wrong
	Offer   float64 // they offer what they do not have and never answer
	Stall   float64 // they send two pieces of each transfer and no more
}

// Progress is how far a run is.
type Progress struct {
	At, Of     time.Duration
	Events     uint64
	Peers      int // that have ever come
	Violations int
	Last       Second // the one that has just passed
}

// Bounds of what a run may ask for.
const (
	MaxViewers  = 100_000
	MaxSegments = 1 << 20 // tracks × segments of one run

	maxTracks    = 64
	maxPerMinute = 60 // track changes or departures of one viewer
)

func (c Config) populate() Config {
	or(&c.Mode, Live)
	if len(c.Members) > 0 {
		c.Viewers, c.Seeds = c.members()
	}
	or(&c.Viewers, 50)
	or(&c.Duration, 60*time.Second)
	or(&c.Warmup, min(15*time.Second, c.Duration/4))
	or(&c.Arrive, 2*time.Second)
	or(&c.SegmentDuration, 2*time.Second)
	or(&c.Latency, 3*c.SegmentDuration)
	or(&c.MaxLatency, c.Latency+20*time.Second)
	if c.Mode == VOD {
		or(&c.Horizon, 30*time.Second)
		or(&c.Cache, 5*time.Minute)
	}
	or(&c.Horizon, 10*time.Second)
	or(&c.Cache, time.Minute)
	or(&c.Film, 10*time.Minute)
	or(&c.SizeSpread, 0.1)
	if len(c.Tracks) == 0 {
		c.Tracks = []int64{5e6}
	}
	if len(c.Uplinks) == 0 {
		c.Uplinks = []Uplink{{0.2, 0}, {0.3, 3e6}, {0.3, 8e6}, {0.2, 20e6}}
	}
	or(&c.Downlink, 50e6)
	or(&c.SeedLink, 100e6)
	or(&c.SeedPeers, 20)
	or(&c.RTTMin, 10*time.Millisecond)
	or(&c.RTTMax, 200*time.Millisecond)
	or(&c.Jitter, 5*time.Millisecond)
	or(&c.Pairing, PairFirst)
	or(&c.SizeFactor, 1)
	or(&c.SignalRTT, 40*time.Millisecond)
	or(&c.ConnectTimeout, 5*time.Second)
	or(&c.OriginRTT, 30*time.Millisecond)
	or(&c.OriginRate, 40e6)
	or(&c.Silent, 1.0/3)
	or(&c.Detect, 2*time.Second)
	or(&c.MaxHops, 64)
	or(&c.Brain.MaxPeers, 10) // the edge refuses links beyond it too, so it must know
	return c
}

func or[T comparable](v *T, preset T) {
	var zero T
	if *v == zero {
		*v = preset
	}
}

// validate is called after populate.
func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sim: "+format, args...))
		}
	}
	share := func(name string, v float64) {
		check(v >= 0 && v <= 1, "%s %v: want a share from 0 to 1", name, v)
	}
	positive := func(name string, v int64) { check(v > 0, "%s %d: want more than 0", name, v) }

	check(c.Mode == Live || c.Mode == VOD, "mode %q: want live or vod", c.Mode)
	check(c.Pairing == PairFirst || c.Pairing == PairNearest, "pairing %q: want first or nearest", c.Pairing)
	total := c.Viewers + c.Seeds
	for _, crowd := range c.Crowds {
		check(crowd.Count >= 0 && crowd.At >= 0 && crowd.Within >= 0, "crowd %+v: want nothing negative", crowd)
		total += max(crowd.Count, 0)
	}
	check(c.Viewers > 0 && c.Seeds >= 0, "viewers %d, seeds %d: want at least one viewer", c.Viewers, c.Seeds)
	check(total <= MaxViewers, "%d peers: the limit is %d", total, MaxViewers)
	positive("duration", int64(c.Duration))
	positive("segment duration", int64(c.SegmentDuration))
	check(c.Warmup >= 0 && c.Warmup < c.Duration, "warmup %v: want less than duration %v", c.Warmup, c.Duration)
	check(c.Arrive >= 0, "arrive %v: want no less than 0", c.Arrive)
	check(c.Latency >= c.SegmentDuration, "latency %v: want at least one segment, %v", c.Latency, c.SegmentDuration)
	check(c.MaxLatency > c.Latency, "max latency %v: want more than latency %v", c.MaxLatency, c.Latency)
	check(c.Horizon >= c.SegmentDuration && c.Cache >= 2*c.SegmentDuration, "horizon %v, cache %v: want one and two segments at least", c.Horizon, c.Cache)
	check(c.Film >= c.SegmentDuration, "film %v: want at least one segment", c.Film)
	check(c.SizeSpread < 1, "size spread %v: want less than 1", c.SizeSpread)
	check(c.Switches >= 0 && c.Switches <= maxPerMinute && c.Churn >= 0 && c.Churn <= maxPerMinute,
		"switches %v, churn %v a minute: want 0 to %d", c.Switches, c.Churn, maxPerMinute)
	check(len(c.Tracks) <= maxTracks, "%d tracks: the limit is %d", len(c.Tracks), maxTracks)
	for _, bitrate := range c.Tracks {
		positive("track bitrate", bitrate)
		size := float64(bitrate) / 8 * c.SegmentDuration.Seconds() * (1 + max(c.SizeSpread, 0))
		check(size <= segments.MaxSegmentSize, "track of %d bit/s: segments of %.0f bytes, the limit is %d", bitrate, size, segments.MaxSegmentSize)
	}
	span := max(c.Duration+c.Latency+c.MaxLatency, c.Film) + c.Horizon + c.Cache
	if c.SegmentDuration > 0 {
		check(int64(len(c.Tracks))*int64(span/c.SegmentDuration) <= MaxSegments, "more than %d segments", MaxSegments)
	}
	sum := 0.0
	for _, u := range c.Uplinks {
		share("uplink share", u.Share)
		check(u.Rate >= 0, "uplink %d bit/s: want no less than 0", u.Rate)
		sum += u.Share
	}
	check(sum > 0.999 && sum < 1.001, "uplink shares add up to %v: want 1", sum)
	c.checkMembers(check)
	positive("downlink", c.Downlink)
	positive("seed link", c.SeedLink)
	positive("seed peers", int64(c.SeedPeers))
	positive("origin rate", c.OriginRate)
	check(c.OriginTotal >= 0, "origin total %d: want no less than 0", c.OriginTotal)
	check(c.RTTMin > 0 && c.RTTMax >= c.RTTMin, "rtt from %v to %v: want 0 < min ≤ max", c.RTTMin, c.RTTMax)
	check(c.SignalRTT >= 0 && c.OriginRTT >= 0 && c.ConnectTimeout >= 0 && c.Detect >= 0 && c.ClockSkew >= 0,
		"signal rtt, origin rtt, connect timeout, detect, clock skew: want nothing negative")
	check(c.Loss >= 0 && c.Loss < 0.5, "loss %v: want 0 ≤ loss < 0.5", c.Loss)
	share("symmetric", c.Symmetric)
	check(c.SizeFactor >= 0.001 && c.SizeFactor <= 1000, "size factor %v: want 0.001 to 1000", c.SizeFactor)
	share("silent", max(c.Silent, 0))
	share("liars", c.Liars.Corrupt+c.Liars.Offer+c.Liars.Stall)
	for _, k := range c.Kills {
		share("kill viewers", k.Viewers)
		share("kill seeds", k.Seeds)
		check(k.At >= 0, "kill at %v: want no less than 0", k.At)
	}
	for _, o := range c.Outages {
		check(o.At >= 0 && o.For > 0, "outage %+v: want a time and a positive length", o)
	}
	check(c.MaxHops > 0, "max hops %d: want more than 0", c.MaxHops)
	return errors.Join(errs...)
}
