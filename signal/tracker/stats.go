package tracker

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Stats are the totals that npm's bittorrent-tracker serves under /stats.json, by
// the same names. Its table of client programs is left out: ids tell it to anybody.
type Stats struct {
	Torrents              int `json:"torrents"`
	ActiveTorrents        int `json:"activeTorrents"`
	PeersAll              int `json:"peersAll"`
	PeersSeederOnly       int `json:"peersSeederOnly"`
	PeersLeecherOnly      int `json:"peersLeecherOnly"`
	PeersSeederAndLeecher int `json:"peersSeederAndLeecher"`
	PeersIPv4             int `json:"peersIPv4"`
	PeersIPv6             int `json:"peersIPv6"`
}

// Stats counts peers by connection: one that is in several swarms counts once.
func (t *Tracker) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Stats{Torrents: len(t.swarms), ActiveTorrents: len(t.swarms)}
	for c := range t.clients {
		if len(c.peers) == 0 {
			continue
		}
		s.PeersAll++
		if c.from.Is6() {
			s.PeersIPv6++
		} else {
			s.PeersIPv4++
		}
		seeds := 0
		for _, p := range c.peers {
			if p.complete {
				seeds++
			}
		}
		switch seeds {
		case 0:
			s.PeersLeecherOnly++
		case len(c.peers):
			s.PeersSeederOnly++
		default:
			s.PeersSeederAndLeecher++
		}
	}
	return s
}

// ServeStats answers /stats and /stats.json.
func (t *Tracker) ServeStats(w http.ResponseWriter, r *http.Request) {
	s := t.Stats()
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path == "/stats.json" || r.Header.Get("Accept") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>tracker</title><h1>%d torrents</h1><p>%d peers: %d seeding, %d leeching, %d both; %d IPv4, %d IPv6</p>\n",
		s.Torrents, s.PeersAll, s.PeersSeederOnly, s.PeersLeecherOnly, s.PeersSeederAndLeecher, s.PeersIPv4, s.PeersIPv6)
}
