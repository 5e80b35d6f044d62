package signal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hub is a cluster's bus in memory.
type hub struct {
	mu    sync.Mutex
	buses []*memBus
}

// memBus is one server's place on it. Messages are delivered in order by a
// goroutine of its own, as NATS does.
type memBus struct {
	hub      *hub
	mu       sync.Mutex
	subjects map[string]bool
	cut      bool
	in       chan []byte
}

func (h *hub) bus() *memBus {
	b := &memBus{hub: h, subjects: map[string]bool{}, in: make(chan []byte, 4096)}
	h.mu.Lock()
	h.buses = append(h.buses, b)
	h.mu.Unlock()
	return b
}

func (b *memBus) Listen(deliver func([]byte)) {
	go func() {
		for data := range b.in {
			deliver(data)
		}
	}()
}

var errCut = errors.New("membus: cut")

func (b *memBus) Publish(subject string, data []byte) error {
	if !b.Connected() {
		return errCut
	}
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	for _, other := range b.hub.buses {
		other.mu.Lock()
		if other != b && !other.cut && other.subjects[subject] {
			other.in <- slices.Clone(data)
		}
		other.mu.Unlock()
	}
	return nil
}

func (b *memBus) set(subject string, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subjects[subject] = on
	return nil
}

func (b *memBus) Subscribe(subject string) error   { return b.set(subject, true) }
func (b *memBus) Unsubscribe(subject string) error { return b.set(subject, false) }

func (b *memBus) Connected() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.cut
}

// sever is the cable pulled.
func (b *memBus) sever(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
}

// fleet is several servers of one cluster in virtual time.
type fleet struct {
	t       *testing.T
	hub     *hub
	nets    []*memNet
	servers []*Server
	buses   []*memBus
	stops   []func()
	clients []*Client
}

func inFleet(t *testing.T, n int, cfg Config, test func(f *fleet)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, hub: new(hub)}
		for range n {
			f.add(cfg)
		}
		time.Sleep(time.Second) // they have met
		test(f)
		for _, c := range f.clients {
			c.Close()
		}
		for i := range f.servers {
			f.servers[i].Close()
			f.stops[i]()
		}
		for _, b := range f.buses {
			close(b.in)
		}
	})
}

func (f *fleet) add(cfg Config) int {
	cfg.Bus, cfg.Log = f.hub.bus(), testLog()
	net := new(memNet)
	s := NewServer(cfg)
	f.nets, f.servers, f.buses = append(f.nets, net), append(f.servers, s), append(f.buses, cfg.Bus.(*memBus))
	f.stops = append(f.stops, net.listen(s))
	return len(f.servers) - 1
}

func (f *fleet) client(server, n int) (*Client, *recorder) {
	c, r := f.nets[server].client(f.t, ClientConfig{Secret: secretOf(n), RandSeed: uint64(n + 1)})
	f.clients = append(f.clients, c)
	return c, r
}

// settle lets everything be told.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestMembersMeetAcrossServers(t *testing.T) {
	inFleet(t, 3, Config{}, func(f *fleet) {
		var heard []*recorder
		for i := range 3 {
			_, r := f.client(i, i)
			heard = append(heard, r)
			settle(time.Second)
			if i > 0 && r.count("peers")+heard[0].count("peers") == 0 {
				f.t.Errorf("member %d met nobody by itself", i)
			}
		}
		f.clients[2].Want(5) // the one met first was enough for a beginning
		settle(time.Second)
		introduced := map[[2]int]int{}
		for i, r := range heard {
			for _, e := range r.all() {
				for _, id := range e.ids {
					for j, c := range f.clients {
						if c.ID() == id {
							introduced[[2]int{min(i, j), max(i, j)}]++
						}
					}
				}
			}
		}
		for i := range 3 {
			for j := range i {
				if n := introduced[[2]int{j, i}]; n != 1 {
					f.t.Errorf("members %d and %d were introduced %d times", j, i, n)
				}
			}
		}
		// Messages go both ways, between any two.
		for i, c := range f.clients {
			for j, to := range f.clients {
				if i == j {
					continue
				}
				text := fmt.Sprintf("%d to %d", i, j)
				if err := c.Send(to.ID(), []byte(text)); err != nil {
					f.t.Fatal(err)
				}
				settle(10 * time.Millisecond)
				if !slices.ContainsFunc(heard[j].all(), func(e event) bool { return e.data == text && e.id == c.ID() }) {
					f.t.Errorf("%s did not arrive", text)
				}
			}
		}
		for i, r := range heard {
			if r.count("gone") != 0 {
				f.t.Errorf("member %d was told that somebody is gone", i)
			}
		}
		// One leaves for good: those introduced to it are told.
		f.clients[1].Close()
		settle(time.Second)
		for _, i := range []int{0, 2} {
			if !slices.ContainsFunc(heard[i].all(), func(e event) bool { return e.kind == "gone" && e.id == f.clients[1].ID() }) {
				f.t.Errorf("member %d was not told that member 1 is gone", i)
			}
		}
	})
}

