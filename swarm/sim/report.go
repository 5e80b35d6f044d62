package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// Report of a run. Bytes, copies and times are of the window from Config.Warmup
// to the end; startups, stalls and everything below Violations are of the whole
// run.
type Report struct {
	Viewers       int     `json:"viewers"`
	Seconds       float64 `json:"seconds"` // of the whole run
	WindowSeconds float64 `json:"window_seconds"`
	Mode          Mode    `json:"mode"`
	Format        string  `json:"format"` // "sim"

	OriginBytes   int64 `json:"origin_bytes"`
	PeerBytes     int64 `json:"peer_bytes"`
	ConsumedBytes int64 `json:"consumed_bytes"`
	// Offload is 1 − origin bytes / consumed bytes; a seed's own fetches and
	// joiners' first segments count as origin bytes.
	Offload float64 `json:"offload"`
	// IdealOffload is 1 − 1/viewers for live; for vod the share of segments that
	// somebody else held when the viewer got them.
	IdealOffload float64 `json:"ideal_offload"`
	// OriginCopies is the mean over segments of the bytes that left the origin over
	// the segment's size, without those for a joiner's first two segments.
	OriginCopies   float64 `json:"origin_copies"`
	DuplicateBytes int64   `json:"duplicate_bytes"`
	StartupMS      Spread  `json:"startup_ms"`
	DeliveryMS     Spread  `json:"delivery_ms"`
	Stalls         int     `json:"stalls"`
	StallMS        int64   `json:"stall_ms"`
	PiecesRejected int64   `json:"pieces_rejected"`
	Integrity      string  `json:"integrity"` // "signed" or "cross-checked"

	// OriginBytesByCause attributes every origin byte.
	OriginBytesByCause map[string]int64 `json:"origin_bytes_by_cause"`
	// StallsP2P are stalls that plain HTTP would not have had.
	StallsP2P int `json:"stalls_p2p"`
	// StallsHeld are stalls on a segment that some peer had held whole for two segment
	// durations.
	StallsHeld int `json:"stalls_held"`
	// Bounds are what no brain could do better than.
	Bounds Bounds `json:"bounds"`
	// AddedMS is what DeliveryMS is above one request to an idle origin.
	AddedMS        Spread        `json:"added_ms"`
	DeliveryByHops []HopDelivery `json:"delivery_by_hops,omitempty"`
	// SegmentCopies are OriginCopies segment by segment.
	SegmentCopies []SegmentCopies `json:"segment_copies,omitempty"`
	Uploads       []UplinkClass   `json:"uploads,omitempty"`
	// UploadFairness is Jain's index of the share of their uplink that viewers used.
	UploadFairness float64 `json:"upload_fairness"`
	// LiarSegments is the most segments on which one liar wronged one victim before
	// it was banned.
	LiarSegments int `json:"liar_segments"`
	// StartupPlainMS is what StartupMS would have been over plain HTTP.
	StartupPlainMS  Spread `json:"startup_plain_ms"`
	Jumps           int    `json:"jumps"`  // to the live edge, after falling too far behind
	Failed          int    `json:"failed"` // requests that ended with the origin's error
	MaxHops         int    `json:"max_hops"`
	Bans            int64  `json:"bans"`       // of liars, by each victim
	FalseBans       int64  `json:"false_bans"` // of honest peers
	ControlMessages int64  `json:"control_messages"`
	ControlBytes    int64  `json:"control_bytes"` // about

	LargestTables swarm.Sizes `json:"largest_tables"`
	Violations    []string    `json:"violations,omitempty"`
	Notes         []string    `json:"notes,omitempty"`
	Events        uint64      `json:"events"`
	Inputs        uint64      `json:"inputs"`  // given to brains
	Effects       uint64      `json:"effects"` // done for them
	Hash          string      `json:"hash"`    // of everything that happened
	Series        []Second    `json:"series,omitempty"`
}

// Spread of times in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// Second is one second of the run.
type Second struct {
	OriginBytes   int64 `json:"origin_bytes"`
	PeerBytes     int64 `json:"peer_bytes"`
	ConsumedBytes int64 `json:"consumed_bytes"`
	Stalls        int   `json:"stalls"`
	Viewers       int   `json:"viewers"`
}

// figures are what the report is made of.
type figures struct {
	OriginBytes, PeerBytes, ConsumedBytes, DuplicateBytes int64
	ControlMessages, ControlBytes, PiecesRejected         int64
	ByCause                                               [swarm.CauseNotShareable + 1]int64
	wanted, held                                          int64 // vod segments got, and held elsewhere by then
	delivery                                              []delivery

	Stalls, StallsP2P, StallsHeld, Jumps, Failed int
	StallTime                                    time.Duration
	startup, startupPlain                        []time.Duration
}

