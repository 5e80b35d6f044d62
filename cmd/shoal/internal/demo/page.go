package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/player"
)

// snapshot is what the status page draws, once a second.
type snapshot struct {
	Now       time.Time         `json:"now"`
	Seconds   float64           `json:"seconds"`
	Mode      string            `json:"mode"`
	Format    string            `json:"format"`
	Viewers   []viewerSnapshot  `json:"viewers"`
	Totals    totals            `json:"totals"`
	Streams   map[string]string `json:"streams"`
	Integrity string            `json:"integrity"`
}

type viewerSnapshot struct {
	ID             string             `json:"id"`
	Name           string             `json:"name"`
	Seed           bool               `json:"seed"`
	Links          int                `json:"links"`
	Peers          []string           `json:"peers"`
	OriginBytes    int64              `json:"origin_bytes"`
	PeerBytes      int64              `json:"peer_bytes"`
	ConsumedBytes  int64              `json:"consumed_bytes"`
	UploadedBytes  int64              `json:"uploaded_bytes"`
	Stalls         int                `json:"stalls"`
	StallMS        int64              `json:"stall_ms"`
	LatencyMS      int64              `json:"latency_ms"`
	BufferMS       int64              `json:"buffer_ms"`
	DeliveryMS     player.Percentiles `json:"delivery_ms"`
	PiecesRejected int64              `json:"pieces_rejected"`
	Banned         int                `json:"banned"`
	Playing        bool               `json:"playing"`
}

type totals struct {
	OriginBytes   int64             `json:"origin_bytes"`
	PeerBytes     int64             `json:"peer_bytes"`
	ConsumedBytes int64             `json:"consumed_bytes"`
	Offload       float64           `json:"offload"`
	IdealOffload  float64           `json:"ideal_offload"`
	OriginCopies  float64           `json:"origin_copies"`
	Stalls        int               `json:"stalls"`
	DeliveryMS    player.Deliveries `json:"delivery_ms"`
}

func (l *Lab) snapshot() snapshot {
	r := l.Report()
	s := snapshot{
		Now: time.Now(), Seconds: time.Since(l.started).Seconds(), Mode: l.cfg.Mode, Format: l.cfg.Format,
		Integrity: r.Integrity,
		Streams: map[string]string{
			"dash": l.base + "/" + l.cfg.Mode + "/manifest.mpd",
			"hls":  l.base + "/" + l.cfg.Mode + "/master.m3u8",
		},
		Totals: totals{OriginBytes: r.OriginBytes, PeerBytes: r.PeerBytes, ConsumedBytes: r.ConsumedBytes, Offload: r.Offload,
			IdealOffload: r.IdealOffload, OriginCopies: r.OriginCopies, Stalls: r.Stalls, DeliveryMS: r.DeliveryMS},
	}
	members := l.viewers
	if l.seed != nil {
		members = append([]*member{l.seed}, members...)
	}
	for _, m := range members {
		s.Viewers = append(s.Viewers, m.snapshot())
	}
	return s
}

func (m *member) snapshot() viewerSnapshot {
	n := m.session.Stats().Node
	v := viewerSnapshot{ID: string(n.ID), Name: m.name, Seed: m.seed != nil, Links: len(n.Peers), Peers: []string{},
		OriginBytes: n.OriginBytes, PeerBytes: n.PeerBytes, UploadedBytes: n.Uploaded,
		PiecesRejected: n.Rejected, Banned: n.Banned, Playing: true}
	for _, p := range n.Peers {
		v.Peers = append(v.Peers, string(p.ID))
	}
	slices.Sort(v.Peers)
	if m.viewer != nil {
		x := m.viewer.Measurement()
		r := player.Summarize([]player.Measurement{x}, 0)
		v.ConsumedBytes, v.Stalls, v.StallMS = x.ConsumedBytes, x.Stalls, r.StallMS
		v.LatencyMS, v.BufferMS = x.Latency.Milliseconds(), x.Buffer.Milliseconds()
		v.DeliveryMS = player.Percentiles{P50: r.DeliveryMS.P50, P95: r.DeliveryMS.P95}
		v.Playing = x.Startup > 0
	}
	return v
}

// page sends a snapshot a second as server-sent events (HTML standard §9.2).
type page struct {
	lab  *Lab
	ctx  context.Context
	stop context.CancelFunc
}

func newPage(l *Lab) *page {
	ctx, stop := context.WithCancel(context.Background())
	return &page{lab: l, ctx: ctx, stop: stop}
}

func (p *page) close() { p.stop() }

// once answers with one snapshot.
func (p *page) once() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(p.lab.snapshot())
	})
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		data, err := json.Marshal(p.lab.snapshot())
		if err != nil {
			return
		}
		control.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
	}
}
