package rtc

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

func TestMessagesKeepBoundariesAndOrder(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	toB, toA := meet(a, b, la, lb)
	const count = 200
	send := func(l node.Link, from string) {
		for i := range count {
			// lengths from a few bytes to the longest message
			text := fmt.Sprintf("%s %d ", from, i)
			text += string(make([]byte, i*(64*1024-len(text))/(count-1)))
			if err := l.SendControl([]byte(text)); err != nil {
				t.Errorf("control %d: %v", i, err)
			}
			if i%40 == 0 {
				if err := l.SendBulk([]byte(text)); err != nil {
					t.Errorf("bulk %d: %v", i, err)
				}
			}
		}
	}
	// 6.5 MiB each way: below what may be queued
	send(toB, "a")
	send(toA, "b")
	check := func(l *listener, peer swarm.PeerID, from string) {
		for i := range count {
			head := fmt.Sprintf("%s %d ", from, i)
			want := head + string(make([]byte, i*(64*1024-len(head))/(count-1)))
			if got := l.next("control", peer); got != want {
				t.Fatalf("control message %d of %s has %d bytes, want %d", i, from, len(got), len(want))
			}
			if i%40 == 0 {
				if got := l.next("bulk", peer); got != want {
					t.Fatalf("bulk message %d of %s has %d bytes, want %d", i, from, len(got), len(want))
				}
			}
		}
	}
	check(lb, a.ID(), "a")
	check(la, b.ID(), "b")
	if toB.Peer() != b.ID() || toA.Peer() != a.ID() {
		t.Errorf("links to %s and %s", toB.Peer(), toA.Peer())
	}
	if rtt := toB.RTT(); rtt <= 0 || rtt > time.Second {
		t.Errorf("round trip %v on loopback", rtt)
	}
}

func TestCloseTellsBothSides(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	toB, _ := meet(a, b, la, lb)
	toB.Close("enough")
	if err := la.down(b.ID()); !errors.Is(err, ErrHungUp) {
		t.Errorf("this side: %v", err)
	}
	if got, want := lb.next("control", a.ID()), "\x0d\x91\xa6enough"; got != want { // wire: bye
		t.Errorf("the peer received %q, want %q", got, want)
	}
	if err := lb.down(a.ID()); !errors.Is(err, ErrPeerClosed) {
		t.Errorf("the peer: %v", err)
	}
	if err := toB.SendControl([]byte("x")); !errors.Is(err, ErrLinkDown) {
		t.Errorf("SendControl after the end: %v", err)
	}
	if err := toB.SendBulk([]byte("x")); !errors.Is(err, ErrLinkDown) {
		t.Errorf("SendBulk after the end: %v", err)
	}
	meet(b, a, lb, la) // nothing is left of it
}