// reset begins the window: what is of the whole run stays.
func (f *figures) reset() {
	*f = figures{
		PiecesRejected: f.PiecesRejected,
		Stalls:         f.Stalls, StallsP2P: f.StallsP2P, StallsHeld: f.StallsHeld, Jumps: f.Jumps, Failed: f.Failed, StallTime: f.StallTime,
		startup: f.startup, startupPlain: f.startupPlain,
	}
}

func (w *world) second() *Second {
	s := &w.series[w.now/time.Second]
	s.Viewers = w.viewers
	return s
}

func (w *world) report() Report {
	f := &w.fig
	took, added := make([]time.Duration, len(f.delivery)), make([]time.Duration, len(f.delivery))
	for i, d := range f.delivery {
		took[i], added[i] = d.took, d.added
	}
	r := Report{
		Viewers: w.viewers, Seconds: w.cfg.Duration.Seconds(), WindowSeconds: (w.cfg.Duration - w.cfg.Warmup).Seconds(),
		Mode: w.cfg.Mode, Format: "sim",
		OriginBytes: f.OriginBytes, PeerBytes: f.PeerBytes, ConsumedBytes: f.ConsumedBytes, DuplicateBytes: f.DuplicateBytes,
		StartupMS: spread(f.startup), StartupPlainMS: spread(f.startupPlain),
		DeliveryMS: spread(took), AddedMS: spread(added), DeliveryByHops: byHops(f.delivery),
		Stalls: f.Stalls, StallsP2P: f.StallsP2P, StallsHeld: f.StallsHeld, StallMS: f.StallTime.Milliseconds(), Jumps: f.Jumps, Failed: f.Failed,
		PiecesRejected: f.PiecesRejected, Integrity: "cross-checked",
		OriginBytesByCause: map[string]int64{},
		MaxHops:            w.maxHops, Bans: w.ledger.bans, FalseBans: w.ledger.falseBans,
		ControlMessages: f.ControlMessages, ControlBytes: f.ControlBytes,
		LargestTables: w.largest.Sizes, Violations: w.violations, Notes: w.notes,
		Events: w.events, Inputs: w.inputs, Effects: w.effects, Series: w.series,
	}
	if w.cfg.Brain.Signed {
		r.Integrity = "signed"
	}
	if f.ConsumedBytes > 0 {
		r.Offload = 1 - float64(f.OriginBytes)/float64(f.ConsumedBytes)
	}
	switch {
	case w.cfg.Mode == VOD && f.wanted > 0:
		r.IdealOffload = float64(f.held) / float64(f.wanted)
	case w.cfg.Mode == Live && w.viewers > 0:
		r.IdealOffload = 1 - 1/float64(w.viewers)
	}
	for _, c := range swarm.Causes() {
		if f.ByCause[c] > 0 {
			r.OriginBytesByCause[c.String()] = f.ByCause[c]
		}
	}
	r.OriginCopies = w.originCopies()
	r.Bounds, r.SegmentCopies, r.LiarSegments = w.bounds(), w.copiesOverTime(), w.liarSegments()
	r.Uploads, r.UploadFairness = w.uploads()
	w.fold(uint64(r.OriginBytes))
	w.fold(uint64(r.PeerBytes))
	w.fold(uint64(r.ConsumedBytes))
	w.fold(w.inputs)
	w.fold(w.effects)
	r.Hash = fmt.Sprintf("%016x", w.hash)
	return r
}

// originCopies is the mean over the segments that somebody watched and that, for
// live, came to be in the window early enough to be finished.
func (w *world) originCopies() float64 {
	sum, n := 0.0, 0
	for seg, viewers := range w.consumed {
		at := w.stream.available(int32(seg))
		if viewers == 0 || w.cfg.Mode == Live && (at < w.cfg.Warmup || at > w.cfg.Duration-2*w.cfg.SegmentDuration) {
			continue
		}
		sum += float64(w.copies[seg]) / float64(w.stream.sizes[seg])
		n++
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func spread(d []time.Duration) Spread {
	if len(d) == 0 {
		return Spread{}
	}
	d = slices.Clone(d)
	slices.Sort(d)
	ms := func(q float64) float64 {
		return float64(d[int(q*float64(len(d)-1))].Microseconds()) / 1000
	}
	return Spread{P50: ms(0.5), P95: ms(0.95), Max: ms(1)}
}

// largest keeps the longest any brain's tables have been.
type largest struct{ swarm.Sizes }

func (l *largest) keep(s swarm.Sizes) {
	l.Items, l.Tracks, l.Links = max(l.Items, s.Items), max(l.Tracks, s.Tracks), max(l.Links, s.Links)
	l.Pending, l.Candidates, l.Banned = max(l.Pending, s.Pending), max(l.Candidates, s.Candidates), max(l.Banned, s.Banned)
	l.Reservations, l.Haves = max(l.Reservations, s.Reservations), max(l.Haves, s.Haves)
	l.Inbound, l.Outbound = max(l.Inbound, s.Inbound), max(l.Outbound, s.Outbound)
}