func TestSizeIsRightWithinTwoSeconds(t *testing.T) {
	inFleet(t, 3, Config{Limits: Limits{PeersOnJoin: -1}}, func(f *fleet) {
		const each = 40
		var heard []*recorder
		for i := range 3 * each {
			_, r := f.client(i%3, i)
			heard = append(heard, r)
		}
		check := func(when string, want int, these []*recorder) {
			f.t.Helper()
			for i, r := range these {
				n := 0
				for _, e := range r.all() {
					if e.kind == "size" {
						n = e.n
					}
				}
				if off := max(n-want, want-n); off*20 > want {
					f.t.Errorf("%s: member %d knows of %d, there are %d", when, i, n, want)
				}
			}
		}
		settle(2 * time.Second)
		check("after joining", 3*each, heard)
		// A server dies without a word.
		f.buses[0].sever(true)
		settle(2 * time.Second)
		var left []*recorder
		for i, r := range heard {
			if i%3 != 0 {
				left = append(left, r)
			}
		}
		check("after a server's death", 2*each, left)
		f.buses[0].sever(false)
		settle(2 * time.Second)
		check("after it came back", 3*each, heard)
	})
}

// TestSizeIsRightForWhoMoved has a member leave one server and join another before
// the two have talked: its Welcome counts it twice, and what follows must not.
func TestSizeIsRightForWhoMoved(t *testing.T) {
	inFleet(t, 2, Config{}, func(f *fleet) {
		f.client(0, 0)
		mover, _ := f.client(1, 1)
		f.client(1, 2)
		settle(3 * time.Second) // all is told
		mover.Close()
		_, moved := f.client(0, 1)
		synctest.Wait()
		w := moved.all()[0]
		if w.kind != "welcome" || w.w.SwarmSize != 4 {
			f.t.Errorf("welcomed with %+v, the story needs a size of 4", w)
		}
		settle(2 * time.Second)
		last := 0
		for _, e := range moved.all() {
			if e.kind == "size" {
				last = e.n
			}
		}
		if last != 3 {
			f.t.Errorf("who moved believes in a swarm of %d, want 3", last)
		}
	})
}

func TestADeadServerLosesOnlyItsSockets(t *testing.T) {
	inFleet(t, 3, Config{}, func(f *fleet) {
		var heard []*recorder
		for i := range 6 {
			_, r := f.client(i%3, i)
			heard = append(heard, r)
		}
		settle(2 * time.Second)
		f.buses[0].sever(true) // dead for the others
		f.stops[0]()           // and for its clients, who come back through another
		f.nets[0].mu.Lock()
		f.nets[1].mu.Lock()
		f.nets[0].at, f.nets[0].done = f.nets[1].at, f.nets[1].done
		f.nets[1].mu.Unlock()
		f.nets[0].mu.Unlock()
		f.servers[0].Close()
		settle(3 * time.Second)
		for i, r := range heard {
			for _, e := range r.all() {
				if e.kind == "gone" {
					f.t.Errorf("member %d was told that %s is gone", i, e.id)
				}
			}
			if !f.clients[i].Connected() {
				f.t.Errorf("member %d did not come back", i)
			}
			if downs := r.count("down"); downs != 0 && i%3 != 0 {
				f.t.Errorf("member %d of another server lost its connection", i)
			}
		}
		// Whoever moved is reached where it is now.
		f.clients[2].Send(f.clients[0].ID(), []byte("moved?"))
		settle(2 * time.Second)
		if !slices.ContainsFunc(heard[0].all(), func(e event) bool { return e.data == "moved?" }) {
			f.t.Error("a member that moved is not reached")
		}
		f.stops[0] = func() {}
	})
}

