package admin

import (
	"encoding/json"
	"time"

	"github.com/shoal-p2p/shoal/signal"
)

// change is what became different in a swarm since the event before.
type change struct {
	At       time.Time           `json:"at"`
	Summary  signal.SwarmSummary `json:"summary"`
	Peers    []signal.PeerState  `json:"peers,omitempty"`    // new or different, whole
	Gone     []string            `json:"gone,omitempty"`     // peers that left
	Links    []signal.LinkState  `json:"links,omitempty"`    // new or different, whole
	Unlinked [][2]string         `json:"unlinked,omitempty"` // links that ended, by their ends
	History  []signal.PointState `json:"history,omitempty"`  // new points
}

// view is what a reader has been told.
type view struct {
	peers map[string]string // by id
	links map[[2]string]signal.LinkState
	last  time.Time // newest point
}

func newView(s signal.SwarmState) *view {
	v := &view{peers: map[string]string{}, links: map[[2]string]signal.LinkState{}}
	v.change(s)
	return v
}

// change brings the view up to date and returns the difference.
func (v *view) change(s signal.SwarmState) change {
	c := change{At: s.At, Summary: s.Summary}
	peers := make(map[string]string, len(s.Peers))
	for _, p := range s.Peers {
		b, err := json.Marshal(p) // holds pointers, so that == would not do
		if err != nil {
			continue
		}
		peers[p.ID] = string(b)
		if v.peers[p.ID] != string(b) {
			c.Peers = append(c.Peers, p)
		}
	}
	for id := range v.peers {
		if _, ok := peers[id]; !ok {
			c.Gone = append(c.Gone, id)
		}
	}
	links := make(map[[2]string]signal.LinkState, len(s.Links))
	for _, l := range s.Links {
		ends := [2]string{l.A, l.B}
		links[ends] = l
		if old, ok := v.links[ends]; !ok || old != l {
			c.Links = append(c.Links, l)
		}
	}
	for ends := range v.links {
		if _, ok := links[ends]; !ok {
			c.Unlinked = append(c.Unlinked, ends)
		}
	}
	for _, p := range s.History {
		if p.At.After(v.last) {
			c.History = append(c.History, p)
			v.last = p.At
		}
	}
	v.peers, v.links = peers, links
	return c
}
