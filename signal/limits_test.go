package signal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessageSizeAtTheCapAndOnePast(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{MessageBytes: 500}})
	a := dialRaw(t, url).join("swarm", 1)
	a.send(AppendRelay(nil, MemberID{1}, make([]byte, 500-RelayHeader)))
	hear[*Gone](a) // accepted: it got an answer
	a.send(AppendRelay(nil, MemberID{1}, make([]byte, 500-RelayHeader+1)))
	a.refusedWith(CodeTooLarge)
}

func TestMembersPerSwarm(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{MembersPerSwarm: 2}})
	dialRaw(t, url).join("swarm", 1)
	dialRaw(t, url).join("swarm", 2)
	third := dialRaw(t, url)
	third.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(3)})
	third.refusedWith(CodeSwarmFull)
	dialRaw(t, url).join("another", 3)
	dialRaw(t, url).join("swarm", 2) // a second connection takes no second place
}

func TestSwarmsPerServer(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{Swarms: 2}})
	first := dialRaw(t, url).join("a", 1)
	dialRaw(t, url).join("b", 2)
	third := dialRaw(t, url)
	third.say(&Join{Version: Version, Swarm: "c", Secret: secretOf(3)})
	third.refusedWith(CodeServerFull)
	dialRaw(t, url).join("b", 3)
	first.say(&Join{Version: Version}) // out of turn: refused, and swarm a with its last member goes
	first.refusedWith(CodeMalformed)
	dialRaw(t, url).join("c", 4)
}

func TestConnectionCaps(t *testing.T) {
	// The test says where a connection comes from.
	from := func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-Test-From")) }
	dial := func(t *testing.T, url, addr string) *http.Response {
		c := ClientConfig{URL: url}
		c.Swarm = "s"
		c, err := c.populate()
		if err != nil {
			t.Fatal(err)
		}
		conn, resp, err := c.Dialer.Dial(c.URL, http.Header{"X-Test-From": {addr}})
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		return resp
	}
	for _, tc := range []struct {
		name   string
		limits Limits
		from   []string
		status []int
	}{
		{"per IPv4 address", Limits{ConnectionsPerAddress: 2},
			[]string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"}, []int{101, 101, 101, 429}},
		{"per IPv6 subscriber", Limits{ConnectionsPerAddress: 1},
			[]string{"2001:db8::1", "2001:db8:0:1::1", "2001:db8::2"}, []int{101, 101, 429}},
		{"switched off", Limits{ConnectionsPerAddress: -1},
			[]string{"127.0.0.1", "127.0.0.1", "127.0.0.1"}, []int{101, 101, 101}},
		{"per server", Limits{Connections: 2},
			[]string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, []int{101, 101, 503}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, url := startServer(t, Config{Limits: tc.limits, Address: from})
			for i, addr := range tc.from {
				resp := dial(t, url, addr)
				if resp.StatusCode != tc.status[i] {
					t.Errorf("connection %d from %s: status %d, want %d", i, addr, resp.StatusCode, tc.status[i])
				}
				if tc.status[i] != 101 && resp.Header.Get("Retry-After") == "" {
					t.Errorf("connection %d: no Retry-After", i)
				}
			}
		})
	}
}

func TestConnectionsAreCountedOut(t *testing.T) {
	inBubble(t, Config{Limits: Limits{ConnectionsPerAddress: 1}}, func(t *testing.T, n *memNet, s *Server) {
		for i := range 3 {
			r := n.raw(t).join("swarm", i)
			r.say(&Gone{})
			r.refusedWith(CodeMalformed)
			r.conn.Close()
			synctest.Wait()
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		connections := 0
		for _, at := range s.visitors.at {
			connections += at.connections
		}
		if connections != 0 || len(s.swarms) != 0 || len(s.connections) != 0 {
			t.Errorf("left behind: %d, %v, %v", connections, s.swarms, s.connections)
		}
	})
}

func TestJoinsPerMember(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{JoinsPerSecond: 1, JoinBurst: 3}})
	for range 3 {
		dialRaw(t, url).join("swarm", 1)
	}
	r := dialRaw(t, url)
	r.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(1)})
	r.refusedWith(CodeRate)
	dialRaw(t, url).join("swarm", 2)
}

