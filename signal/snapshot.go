package signal

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"time"
)

// The JSON of these types is documented in ADMIN.md.

// SwarmSummary is one swarm in a few numbers. Bytes are what members reported since
// the swarm began on this server; members that left still count.
type SwarmSummary struct {
	Swarm       string  `json:"swarm"`          // blinded
	Name        string  `json:"name,omitempty"` // where the operator told the server
	Members     int     `json:"members"`        // of all servers
	Here        int     `json:"here"`           // of this server
	Seeds       int     `json:"seeds"`          // of this server, as all below
	Reporting   int     `json:"reporting"`      // members that sent a report
	OriginBytes int64   `json:"origin_bytes"`   // fetched from the origin
	PeerBytes   int64   `json:"peer_bytes"`     // received from peers: what the origin was spared
	SentBytes   int64   `json:"sent_bytes"`     // sent to peers
	Stalls      int64   `json:"stalls"`         //
	OriginRate  float64 `json:"origin_rate"`    // bytes a second, now
	PeerRate    float64 `json:"peer_rate"`      //
	Offload     float64 `json:"offload"`        // peer_bytes / (origin_bytes + peer_bytes)
}

// SwarmState is everything that is known of one swarm.
type SwarmState struct {
	At      time.Time    `json:"at"`
	Summary SwarmSummary `json:"summary"`
	Peers   []PeerState  `json:"peers"`   // members of this server, by id
	Links   []LinkState  `json:"links"`   // as members reported them, by their ends
	History []PointState `json:"history"` // every 10 s for an hour, oldest first
}

// PeerState is one member.
type PeerState struct {
	ID         string       `json:"id"`
	Seed       bool         `json:"seed"`
	Since      time.Time    `json:"since"`
	Place      *[2]float64  `json:"place"` // latitude, longitude in degrees; null: unknown
	Country    string       `json:"country,omitempty"`
	ASN        uint32       `json:"asn,omitempty"`
	Group      string       `json:"group,omitempty"`    // by the site rules
	Entrance   bool         `json:"entrance,omitempty"` // of its group
	Links      int          `json:"links"`
	MaxLinks   int          `json:"max_links"`
	Uplink     int64        `json:"uplink,omitempty"` // bit/s
	Coordinate *[3]float64  `json:"coordinate"`       // x, y, height in ms; null: nothing measured
	PositionMS int64        `json:"position_ms,omitempty"`
	Report     *ReportState `json:"report"` // null: it does not report
}

// ReportState is a member's newest report.
type ReportState struct {
	At          time.Time `json:"at"`
	OriginBytes int64     `json:"origin_bytes"`
	PeerBytes   int64     `json:"peer_bytes"`
	SentBytes   int64     `json:"sent_bytes"`
	OriginRate  float64   `json:"origin_rate"` // bytes a second since the report before
	PeerRate    float64   `json:"peer_rate"`
	SentRate    float64   `json:"sent_rate"`
	Stalls      int       `json:"stalls"`
	BufferMS    int64     `json:"buffer_ms"`
}

// LinkState is a link between two members, A having the smaller id. Where both
// report it, the larger figure counts.
type LinkState struct {
	A         string  `json:"a"`
	B         string  `json:"b"`
	AB        uint32  `json:"ab"` // bytes a second from A to B
	BA        uint32  `json:"ba"`
	RTT       float64 `json:"rtt_ms"`              // 0 unknown
	Elsewhere bool    `json:"elsewhere,omitempty"` // one end is on another server, or has left
}

// PointState is a swarm at one time of its history.
type PointState struct {
	At         time.Time `json:"at"`
	Members    int       `json:"members"`
	OriginRate float64   `json:"origin_rate"` // bytes a second since the point before
	PeerRate   float64   `json:"peer_rate"`
	Offload    float64   `json:"offload"`     // of that time
	SavedBytes int64     `json:"saved_bytes"` // from peers since the swarm began
}

// ErrNotReady is why a server should get no new clients.
var ErrNotReady = errors.New("signal: not ready")

// Ready says whether a load balancer should send clients here, else why not.
func (s *Server) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.draining {
		return errors.Join(ErrNotReady, errors.New("the server is draining"))
	}
	return nil
}

// Swarms lists the swarms with members on this server, the largest first.
func (s *Server) Swarms() []SwarmSummary {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]SwarmSummary, 0, len(s.swarms))
	for _, w := range s.swarms {
		all = append(all, s.summary(w))
	}
	slices.SortFunc(all, func(a, b SwarmSummary) int {
		return cmp.Or(cmp.Compare(b.Members, a.Members), cmp.Compare(a.Swarm, b.Swarm))
	})
	return all
}

