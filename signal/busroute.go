package signal

import (
	"time"

	"github.com/gorilla/websocket"
)

// lookup is a search for a member that is on none of the servers known to have it.
type lookup struct {
	since   time.Time
	waiting []waiting
}

// waiting is a relay message, its header already naming the sender.
type waiting struct {
	from    MemberID
	message []byte
}

// forward sends a relay message to a member on another server. False means that
// it can be nowhere.
func (s *Server) forward(from *member, id MemberID, b []byte) bool {
	s.mu.RLock()
	r, allowed := s.whereabouts(from, id)
	if allowed && r != nil {
		s.carry(from.swarm, r.server, &from.Peer, id, b[RelayHeader:])
	}
	s.mu.RUnlock()
	if !allowed || r != nil {
		return allowed
	}
	return s.lookUp(from, id, b[RelayHeader:])
}

// whereabouts is the member on another server that a message may go to, nil while
// nobody knows where it is.
func (s *Server) whereabouts(from *member, id MemberID) (r *remote, allowed bool) {
	w := from.swarm
	if w == nil || w.elsewhere == nil || len(w.elsewhere.counts) == 0 || id == from.ID {
		return nil, false
	}
	r = w.elsewhere.members[id]
	paired := !s.cfg.PairedOnly || from.pairedWith(id) || r != nil && r.pairedWith(from.ID)
	return r, paired && (r == nil || r.vague || mayMeet(&from.Peer, &r.Peer))
}

// lookUp keeps a message until a server says that it has the member. False means
// that too many wait already.
func (s *Server) lookUp(from *member, id MemberID, payload []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, allowed := s.whereabouts(from, id)
	if !allowed {
		return false
	}
	w := from.swarm
	if r != nil { // it was found meanwhile
		s.carry(w, r.server, &from.Peer, id, payload)
		return true
	}
	l := w.elsewhere.lookups[id]
	if l == nil {
		if len(w.elsewhere.lookups) >= lookupsKept {
			return false
		}
		l = &lookup{since: time.Now()}
		w.elsewhere.lookups[id] = l
		where := appendSwarm(busMessage(busWhere, s.cluster.id), w.name)
		s.publish(swarmSubject(w.name), append(where, id[:]...))
	}
	if len(l.waiting) >= lookupMessages {
		return false
	}
	l.waiting = append(l.waiting, waiting{from.ID, append([]byte(nil), payload...)})
	return true
}

// carry publishes a payload to the server that has the member.
func (s *Server) carry(w *swarm, server serverID, from *Peer, to MemberID, payload []byte) {
	b := make([]byte, 0, 80+len(payload))
	b = append(append(b, busRelay), s.cluster.id[:]...)
	b = appendRegion(appendSwarm(b, w.name), from.region)
	open := byte(0)
	if from.entrance != nil {
		open = 1
	}
	b = append(append(append(b, open), from.ID[:]...), to[:]...)
	s.metrics.carried.Inc()
	s.publish(server.subject(), append(b, payload...))
}

// hearRelay delivers a payload to a member here.
func (s *Server) hearRelay(from serverID, r *busReader) error {
	name := r.swarm()
	sender := Peer{region: r.region()}
	if r.u8() != 0 {
		sender.entrance = &sender
	}
	sender.ID = r.id()
	id := r.id()
	if r.short {
		return errBusMessage
	}
	s.mu.RLock()
	w := s.swarms[name]
	var to *member
	if w != nil {
		to = w.members[id]
	}
	allowed := to != nil && mayMeet(&sender, &to.Peer)
	s.mu.RUnlock()
	if !allowed {
		b := appendSwarm(busMessage(busGone, s.cluster.id), name)
		s.publish(from.subject(), append(append(b, id[:]...), sender.ID[:]...))
		return nil
	}
	s.metrics.relayed.Inc()
	to.send(websocket.BinaryMessage, AppendRelay(make([]byte, 0, RelayHeader+len(r.b)), sender.ID, r.b))
	return nil
}

