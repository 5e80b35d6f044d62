package rtc

import (
	"math"
	"time"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// Playback is what only a player knows of itself.
type Playback struct {
	Position time.Duration // on the presentation's time line; 0 when live
	Buffer   time.Duration
	Stalls   int
}

// reporter turns snapshots of the node into what signalling asks for. One
// goroutine calls it: the signalling client's.
type reporter struct {
	stats    func() (node.Stats, bool)
	playback func() Playback

	before map[swarm.PeerID]node.PeerStats
	at     time.Time
}

func (r *reporter) report() signal.Report {
	s, ok := r.stats()
	if !ok {
		return signal.Report{}
	}
	now := time.Now()
	seconds := now.Sub(r.at).Seconds()
	if r.at.IsZero() || seconds <= 0 {
		seconds = math.Inf(1) // nothing to compare with: no rates yet
	}
	p := r.playback()
	out := signal.Report{Origin: s.OriginBytes, FromPeers: s.PeerBytes, Sent: s.Uploaded, Stalls: p.Stalls, Buffer: p.Buffer}
	seen := make(map[swarm.PeerID]node.PeerStats, len(s.Peers))
	for _, link := range s.Peers {
		seen[link.ID] = link
		id, err := signal.ParseID(string(link.ID))
		if err != nil || len(out.Flows) == signal.MaxFlows {
			continue
		}
		was := r.before[link.ID]
		if was.Since != link.Since { // another link with the same peer
			was = node.PeerStats{}
		}
		out.Flows = append(out.Flows, signal.Flow{Peer: id, RTT: link.RTT,
			In: rate(link.BytesIn-was.BytesIn, seconds), Out: rate(link.BytesOut-was.BytesOut, seconds)})
	}
	r.before, r.at = seen, now
	return out
}

func rate(bytes int64, seconds float64) uint32 {
	return uint32(min(max(float64(bytes)/seconds, 0), math.MaxUint32))
}