// Swarm is the state of one swarm, by its name or its blinded name.
func (s *Server) Swarm(name string) (SwarmState, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	w := s.swarms[Blind(name)]
	if w == nil {
		return SwarmState{}, false
	}
	state := SwarmState{At: time.Now().UTC(), Summary: s.summary(w), Links: w.linkStates(), History: []PointState{}}
	if w.tally != nil {
		state.History = w.tally.points()
	}
	state.Peers = make([]PeerState, 0, len(w.members))
	for _, m := range w.members {
		state.Peers = append(state.Peers, s.peerState(m))
	}
	slices.SortFunc(state.Peers, func(a, b PeerState) int { return cmp.Compare(a.ID, b.ID) })
	return state, true
}

func (s *Server) summary(w *swarm) SwarmSummary {
	sum := SwarmSummary{Swarm: w.name, Name: s.cfg.named[w.name], Members: s.size(w), Here: len(w.members)}
	for _, m := range w.members {
		if m.Seed {
			sum.Seeds++
		}
		if m.report != nil {
			sum.Reporting++
			sum.OriginRate += m.report.originRate
			sum.PeerRate += m.report.peerRate
		}
	}
	if t := w.tally; t != nil {
		sum.OriginBytes, sum.PeerBytes, sum.SentBytes, sum.Stalls = t.origin, t.fromPeers, t.sent, t.stalls
		sum.Offload = share(t.fromPeers, t.origin)
	}
	return sum
}

// share is the part of the bytes that came from peers.
func share(peers, origin int64) float64 {
	if peers+origin == 0 {
		return 0
	}
	return float64(peers) / float64(peers+origin)
}

func (s *Server) peerState(m *member) PeerState {
	p := PeerState{ID: m.ID.String(), Seed: m.Seed, Since: m.joined.UTC(), Country: m.Country.String(), ASN: m.ASN,
		Entrance: m.entrance != nil, Links: m.Links, MaxLinks: m.MaxLinks, Uplink: m.Uplink, PositionMS: m.Position.Milliseconds()}
	if m.Place.Known() {
		latitude, longitude := m.Place.Degrees()
		p.Place = &[2]float64{latitude, longitude}
	}
	if g := m.region.group; g != 0 {
		p.Group = s.cfg.Rules.Groups[g-1].Name
	}
	if c := m.Coordinate; c.Known() {
		p.Coordinate = &[3]float64{float64(c.X), float64(c.Y), float64(c.Height)}
	}
	if r := m.report; r != nil {
		p.Report = &ReportState{At: r.at.UTC(), OriginBytes: r.Origin, PeerBytes: r.FromPeers, SentBytes: r.Sent,
			OriginRate: r.originRate, PeerRate: r.peerRate, SentRate: r.sentRate, Stalls: r.Stalls,
			BufferMS: r.Buffer.Milliseconds()}
	}
	return p
}

func (w *swarm) linkStates() []LinkState {
	type ends struct{ a, b MemberID }
	links := make(map[ends]LinkState)
	for _, m := range w.members {
		if m.report == nil {
			continue
		}
		for _, f := range m.report.Flows {
			e, out, in := ends{m.ID, f.Peer}, f.Out, f.In
			if bytes.Compare(e.a[:], e.b[:]) > 0 {
				e.a, e.b, out, in = e.b, e.a, in, out
			}
			l := links[e]
			l.AB, l.BA = max(l.AB, out), max(l.BA, in)
			l.RTT = max(l.RTT, float64(f.RTT.Microseconds())/1000)
			links[e] = l
		}
	}
	all := make([]LinkState, 0, len(links))
	for e, l := range links {
		l.A, l.B = e.a.String(), e.b.String()
		l.Elsewhere = w.members[e.a] == nil || w.members[e.b] == nil
		all = append(all, l)
	}
	slices.SortFunc(all, func(x, y LinkState) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	return all
}

// points are the history as rates.
func (t *tally) points() []PointState {
	moments := t.moments()
	points := make([]PointState, 0, len(moments))
	for i, m := range moments {
		p := PointState{At: m.at.UTC(), Members: m.members, SavedBytes: m.fromPeers}
		if i > 0 {
			before := moments[i-1]
			seconds := m.at.Sub(before.at).Seconds()
			p.OriginRate = float64(m.origin-before.origin) / seconds
			p.PeerRate = float64(m.fromPeers-before.fromPeers) / seconds
			p.Offload = share(m.fromPeers-before.fromPeers, m.origin-before.origin)
		}
		points = append(points, p)
	}
	return points
}
