package signal

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// Nearest pairs with members that are near by Distance, and one in four by chance:
// links to near members alone fall into islands, a few long ones make them one
// world (Watts and Strogatz 1998). The work of one introduction does not grow with
// the swarm: candidates are drawn from those who share something with the member
// (address, subnet, network, region, coordinates, position) and from everybody.
func Nearest(seed uint64) func() Pairing {
	return func() Pairing {
		seed++
		return &nearest{groups: make(map[nearKey][]*Peer), random: rand.New(rand.NewPCG(seed, 0))}
	}
}

const (
	// chanceShare: one introduction in so many is by chance, with room or without.
	chanceShare = 4
	// perGroup candidates are drawn from each group, anywhere from all.
	perGroup, anywhere = 12, 24
	// tries bounds how many members are looked at for one candidate.
	tries = 3
	// hungryKept bounds the list of members that got fewer than they asked for.
	hungryKept = 64
	// jitterShare spreads choices among members about equally near, so that not all
	// ask the same one.
	jitterShare = 0.2
)

// Groups a member belongs to, each by one key, from the narrowest.
const (
	byAddress = iota
	bySubnet
	byCoordinate
	byPosition
	byASN
	byRegion
	byCountry
	byAnything
	bySeed
	groupKinds
)

// Sizes of the cells that make a group.
const (
	coordinateCell = 20   // ms
	positionCell   = 60   // s
	regionCell     = 500  // hundredths of a degree
	trusted        = 0.25 // a coordinate trusted less says nothing of where a member is
)

type nearKey struct {
	kind uint8
	x, y int32
	net  netip.Prefix
}

// near is what Nearest keeps of a member: the groups it is in and where in them.
type near struct {
	keys   [groupKinds]nearKey
	at     [groupKinds]int32
	in     [groupKinds]bool
	hungry bool
}

type nearest struct {
	groups map[nearKey][]*Peer
	hungry []*Peer
	random *rand.Rand
}

func nearKeys(p *Peer) (keys [groupKinds]nearKey, in [groupKinds]bool) {
	set := func(kind int, k nearKey) {
		k.kind = uint8(kind)
		keys[kind], in[kind] = k, true
	}
	if p.Address.IsValid() {
		home := household(p.Address)
		set(byAddress, nearKey{net: netip.PrefixFrom(home, home.BitLen())})
		set(bySubnet, nearKey{net: subnet(p.Address)})
	}
	if p.Coordinate.Trust() >= trusted {
		set(byCoordinate, nearKey{x: cell(float64(p.Coordinate.X), coordinateCell), y: cell(float64(p.Coordinate.Y), coordinateCell)})
	}
	if p.Position > 0 {
		set(byPosition, nearKey{x: cell(p.Position.Seconds(), positionCell)})
	}
	if p.ASN != 0 {
		set(byASN, nearKey{x: int32(p.ASN)})
	}
	if p.Place.Known() {
		set(byRegion, nearKey{x: cell(float64(p.Place.Latitude), regionCell), y: cell(float64(p.Place.Longitude), regionCell)})
	}
	if p.Country != (Country{}) {
		set(byCountry, nearKey{x: int32(p.Country[0])<<8 | int32(p.Country[1])})
	}
	set(byAnything, nearKey{})
	if p.Seed {
		set(bySeed, nearKey{})
	}
	return keys, in
}

func cell(v, size float64) int32 { return int32(math.Floor(v / size)) }

func (f *nearest) Add(p *Peer) {
	p.near = new(near)
	f.place(p)
}

func (f *nearest) Update(p *Peer) { f.place(p) }

// place puts p into the groups it belongs to now.
func (f *nearest) place(p *Peer) {
	keys, in := nearKeys(p)
	for kind := range groupKinds {
		if p.near.in[kind] && (!in[kind] || keys[kind] != p.near.keys[kind]) {
			f.take(p, kind)
		}
		if in[kind] && !p.near.in[kind] {
			group := f.groups[keys[kind]]
			p.near.keys[kind], p.near.at[kind], p.near.in[kind] = keys[kind], int32(len(group)), true
			f.groups[keys[kind]] = append(group, p)
		}
	}
}

// take moves the last member of the group into p's place.
func (f *nearest) take(p *Peer, kind int) {
	key, at := p.near.keys[kind], p.near.at[kind]
	group := f.groups[key]
	last := group[len(group)-1]
	group[at], last.near.at[kind] = last, at
	group[len(group)-1] = nil
	p.near.in[kind] = false
	if group = group[:len(group)-1]; len(group) == 0 {
		delete(f.groups, key)
		return
	}
	f.groups[key] = group
}