func TestLookupFindsMembersNobodyNamed(t *testing.T) {
	inFleet(t, 2, Config{Limits: Limits{PeersOnJoin: -1}}, func(f *fleet) {
		var ids []string
		for i := range remotesKept + 20 {
			c, _ := f.client(0, i)
			ids = append(ids, c.ID())
		}
		asker, r := f.client(1, 1000)
		settle(time.Second)
		for _, id := range ids {
			if err := asker.Send(id, []byte("found")); err != nil {
				f.t.Fatal(err)
			}
		}
		nobody := MemberID{9, 9, 9}.String()
		asker.Send(nobody, []byte("x"))
		settle(10 * time.Second)
		relays := metric(f.t, f.servers[0], "shoal_signal_relayed_messages_total")
		if int(relays) != len(ids) {
			f.t.Errorf("%v of %d messages arrived", relays, len(ids))
		}
		gone := 0
		for _, e := range r.all() {
			if e.kind == "gone" {
				gone++
				if e.id != nobody {
					f.t.Errorf("%s is said to be gone", e.id)
				}
			}
		}
		if gone != 1 {
			f.t.Errorf("told %d times that nobody is gone", gone)
		}
	})
}

func TestSameSecretOnAnotherServerReplaces(t *testing.T) {
	inFleet(t, 2, Config{}, func(f *fleet) {
		_, other := f.client(1, 5)
		old := f.nets[0].raw(f.t).join("swarm", 1)
		refused := make(chan *Refused, 1)
		go func() { refused <- hear[*Refused](old) }()
		settle(3 * time.Second)
		_, r := f.client(1, 1)
		settle(3 * time.Second)
		select {
		case no := <-refused:
			if no.Code != CodeReplaced {
				f.t.Errorf("refused with %s", no.Code)
			}
		default:
			f.t.Error("the old connection is still a member")
		}
		if r.count("up") != 1 || r.count("down") != 0 {
			f.t.Errorf("the new one: %d connects, %d losses", r.count("up"), r.count("down"))
		}
		if other.count("gone") != 0 {
			f.t.Error("others were told that it is gone")
		}
	})
}

func TestDrainedServersMembersComeBackElsewhere(t *testing.T) {
	inFleet(t, 2, Config{DrainJitter: 4 * time.Second}, func(f *fleet) {
		_, stays := f.client(1, 100)
		var seen []*recorder
		for i := range 10 {
			_, r := f.client(0, i)
			seen = append(seen, r)
		}
		settle(2 * time.Second)
		f.nets[0].mu.Lock() // the address leads to the other server now
		f.nets[1].mu.Lock()
		f.nets[0].at, f.nets[0].done = f.nets[1].at, f.nets[1].done
		f.nets[1].mu.Unlock()
		f.nets[0].mu.Unlock()
		began := time.Now()
		if err := f.servers[0].Shutdown(f.t.Context()); err != nil {
			f.t.Error(err)
		}
		if took := time.Since(began); took < time.Second || took > 5*time.Second {
			f.t.Errorf("drained in %s, without jitter or too late", took)
		}
		settle(2 * time.Second)
		for i, r := range seen {
			if r.count("up") != 2 || r.count("gone") != 0 {
				f.t.Errorf("member %d: %d connects, %d gone", i, r.count("up"), r.count("gone"))
			}
		}
		if stays.count("gone") != 0 {
			f.t.Error("a member of the other server was told of somebody gone")
		}
		if n := metric(f.t, f.servers[1], "shoal_signal_members"); n != 11 {
			f.t.Errorf("%v members on the other server", n)
		}
	})
}

