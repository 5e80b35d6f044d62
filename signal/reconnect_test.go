package signal

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientComesBackToARestartedServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	start := func(l net.Listener) (stop func()) {
		s := NewServer(Config{})
		h := &http.Server{Handler: s}
		served := make(chan struct{})
		go func() { defer close(served); h.Serve(l) }()
		return func() { h.Close(); s.Close(); <-served }
	}
	stop := start(l)
	a, ra := joinClient(t, "ws://"+address, "swarm", 1)
	b, rb := joinClient(t, "ws://"+address, "swarm", 2)
	stop()
	ra.wait(t, 0, "down", nil)
	rb.wait(t, 0, "down", nil)
	if err := a.Send(b.ID(), nil); !errors.Is(err, ErrNotConnected) {
		t.Errorf("Send without a server: %v", err)
	}
	if n := ra.count("gone") + rb.count("gone"); n != 0 {
		t.Error("a stopping server told members that others are gone")
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer start(l)()
	_, down := ra.wait(t, 0, "down", nil)
	ra.wait(t, down, "up", nil)
	_, down = rb.wait(t, 0, "down", nil)
	rb.wait(t, down, "up", nil)
	if err := a.Send(b.ID(), []byte("again")); err != nil {
		t.Fatal(err)
	}
	if e, _ := rb.wait(t, 0, "relay", nil); e.id != IDOf(secretOf(1)).String() || e.data != "again" {
		t.Errorf("the id or the message changed: %+v", e)
	}
	// Both orders are possible; whoever came second was introduced to the first.
	for ra.count("peers")+rb.count("peers") < 2 {
		select {
		case <-ra.changed:
		case <-rb.changed:
		case <-time.After(patience):
			t.Fatal("not introduced again")
		}
	}
}

func TestBackoffGrowsWithFullJitterAndResets(t *testing.T) {
	cfg, err := ClientConfig{URL: "ws://a", Swarm: "s", RandSeed: 7}.populate()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		n := new(memNet) // nobody listens
		var at []time.Time
		cfg.Dialer = n.dialer()
		cfg.Dialer.NetDialContext = func(context.Context, string, string) (net.Conn, error) {
			at = append(at, time.Now())
			return nil, errNobodyListens
		}
		c, err := NewClient(cfg, newRecorder())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		c.Close()
		ceiling, longest := cfg.BackoffMin, time.Duration(0)
		for i := range at[1:] {
			d := at[i+1].Sub(at[i])
			if d > ceiling {
				t.Errorf("delay %d is %s, more than %s", i, d, ceiling)
			}
			longest = max(longest, d)
			ceiling = min(2*ceiling, cfg.BackoffMax)
		}
		// uniform in [0, 30 s]: about 80 attempts in 20 minutes
		if len(at) < 50 || len(at) > 130 || longest < 20*time.Second {
			t.Errorf("%d attempts, longest delay %s", len(at), longest)
		}
	})
}

func TestBackoffStartsOverAfterAStableMinute(t *testing.T) {
	for _, tc := range []struct {
		lasted time.Duration
		fresh  bool
	}{{stableAfter - time.Second, false}, {stableAfter + time.Second, true}} {
		inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
			const least, most = time.Millisecond, time.Hour
			working := n.dialer().NetDialContext
			var works atomic.Bool
			dialer := n.dialer()
			dialer.NetDialContext = func(ctx context.Context, a, b string) (net.Conn, error) {
				if !works.Load() {
					return nil, errNobodyListens
				}
				return working(ctx, a, b)
			}
			r := newRecorder()
			c, err := NewClient(ClientConfig{URL: "ws://memory", Swarm: "swarm", Dialer: dialer,
				BackoffMin: least, BackoffMax: most, RandSeed: 3}, r)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			time.Sleep(2 * time.Hour) // the delay grows to about an hour
			works.Store(true)
			for !c.Connected() {
				time.Sleep(time.Second)
			}
			time.Sleep(tc.lasted)
			s.mu.RLock()
			for m := range s.connections {
				m.evict()
			}
			s.mu.RUnlock()
			time.Sleep(10 * time.Second)
			if got := c.Connected(); got != tc.fresh {
				t.Errorf("after a connection of %s: back within 10 s is %v, want %v", tc.lasted, got, tc.fresh)
			}
		})
	}
}

func TestRefusalSaysWhenToComeBack(t *testing.T) {
	inBubble(t, Config{Limits: Limits{MembersPerSwarm: 1}}, func(t *testing.T, n *memNet, s *Server) {
		first := n.raw(t).join("swarm", 1)
		c, r := n.client(t, ClientConfig{Secret: secretOf(2)})
		time.Sleep(4 * time.Second)
		if joins := metric(t, s, "shoal_signal_refused_total", CodeSwarmFull.String()); joins != 1 {
			t.Errorf("%v attempts within the 5 s the server asked for", joins)
		}
		var no *Refused
		if !errors.As(c.Err(), &no) || no.Code != CodeSwarmFull {
			t.Errorf("Err: %v", c.Err())
		}
		first.conn.Close()
		time.Sleep(6 * time.Second)
		if !c.Connected() || r.count("up") != 1 {
			t.Error("not back when there was room")
		}
	})
}

func TestRetryAfterOfARefusedHandshake(t *testing.T) {
	inBubble(t, Config{Limits: Limits{Connections: 1}}, func(t *testing.T, n *memNet, s *Server) {
		first := n.raw(t).join("swarm", 1)
		c, _ := n.client(t, ClientConfig{Secret: secretOf(2)})
		time.Sleep(retryHTTP - time.Second)
		if got := metric(t, s, "shoal_signal_refused_total", CodeServerFull.String()); got != 1 {
			t.Errorf("%v attempts within Retry-After", got)
		}
		first.conn.Close()
		time.Sleep(retryHTTP)
		if !c.Connected() {
			t.Error("not back when there was room")
		}
	})
}

