package signal

import (
	"encoding/binary"
	"time"

	"github.com/gorilla/websocket"
)

// elsewhere is what is known of a swarm's members on other servers: how many there
// are, exactly, and some of them, for introductions. Server.mu guards it.
type elsewhere struct {
	counts  map[serverID]int
	members map[MemberID]*remote
	lookups map[MemberID]*lookup

	told  int       // members here, as the others were told
	news  []*member // joined since
	fresh time.Time // when the last sample went out
}

// remote is a member on another server.
type remote struct {
	Peer
	acquaintances
	server serverID
	seen   time.Time
	vague  bool // only where it is is known
	hungry bool // as its server says: without a link or an introduction
}

// greet begins to share a swarm with the others: they are told of it and asked.
func (s *Server) greet(w *swarm, now time.Time) {
	if w.elsewhere == nil {
		w.elsewhere = &elsewhere{counts: map[serverID]int{}, members: map[MemberID]*remote{}, lookups: map[MemberID]*lookup{}}
		s.later(errand{func(subject string, _ []byte) error { return s.cluster.bus.Subscribe(subject) }, swarmSubject(w.name), nil})
	}
	s.tellState(w, now, stateHello)
}

// part ends the sharing of a swarm that has no member here any more.
func (s *Server) part(w *swarm) {
	if w.elsewhere == nil {
		return
	}
	s.tellState(w, time.Now(), 0)
	s.later(errand{func(subject string, _ []byte) error { return s.cluster.bus.Unsubscribe(subject) }, swarmSubject(w.name), nil})
}

// entered notes a new member for the others.
func (s *Server) entered(w *swarm, m *member, now time.Time) {
	switch {
	case s.cluster == nil || s.cluster.alone():
	case w.elsewhere == nil:
		s.greet(w, now)
	default:
		if r := w.elsewhere.members[m.ID]; r != nil { // it moved here
			m.pairs = append(m.pairs, r.pairs...)
			s.forgetRemote(w, r)
		}
		w.elsewhere.news = append(w.elsewhere.news, m)
	}
}

// tellOthers sends what changed in a swarm, and a sample of its members now and
// then.
func (s *Server) tellOthers(w *swarm, now time.Time) {
	e := w.elsewhere
	if e == nil || s.cluster.alone() {
		return
	}
	if now.Sub(e.fresh) >= freshAfter || len(e.news) > sampleMembers {
		s.tellState(w, now, 0)
		return
	}
	if len(e.news) == 0 && e.told == len(w.members) {
		return
	}
	b := s.stateHead(w, 0)
	for _, m := range e.news {
		if m.swarm == w {
			b = s.appendMember(b, m, advertNews, now)
		}
	}
	e.news = nil
	s.publish(swarmSubject(w.name), b)
}

func (s *Server) appendMember(b []byte, m *member, flags byte, now time.Time) []byte {
	if s.hungry(m, now) {
		flags |= advertHungry
	}
	return appendAdvert(b, &m.Peer, flags)
}

// hungry says whether a member has no link and was introduced to nobody lately.
func (s *Server) hungry(m *member, now time.Time) bool {
	return m.Links == 0 && m.recent(now, s.cfg.PairAgainAfter) == 0
}

func (s *Server) stateHead(w *swarm, flags byte) []byte {
	w.elsewhere.told = len(w.members)
	b := append(busMessage(busState, s.cluster.id), flags)
	b = appendSwarm(b, w.name)
	return binary.BigEndian.AppendUint32(b, uint32(len(w.members)))
}

// tellState sends a sample: those that are new, and as many others as fit. Go's
// order of maps is random, so the sample differs every time.
func (s *Server) tellState(w *swarm, now time.Time, flags byte) {
	e := w.elsewhere
	b := s.stateHead(w, flags)
	n := 0
	for _, m := range e.news {
		if m.swarm == w && n < sampleMembers {
			b = s.appendMember(b, m, advertNews, now)
			n++
		}
	}
	for _, m := range w.members {
		if n >= sampleMembers {
			break
		}
		b = s.appendMember(b, m, 0, now)
		n++
	}
	e.news, e.fresh = nil, now
	s.publish(swarmSubject(w.name), b)
}

// hearState takes in what another server told of a swarm.
func (s *Server) hearState(from serverID, r *busReader, now time.Time) error {
	flags, name, count := r.u8(), r.swarm(), int(r.u32())
	w := s.swarms[name]
	if w == nil || w.elsewhere == nil || r.short {
		return nil
	}
	if count == 0 {
		delete(w.elsewhere.counts, from)
	} else {
		w.elsewhere.counts[from] = count
	}
	fresh := false
	for len(r.b) >= advertBytes {
		fresh = s.hearAdvert(w, from, r.advert(), now) || fresh
	}
	if flags&stateHello != 0 {
		s.tellState(w, now, 0)
	}
	if len(w.members) == 0 { // the last one moved there
		s.part(w)
		delete(s.swarms, name)
	} else if fresh {
		s.feedHungry(w, now)
	}
	return nil
}

