package signal

import (
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// sizeInterval is the shortest time between two Size messages.
const sizeInterval = time.Second

// A swarm tells its size at once when it changed by more than 1/sizeShare since
// the last time, and after sizeLatest in any case: in a swarm of 50,000 one
// member more must not cost 50,000 messages a second.
const (
	sizeShare  = 64
	sizeLatest = 10 * time.Second
)

// swarm is the members of one swarm on this server. Server.mu guards it, except
// announced and announcedAt, which are the keeper's.
type swarm struct {
	name    string
	members map[MemberID]*member
	pairing Pairing
	tally   *tally // nil until somebody reports

	announced   int
	announcedAt time.Time
}

func (w *swarm) sizeDue(now time.Time) bool {
	change := len(w.members) - w.announced
	if change == 0 || max(change, -change)*sizeShare <= w.announced && now.Sub(w.announcedAt) < sizeLatest {
		return false
	}
	w.announced, w.announcedAt = len(w.members), now
	return true
}

// join makes m a member; a reason means that it was refused. Welcome is queued
// before anybody else can see the member, so it is the first thing it reads.
func (s *Server) join(m *member, j *Join) (Code, string) {
	id := IDOf(j.Secret)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.cfg.Limits
	if s.draining {
		return CodeDraining, "the server is shutting down"
	}
	if !s.joins.allow(id, now) {
		return CodeRate, "too many joins by this member"
	}
	name := Blind(j.Swarm)
	w := s.swarms[name]
	if w == nil {
		if exceeded(len(s.swarms)+1, l.Swarms) {
			return CodeServerFull, "too many swarms on this server"
		}
		w = &swarm{name: name, members: make(map[MemberID]*member), pairing: s.cfg.Pairing()}
	}
	old := w.members[id]
	switch {
	case old != nil && subtle.ConstantTimeCompare(old.secret[:], j.Secret[:]) != 1:
		return CodeImpostor, "this id is in use under another secret"
	case old == nil && exceeded(len(w.members)+1, l.MembersPerSwarm):
		return CodeSwarmFull, "too many members in this swarm"
	}
	if old != nil {
		m.report = old.report
		m.pairs = old.pairs // it goes on where it was, and nobody is told it is gone
		w.drop(old)
		old.refuse(CodeReplaced, "another connection joined with this secret", 30*time.Second)
	}
	s.swarms[name] = w
	m.swarm, m.secret = w, j.Secret
	m.ID, m.Seed, m.Uplink, m.Address = id, j.Seed, j.Uplink, m.from
	m.Links, m.MaxLinks = j.Links, j.MaxLinks
	m.Place, m.Position, m.joined = j.Place, j.Position, now
	w.members[id] = m
	w.pairing.Add(&m.Peer)
	s.metrics.joins.Inc()
	s.cfg.Log.Debug("joined", "member", id, "swarm", clip(name), "from", m.from, "members", len(w.members))
	m.send(websocket.BinaryMessage, Append(nil, &Welcome{
		ID:         id,
		ServerTime: s.cfg.Clock(),
		SwarmSize:  len(w.members),
		ICEServers: s.cfg.ICEServers,
		SigningKey: s.cfg.signingKey(name),
		Settings:   s.cfg.Settings,
		Limits:     s.cfg.announced(),
	}))
	s.introduce(m, min(l.PeersOnJoin, m.MaxLinks-m.Links), j.Except, now)
	return 0, ""
}

// drop takes m out of the swarm's tables.
func (w *swarm) drop(m *member) {
	delete(w.members, m.ID)
	w.pairing.Remove(&m.Peer)
	m.swarm = nil
}

// leave takes m out and tells those it was introduced to, unless it said that it
// keeps its links or the server itself goes away.
func (s *Server) leave(m *member, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := m.swarm
	if w == nil {
		return
	}
	w.drop(m)
	s.cfg.Log.Debug("left", "member", m.ID, "swarm", clip(w.name), "cause", cause, "members", len(w.members))
	if len(w.members) == 0 {
		delete(s.swarms, w.name)
		return
	}
	var closed *websocket.CloseError
	if s.draining || errors.As(cause, &closed) && closed.Code == ClosePaused {
		return
	}
	gone := Append(nil, &Gone{ID: m.ID})
	for _, p := range m.pairs {
		if other := w.members[p.with]; other != nil {
			other.unpair(m.ID)
			other.send(websocket.BinaryMessage, gone)
		}
	}
}

// relay forwards b to the member its header names, with the sender written over
// it. b belongs to the receiver's queue from here on.
func (s *Server) relay(from *member, b []byte) {
	id := MemberID(b[1:RelayHeader])
	s.mu.RLock()
	var to *member
	paired := true
	if from.swarm != nil {
		to = from.swarm.members[id]
		if to != nil && s.cfg.PairedOnly {
			paired = from.pairedWith(id) || to.pairedWith(from.ID)
		}
	}
	s.mu.RUnlock()
	if to == nil || to == from || !paired {
		s.metrics.undelivered.Inc()
		if from.out.roomy() {
			from.send(websocket.BinaryMessage, Append(nil, &Gone{ID: id}))
		}
		return
	}
	copy(b[1:RelayHeader], from.ID[:])
	s.metrics.relayed.Inc()
	to.send(websocket.BinaryMessage, b)
}

// want answers a Want.
func (s *Server) want(m *member, n int, except []MemberID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.swarm != nil {
		s.introduce(m, n, except, time.Now())
	}
}

// status takes a peer check in.
func (s *Server) status(m *member, st *Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.swarm == nil {
		return
	}
	now := time.Now()
	m.settle(st.Links - m.Links)
	m.Links, m.MaxLinks = st.Links, st.MaxLinks
	if st.Place.Known() {
		m.Place = st.Place
	}
	if st.Position != 0 {
		m.Position = st.Position
	}
	if st.Report != nil {
		s.report(m, st.Report, now)
	}
	m.swarm.pairing.Update(&m.Peer)
	s.introduce(m, st.Want, st.Except, now)
}

// introduce sends m up to n members of its swarm.
func (s *Server) introduce(m *member, n int, except []MemberID, now time.Time) {
	window := s.cfg.PairAgainAfter
	n = min(n, s.cfg.Limits.PeersPerMessage, pairsKept-m.recent(now, window))
	if n <= 0 {
		return
	}
	w := m.swarm
	usable := func(p *Peer) bool {
		other := w.members[p.ID]
		recent := other.recent(now, window)
		return recent < pairsKept &&
			// A full one only comes up as a rescue; it has no room to count down.
			(!p.Spare() || p.Links+other.unsettled(now, window) < p.MaxLinks) &&
			!slices.Contains(except, p.ID) &&
			!m.pairedSince(p.ID, now, window) && !other.pairedSince(m.ID, now, window)
	}
	peers := w.pairing.Suggest(&m.Peer, n, usable, nil)
	if len(peers) == 0 {
		return
	}
	ids := make([]MemberID, len(peers))
	for i, p := range peers {
		ids[i] = p.ID
		m.pair(p.ID, now)
		w.members[p.ID].pair(m.ID, now)
	}
	m.send(websocket.BinaryMessage, Append(nil, &Peers{IDs: ids}))
}