func TestSetOpenLeavesQuietlyAndComesBack(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, other := n.client(t, ClientConfig{Secret: secretOf(1)})
		synctest.Wait()
		c, r := n.client(t, ClientConfig{Secret: secretOf(2)})
		synctest.Wait()
		c.SetOpen(false)
		c.SetOpen(false)
		time.Sleep(time.Hour)
		if c.Connected() || r.count("down") != 1 || r.count("up") != 1 {
			t.Errorf("connected %v after SetOpen(false)", c.Connected())
		}
		if other.count("gone") != 0 {
			t.Error("the other member was told that it is gone")
		}
		if e := other.all()[len(other.all())-1]; e.kind != "size" || e.n != 1 {
			t.Errorf("the swarm's size: %+v", e)
		}
		c.SetOpen(true)
		synctest.Wait()
		if !c.Connected() {
			t.Error("not connected at once after SetOpen(true)")
		}
	})
}

func TestSetOpenWhileThereIsNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(memNet)
		c, r := n.client(t, ClientConfig{BackoffMin: time.Hour, BackoffMax: time.Hour})
		time.Sleep(time.Second)
		c.SetOpen(false)
		time.Sleep(5 * time.Hour)
		s := NewServer(Config{})
		stop := n.listen(s)
		time.Sleep(5 * time.Hour)
		if r.count("up") != 0 {
			t.Error("connected while closed on purpose")
		}
		c.SetOpen(true)
		synctest.Wait()
		if r.count("up") != 1 {
			t.Error("not connected at once")
		}
		s.Close()
		stop()
	})
}

func TestCloseWhileDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialer := new(memNet).dialer()
		dialer.NetDialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r := newRecorder()
		c, err := NewClient(ClientConfig{URL: "ws://memory", Swarm: "s", Dialer: dialer}, r)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		c.Close()
		c.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %s", took)
		}
		c.Want(1)
		c.Status(1, 2)
		c.SetOpen(false)
		if len(r.all()) != 0 {
			t.Errorf("events %+v", r.all())
		}
	})
}

// TestMemberMustRenewWhatExpires: of two admitted for a minute, the one that has
// another token comes back, and the other stays outside.
func TestMemberMustRenewWhatExpires(t *testing.T) {
	const good = time.Minute
	var taken sync.Map
	cfg := Config{Admit: func(j *Join, _ netip.Addr) error {
		if _, again := taken.LoadOrStore(j.Token, true); again {
			return errors.New("the token has expired")
		}
		j.Expires = time.Now().Add(good)
		return nil
	}}
	inBubble(t, cfg, func(t *testing.T, n *memNet, s *Server) {
		minted := 0
		renews, seen := n.client(t, ClientConfig{Secret: secretOf(1), RandSeed: 1, FreshToken: func() string {
			minted++
			return strconv.Itoa(minted)
		}})
		stays, out := n.client(t, ClientConfig{Secret: secretOf(2), RandSeed: 2, Token: "one"})
		synctest.Wait()
		time.Sleep(good - 2*time.Second)
		if !renews.Connected() || !stays.Connected() {
			t.Fatal("somebody was refused before the time")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !renews.Connected() || seen.count("up") != 2 || seen.count("down") != 1 {
			t.Errorf("who renews: connected %v, %d connects, %d losses", renews.Connected(), seen.count("up"), seen.count("down"))
		}
		var no *Refused
		if stays.Connected() || out.count("up") != 1 || !errors.As(stays.Err(), &no) || no.Code != CodeUnauthorized {
			t.Errorf("who does not: connected %v, %d connects, %v", stays.Connected(), out.count("up"), stays.Err())
		}
		time.Sleep(3 * good)
		if seen.count("up") != 4 || out.count("up") != 1 {
			t.Errorf("after four minutes: %d connects of who renews, %d of who does not", seen.count("up"), out.count("up"))
		}
	})
}

func TestJoinTellsTheLinksThereAre(t *testing.T) {
	joins := make(chan Join, 10)
	cfg := Config{Admit: func(j *Join, _ netip.Addr) error { joins <- *j; return nil }}
	inBubble(t, cfg, func(t *testing.T, n *memNet, s *Server) {
		linked := IDOf(secretOf(77))
		c, _ := n.client(t, ClientConfig{Seed: true, Uplink: 5_000_000, Secret: secretOf(1),
			Links:  func() (int, int) { return 3, 7 },
			Linked: func() []string { return []string{linked.String(), "nonsense"} }})
		j := <-joins
		if j.Links != 3 || j.MaxLinks != 7 || !j.Seed || j.Uplink != 5_000_000 || len(j.Except) != 1 || j.Except[0] != linked {
			t.Errorf("join: %+v", j)
		}
		c.Close()

		c, _ = n.client(t, ClientConfig{Secret: secretOf(2)})
		if j := <-joins; j.Links != 0 || j.MaxLinks != DefaultMaxLinks {
			t.Errorf("join of a fresh client: %+v", j)
		}
		synctest.Wait()
		c.Status(2, 5000)
		synctest.Wait()
		s.mu.RLock()
		if m := s.swarms[Blind("swarm")].members[IDOf(secretOf(2))]; m.Links != 2 || m.MaxLinks != MaxLinkCount {
			t.Errorf("status: %d of %d", m.Links, m.MaxLinks)
		}
		s.mu.RUnlock()
		c.SetOpen(false)
		synctest.Wait()
		c.SetOpen(true)
		if j := <-joins; j.Links != 2 {
			t.Errorf("join after a status: %+v", j)
		}
	})
}
