package signal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/tinylib/msgp/msgp"
)

// bystanders are two well-behaved members of the swarm a bad client is let loose
// on.
type bystanders struct {
	a, b   *Client
	ra, rb *recorder
}

func newBystanders(t *testing.T, url string) *bystanders {
	s := new(bystanders)
	s.a, s.ra = joinClient(t, url, "swarm", 1)
	s.b, s.rb = joinClient(t, url, "swarm", 2)
	return s
}

// patient sends a text; the sender's own queue may be full of a flood of its own.
func patient(t *testing.T, c *Client, to, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := c.Send(to, []byte(text))
		if err == nil {
			return
		}
		if !errors.Is(err, ErrBusy) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// unharmed checks that both are still on their first connection, that nobody was
// told that the other is gone and that messages still pass both ways.
func (s *bystanders) unharmed(t *testing.T) {
	t.Helper()
	for i := range 3 {
		text := "unharmed " + strconv.Itoa(i)
		same := func(e event) bool { return e.data == text }
		patient(t, s.a, s.b.ID(), text)
		s.rb.wait(t, 0, "relay", same)
		patient(t, s.b, s.a.ID(), text)
		s.ra.wait(t, 0, "relay", same)
	}
	for i, r := range []*recorder{s.ra, s.rb} {
		if up, down := r.count("up"), r.count("down"); up != 1 || down != 0 {
			t.Errorf("bystander %d: %d connects, %d losses", i, up, down)
		}
		for _, e := range r.all() {
			if e.kind == "gone" && (e.id == s.a.ID() || e.id == s.b.ID()) {
				t.Errorf("bystander %d was told that %s is gone", i, e.id)
			}
		}
	}
}

func TestBadClientsAreRefusedAndOthersUnharmed(t *testing.T) {
	const most = 4096
	victim := IDOf(secretOf(1))
	unwelcome := func(field string, v any) []byte {
		b, err := msgp.AppendIntf([]byte{byte(TypeJoin)}, map[string]any{
			"version": 1, "swarm": "swarm", "secret": bytes.Repeat([]byte{9}, SecretSize), field: v})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	nested := append([]byte{byte(TypeWant), 0x81, 0xa1, 'x'}, bytes.Repeat([]byte{0x91}, most-4)...)
	for _, tc := range []struct {
		name string
		do   func(r *rawClient)
		code Code
	}{
		{"random bytes first", func(r *rawClient) {
			b := make([]byte, 100)
			rand.Read(b)
			b[0], b[1] = byte(TypeJoin), 0xc1 // never used by MessagePack, so that no dice make it a Join
			r.send(b)
		}, CodeMalformed},
		{"empty message first", func(r *rawClient) { r.send(nil) }, CodeMalformed},
		{"empty message later", func(r *rawClient) { r.join("swarm", 9).send(nil) }, CodeMalformed},
		{"random bytes later", func(r *rawClient) { r.join("swarm", 9).send([]byte{byte(TypeWant), 0xc1, 0xff}) }, CodeMalformed},
		{"deep nesting", func(r *rawClient) { r.join("swarm", 9).send(nested) }, CodeMalformed},
		{"text message", func(r *rawClient) { r.conn.WriteMessage(websocket.TextMessage, []byte("hello")) }, CodeMalformed},
		{"broken frame first", func(r *rawClient) { r.conn.NetConn().Write([]byte("GET / HTTP/1.1\r\n\r\n")) }, CodeMalformed},
		{"broken frame later", func(r *rawClient) { r.join("swarm", 9).conn.NetConn().Write([]byte{0xff, 0xff, 0, 0, 0, 0}) }, CodeMalformed},
		{"frame without a mask", func(r *rawClient) { r.conn.NetConn().Write([]byte{0x82, 1, 1}) }, CodeMalformed},
		{"relay before join", func(r *rawClient) { r.send(AppendRelay(nil, victim, []byte("x"))) }, CodeMalformed},
		{"want before join", func(r *rawClient) { r.say(&Want{Count: 3}) }, CodeMalformed},
		{"join twice", func(r *rawClient) {
			r.join("swarm", 9).say(&Join{Version: Version, Swarm: "other", Secret: secretOf(8)})
		}, CodeMalformed},
		{"message of a server", func(r *rawClient) { r.join("swarm", 9).say(&Gone{ID: victim}) }, CodeMalformed},
		{"other version", func(r *rawClient) { r.say(&Join{Version: 2, Swarm: "swarm", Secret: secretOf(9)}) }, CodeVersion},
		{"no version", func(r *rawClient) { r.say(&Join{Swarm: "swarm", Secret: secretOf(9)}) }, CodeVersion},
		{"no swarm", func(r *rawClient) { r.say(&Join{Version: 1, Secret: secretOf(9)}) }, CodeMalformed},
		{"no secret", func(r *rawClient) { r.say(&Join{Version: 1, Swarm: "swarm"}) }, CodeMalformed},
		{"negative links", func(r *rawClient) { r.send(unwelcome("links", -1)) }, CodeMalformed},
		{"seed as text", func(r *rawClient) { r.send(unwelcome("seed", "yes")) }, CodeMalformed},
		{"oversize", func(r *rawClient) {
			r.join("swarm", 9).send(AppendRelay(nil, victim, make([]byte, most-RelayHeader+1)))
		}, CodeTooLarge},
		{"oversize before join", func(r *rawClient) { r.send(make([]byte, 10*most)) }, CodeTooLarge},
		{"flood of messages", func(r *rawClient) {
			r.join("swarm", 9)
			go func() { // the refusal comes while the flood goes on
				for range 2000 {
					r.send(AppendRelay(nil, victim, []byte("flood")))
				}
			}()
		}, CodeRate},
		{"flood of bytes", func(r *rawClient) {
			r.join("swarm", 9)
			go func() {
				for range 50 {
					r.send(AppendRelay(nil, victim, make([]byte, most-RelayHeader)))
				}
			}()
		}, CodeRate},
		{"flood of pings", func(r *rawClient) {
			r.join("swarm", 9)
			go func() {
				for range 2000 {
					r.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				}
			}()
		}, CodeRate},
		{"flood of unknown types", func(r *rawClient) {
			r.join("swarm", 9)
			go func() {
				for range 2000 {
					r.send([]byte{0x7f})
				}
			}()
		}, CodeRate},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, url := startServer(t, Config{Limits: Limits{
				MessageBytes: most, MessagesPerSecond: 50, MessageBurst: 100, ByteBurst: 64 << 10}})
			others := newBystanders(t, url)
			bad := dialRaw(t, url)
			tc.do(bad)
			bad.refusedWith(tc.code)
			others.unharmed(t)
		})
	}
}

