package player

import (
	"math"
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Report is what demo, watch and sim print with --report: a contract.
type Report struct {
	Viewers       int     `json:"viewers"`
	Seconds       float64 `json:"seconds"`
	Mode          string  `json:"mode"`   // live or vod
	Format        string  `json:"format"` // dash or hls
	OriginBytes   int64   `json:"origin_bytes"`
	PeerBytes     int64   `json:"peer_bytes"`
	ConsumedBytes int64   `json:"consumed_bytes"`
	// Offload is 1 − origin_bytes/consumed_bytes, IdealOffload 1 − 1/viewers.
	Offload      float64 `json:"offload"`
	IdealOffload float64 `json:"ideal_offload"`
	// OriginCopies is how often a consumed segment left the origin, on average:
	// origin bytes by the bytes of the distinct segments.
	OriginCopies   float64     `json:"origin_copies"`
	DuplicateBytes int64       `json:"duplicate_bytes"`
	StartupMS      Percentiles `json:"startup_ms"`
	DeliveryMS     Deliveries  `json:"delivery_ms"` // available at the origin → whole at the viewer
	Stalls         int         `json:"stalls"`
	StallMS        int64       `json:"stall_ms"`
	PiecesRejected int64       `json:"pieces_rejected"`
	Integrity      string      `json:"integrity"` // signed or cross-checked
}

// Percentiles in milliseconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
}

// Deliveries in milliseconds.
type Deliveries struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// Measurement is what one viewer measured since it began or since Mark.
type Measurement struct {
	Seconds        float64
	Format         timeline.Format
	Live           bool
	OriginBytes    int64
	PeerBytes      int64
	ConsumedBytes  int64
	DuplicateBytes int64
	Startup        time.Duration // 0: not started yet
	Deliveries     []time.Duration
	Segments       map[string]int64 // consumed segments by key, with their sizes
	Stalls         int
	Stalled        time.Duration
	Rejected       int64
	Integrity      string
	Errors         int           // failed requests, repeated since
	Latency        time.Duration // behind the live edge at the time, 0 for VOD
	Buffer         time.Duration
	Position       time.Duration // on the presentation's time line, 0 for live
}

// Summarize makes one report of all viewers' measurements. seedBytes are those
// that seeds took from the origin: they count as origin bytes.
func Summarize(all []Measurement, seedBytes int64) Report {
	r := Report{Viewers: len(all), Mode: "vod", OriginBytes: seedBytes}
	distinct := make(map[string]int64)
	var startups, deliveries []time.Duration
	var stalled time.Duration
	for _, m := range all {
		r.Seconds = max(r.Seconds, m.Seconds)
		r.Format = string(m.Format)
		if m.Live {
			r.Mode = "live"
		}
		r.OriginBytes += m.OriginBytes
		r.PeerBytes += m.PeerBytes
		r.ConsumedBytes += m.ConsumedBytes
		r.DuplicateBytes += m.DuplicateBytes
		r.Stalls += m.Stalls
		stalled += m.Stalled
		r.PiecesRejected += m.Rejected
		if r.Integrity == "" || m.Integrity == "cross-checked" {
			r.Integrity = m.Integrity
		}
		if m.Startup > 0 {
			startups = append(startups, m.Startup)
		}
		deliveries = append(deliveries, m.Deliveries...)
		for k, n := range m.Segments {
			distinct[k] = n
		}
	}
	var once int64
	for _, n := range distinct {
		once += n
	}
	if r.ConsumedBytes > 0 {
		r.Offload = round(1 - float64(r.OriginBytes)/float64(r.ConsumedBytes))
	}
	if len(all) > 0 {
		r.IdealOffload = round(1 - 1/float64(len(all)))
	}
	if once > 0 {
		r.OriginCopies = round(float64(r.OriginBytes) / float64(once))
	}
	r.Seconds = round(r.Seconds)
	r.StallMS = stalled.Milliseconds()
	r.StartupMS = Percentiles{P50: quantile(startups, 0.5), P95: quantile(startups, 0.95)}
	r.DeliveryMS = Deliveries{P50: quantile(deliveries, 0.5), P95: quantile(deliveries, 0.95), Max: quantile(deliveries, 1)}
	return r
}

// quantile of ds in milliseconds by the nearest rank: the ⌈q·n⌉-th smallest.
func quantile(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ds))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return float64(sorted[max(rank, 0)].Microseconds()) / 1000
}

func round(v float64) float64 { return math.Round(v*10000) / 10000 }