func TestJoinGateForgetsOnlyFullBuckets(t *testing.T) {
	g := joinGate{perSecond: 1, burst: 2}
	now := time.Unix(1000, 0)
	busy := MemberID{0xff}
	for i := range 50 * joinGateMin {
		now = now.Add(time.Millisecond)
		var id MemberID
		id[0], id[1], id[2] = byte(i), byte(i>>8), byte(i>>16)
		if !g.allow(id, now) {
			t.Fatalf("member %d refused at its first join", i)
		}
		if i%500 == 0 { // twice a second: more than allowed
			g.allow(busy, now)
		}
	}
	g.allow(busy, now)
	if g.allow(busy, now) {
		t.Error("a busy member's bucket was forgotten")
	}
	// buckets are full after a second, so about 1000 of the 51200 are needed
	if n := len(g.buckets); n > 4*joinGateMin {
		t.Errorf("%d buckets kept", n)
	}
}

func TestMessageRateAtTheCapAndOnePast(t *testing.T) {
	// A rate of 1/s refills nothing during the test: 10 messages pass, Join included.
	_, url := startServer(t, Config{Limits: Limits{MessagesPerSecond: 1, MessageBurst: 10}})
	r := dialRaw(t, url).join("swarm", 1)
	for range 9 {
		r.say(&Ping{Sent: time.UnixMicro(1)})
		hear[*Pong](r)
	}
	r.say(&Ping{})
	r.say(&Ping{})
	r.refusedWith(CodeRate)
}

func TestByteRateAtTheCapAndOnePast(t *testing.T) {
	join := Append(nil, &Join{Version: Version, Swarm: "swarm", Secret: secretOf(1), MaxLinks: 100})
	_, url := startServer(t, Config{Limits: Limits{BytesPerSecond: 1, ByteBurst: len(join) + 1000}})
	r := dialRaw(t, url).join("swarm", 1)
	r.send(AppendRelay(nil, MemberID{1}, make([]byte, 1000-RelayHeader)))
	hear[*Gone](r)
	r.send(AppendRelay(nil, MemberID{1}, make([]byte, 100)))
	r.refusedWith(CodeRate)
}

