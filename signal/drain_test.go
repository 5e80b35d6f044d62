package signal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestShutdownMovesMembersToTheNextServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(memNet)
		old := NewServer(Config{DrainAfter: time.Second, DrainJitter: 10 * time.Second})
		stopOld := n.listen(old)
		const members = 20
		var clients []*Client
		var seen []*recorder
		for i := range members {
			c, r := n.client(t, ClientConfig{Secret: secretOf(i), RandSeed: uint64(i + 1)})
			clients, seen = append(clients, c), append(seen, r)
		}
		synctest.Wait()
		next := NewServer(Config{})
		stopNext := n.listen(next) // the address leads to the new one now
		began := time.Now()
		if err := old.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(began); took <= time.Second || took > 11*time.Second {
			t.Errorf("drained in %s", took)
		}
		synctest.Wait()
		for i, c := range clients {
			if !c.Connected() || seen[i].count("up") != 2 || seen[i].count("down") != 1 || seen[i].count("gone") != 0 {
				t.Errorf("client %d: connected %v, %d connects, %d losses, %d gone", i, c.Connected(),
					seen[i].count("up"), seen[i].count("down"), seen[i].count("gone"))
			}
		}
		if got := metric(t, next, "shoal_signal_members"); got != members {
			t.Errorf("%v members on the next server", got)
		}
		for _, c := range clients {
			c.Close()
		}
		next.Close()
		stopOld()
		stopNext()
	})
}

func TestShutdownEndsThoseWhoStay(t *testing.T) {
	inBubble(t, Config{DrainAfter: time.Hour}, func(t *testing.T, n *memNet, s *Server) {
		r := n.raw(t).join("swarm", 1)
		silent := n.raw(t) // never joins, never reads
		_ = silent
		told := make(chan *Drain, 1)
		refused := make(chan *Refused, 1)
		go func() {
			told <- hear[*Drain](r)
			refused <- hear[*Refused](r)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(began); took < 20*time.Second || took > 20*time.Second+writeTimeout+2*linger {
			t.Errorf("took %s", took)
		}
		// an hour does not fit into 20 s
		if d := <-told; d.After+d.Jitter > 16*time.Second {
			t.Errorf("asked to leave within %s + %s", d.After, d.Jitter)
		}
		if no := <-refused; no.Code != CodeDraining {
			t.Errorf("refused with %s", no.Code)
		}
	})
}

func TestDrainingServerTakesNobody(t *testing.T) {
	inBubble(t, Config{DrainAfter: time.Minute}, func(t *testing.T, n *memNet, s *Server) {
		n.raw(t).join("swarm", 1)
		waiting := n.raw(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(ctx) }()
		synctest.Wait()
		late, r := n.client(t, ClientConfig{Secret: secretOf(2)})
		waiting.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(3)})
		if got := hear[*Refused](waiting); got.Code != CodeDraining {
			t.Errorf("refused with %s", got.Code)
		}
		synctest.Wait()
		if r.count("up") != 0 || late.Err() == nil {
			t.Error("a client got in while the server drains")
		}
		<-done
	})
}

func TestCloseIsQuickAndRepeatable(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, r := n.client(t, ClientConfig{})
		synctest.Wait()
		began := time.Now()
		s.Close()
		s.Close()
		if took := time.Since(began); took > 2*linger {
			t.Errorf("Close took %s", took)
		}
		synctest.Wait()
		if r.count("down") != 1 {
			t.Error("the client did not notice")
		}
	})
}