func TestFencesHoldAcrossServers(t *testing.T) {
	cfg := Config{Rules: Rules{FenceCountry: true}, Locate: func(a netip.Addr) Location {
		return Location{}
	}}
	inFleet(t, 2, cfg, func(f *fleet) {
		f.servers[1].cfg.Locate = func(netip.Addr) Location { return Location{Country: Country{'D', 'E'}} }
		a, ra := f.client(0, 1)
		b, rb := f.client(1, 2)
		settle(2 * time.Second)
		a.Send(b.ID(), []byte("over the fence"))
		settle(2 * time.Second)
		if ra.count("peers")+rb.count("peers") != 0 {
			f.t.Error("introduced across the fence")
		}
		if rb.count("relay") != 0 || ra.count("gone") != 1 {
			f.t.Errorf("relayed %d, gone %d", rb.count("relay"), ra.count("gone"))
		}
	})
}

func TestAloneServerPublishesOnlySignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(hub).bus()
		spy := &countingBus{memBus: bus}
		s := NewServer(Config{Bus: spy})
		n := new(memNet)
		stop := n.listen(s)
		a, _ := n.client(t, ClientConfig{Secret: secretOf(1)})
		b, rb := n.client(t, ClientConfig{Secret: secretOf(2)})
		settle(time.Second)
		a.Send(b.ID(), []byte("x"))
		settle(10 * time.Second)
		if rb.count("relay") != 1 {
			t.Error("not relayed")
		}
		spy.mu.Lock()
		for subject := range spy.published {
			if subject != subjectAll {
				t.Errorf("published to %s", subject)
			}
		}
		if len(bus.subjects) != 2 {
			t.Errorf("subscribed to %v", bus.subjects)
		}
		spy.mu.Unlock()
		a.Close()
		b.Close()
		s.Close()
		stop()
		close(bus.in)
	})
}

type countingBus struct {
	*memBus
	published map[string]int
}

func (b *countingBus) Publish(subject string, data []byte) error {
	b.mu.Lock()
	if b.published == nil {
		b.published = map[string]int{}
	}
	b.published[subject]++
	b.mu.Unlock()
	return b.memBus.Publish(subject, data)
}

func TestAdvertsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	p := Peer{ID: MemberID{1, 2, 3}, Seed: true, Uplink: 5e6, Address: netip.MustParseAddr("2001:db8::1"), Links: 3, MaxLinks: 9,
		Location: Location{Place: PlaceAt(-33, 151), Country: Country{'A', 'U'}, ASN: 64500}, Position: time.Minute}
	p.Coordinate = p.Coordinate.Update(p.Coordinate, 30, r.Float64)
	p.region = region{group: 3, part: 1}
	b := appendAdvert(nil, &p, advertNews)
	if len(b) != advertBytes {
		t.Fatalf("%d bytes, want %d", len(b), advertBytes)
	}
	in := &busReader{b: b}
	got := in.advert()
	if in.short || !got.news || got.spread || got.peer != p {
		t.Errorf("%+v became %+v", p, got)
	}
	p4 := Peer{Address: netip.MustParseAddr("192.0.2.1")}
	if got := (&busReader{b: appendAdvert(nil, &p4, 0)}).advert(); got.peer != p4 {
		t.Errorf("%+v became %+v", p4, got.peer)
	}
}

// FuzzBus feeds a server what no other server would say.
func FuzzBus(f *testing.F) {
	name := Blind("swarm")
	from := serverID{1}
	for _, kind := range []byte{busAlive, busBye, busState, busLeft, busWhere, busHere, busGone, busPaired, busRelay} {
		b := appendSwarm(append(busMessage(kind, from), 0), name)
		f.Add(append(b, make([]byte, advertBytes+20)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := new(hub)
		bus := h.bus()
		s := NewServer(Config{Bus: bus, Log: testLog()})
		s.mu.Lock()
		w := &swarm{name: name, members: map[MemberID]*member{}, wards: map[region]*ward{}}
		s.swarms[name] = w
		s.greet(w, time.Now())
		s.mu.Unlock()
		s.hearBus(busMessage(busAlive, from))
		s.hearBus(b)
		s.Close()
		close(bus.in)
	})
}