func TestUnknownTypesAndFieldsAreIgnored(t *testing.T) {
	_, url := startServer(t, Config{})
	r := dialRaw(t, url).join("swarm", 1)
	r.send([]byte{0x7e, 1, 2, 3})
	r.send([]byte{byte(TypeRelay), 1}) // no complete header: nothing to route by
	r.send([]byte{byte(TypePing), 0x82, 0xa6, 'f', 'u', 't', 'u', 'r', 'e', 0x92, 1, 0x80,
		0xa4, 's', 'e', 'n', 't', 5, 0xff, 0xff /* trailing bytes */})
	if p := hear[*Pong](r); p.Sent.UnixMicro() != 5 {
		t.Errorf("pong: %+v", p)
	}
}

func TestMemberThatNeverReadsIsEvicted(t *testing.T) {
	s, url := startServer(t, Config{Limits: Limits{QueueMessages: 64, QueueBytes: 256 << 10,
		MessagesPerSecond: -1, BytesPerSecond: -1}})
	others := newBystanders(t, url)
	slow := dialRaw(t, url)
	slow.conn.NetConn().(*net.TCPConn).SetReadBuffer(4096)
	slow.join("swarm", 9)
	others.ra.wait(t, 0, "size", func(e event) bool { return e.n == 3 })
	target := IDOf(secretOf(9)).String()
	payload := make([]byte, 32<<10)
	gone := func(e event) bool { return e.id == target }
	for deadline := time.Now().Add(patience); ; {
		if others.a.Send(target, payload) != nil {
			continue // its own queue is full for a moment
		}
		if others.ra.count("gone") > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the member that does not read is still there")
		}
	}
	others.ra.wait(t, 0, "gone", gone)
	others.unharmed(t)
	if n := metric(t, s, "shoal_signal_refused_total", CodeSlow.String()); n != 1 {
		t.Errorf("%v members counted as slow", n)
	}
}