// found sends what waited for a member to the server that has it.
func (s *Server) found(w *swarm, id MemberID, at serverID) {
	l := w.elsewhere.lookups[id]
	if l == nil {
		return
	}
	delete(w.elsewhere.lookups, id)
	for _, m := range l.waiting {
		if from := w.members[m.from]; from != nil {
			s.carry(w, at, &from.Peer, id, m.message)
		}
	}
}

func (s *Server) notFound(w *swarm, id MemberID, l *lookup) {
	delete(w.elsewhere.lookups, id)
	told := map[MemberID]bool{}
	for _, m := range l.waiting {
		if from := w.members[m.from]; from != nil && !told[m.from] {
			told[m.from] = true
			s.sayGone(from, id)
		}
	}
}

// sayGone answers a sender whose message reached nobody.
func (s *Server) sayGone(to *member, id MemberID) {
	s.metrics.undelivered.Inc()
	if to.conn.Roomy() {
		to.send(websocket.BinaryMessage, Append(nil, &Gone{ID: id}))
	}
}

// hearWhere answers if the member is here.
func (s *Server) hearWhere(from serverID, r *busReader) error {
	name, id := r.swarm(), r.id()
	if w := s.swarms[name]; w != nil && w.members[id] != nil {
		b := appendSwarm(busMessage(busHere, s.cluster.id), name)
		s.publish(from.subject(), append(b, id[:]...))
	}
	return nil
}

func (s *Server) hearHere(from serverID, r *busReader, now time.Time) error {
	name, id := r.swarm(), r.id()
	w := s.swarms[name]
	if w == nil || w.elsewhere == nil {
		return nil
	}
	s.found(w, id, from)
	if e := w.elsewhere; e.members[id] == nil && len(e.members) < 2*remotesKept {
		// Known by where it is only: without room, so that nobody is introduced to it.
		r := &remote{Peer: Peer{ID: id}, server: from, seen: now, vague: true}
		e.members[id] = r
		s.settle(w, &r.Peer, false)
	}
	return nil
}

// hearGone tells a sender that the member left before its message came.
func (s *Server) hearGone(from serverID, r *busReader) error {
	name, id, asker := r.swarm(), r.id(), r.id()
	w := s.swarms[name]
	if w == nil || w.elsewhere == nil {
		return nil
	}
	if old := w.elsewhere.members[id]; old != nil && old.server == from {
		s.forgetRemote(w, old)
	}
	if m := w.members[asker]; m != nil {
		s.sayGone(m, id)
	}
	return nil
}

// tellPaired lets the other server know that a member of its was introduced.
func (s *Server) tellPaired(w *swarm, r *remote, with MemberID) {
	b := appendSwarm(busMessage(busPaired, s.cluster.id), w.name)
	s.publish(r.server.subject(), append(append(b, r.ID[:]...), with[:]...))
}

func (s *Server) hearPaired(r *busReader, now time.Time) error {
	name, id, with := r.swarm(), r.id(), r.id()
	if w := s.swarms[name]; w != nil {
		if m := w.members[id]; m != nil {
			m.pair(with, now)
		}
	}
	return nil
}

// hearBus takes one message of another server.
func (s *Server) hearBus(data []byte) {
	r := &busReader{b: data}
	kind, from := r.u8(), serverID(r.take(8))
	if r.short || from == s.cluster.id {
		return
	}
	var err error
	if kind == busRelay { // the many ones, under the read lock
		err = s.hearRelay(from, r)
	} else {
		err = s.hearNews(kind, from, r)
	}
	if err != nil || r.short {
		s.cfg.Log.Warn("unreadable message from another server", "server", from, "kind", string(kind), "bytes", len(data))
	}
}

func (s *Server) hearNews(kind byte, from serverID, r *busReader) error {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == busBye {
		s.lose(from, "it stops")
		return nil
	}
	s.meet(from, now)
	switch kind {
	case busState:
		return s.hearState(from, r, now)
	case busLeft:
		return s.hearLeft(from, r)
	case busWhere:
		return s.hearWhere(from, r)
	case busHere:
		return s.hearHere(from, r, now)
	case busGone:
		return s.hearGone(from, r)
	case busPaired:
		return s.hearPaired(r, now)
	case busView:
		return s.hearView(from, r)
	case busSeen:
		return s.hearSeen(from, r)
	}
	return nil // alive, or from a newer server
}
