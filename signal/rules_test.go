package signal

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// testAddress lets a test say where a connection comes from.
func testAddress(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddr(r.Header.Get("X-Test-From"))
	return a
}

func dialFrom(t testing.TB, url, from string) *rawClient {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), http.Header{"X-Test-From": {from}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(patience))
	return &rawClient{t, conn}
}

// introductions reads what a member is sent until the answer to a ping.
func (r *rawClient) introductions() (ids []MemberID) {
	r.t.Helper()
	r.say(&Ping{Sent: time.UnixMicro(1)})
	for {
		_, b, err := r.conn.ReadMessage()
		if err != nil {
			r.t.Fatal(err)
		}
		switch m, _ := Parse(b); m := m.(type) {
		case *Peers:
			ids = append(ids, m.IDs...)
		case *Pong:
			return ids
		}
	}
}

func office(name, prefix string) Group {
	return Group{Name: name, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}
}

// crowd is members at addresses, with everything the server introduced.
type crowd struct {
	at      []string
	members []*rawClient
	met     [][2]int
}

func newCrowd(t *testing.T, cfg Config, at ...string) (*crowd, *Server, string) {
	cfg.Address = testAddress
	s, url := startServer(t, cfg)
	c := &crowd{at: at}
	for i, from := range at {
		c.members = append(c.members, dialFrom(t, url, from).join("swarm", i))
		c.collect()
	}
	return c, s, url
}

func (c *crowd) collect() {
	for i, r := range c.members {
		if r == nil {
			continue
		}
		for _, id := range r.introductions() {
			j := slices.IndexFunc(c.at, func(string) bool { return false })
			for k := range c.at {
				if IDOf(secretOf(k)) == id {
					j = k
				}
			}
			c.met = append(c.met, [2]int{i, j})
		}
	}
}

// TestOneOfficeOneEntrance is "one office, one origin fetch": all of an office are
// connected with each other, and everything from outside comes through one.
func TestOneOfficeOneEntrance(t *testing.T) {
	for _, pairing := range []struct {
		name string
		make func() Pairing
	}{{"first", FirstAvailable}, {"nearest", Nearest(1)}} {
		t.Run(pairing.name, func(t *testing.T) {
			var at []string
			for i := range 8 {
				at = append(at, fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("198.51.100.%d", i))
			}
			c, _, _ := newCrowd(t, Config{Pairing: pairing.make, Rules: Rules{Groups: []Group{
				office("vienna", "203.0.113.0/24"), office("graz", "192.0.2.0/24")}}}, at...)
			for _, prefix := range []string{"203.0.113.", "192.0.2."} {
				inside := func(i int) bool { return strings.HasPrefix(c.at[i], prefix) }
				through := map[int]bool{}
				office := map[int]int{} // union-find by relabelling
				for i := range c.at {
					office[i] = i
				}
				for _, pair := range c.met {
					switch a, b := inside(pair[0]), inside(pair[1]); {
					case a && b:
						from, to := office[pair[0]], office[pair[1]]
						for i := range office {
							if office[i] == from {
								office[i] = to
							}
						}
					case a:
						through[pair[0]] = true
					case b:
						through[pair[1]] = true
					}
				}
				if len(through) != 1 {
					t.Errorf("office %s0/24 was entered through %d members", prefix, len(through))
				}
				parts := map[int]bool{}
				for i := range c.at {
					if inside(i) {
						parts[office[i]] = true
					}
				}
				if len(parts) != 1 {
					t.Errorf("office %s0/24 is in %d parts", prefix, len(parts))
				}
			}
		})
	}
}