func TestNetworkCloseEndsItsLinks(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	meet(a, b, la, lb)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := la.down(b.ID()); !errors.Is(err, ErrClosed) {
		t.Errorf("this side: %v", err)
	}
	lb.down(a.ID())
	if err := a.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestGlare(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	for range 5 {
		a.Connect(b.ID())
		b.Connect(a.ID())
		toB, toA := la.up(b.ID()), lb.up(a.ID())
		if err := toB.SendControl([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if got := lb.next("control", a.ID()); got != "hello" {
			t.Fatalf("received %q", got)
		}
		la.none("down")
		lb.none("down")
		toA.Close("")
		la.down(b.ID())
		lb.down(a.ID())
		lb.seen, la.seen = nil, nil
	}
}

func TestConnectIsAlwaysAnswered(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	for _, c := range []struct {
		name string
		peer swarm.PeerID
		want error
	}{
		{"itself", a.ID(), ErrRefused},
		{"nobody", "0123456789abcdef", ErrUnreachable}, // signalling says that it is gone
		{"no name", "somebody", ErrUnreachable},
	} {
		a.Connect(c.peer)
		if err := la.down(c.peer); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestSilentPeerTimesOut(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s, func(c *Config) { c.AttemptTimeout = 300 * time.Millisecond })
	// a member of the swarm that never answers
	mute, err := signal.NewClient(signal.ClientConfig{URL: s.url(), Swarm: "test"}, ignore{make(chan bool, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	peer := swarm.PeerID(mute.ID())
	la.await(func(a arrival) bool { return a.what == "state" && a.size == 2 }, "second member")
	a.Connect(peer)
	if err := la.down(peer); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want %v", err, ErrTimeout)
	}
}

type ignore struct{ on chan bool }

func (ignore) Welcome(signal.Welcome) {}
func (ignore) Peers([]string)         {}
func (ignore) Relay(string, []byte)   {}
func (ignore) Gone(string)            {}
func (ignore) Size(int)               {}
func (ignore) Connected(bool)         {}

func TestBan(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s, func(c *Config) { c.AttemptTimeout = 2 * time.Second })
	meet(a, b, la, lb)
	a.Ban(b.ID())
	if err := la.down(b.ID()); !errors.Is(err, ErrBanned) {
		t.Errorf("the link: %v, want %v", err, ErrBanned)
	}
	lb.down(a.ID())
	b.Connect(a.ID())
	if err := lb.down(a.ID()); !errors.Is(err, ErrTimeout) {
		t.Errorf("the banned one: %v, want %v", err, ErrTimeout)
	}
	la.none("up")
	a.Connect(b.ID())
	if err := la.down(b.ID()); !errors.Is(err, ErrBanned) {
		t.Errorf("connecting to the banned one: %v, want %v", err, ErrBanned)
	}
}

func TestBannedListIsBounded(t *testing.T) {
	n := newNetwork(Config{}.populate(), "self")
	name := func(i int) swarm.PeerID { return swarm.PeerID(fmt.Sprintf("%016x", i)) }
	for i := range maxBanned {
		n.Ban(name(i))
	}
	n.Ban(name(0)) // known: takes no place
	if _, ok := n.banned[name(0)]; !ok || len(n.banned) != maxBanned {
		t.Fatalf("at the cap: %d banned, the first one among them: %v", len(n.banned), ok)
	}
	n.Ban(name(maxBanned))
	if _, ok := n.banned[name(0)]; ok || len(n.banned) != maxBanned || len(n.banOrder) != maxBanned {
		t.Fatalf("past the cap: %d banned, the first one among them: %v", len(n.banned), ok)
	}
}

func TestMaxLinks(t *testing.T) {
	s := startServer(t)
	hub, lh := join(t, s, func(c *Config) { c.MaxLinks = 1 })
	var last *Network
	for range 1 + spareLinks {
		n, l := join(t, s)
		meet(n, hub, l, lh)
		last = n
	}
	n, l := join(t, s)
	n.Connect(hub.ID())
	if err := l.down(hub.ID()); !errors.Is(err, ErrRefused) {
		t.Errorf("one past the cap: %v, want %v", err, ErrRefused)
	}
	hub.Connect(n.ID())
	if err := lh.down(n.ID()); !errors.Is(err, ErrFull) {
		t.Errorf("own attempt past the cap: %v, want %v", err, ErrFull)
	}
	last.Close()
	lh.down(last.ID())
	n.Connect(hub.ID())
	l.up(hub.ID())
}

func TestLinksOutliveSignalling(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	toB, _ := meet(a, b, la, lb)
	s.stop()
	la.connected(false)
	lb.connected(false)
	if err := toB.SendControl([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	if got := lb.next("control", a.ID()); got != "still here" {
		t.Fatalf("received %q", got)
	}
	a.Connect("0123456789abcdef")
	if err := la.down("0123456789abcdef"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("without signalling: %v, want %v", err, ErrUnreachable)
	}
	s.restart()
	la.connected(true)
	lb.connected(true)
	la.none("down")
	c, lc := join(t, s)
	meet(c, a, lc, la)
}

func TestNeighbourCarriesSignals(t *testing.T) {
	// the test is the neighbour of both, and keeps the order as a link does
	post := make(chan func(), 256)
	go func() {
		for deliver := range post {
			deliver()
		}
	}()
	t.Cleanup(func() { close(post) }) // after the networks are closed
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	la.forward = func(to swarm.PeerID, p []byte) bool {
		post <- func() { b.Deliver(a.ID(), p) }
		return to == b.ID()
	}
	lb.forward = func(to swarm.PeerID, p []byte) bool {
		post <- func() { a.Deliver(b.ID(), p) }
		return to == a.ID()
	}
	a.SetSignalling(false)
	b.SetSignalling(false)
	la.connected(false)
	lb.connected(false)
	meet(a, b, la, lb)
	a.SetSignalling(true)
	la.connected(true)
}

// TestConfinedMembersKeepToTheServer: where the server has rules who may meet,
// neighbours do not carry signals past it, neither out nor in.
func TestConfinedMembersKeepToTheServer(t *testing.T) {
	s := startServer(t)
	s.stop()
	s.mu.Lock()
	s.now = signal.NewServer(signal.Config{Limits: quiet.Limits, Rules: signal.Rules{Groups: []signal.Group{
		{Name: "office", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}}})
	s.mu.Unlock()
	a, la := join(t, s)
	b, _ := join(t, s)
	la.await(func(a arrival) bool { return a.what == "state" && a.size == 2 }, "second member")
	carried := make(chan []byte, 256)
	la.forward = func(_ swarm.PeerID, p []byte) bool {
		carried <- p
		return true
	}
	a.SetSignalling(false)
	la.connected(false)
	a.Connect(b.ID())
	if err := la.down(b.ID()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v, want %v", err, ErrUnreachable)
	}
	if len(carried) > 0 {
		t.Errorf("a neighbour was given %d payloads", len(carried))
	}
	// An offer that a neighbour brings all the same is not answered.
	sessions := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.sessions)
	}
	name := newSession()
	offer, err := newAttempt(a.cfg, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	defer offer.close()
	p, err := offer.offer()
	if err != nil {
		t.Fatal(err)
	}
	b.Deliver(a.ID(), appendPayload(nil, p))
	if n := sessions(); n != 0 {
		t.Errorf("%d sessions by an offer past the server", n)
	}
	b.arrived(a.ID(), appendPayload(nil, p), false) // the same by the server
	if n := sessions(); n != 1 {
		t.Errorf("%d sessions by an offer that the server brought, want 1", n)
	}
}

func TestDiscoverIntroduces(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, _ := join(t, s)
	a.Discover(1)
	la.next("introduced", b.ID())
}

func TestWelcomeIsHandedOn(t *testing.T) {
	s := startServer(t)
	key := ed25519.PublicKey(make([]byte, ed25519.PublicKeySize))
	key[5] = 7
	s.stop()
	s.mu.Lock()
	s.now = signal.NewServer(signal.Config{SigningKey: key, ICEServers: []signal.ICEServer{
		{URLs: []string{"stun:stun.example:3478"}},
		{URLs: []string{"turn:turn.example"}, Username: "u", Credential: "c"},
		{URLs: []string{"turn:turn.example"}}, // without credential: of no use
		{URLs: []string{"gopher:example"}},
	}})
	s.mu.Unlock()
	n, _ := join(t, s)
	w, err := n.Welcome(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(key, w.SigningKey); diff != "" {
		t.Errorf("signing key (-want +got):\n%s", diff)
	}
	var urls []string
	for _, s := range n.servers() {
		urls = append(urls, s.URLs...)
	}
	if diff := cmp.Diff([]string{"stun:stun.example:3478", "turn:turn.example"}, urls); diff != "" {
		t.Errorf("ICE servers (-want +got):\n%s", diff)
	}
	if d := time.Until(n.Now()).Abs(); d > time.Minute {
		t.Errorf("the swarm's clock is %v off", d)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
	}{
		{"no server", func(c *Config) { c.URL = "" }},
		{"no swarm", func(c *Config) { c.Swarm = "" }},
		{"links", func(c *Config) { c.MaxLinks = -1 }},
		{"timeout", func(c *Config) { c.AttemptTimeout = -1 }},
		{"scope", func(c *Config) { c.Scope = LoopbackOnly + 1 }},
	} {
		cfg := Config{URL: "ws://127.0.0.1:1", Swarm: "test"}
		c.change(&cfg)
		if n, err := New(cfg); err == nil {
			n.Close()
			t.Errorf("%s: accepted", c.name)
		}
	}
}
