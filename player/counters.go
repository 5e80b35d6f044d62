package player

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

// Counters of what a session did for its player.
type Counters struct {
	Requests int64 // media requests named by the manifest
	Hits     int64 // answered from the store, whole
	Bytes    int64 // given to the player
}

// SessionStats is a snapshot.
type SessionStats struct {
	Swarm       string
	Manifest    string
	LastRequest time.Time // zero: none yet
	Tracks      []string  // active, the one asked for last first
	Counters    Counters
	Node        node.Stats
}

// Stats returns a snapshot.
func (s *Session) Stats() SessionStats {
	s.mu.Lock()
	st := SessionStats{
		Swarm: s.cfg.Swarm, Manifest: s.cfg.URL,
		LastRequest: s.lastRequest, Counters: s.counters,
	}
	for _, t := range s.active.list() {
		st.Tracks = append(st.Tracks, t.track.Key)
	}
	s.mu.Unlock()
	st.Node = s.cfg.Node.Stats()
	return st
}

func (s *Session) delivered(n int64) {
	s.mu.Lock()
	s.counters.Bytes += n
	s.mu.Unlock()
}

func (s *Session) hit() {
	s.mu.Lock()
	s.counters.Hits++
	s.mu.Unlock()
}

// served notes a segment of size bytes that was at hand whole.
func (s *Session) served(m Match, size int64) {
	now := time.Now()
	s.mu.Lock()
	s.counters.Hits++
	s.counters.Bytes += size
	s.pace.complete(now, m.Track.Kind, m.Segment)
	s.mu.Unlock()
}