func (f *nearest) Remove(p *Peer) {
	for kind := range groupKinds {
		if p.near.in[kind] {
			f.take(p, kind)
		}
	}
	f.sated(p)
	p.near = nil
}

func (f *nearest) sated(p *Peer) {
	if p.near.hungry {
		p.near.hungry = false
		f.hungry = slices.DeleteFunc(f.hungry, func(q *Peer) bool { return q == p })
	}
}

// Suggest appends the seed that a member should know of, the nearest candidates,
// and a quarter by chance, beginning with those who got too few themselves.
func (f *nearest) Suggest(p *Peer, n int, usable func(*Peer) bool, into []*Peer) []*Peer {
	if n <= 0 {
		return into
	}
	begin, most := len(into), len(into)+n
	taken := func(q *Peer) bool { return q == p || slices.Contains(into[begin:], q) }
	fit := func(q *Peer) bool { return q.Spare() && !taken(q) && usable(q) }
	if !p.Seed {
		into = f.nearestOf(p, f.draw(bySeed, p, perGroup, fit), 1, into)
	}
	chance := n / chanceShare
	if f.random.IntN(chanceShare) < n%chanceShare {
		chance++
	}
	for _, q := range f.hungry {
		if chance > 0 && len(into) < most && fit(q) {
			into = append(into, q)
			chance--
		}
	}
	open := func(q *Peer) bool { return !q.Seed && !taken(q) && usable(q) } // with room or without
	chances := f.draw(byAnything, p, chance, open)
	into = append(into, chances[:min(chance, len(chances), most-len(into))]...)
	candidates := slices.DeleteFunc(f.draw(byAnything, p, anywhere, fit), taken)
	for kind := byAddress; kind < byAnything; kind++ {
		if p.near.in[kind] {
			candidates = append(candidates, f.draw(kind, p, perGroup, fit)...)
		}
	}
	into = f.nearestOf(p, candidates, most-len(into), into)
	for _, q := range f.hungry {
		if len(into) < most && fit(q) {
			into = append(into, q)
		}
	}
	if lonely := min(rescue, n) - (len(into) - begin); lonely > 0 && p.Links == 0 {
		full := func(q *Peer) bool { return !taken(q) && usable(q) }
		into = f.nearestOf(p, f.draw(byAnything, p, anywhere, full), lonely, into)
	}
	for _, q := range into[begin:] {
		f.sated(q)
	}
	if len(into) < most && p.Spare() && !p.near.hungry && len(f.hungry) < hungryKept {
		p.near.hungry = true
		f.hungry = append(f.hungry, p)
	}
	return into
}

// draw takes up to n members of one of p's groups, or of a group of all, from a
// random place on.
func (f *nearest) draw(kind int, p *Peer, n int, fit func(*Peer) bool) []*Peer {
	key := nearKey{kind: uint8(kind)}
	if kind != byAnything && kind != bySeed {
		key = p.near.keys[kind]
	}
	group := f.groups[key]
	if len(group) == 0 {
		return nil
	}
	var drawn []*Peer
	if kind == byAnything && len(group) > tries*n { // neighbours in the list joined together
		for range tries * n {
			if q := group[f.random.IntN(len(group))]; len(drawn) < n && fit(q) && !slices.Contains(drawn, q) {
				drawn = append(drawn, q)
			}
		}
		return drawn
	}
	from := f.random.IntN(len(group))
	for i := range min(len(group), tries*n) {
		if q := group[(from+i)%len(group)]; len(drawn) < n && fit(q) {
			drawn = append(drawn, q)
		}
	}
	return drawn
}

// nearestOf appends the n nearest of the candidates, each once.
func (f *nearest) nearestOf(p *Peer, candidates []*Peer, n int, into []*Peer) []*Peer {
	if n <= 0 || len(candidates) == 0 {
		return into
	}
	type ranked struct {
		q *Peer
		d float64
	}
	ranks := make([]ranked, len(candidates))
	for i, q := range candidates {
		ranks[i] = ranked{q, Distance(p, q) * (1 + jitterShare*f.random.Float64())}
	}
	slices.SortFunc(ranks, func(a, b ranked) int { return cmp.Compare(a.d, b.d) })
	begin := len(into)
	for _, r := range ranks {
		if len(into)-begin == n {
			break
		}
		if !slices.Contains(into[begin:], r.q) {
			into = append(into, r.q)
		}
	}
	return into
}

// learn moves m's coordinate by the round trips of its report.
func (w *swarm) learn(m *member, flows []Flow) {
	for _, f := range flows {
		other := w.peer(f.Peer)
		if other == nil || f.RTT <= 0 || other == &m.Peer {
			continue
		}
		m.Coordinate = m.Coordinate.Update(other.Coordinate, f.RTT.Seconds()*1000, rand.Float64)
	}
}
