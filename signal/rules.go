package signal

import (
	"fmt"
	"net/netip"
	"slices"
)

// Rules say who of a swarm may meet, where the network is not the same for
// everybody. They hold for introductions and for relayed messages; the zero Rules
// lets everybody meet.
type Rules struct {
	// Groups are sites whose members meet among themselves; only an entrance or two
	// of each also meet the world, so that a stream enters a site once.
	Groups []Group
	// GroupMembers bounds how many members of one group form one mesh (default 0:
	// all). A group with more is divided, and each division has its own entrances.
	// Smaller divisions spread more upload within a site and enter it more often.
	GroupMembers int
	// Entrances is how many members of a group (or division) meet others at a time
	// (default 1). More survive the loss of one sooner and enter the site as often.
	Entrances int
	// FenceCountry and FenceASN keep members of different countries or autonomous
	// systems apart, as Config.Locate tells them (default: no fences). Those of whom
	// it is unknown meet one another only.
	FenceCountry, FenceASN bool
}

// Group is a site: an office, a school, a branch.
type Group struct {
	Name     string
	Prefixes []netip.Prefix // public or private addresses as the server sees them
}

// MaxGroups bounds Rules.Groups.
const MaxGroups = 1 << 15

// region is a part of a swarm that is closed to the rest.
type region struct {
	country Country
	asn     uint32
	group   uint16 // 1 + index in Rules.Groups, 0 none
	part    uint16 // division of the group
}

// open is the region of the same fences outside of any group.
func (r region) open() region {
	r.group, r.part = 0, 0
	return r
}

func (r Rules) validate() error {
	if len(r.Groups) > MaxGroups {
		return fmt.Errorf("signal: %d groups, at most %d allowed", len(r.Groups), MaxGroups)
	}
	for i, g := range r.Groups {
		if g.Name == "" || len(g.Prefixes) == 0 {
			return fmt.Errorf("signal: group %d needs a name and a prefix", i)
		}
		for _, p := range g.Prefixes {
			if !p.IsValid() {
				return fmt.Errorf("signal: group %q: a prefix is not valid", clip(g.Name))
			}
		}
	}
	if r.GroupMembers < 0 || r.GroupMembers == 1 || r.Entrances < 0 {
		return fmt.Errorf("signal: GroupMembers must be 0 or at least 2, Entrances at least 0")
	}
	return nil
}

// confine says whether any members are kept apart.
func (r Rules) confine() bool { return len(r.Groups) > 0 || r.FenceCountry || r.FenceASN }

// groupOf is 1 + the index of the group with the longest prefix that holds a.
func (r Rules) groupOf(a netip.Addr) uint16 {
	best, bits := 0, -1
	for i, g := range r.Groups {
		for _, p := range g.Prefixes {
			if p.Bits() > bits && p.Contains(a) {
				best, bits = i+1, p.Bits()
			}
		}
	}
	return uint16(best)
}

// regionOf is where the rules put a peer, the division of its group left out.
func (r Rules) regionOf(p *Peer) region {
	var at region
	if r.FenceCountry {
		at.country = p.Country
	}
	if r.FenceASN {
		at.asn = p.ASN
	}
	at.group = r.groupOf(p.Address)
	return at
}

// mayMeet says whether the rules let two peers of one swarm meet.
func mayMeet(a, b *Peer) bool {
	if a.region == b.region {
		return true
	}
	inTheOpen := func(p *Peer) bool { return p.region.group == 0 || p.entrance != nil }
	return a.region.open() == b.region.open() && inTheOpen(a) && inTheOpen(b)
}

// ward is the members of one region, on this server and, as far as known, on others.
type ward struct {
	pairing   Pairing
	here      []*Peer // of this server; kept for groups only, to find the next entrance
	size      int
	entrances int // of this server and of others
}

// settle puts a peer into its region; here says that it is this server's.
func (s *Server) settle(w *swarm, p *Peer, here bool) {
	if here {
		p.region = s.cfg.Rules.regionOf(p)
		for most := s.cfg.Rules.GroupMembers; p.region.group != 0 && most > 0; p.region.part++ {
			if at := w.wards[p.region]; at == nil || at.size < most {
				break
			}
		}
	}
	at := s.ward(w, p.region)
	at.size++
	at.pairing.Add(p)
	if p.region.group == 0 {
		return
	}
	if here {
		at.here = append(at.here, p)
	}
	if here && at.entrances < s.cfg.Rules.Entrances {
		s.appoint(w, p)
	}
}

func (s *Server) ward(w *swarm, r region) *ward {
	at := w.wards[r]
	if at == nil {
		at = &ward{pairing: s.cfg.Pairing()}
		w.wards[r] = at
	}
	return at
}

// appoint makes p an entrance of its group: a second Peer stands for it in the
// open, where pairing keeps it apart from the one inside.
func (s *Server) appoint(w *swarm, p *Peer) {
	w.wards[p.region].entrances++
	p.entrance = new(Peer)
	p.mirror()
	open := s.ward(w, p.region.open())
	open.size++
	open.pairing.Add(p.entrance)
}

// mirror copies what pairing may look at to the peer's stand-in.
func (p *Peer) mirror() {
	if e := p.entrance; e != nil {
		kept := e.slot
		*e = *p
		e.slot, e.entrance = kept, nil
	}
}

// update tells pairing that a peer changed.
func (w *swarm) update(p *Peer) {
	w.wards[p.region].pairing.Update(p)
	if p.entrance != nil {
		p.mirror()
		w.wards[p.region.open()].pairing.Update(p.entrance)
	}
}

// unsettle takes a peer out of its region and returns the one that became an
// entrance in its place, nil if none did.
func (s *Server) unsettle(w *swarm, p *Peer) (heir *Peer) {
	at := w.wards[p.region]
	at.pairing.Remove(p)
	at.size--
	at.here = slices.DeleteFunc(at.here, func(q *Peer) bool { return q == p })
	if p.entrance != nil {
		w.leaveOpen(p)
		if at.entrances < s.cfg.Rules.Entrances {
			for _, q := range at.here { // the one that has been here longest
				if q.entrance == nil {
					heir = q
					s.appoint(w, q)
					break
				}
			}
		}
	}
	if at.size == 0 {
		delete(w.wards, p.region)
	}
	return heir
}

// leaveOpen ends p's time as an entrance.
func (w *swarm) leaveOpen(p *Peer) {
	w.wards[p.region].entrances--
	open := w.wards[p.region.open()]
	open.pairing.Remove(p.entrance)
	p.entrance = nil
	if open.size--; open.size == 0 {
		delete(w.wards, p.region.open())
	}
}

// suggest asks pairing for members that p may meet: an entrance looks outside
// first, for half of what it wants, and inside for the rest.
func (w *swarm) suggest(p *Peer, n int, usable func(*Peer) bool) []*Peer {
	var found []*Peer
	if p.entrance != nil {
		found = w.wards[p.region.open()].pairing.Suggest(p.entrance, (n+1)/2, usable, nil)
	}
	inside := func(q *Peer) bool {
		return usable(q) && !slices.ContainsFunc(found, func(f *Peer) bool { return f.ID == q.ID })
	}
	return w.wards[p.region].pairing.Suggest(p, n-len(found), inside, found)
}
