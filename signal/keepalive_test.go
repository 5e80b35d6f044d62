package signal

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

func TestConnectionWithoutJoinIsClosed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		r := n.raw(t)
		began := time.Now()
		r.refusedWith(CodeSilent)
		if took := time.Since(began); took != joinTimeout {
			t.Errorf("closed after %s", took)
		}
	})
}

func TestIdleMembersStay(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, r := n.client(t, ClientConfig{SyncInterval: 23 * time.Hour})
		time.Sleep(12 * time.Hour)
		if up, down := r.count("up"), r.count("down"); up != 1 || down != 0 {
			t.Errorf("%d connects, %d losses in 12 idle hours", up, down)
		}
	})
}

func TestHalfOpenMemberIsDroppedAndItsPairsAreTold(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, other := n.client(t, ClientConfig{Secret: secretOf(1)})
		synctest.Wait()
		dead := n.raw(t).join("swarm", 2)
		dead.conn.SetPingHandler(func(string) error { return nil }) // reads, answers nothing
		go func() {
			for {
				if _, _, err := dead.conn.ReadMessage(); err != nil {
					return
				}
			}
		}()
		silence := time.Duration(silentPings * float64(s.cfg.PingInterval))
		time.Sleep(silence - time.Second)
		if n := other.count("gone"); n != 0 {
			t.Fatal("dropped too early")
		}
		time.Sleep(2 * time.Second)
		if e, _ := other.wait(t, 0, "gone", nil); e.id != IDOf(secretOf(2)).String() {
			t.Errorf("gone: %+v", e)
		}
		if got := metric(t, s, "shoal_signal_refused_total", CodeSilent.String()); got != 1 {
			t.Errorf("%v silent members counted", got)
		}
	})
}

func TestClientNoticesSilentServer(t *testing.T) {
	// The server is replaced by a wall: it takes the Join, welcomes and says no more.
	inBubble(t, Config{PingInterval: 10 * time.Second}, func(t *testing.T, n *memNet, s *Server) {
		_, r := n.client(t, ClientConfig{BackoffMin: time.Hour, BackoffMax: time.Hour})
		synctest.Wait()
		s.mu.Lock() // the keeper stops
		for m := range s.connections {
			m.conn.Shut() // and whatever is sent is dropped
		}
		s.mu.Unlock()
		time.Sleep(25*time.Second - time.Millisecond)
		if n := r.count("down"); n != 0 {
			t.Fatal("given up too early")
		}
		time.Sleep(2 * time.Second)
		if n := r.count("down"); n != 1 {
			t.Errorf("%d losses noticed", n)
		}
	})
}

func TestSizeIsToldAtMostOnceASecond(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, r := n.client(t, ClientConfig{Secret: secretOf(0)})
		time.Sleep(1500 * time.Millisecond)
		base := r.count("size")
		for i := range 20 {
			n.raw(t).join("swarm", i+1)
		}
		time.Sleep(time.Second)
		if got := r.count("size") - base; got != 1 {
			t.Errorf("20 joins in a moment made %d messages", got)
		}
		last := r.all()[len(r.all())-1]
		if last.kind != "size" || last.n != 21 {
			t.Errorf("last event %+v", last)
		}
		time.Sleep(5 * time.Second)
		if got := r.count("size") - base; got != 1 {
			t.Errorf("unchanged size was repeated: %d messages", got)
		}
	})
}

func TestSizeOfLargeSwarmsIsDamped(t *testing.T) {
	w := &swarm{members: map[MemberID]*member{}, announced: 6400}
	now := time.Unix(1000, 0)
	w.announcedAt = now
	grow := func(n int) {
		for i := range n {
			w.members[MemberID{byte(i), byte(i >> 8)}] = nil
		}
	}
	grow(6500)
	if w.sizeDue(now.Add(time.Second), len(w.members)) {
		t.Error("a change by 1/64 was told at once")
	}
	if !w.sizeDue(now.Add(sizeLatest), len(w.members)) {
		t.Error("a change by 1/64 was not told in the end")
	}
	grow(6602)
	if !w.sizeDue(now.Add(sizeLatest+time.Second), len(w.members)) {
		t.Error("a change by more than 1/64 was not told at once")
	}
	if w.sizeDue(now.Add(time.Hour), len(w.members)) {
		t.Error("no change was told")
	}
}

func TestSamePairIsNotIntroducedTwiceInAShortTime(t *testing.T) {
	inBubble(t, Config{PairAgainAfter: 10 * time.Second}, func(t *testing.T, n *memNet, s *Server) {
		a, ra := n.client(t, ClientConfig{Secret: secretOf(1)})
		synctest.Wait()
		_, rb := n.client(t, ClientConfig{Secret: secretOf(2)})
		synctest.Wait()
		if rb.count("peers") != 1 {
			t.Fatal("not introduced at all")
		}
		for range 9 { // not even the other way round
			time.Sleep(time.Second)
			a.Want(5)
			synctest.Wait()
		}
		if n := ra.count("peers"); n != 0 {
			t.Errorf("introduced again %d times within 9 s", n)
		}
		time.Sleep(time.Second)
		a.Want(5)
		synctest.Wait()
		if n := ra.count("peers"); n != 1 {
			t.Errorf("introduced %d times after 10 s", n)
		}
	})
}

func TestMemberThatNeverReadsAnythingIsEvicted(t *testing.T) {
	// An unread pipe takes no byte at all: the first write blocks until its
	// deadline, and nobody waits for it.
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		a, ra := n.client(t, ClientConfig{Secret: secretOf(1)})
		b, rb := n.client(t, ClientConfig{Secret: secretOf(2)})
		synctest.Wait()
		wall := n.raw(t)
		wall.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(3), MaxLinks: 9})
		time.Sleep(writeTimeout / 2)
		if err := a.Send(b.ID(), []byte("meanwhile")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if rb.count("relay") != 1 {
			t.Error("a member waits for one that does not read")
		}
		time.Sleep(writeTimeout)
		gone := IDOf(secretOf(3)).String()
		if ra.count("gone")+rb.count("gone") == 0 {
			t.Errorf("%s is still a member", gone)
		}
	})
}

func TestReplacedConnectionIsToldAndNobodyElse(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		_, other := n.client(t, ClientConfig{Secret: secretOf(1)})
		synctest.Wait()
		old := n.raw(t).join("swarm", 2)
		refused := make(chan struct{})
		go func() {
			defer close(refused)
			got := hear[*Refused](old)
			if got.Code != CodeReplaced || got.RetryAfter == 0 {
				t.Errorf("told %+v", got)
			}
			_, _, err := old.conn.ReadMessage()
			if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
				t.Errorf("ended with %v", err)
			}
		}()
		fresh := n.raw(t).join("swarm", 2)
		<-refused
		fresh.send(AppendRelay(nil, IDOf(secretOf(1)), []byte("from the new one")))
		synctest.Wait()
		if e, _ := other.wait(t, 0, "relay", nil); e.data != "from the new one" {
			t.Errorf("got %+v", e)
		}
		time.Sleep(5 * time.Second)
		if n := other.count("gone"); n != 0 {
			t.Error("the other member was told it is gone")
		}
	})
}