func TestAnotherTakesTheEntranceOver(t *testing.T) {
	rules := Rules{Groups: []Group{office("vienna", "203.0.113.0/24")}}
	c, s, _ := newCrowd(t, Config{Rules: rules}, "192.0.2.1", "203.0.113.1", "203.0.113.2")
	c.members[1].conn.Close()
	c.members[1] = nil
	e := hear[*Gone](c.members[0])
	if e.ID != IDOf(secretOf(1)) {
		t.Errorf("gone: %s", e.ID)
	}
	// The heir looks outside by itself.
	if p := hear[*Peers](c.members[2]); !slices.Contains(p.IDs, IDOf(secretOf(0))) {
		t.Errorf("the heir was introduced to %v", p.IDs)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if w := s.swarms[Blind("swarm")]; len(w.wards) != 2 {
		t.Errorf("%d regions left", len(w.wards))
	}
}

// TestMembersComeAndGo has pairing asked all the time while members of offices and of
// none come, change and go: it must never hand out one that has gone.
func TestMembersComeAndGo(t *testing.T) {
	for name, pairing := range map[string]func() Pairing{"first": FirstAvailable, "nearest": Nearest(1)} {
		t.Run(name, func(t *testing.T) {
			s, _ := startServer(t, Config{Pairing: pairing, Rules: Rules{Groups: []Group{
				office("vienna", "203.0.113.0/24"), office("graz", "192.0.2.0/24")}, Entrances: 2}})
			w := &swarm{name: "swarm", members: map[MemberID]*member{}, wards: map[region]*ward{}}
			r := rand.New(rand.NewPCG(1, 2))
			prefixes := []string{"203.0.113.%d", "192.0.2.%d", "198.51.100.%d"}
			var there []*Peer
			for step := range 20_000 {
				switch pick := r.IntN(4); {
				case len(there) == 0 || pick == 0 && len(there) < 40:
					p := &Peer{ID: IDOf(secretOf(step)), MaxLinks: 4, Seed: r.IntN(8) == 0,
						Location: Location{Place: Place{Latitude: int16(r.IntN(9000)), Longitude: int16(r.IntN(9000))}},
						Address:  netip.MustParseAddr(fmt.Sprintf(prefixes[r.IntN(3)], r.IntN(256)))}
					s.settle(w, p, true)
					there = append(there, p)
				case pick == 1:
					i := r.IntN(len(there))
					gone := there[i]
					there = slices.Delete(there, i, i+1)
					s.unsettle(w, gone)
				case pick == 2:
					p := there[r.IntN(len(there))]
					p.Links = r.IntN(6)
					w.update(p)
				default:
					p := there[r.IntN(len(there))]
					for _, q := range w.suggest(p, 3, func(q *Peer) bool {
						if !slices.ContainsFunc(there, func(o *Peer) bool { return o.ID == q.ID }) {
							t.Fatalf("step %d: %s has gone and is handed out", step, q.ID)
						}
						return r.IntN(3) > 0
					}) {
						if q.ID == p.ID {
							t.Fatalf("step %d: %s is introduced to itself", step, p.ID)
						}
					}
				}
			}
			for _, p := range there {
				s.unsettle(w, p)
			}
			if len(w.wards) != 0 {
				t.Errorf("%d regions left with nobody in them", len(w.wards))
			}
		})
	}
}

func TestGroupMembersDividesAGroup(t *testing.T) {
	var at []string
	for i := range 9 {
		at = append(at, fmt.Sprintf("203.0.113.%d", i))
	}
	rules := Rules{Groups: []Group{office("vienna", "203.0.113.0/24")}, GroupMembers: 4}
	_, s, _ := newCrowd(t, Config{Rules: rules}, at...)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sizes []int
	for r, at := range s.swarms[Blind("swarm")].wards {
		if r.group != 0 {
			sizes = append(sizes, at.size)
		}
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{1, 4, 4}) {
		t.Errorf("divisions of %v", sizes)
	}
}

func TestFencesHoldForIntroductionsAndRelays(t *testing.T) {
	locate := func(a netip.Addr) Location {
		switch {
		case netip.MustParsePrefix("192.0.2.0/24").Contains(a):
			return Location{Country: Country{'A', 'T'}, ASN: 64500}
		case netip.MustParsePrefix("198.51.100.0/24").Contains(a):
			return Location{Country: Country{'A', 'T'}, ASN: 64501}
		case netip.MustParsePrefix("203.0.113.0/24").Contains(a):
			return Location{Country: Country{'D', 'E'}, ASN: 64501}
		}
		return Location{}
	}
	at := []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "10.0.0.1", "192.0.2.2", "198.51.100.2", "203.0.113.2", "10.0.0.2"}
	for _, tt := range []struct {
		name  string
		rules Rules
		meet  func(a, b Location) bool
	}{
		{"country", Rules{FenceCountry: true}, func(a, b Location) bool { return a.Country == b.Country }},
		{"network", Rules{FenceASN: true}, func(a, b Location) bool { return a.ASN == b.ASN }},
		{"both", Rules{FenceCountry: true, FenceASN: true}, func(a, b Location) bool { return a == b }},
		{"none", Rules{}, func(a, b Location) bool { return true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := newCrowd(t, Config{Rules: tt.rules, Locate: locate, Limits: Limits{PeersOnJoin: 16}}, at...)
			where := func(i int) Location { return locate(netip.MustParseAddr(at[i])) }
			met := map[[2]int]bool{}
			for _, pair := range c.met {
				met[pair], met[[2]int{pair[1], pair[0]}] = true, true
			}
			for i := range at {
				for j := range at {
					if want := tt.meet(where(i), where(j)); i != j && met[[2]int{i, j}] != want {
						t.Errorf("%s and %s met: %v, want %v", at[i], at[j], !want, want)
					}
				}
			}
			// A message past the fence is answered as if nobody were there.
			c.members[0].send(AppendRelay(nil, IDOf(secretOf(2)), []byte("over the fence")))
			if tt.meet(where(0), where(2)) {
				return
			}
			if g := hear[*Gone](c.members[0]); g.ID != IDOf(secretOf(2)) {
				t.Errorf("gone: %s", g.ID)
			}
		})
	}
}

func TestRulesAreChecked(t *testing.T) {
	for name, rules := range map[string]Rules{
		"no name":       {Groups: []Group{{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}},
		"no prefix":     {Groups: []Group{{Name: "office"}}},
		"bad prefix":    {Groups: []Group{{Name: "office", Prefixes: make([]netip.Prefix, 1)}}},
		"group of one":  {GroupMembers: 1},
		"too many":      {Groups: make([]Group, MaxGroups+1)},
		"less than one": {Entrances: -1},
	} {
		if err := (Config{Rules: rules}).Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	rules := Rules{Groups: []Group{office("all", "10.0.0.0/8"), office("lab", "10.1.0.0/16")}}
	for from, want := range map[string]uint16{"10.1.2.3": 2, "10.2.2.3": 1, "192.0.2.1": 0} {
		if got := rules.groupOf(netip.MustParseAddr(from)); got != want {
			t.Errorf("%s is in group %d, want %d", from, got, want)
		}
	}
}