func TestOrigins(t *testing.T) {
	list := []string{"https://tv.example", "https://*.shoal.example", "http://localhost:8080"}
	for _, tc := range []struct {
		list   []string
		origin string
		want   bool
	}{
		{nil, "https://anything.example", true},
		{list, "", true},
		{list, "https://tv.example", true},
		{list, "https://TV.example", true},
		{list, "http://tv.example", false},
		{list, "https://tv.example:8443", false},
		{list, "https://tv.example.evil.example", false},
		{list, "https://eviltv.example", false},
		{list, "https://a.shoal.example", true},
		{list, "https://a.b.shoal.example", true},
		{list, "https://shoal.example", false},
		{list, "https://evilshoal.example", false},
		{list, "http://a.shoal.example", false},
		{list, "http://localhost:8080", true},
		{list, "null", false},
	} {
		if got := originAllowed(tc.list, tc.origin); got != tc.want {
			t.Errorf("%q: %v, want %v", tc.origin, got, tc.want)
		}
	}
	_, url := startServer(t, Config{AllowedOrigins: list})
	if resp := handshakeStatus(t, url, http.Header{"Origin": {"https://evil.example"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", resp.StatusCode)
	}
	joinClient(t, url, "swarm", 1) // programs send no Origin
}

func TestPlainRequestIsToldToUpgrade(t *testing.T) {
	_, url := startServer(t, Config{})
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestAdmit(t *testing.T) {
	home := netip.MustParseAddr("192.0.2.1")
	cfg := Config{
		Address: func(*http.Request) netip.Addr { return home },
		Admit: func(j *Join, from netip.Addr) error {
			if from != home || j.Swarm != Blind("s") || j.Token != "let s in" {
				return errors.New("wrong token")
			}
			return nil
		}}
	inBubble(t, cfg, func(t *testing.T, n *memNet, s *Server) {
		good, _ := n.client(t, ClientConfig{Swarm: "s", Token: "let s in"})
		bad, rb := n.client(t, ClientConfig{Swarm: "s", Token: "let me in"})
		synctest.Wait()
		if !good.Connected() {
			t.Errorf("the client with the token: %v", good.Err())
		}
		var no *Refused
		if err := bad.Err(); !errors.As(err, &no) || no.Code != CodeUnauthorized || no.Reason != "wrong token" {
			t.Errorf("refused with %v", err)
		}
		if n := rb.count("up"); n != 0 {
			t.Errorf("the client without admission connected %d times", n)
		}
	})
}

func TestValidate(t *testing.T) {
	many := map[string]string{}
	for i := range MaxSettings + 1 {
		many[fmt.Sprint(i)] = ""
	}
	ice := ICEServer{URLs: []string{"stun:a"}}
	for _, tc := range []struct {
		name string
		cfg  Config
		want string // "" is valid
	}{
		{"zero", Config{}, ""},
		{"key", Config{SigningKey: make(ed25519.PublicKey, 31)}, "31 bytes"},
		{"named key", Config{SigningKeys: map[string]ed25519.PublicKey{"s": nil}}, `swarm "s"`},
		{"most ICE servers", Config{ICEServers: repeat(ice, MaxICEServers)}, ""},
		{"one ICE server more", Config{ICEServers: repeat(ice, MaxICEServers+1)}, "17 ICE servers"},
		{"no URL", Config{ICEServers: []ICEServer{{}}}, "ICE server 0"},
		{"most URLs", Config{ICEServers: []ICEServer{{URLs: repeat("stun:a", MaxICEURLs)}}}, ""},
		{"one URL more", Config{ICEServers: []ICEServer{{URLs: repeat("stun:a", MaxICEURLs+1)}}}, "9 URLs"},
		{"longest URL", Config{ICEServers: []ICEServer{{URLs: []string{strings.Repeat("a", MaxICEText)}}}}, ""},
		{"longer URL", Config{ICEServers: []ICEServer{{URLs: []string{strings.Repeat("a", MaxICEText+1)}}}}, "513 bytes"},
		{"settings", Config{Settings: many}, "33 settings"},
		{"setting text", Config{Settings: map[string]string{"a": strings.Repeat("a", MaxSettingText+1)}}, "longer than"},
		{"origin", Config{AllowedOrigins: []string{"tv.example"}}, "scheme://host"},
		{"origin with path", Config{AllowedOrigins: []string{"https://tv.example/a"}}, "scheme://host"},
		{"ping interval", Config{PingInterval: -1}, "negative"},
		{"drain", Config{DrainAfter: 25 * time.Hour}, "exceed"},
	} {
		err := tc.cfg.Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func repeat[T any](v T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestClientConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg  ClientConfig
		want string // the dialled URL, or part of the error
	}{
		{ClientConfig{URL: "http://a.example/signal?x=1#frag", Swarm: "s"}, "ws://a.example/signal?x=1"},
		{ClientConfig{URL: "https://a.example", Swarm: "s"}, "wss://a.example"},
		{ClientConfig{URL: "ws://a.example:1", Swarm: "s"}, "ws://a.example:1"},
		{ClientConfig{URL: "wss://a.example", Swarm: strings.Repeat("s", MaxSwarmName)}, "wss://a.example"},
		{ClientConfig{URL: "wss://a.example", Swarm: strings.Repeat("s", MaxSwarmName+1)}, "257 bytes"},
		{ClientConfig{URL: "wss://a.example"}, "0 bytes"},
		{ClientConfig{URL: "ftp://a.example", Swarm: "s"}, "want ws"},
		{ClientConfig{URL: "ws:///path", Swarm: "s"}, "no host"},
		{ClientConfig{URL: "ws://a\x7f", Swarm: "s"}, "server address"},
		{ClientConfig{URL: "ws://a", Swarm: "s", Token: strings.Repeat("t", MaxToken+1)}, "token of 4097"},
		{ClientConfig{URL: "ws://a", Swarm: "s", Uplink: -1}, "negative"},
	} {
		got, err := tc.cfg.populate()
		if err == nil && got.URL != tc.want || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %q, %v", tc.cfg, got.URL, err)
		}
		if err == nil && got.Secret == [SecretSize]byte{} {
			t.Errorf("%q: no secret was made", tc.want)
		}
	}
}
