package signal

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// world is members placed on a generated topology: cities on the globe, three
// networks in each, homes and offices that share an address or a subnet. Round
// trips are the truth that pairing does not see.
type world struct {
	peers  []*Peer
	city   []int
	access []float64 // ms
	links  []map[int]bool
	index  map[*Peer]int
	random *rand.Rand
}

var cities = []Place{PlaceAt(48.2, 16.4), PlaceAt(52.5, 13.4), PlaceAt(51.5, -0.1), PlaceAt(40.4, -3.7), PlaceAt(40.7, -74),
	PlaceAt(34.1, -118.2), PlaceAt(-23.5, -46.6), PlaceAt(35.7, 139.7), PlaceAt(1.3, 103.8), PlaceAt(-33.9, 151.2)}

func newWorld(n int, seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), index: map[*Peer]int{}}
	for i := range n {
		city := min(int(w.random.ExpFloat64()*3), len(cities)-1)
		network := w.random.IntN(3)
		// Every eighth lives with the one before: same address or same subnet.
		host := uint32(10<<24 | city<<18 | network<<16 | i<<4)
		if i%8 == 7 && w.city[i-1] == city {
			before := w.peers[i-1].Address.As4()
			host = binary.BigEndian.Uint32(before[:]) + uint32(w.random.IntN(2))
		}
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], host)
		p := &Peer{ID: MemberID{byte(i), byte(i >> 8)}, MaxLinks: 10, Address: netip.AddrFrom4(b)}
		p.Place = cities[city]
		p.Place.Latitude += int16(w.random.NormFloat64() * 30)
		p.ASN = uint32(64500 + 3*city + network)
		p.Country = Country{'A' + byte(city), 'X'}
		w.index[p] = i
		w.peers, w.city = append(w.peers, p), append(w.city, city)
		w.access = append(w.access, 1+w.random.ExpFloat64()*5)
		w.links = append(w.links, map[int]bool{})
	}
	return w
}

// rtt is the truth, in ms.
func (w *world) rtt(i, j int) float64 {
	a, b := w.peers[i], w.peers[j]
	if household(a.Address) == household(b.Address) {
		return 1
	}
	if subnet(a.Address) == subnet(b.Address) {
		return 2
	}
	d := w.access[i] + w.access[j] + 0.014*kilometres(cities[w.city[i]], cities[w.city[j]])
	if (uint32(a.Address.As4()[1])^uint32(b.Address.As4()[1]))&3 != 0 {
		d += 8
	}
	return d
}

func (w *world) link(i, j int, up bool) {
	if up {
		w.links[i][j], w.links[j][i] = true, true
	} else {
		delete(w.links[i], j)
		delete(w.links[j], i)
	}
	w.peers[i].Links, w.peers[j].Links = len(w.links[i]), len(w.links[j])
}

// grow lets everybody join and then live for some rounds: report round trips, give
// up the worst link now and then, ask for more when there are few.
func (w *world) grow(f Pairing, rounds int) {
	ask := func(i, n int) {
		usable := func(q *Peer) bool { return !w.links[i][w.index[q]] }
		for _, q := range f.Suggest(w.peers[i], n, usable, nil) {
			if j := w.index[q]; !q.Spare() { // it gives up the link of least use, which need not be the longest
				k := w.ordered(j)[w.random.IntN(len(w.links[j]))]
				w.link(j, k, false)
				f.Update(w.peers[k])
			}
			w.link(i, w.index[q], true)
			f.Update(q)
			f.Update(w.peers[i])
		}
	}
	for i, p := range w.peers {
		f.Add(p)
		ask(i, 5)
	}
	for range rounds {
		for i, p := range w.peers {
			worst, most := -1, 0.0
			for _, j := range w.ordered(i) {
				d := w.rtt(i, j)
				p.Coordinate = p.Coordinate.Update(w.peers[j].Coordinate, d*(1+0.05*w.random.ExpFloat64()), w.random.Float64)
				if d > most {
					worst, most = j, d
				}
			}
			if len(w.links[i]) > 5 && w.random.IntN(3) == 0 {
				w.link(i, worst, false)
				f.Update(w.peers[worst])
			}
			f.Update(p)
			if len(w.links[i]) < 6 {
				ask(i, 2)
			}
		}
	}
}

