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

// swarm is the members of one swarm on this server. Server.mu guards it; announced,
// announcedAt and strays are also the keeper's, who holds it for reading.
type swarm struct {
	name    string
	members map[MemberID]*member
	wards   map[region]*ward // without rules there is one
	tally   *tally           // nil until somebody reports

	elsewhere *elsewhere // members on other servers, nil while there is no other server

	repaired    time.Time
	announced   int
	announcedAt time.Time
	strays      bool // some were welcomed with another size than the one announced
}

// sizeDue says whether to announce a size of n now, and notes that it was.
func (w *swarm) sizeDue(now time.Time, n int) bool {
	change := max(n-w.announced, w.announced-n)
	if w.strays {
		for _, m := range w.members {
			change = max(change, n-m.told, m.told-n)
		}
		w.strays = change > 0
	}
	if change == 0 || change*sizeShare <= w.announced && now.Sub(w.announcedAt) < sizeLatest {
		return false
	}
	w.announced, w.announcedAt, w.strays = n, now, false
	return true
}

// tellSize tells the size, when that is due: to all when it is another, else to those
// who know another one. A newcomer's Welcome may have said what was true for a moment only: a member that
// moves between two servers is on both of them until they have talked.
func (s *Server) tellSize(w *swarm, now time.Time) {
	n, before := s.size(w), w.announced
	if !w.sizeDue(now, n) {
		return
	}
	size := Append(nil, &Size{Members: n})
	for _, m := range w.members {
		if m.told != n || n != before {
			m.told = n
			m.send(websocket.BinaryMessage, size)
		}
	}
}

// size is how many members a swarm has, on all servers.
func (s *Server) size(w *swarm) int {
	n := len(w.members)
	if w.elsewhere != nil {
		for _, there := range w.elsewhere.counts {
			n += there
		}
	}
	return n
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
	if !m.visitor.join(now, l) {
		return CodeRate, "too many joins from this address"
	}
	name := Blind(j.Swarm)
	w := s.swarms[name]
	if w == nil {
		if exceeded(len(s.swarms)+1, l.Swarms) {
			return CodeServerFull, "too many swarms on this server"
		}
		w = &swarm{name: name, members: make(map[MemberID]*member), wards: make(map[region]*ward)}
	}
	old := w.members[id]
	switch {
	case old != nil && subtle.ConstantTimeCompare(old.secret[:], j.Secret[:]) != 1:
		return CodeImpostor, "this id is in use under another secret"
	case old == nil && exceeded(len(w.members)+1, l.MembersPerSwarm):
		return CodeSwarmFull, "too many members in this swarm"
	}
	if old != nil {
		m.report, m.Coordinate = old.report, old.Coordinate
		m.pairs = old.pairs // it goes on where it was, and nobody is told it is gone
		s.drop(w, old)
		old.refuse(CodeReplaced, "another connection joined with this secret", 30*time.Second)
	}
	s.swarms[name] = w
	m.swarm, m.secret = w, j.Secret
	m.ID, m.Seed, m.Uplink, m.Address = id, j.Seed, j.Uplink, m.from
	m.Links, m.MaxLinks = j.Links, j.MaxLinks
	m.Position, m.joined, m.leave = j.Position, now, j.Expires
	m.Location = s.cfg.Locate(m.from)
	if j.Place.Known() {
		m.Place = j.Place
	}
	w.members[id] = m
	s.settle(w, &m.Peer, true)
	s.entered(w, m, now)
	s.metrics.joins.Inc()
	s.audit(AuditJoined, m.from, m.auditMember()...)
	s.cfg.Log.Debug("joined", "member", id, "swarm", clip(name), "from", m.from, "members", len(w.members))
	m.told = s.size(w)
	w.strays = w.strays || m.told != w.announced
	m.send(websocket.BinaryMessage, Append(nil, &Welcome{
		ID:         id,
		ServerTime: s.cfg.Clock(),
		SwarmSize:  m.told,
		ICEServers: s.iceServers(m, j.Swarm),
		SigningKey: s.cfg.signingKey(name),
		Settings:   s.cfg.Settings,
		Limits:     s.cfg.announced(),
		Confined:   s.cfg.Rules.confine(),
	}))
	s.introduce(m, min(l.PeersOnJoin, m.MaxLinks-m.Links), j.Except, now)
	return 0, ""
}

