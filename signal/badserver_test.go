package signal

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// scripted runs a client against a server that follows a script after the Join,
// and then holds the connection until the client ends it.
func scripted(t *testing.T, script func(send func([]byte)), test func(c *Client, r *recorder, joins *atomic.Int32)) {
	synctest.Test(t, func(t *testing.T) {
		n := new(memNet)
		var joins atomic.Int32
		stop := n.listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer conn.Close()
			conn.ReadMessage()
			joins.Add(1)
			script(func(b []byte) { conn.WriteMessage(websocket.BinaryMessage, b) })
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
			}
		}))
		c, r := n.client(t, ClientConfig{BackoffMin: time.Hour, BackoffMax: time.Hour, Secret: secretOf(1)})
		synctest.Wait()
		test(c, r, &joins)
		c.Close()
		stop()
	})
}

func TestClientSurvivesGarbageFromTheServer(t *testing.T) {
	welcome := Append(nil, &Welcome{ID: IDOf(secretOf(1)), SwarmSize: 1})
	scripted(t, func(send func([]byte)) {
		send(AppendRelay(nil, MemberID{9}, []byte("before the welcome")))
		send(Append(nil, &Peers{IDs: []MemberID{{9}}}))
		send(welcome)
		for _, b := range [][]byte{nil, {0x7f}, {byte(TypePeers)}, {byte(TypeRelay), 1}, {byte(TypeGone), 0x81, 0xa2, 'i', 'd', 0xc4, 1, 1},
			Append(nil, &Join{}), welcome} {
			send(b)
		}
		send(AppendRelay(nil, MemberID{9}, []byte("after")))
	}, func(c *Client, r *recorder, _ *atomic.Int32) {
		var kinds []string
		for _, e := range r.all() {
			kinds = append(kinds, e.kind)
		}
		if len(kinds) != 4 || kinds[0] != "welcome" || kinds[3] != "relay" || r.all()[3].data != "after" {
			t.Errorf("events %v", kinds)
		}
		if !c.Connected() {
			t.Error("the connection was given up")
		}
	})
}

func TestClientMessageCap(t *testing.T) {
	for _, tc := range []struct {
		bytes int
		ends  bool
	}{{clientMessageBytes, false}, {clientMessageBytes + 1, true}} {
		scripted(t, func(send func([]byte)) {
			send(Append(nil, &Welcome{ID: IDOf(secretOf(1))}))
			send(AppendRelay(nil, MemberID{9}, make([]byte, tc.bytes-RelayHeader)))
		}, func(c *Client, r *recorder, _ *atomic.Int32) {
			time.Sleep(2 * writeTimeout) // neither end reads while both write their last
			if got := r.count("down") == 1; got != tc.ends {
				t.Errorf("%d bytes: connection ended %v, want %v", tc.bytes, got, tc.ends)
			}
		})
	}
}

func TestServerThatNeverWelcomesIsGivenUp(t *testing.T) {
	scripted(t, func(func([]byte)) {}, func(c *Client, r *recorder, joins *atomic.Int32) {
		time.Sleep(welcomeTimeout - time.Second)
		if c.Err() != ErrNotConnected {
			t.Errorf("given up too early: %v", c.Err())
		}
		time.Sleep(2*time.Second + goodbyeTimeout)
		if c.Err() == ErrNotConnected || joins.Load() != 1 || len(r.all()) != 0 {
			t.Errorf("not given up: %v, %d joins, events %+v", c.Err(), joins.Load(), r.all())
		}
	})
}

func TestSendQueueIsBounded(t *testing.T) {
	// A message a second: the first fills the burst, the rest has to queue.
	limits := Announced{MessageBytes: 100, MessagesPerSecond: 1, MessageBurst: 1}
	scripted(t, func(send func([]byte)) {
		send(Append(nil, &Welcome{ID: IDOf(secretOf(1)), Limits: limits}))
	}, func(c *Client, _ *recorder, _ *atomic.Int32) {
		to := IDOf(secretOf(2)).String()
		queued := 0
		for range 2 * relayQueue {
			switch err := c.Send(to, []byte("x")); err {
			case nil:
				queued++
			case ErrBusy:
			default:
				t.Fatal(err)
			}
		}
		// at most one is in the writer's hand
		if queued < relayQueue || queued > relayQueue+1 {
			t.Errorf("%d of %d queued, room is for %d", queued, 2*relayQueue, relayQueue)
		}
	})
}

func TestClientPacesItselfUnderTheAnnouncedLimits(t *testing.T) {
	inBubble(t, Config{Limits: Limits{MessagesPerSecond: 10, MessageBurst: 20}}, func(t *testing.T, n *memNet, s *Server) {
		a, ra := n.client(t, ClientConfig{Secret: secretOf(1)})
		b, rb := n.client(t, ClientConfig{Secret: secretOf(2)})
		synctest.Wait()
		for range 400 { // 20 times the burst
			if err := a.Send(b.ID(), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if got := rb.count("relay"); got != 400 || ra.count("down") != 0 {
			t.Errorf("%d of 400 arrived, sender lost its connection %d times", got, ra.count("down"))
		}
	})
}

func TestOverTLS(t *testing.T) {
	s := NewServer(Config{Log: testLog()})
	h := httptest.NewTLSServer(s)
	defer h.Close()
	defer s.Close()
	pool := h.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	dialer := &websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: pool}}
	a, ra := startClient(t, ClientConfig{URL: h.URL, Dialer: dialer, Secret: secretOf(1)})
	ra.wait(t, 0, "up", nil)
	b, rb := startClient(t, ClientConfig{URL: h.URL, Dialer: dialer, Secret: secretOf(2)})
	rb.wait(t, 0, "up", nil)
	if err := a.Send(b.ID(), []byte("over TLS")); err != nil {
		t.Fatal(err)
	}
	if e, _ := rb.wait(t, 0, "relay", nil); e.data != "over TLS" || e.id != a.ID() {
		t.Errorf("got %+v", e)
	}
	s.Close() // the refusal gets through TLS as well
	rb.wait(t, 0, "down", nil)
}