func TestRelayStaysInItsSwarm(t *testing.T) {
	_, url := startServer(t, Config{})
	others := newBystanders(t, url)
	stranger, rs := joinClient(t, url, "elsewhere", 9)
	if err := stranger.Send(others.a.ID(), []byte("cross-swarm")); err != nil {
		t.Fatal(err)
	}
	if e, _ := rs.wait(t, 0, "gone", nil); e.id != others.a.ID() {
		t.Errorf("gone: %+v", e)
	}
	others.unharmed(t)
	for _, e := range others.ra.all() {
		if e.kind == "relay" && e.id == stranger.ID() {
			t.Errorf("the message crossed: %+v", e)
		}
	}
}

func TestSenderCannotBeForged(t *testing.T) {
	_, url := startServer(t, Config{})
	others := newBystanders(t, url)
	bad := dialRaw(t, url).join("swarm", 9)
	// The header names the receiver; whatever else the bytes claim, the receiver
	// sees the true sender.
	bad.send(AppendRelay(nil, IDOf(secretOf(1)), append([]byte{byte(TypeRelay)}, others.b.ID()...)))
	e, _ := others.ra.wait(t, 0, "relay", nil)
	if e.id != IDOf(secretOf(9)).String() {
		t.Errorf("sender shown as %s", e.id)
	}
	others.unharmed(t)
}

func TestIDNeedsItsSecret(t *testing.T) {
	s, url := startServer(t, Config{})
	others := newBystanders(t, url)
	// Nobody can find a second secret for an id in a test's time (2⁶⁴ tries), so
	// the member is given another one instead.
	s.mu.Lock()
	s.swarms[Blind("swarm")].members[IDOf(secretOf(1))].secret[3]++
	s.mu.Unlock()
	bad := dialRaw(t, url)
	bad.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(1)})
	bad.refusedWith(CodeImpostor)
	others.unharmed(t)
}

func TestRelayToOneselfAndToNobody(t *testing.T) {
	_, url := startServer(t, Config{})
	r := dialRaw(t, url).join("swarm", 1)
	for _, id := range []MemberID{IDOf(secretOf(1)), {1, 2, 3}} {
		r.send(AppendRelay(nil, id, []byte("x")))
		if g := hear[*Gone](r); g.ID != id {
			t.Errorf("gone %s, want %s", g.ID, id)
		}
	}
}

func TestPairedOnlyRelaysBetweenThoseIntroduced(t *testing.T) {
	_, url := startServer(t, Config{PairedOnly: true})
	a := dialRaw(t, url).join("swarm", 1)
	b := dialRaw(t, url).join("swarm", 2) // introduced to a
	hear[*Peers](b)
	c := dialRaw(t, url) // no room for links: introduced to nobody
	c.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(3)})
	hear[*Welcome](c)
	c.send(AppendRelay(nil, IDOf(secretOf(1)), []byte("from c")))
	if g := hear[*Gone](c); g.ID != IDOf(secretOf(1)) {
		t.Errorf("gone %s", g.ID)
	}
	a.send(AppendRelay(nil, IDOf(secretOf(2)), []byte("from a")))
	for {
		_, m, err := b.conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if from, payload, err := ParseRelay(m); err == nil {
			if from != IDOf(secretOf(1)) || string(payload) != "from a" {
				t.Errorf("%s: %q", from, payload)
			}
			return
		}
	}
}

func TestAnswersASenderProvokesDoNotEvictIt(t *testing.T) {
	inBubble(t, Config{Limits: Limits{QueueMessages: 16}}, func(t *testing.T, n *memNet, s *Server) {
		r := n.raw(t).join("swarm", 1)
		for range 100 { // an unread pipe holds nothing: all answers would have to queue
			r.send(AppendRelay(nil, MemberID{1}, []byte("x")))
		}
		go r.say(&Ping{Sent: time.UnixMicro(1)})
		hear[*Pong](r)
	})
}