// peer is a member as pairing sees it, nil when there is none of that id.
func (w *swarm) peer(id MemberID) *Peer {
	if m := w.members[id]; m != nil {
		return &m.Peer
	}
	if w.elsewhere != nil {
		if r := w.elsewhere.members[id]; r != nil {
			return &r.Peer
		}
	}
	return nil
}

// acquaintances of a member here or elsewhere that pairing knows.
func (w *swarm) acquaintances(id MemberID) *acquaintances {
	if m := w.members[id]; m != nil {
		return &m.acquaintances
	}
	return &w.elsewhere.members[id].acquaintances
}

// drop takes m out of the swarm's tables and returns who became an entrance of its
// group in its place, nil if nobody did.
func (s *Server) drop(w *swarm, m *member) (heir *Peer) {
	delete(w.members, m.ID)
	heir = s.unsettle(w, &m.Peer)
	m.swarm = nil
	return heir
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
	s.audit(AuditLeft, m.from, m.auditMember()...)
	heir := s.drop(w, m)
	s.cfg.Log.Debug("left", "member", m.ID, "swarm", clip(w.name), "cause", cause, "members", len(w.members))
	var closed *websocket.CloseError
	quiet := s.draining || errors.As(cause, &closed) && closed.Code == ClosePaused
	s.tellLeft(w, m, quiet)
	if len(w.members) == 0 {
		s.part(w)
		delete(s.swarms, w.name)
		return
	}
	if heir != nil {
		s.introduce(w.members[heir.ID], s.cfg.Limits.PeersOnJoin, nil, time.Now())
	}
	if quiet {
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
// it.
func (s *Server) relay(from *member, b []byte) {
	id := MemberID(b[1:RelayHeader])
	s.mu.RLock()
	var to *member
	paired := true
	if from.swarm != nil {
		to = from.swarm.members[id]
		if to != nil && !mayMeet(&from.Peer, &to.Peer) {
			paired = false
		} else if to != nil && s.cfg.PairedOnly {
			paired = from.pairedWith(id) || to.pairedWith(from.ID)
		}
	}
	s.mu.RUnlock()
	if to == nil && s.cluster != nil && s.forward(from, id, b) {
		return
	}
	if to == nil || to == from || !paired {
		s.sayGone(from, id)
		return
	}
	copy(b[1:RelayHeader], from.ID[:])
	s.metrics.relayed.Inc()
	to.forward(from, b)
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
	m.swarm.update(&m.Peer)
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
		other := w.acquaintances(p.ID)
		recent := other.recent(now, window)
		return recent < pairsKept &&
			// A full one only comes up as a rescue; it has no room to count down.
			(!p.Spare() || p.Links+other.unsettled(now, window) < p.MaxLinks) &&
			!slices.Contains(except, p.ID) &&
			!m.pairedSince(p.ID, now, window) && !other.pairedSince(m.ID, now, window)
	}
	s.pairUp(m, w.suggest(&m.Peer, n, usable), now)
}

// pairUp introduces peers to m and notes it on both sides.
func (s *Server) pairUp(m *member, peers []*Peer, now time.Time) {
	if len(peers) == 0 {
		return
	}
	ids := make([]MemberID, len(peers))
	for i, p := range peers {
		ids[i] = p.ID
		m.pair(p.ID, now)
		m.swarm.acquaintances(p.ID).pair(m.ID, now)
		if e := m.swarm.elsewhere; e != nil && e.members[p.ID] != nil {
			s.tellPaired(m.swarm, e.members[p.ID], m.ID)
		}
	}
	m.send(websocket.BinaryMessage, Append(nil, &Peers{IDs: ids}))
}