// hearAdvert says whether the member was unknown.
func (s *Server) hearAdvert(w *swarm, from serverID, a advert, now time.Time) (fresh bool) {
	e, id := w.elsewhere, a.peer.ID
	if m := w.members[id]; m != nil {
		// It joined elsewhere while a connection here is still up. Of two that
		// joined at the same time, the server with the larger id keeps it.
		settled := now.Sub(m.joined) > lookupTime
		if a.news && (settled || string(from[:]) > string(s.cluster.id[:])) {
			s.drop(w, m)
			m.refuse(CodeReplaced, "another connection joined with this secret, on another server", 30*time.Second)
		} else {
			return false
		}
	}
	s.found(w, id, from)
	if s.cfg.Rules.FenceCountry {
		a.peer.region.country = a.peer.Country
	}
	if s.cfg.Rules.FenceASN {
		a.peer.region.asn = a.peer.ASN
	}
	old := e.members[id]
	switch {
	case old != nil && !old.vague && old.region == a.peer.region && a.spread == (old.entrance != nil):
		old.server, old.seen, old.hungry = from, now, a.hungry
		old.renew(&a.peer)
		w.update(&old.Peer)
		return false
	case old != nil:
		s.forgetRemote(w, old)
	case len(e.members) >= remotesKept:
		return false
	}
	r := &remote{Peer: a.peer, server: from, seen: now, hungry: a.hungry}
	if old != nil {
		r.acquaintances = old.acquaintances
	}
	e.members[id] = r
	s.settle(w, &r.Peer, false)
	if a.spread && r.region.group != 0 {
		s.appoint(w, &r.Peer)
		s.yieldEntrance(w, &r.Peer)
	}
	return old == nil
}

// renew takes over what changes, and leaves pairing's own fields alone.
func (p *Peer) renew(from *Peer) {
	p.Seed, p.Uplink, p.Links, p.MaxLinks = from.Seed, from.Uplink, from.Links, from.MaxLinks
	p.Address, p.Location, p.Position, p.Coordinate = from.Address, from.Location, from.Position, from.Coordinate
}

// yieldEntrance ends a surplus entrance here when another server has one: the
// smaller id stays.
func (s *Server) yieldEntrance(w *swarm, r *Peer) {
	at := w.wards[r.region]
	for _, p := range at.here {
		if at.entrances <= s.cfg.Rules.Entrances {
			return
		}
		if p.entrance != nil && string(p.ID[:]) > string(r.ID[:]) {
			w.leaveOpen(p)
		}
	}
}

func (s *Server) forgetRemote(w *swarm, r *remote) {
	delete(w.elsewhere.members, r.ID)
	if heir := s.unsettle(w, &r.Peer); heir != nil {
		s.introduce(w.members[heir.ID], s.cfg.Limits.PeersOnJoin, nil, time.Now())
	}
}

// expire forgets members of other servers that were not named for long, and gives
// up looking for some.
func (s *Server) expire(w *swarm, now time.Time) {
	if w.elsewhere == nil {
		return
	}
	for _, r := range w.elsewhere.members {
		if now.Sub(r.seen) > remoteLives {
			s.forgetRemote(w, r)
		}
	}
	for id, l := range w.elsewhere.lookups {
		if now.Sub(l.since) > lookupTime {
			s.notFound(w, id, l)
		}
	}
}

// hungryLooked bounds the work of feedHungry; a swarm with more members here does
// not wait for those elsewhere.
const hungryLooked = 64

// feedHungry introduces members without any link to those that were just heard of.
// Of two hungry ones on two servers the smaller id is introduced, so that their
// offers do not cross.
func (s *Server) feedHungry(w *swarm, now time.Time) {
	if len(w.members) > hungryLooked {
		return
	}
	for _, m := range w.members {
		if !s.hungry(m, now) {
			continue
		}
		var crossing []MemberID
		for id, r := range w.elsewhere.members {
			if r.hungry && string(id[:]) < string(m.ID[:]) {
				crossing = append(crossing, id)
			}
		}
		s.introduce(m, min(s.cfg.Limits.PeersOnJoin, m.MaxLinks), crossing, now)
	}
}

// tellLeft tells the others that a member left.
func (s *Server) tellLeft(w *swarm, m *member, quiet bool) {
	if w.elsewhere == nil || s.cluster.alone() {
		return
	}
	b := append(busMessage(busLeft, s.cluster.id), 0)
	if quiet {
		b[len(b)-1] = 1
	}
	b = append(appendSwarm(b, w.name), m.ID[:]...)
	for _, p := range m.pairs {
		if w.members[p.with] == nil {
			b = append(b, p.with[:]...)
		}
	}
	s.publish(swarmSubject(w.name), b)
}

func (s *Server) hearLeft(from serverID, r *busReader) error {
	quiet, name, id := r.u8() != 0, r.swarm(), r.id()
	w := s.swarms[name]
	if w == nil || w.elsewhere == nil || r.short {
		return nil
	}
	if old := w.elsewhere.members[id]; old != nil && old.server == from {
		s.forgetRemote(w, old)
	}
	if quiet || w.members[id] != nil { // it moved here
		return nil
	}
	gone := Append(nil, &Gone{ID: id})
	for len(r.b) >= len(id) {
		if m := w.members[r.id()]; m != nil && m.pairedWith(id) {
			m.unpair(id)
			m.send(websocket.BinaryMessage, gone)
		}
	}
	return nil
}