func (w *world) ordered(i int) []int {
	var to []int
	for j := range w.links[i] {
		to = append(to, j)
	}
	slices.Sort(to)
	return to
}

// figures of a graph.
type figures struct {
	mean          float64 // of the links' round trips, ms
	parts         int     // connected components
	least, median int     // links of a member
	most          int
}

func (w *world) measure() figures {
	var f figures
	links, degrees := 0, []int{}
	seen := make([]bool, len(w.peers))
	for i := range w.peers {
		degrees = append(degrees, len(w.links[i]))
		for _, j := range w.ordered(i) {
			f.mean += w.rtt(i, j)
			links++
		}
		if seen[i] {
			continue
		}
		f.parts++
		for stack := []int{i}; len(stack) > 0; {
			k := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for j := range w.links[k] {
				if !seen[j] {
					seen[j] = true
					stack = append(stack, j)
				}
			}
		}
	}
	slices.Sort(degrees)
	f.mean /= float64(max(links, 1))
	f.least, f.median, f.most = degrees[0], degrees[len(degrees)/2], degrees[len(degrees)-1]
	return f
}

// bounds are the mean round trip of random pairs, and of each member with its
// nearest k: no graph of k links a member can be nearer than that.
func (w *world) bounds(k int) (random, optimal float64) {
	for i := range w.peers {
		var all []float64
		for j := range w.peers {
			if i != j {
				all = append(all, w.rtt(i, j))
				random += w.rtt(i, j)
			}
		}
		slices.Sort(all)
		for _, d := range all[:k] {
			optimal += d
		}
	}
	n := float64(len(w.peers))
	return random / (n * (n - 1)), optimal / (n * float64(k))
}

// TestNearestOnGeneratedTopologies prints the table of PAIRING.md.
func TestNearestOnGeneratedTopologies(t *testing.T) {
	const n, rounds = 600, 40
	for _, tt := range []struct {
		name    string
		pairing func() Pairing
		blind   bool    // nothing but the address is known of anybody
		share   float64 // of the random mean, at most
	}{
		{"first", FirstAvailable, false, 1},
		{"nearest, by round trips alone", Nearest(7), true, 0.55},
		{"nearest, located", Nearest(7), false, 0.45},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(3) {
				w := newWorld(n, seed)
				if tt.blind {
					for _, p := range w.peers {
						p.Location = Location{}
					}
				}
				w.grow(tt.pairing(), rounds)
				got := w.measure()
				random, optimal := w.bounds(got.median)
				t.Logf("mean round trip %.1f ms (random %.1f, optimal %.1f), %d part(s), links %d to %d, median %d",
					got.mean, random, optimal, got.parts, got.least, got.most, got.median)
				if got.mean > tt.share*random {
					t.Errorf("mean round trip %.1f ms, want at most %.0f %% of random's %.1f", got.mean, 100*tt.share, random)
				}
				if got.parts != 1 {
					t.Errorf("the graph fell into %d parts", got.parts)
				}
				if got.least < 1 || got.most > 10 {
					t.Errorf("links from %d to %d", got.least, got.most)
				}
			}
		})
	}
}

func TestNearestPrefersWhatIsShared(t *testing.T) {
	asker := func() *Peer {
		return &Peer{MaxLinks: 10, Address: netip.MustParseAddr("192.0.2.1"), Position: 100 * time.Second,
			Location: Location{Place: PlaceAt(48, 16), Country: Country{'A', 'T'}, ASN: 64500}}
	}
	far := Location{Place: PlaceAt(-34, 151), Country: Country{'A', 'U'}, ASN: 64999}
	for name, near := range map[string]Peer{
		"address":  {Address: netip.MustParseAddr("192.0.2.1"), Location: far},
		"subnet":   {Address: netip.MustParseAddr("192.0.2.77"), Location: far},
		"place":    {Location: Location{Place: PlaceAt(48.1, 16.2), ASN: 64999}},
		"network":  {Location: Location{ASN: 64500}},
		"country":  {Location: Location{Country: Country{'A', 'T'}, ASN: 64999}},
		"position": {Location: far, Position: 110 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := Nearest(1)()
			p := asker()
			f.Add(p)
			near.MaxLinks = 10
			for i := range 200 {
				f.Add(&Peer{ID: MemberID{byte(i), 1}, MaxLinks: 10, Location: far, Position: time.Hour,
					Address: netip.AddrFrom4([4]byte{10, byte(i), 1, 1})})
			}
			if near.Position == 0 && name != "position" {
				near.Position = time.Hour // as everybody else
			}
			f.Add(&near)
			found := 0
			for range 20 {
				if slices.Contains(f.Suggest(p, 4, anybody, nil), &near) {
					found++
				}
			}
			if found < 18 {
				t.Errorf("the near one was suggested %d times of 20", found)
			}
		})
	}
}

func TestNearestHandsOutTheUnsatisfiedAndASeed(t *testing.T) {
	f := Nearest(1)()
	peers := newPeers(f, 100)
	seed := &Peer{ID: MemberID{200}, MaxLinks: 1, Seed: true}
	f.Add(seed)
	if got := f.Suggest(peers[0], 3, anybody, nil); got[0] != seed || len(got) != 3 {
		t.Errorf("first of %v", names(got))
	}
	f.Suggest(peers[7], 4, func(*Peer) bool { return false }, nil) // 7 got nobody
	found := 0
	for i := range 8 {
		if slices.Contains(f.Suggest(peers[20+i], 4, anybody, nil), peers[7]) {
			found++
		}
	}
	if found == 0 {
		t.Error("nobody was given the one who got nobody")
	}
	for _, p := range append(peers[1:], seed) {
		p.Links = p.MaxLinks
		f.Update(p)
	}
	if got := f.Suggest(peers[0], 4, anybody, nil); len(got) != rescue {
		t.Errorf("a lonely member among full ones got %v", names(got))
	}
}

// TestNearestGroups plays random changes and checks that every group holds whom it
// should.
func TestNearestGroups(t *testing.T) {
	f := Nearest(3)().(*nearest)
	w := newWorld(120, 5)
	in := map[*Peer]bool{}
	for range 4000 {
		p := w.peers[w.random.IntN(len(w.peers))]
		switch {
		case !in[p]:
			f.Add(p)
			in[p] = true
		case w.random.IntN(3) == 0:
			f.Remove(p)
			delete(in, p)
		default:
			p.Position = time.Duration(w.random.IntN(3)) * time.Hour
			p.Coordinate = p.Coordinate.Update(w.peers[0].Coordinate, 20, w.random.Float64)
			p.Links = w.random.IntN(11)
			f.Update(p)
			f.Suggest(p, w.random.IntN(6), anybody, nil)
		}
	}
	members := 0
	for key, group := range f.groups {
		for at, p := range group {
			members++
			keys, want := nearKeys(p)
			if !in[p] || !want[key.kind] || keys[key.kind] != key || int(p.near.at[key.kind]) != at {
				t.Fatalf("group %+v holds %v wrongly", key, p.ID)
			}
		}
	}
	want := 0
	for p := range in {
		_, is := nearKeys(p)
		for _, yes := range is {
			if yes {
				want++
			}
		}
	}
	if members != want {
		t.Errorf("%d places in groups, want %d", members, want)
	}
	for _, p := range f.hungry {
		if !in[p] {
			t.Errorf("%v left and is still listed", p.ID)
		}
	}
}

func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := Nearest(1)()
			w := newWorld(n, 1)
			for _, p := range w.peers {
				f.Add(p)
			}
			var into []*Peer
			i := 0
			for b.Loop() {
				into = f.Suggest(w.peers[i%n], 5, anybody, into[:0])
				i++
			}
		})
	}
}
