package admin

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/signal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// nobody is a ClientHandler that says when it is welcome.
type nobody struct{ up chan struct{} }

func (nobody) Welcome(signal.Welcome) {}
func (nobody) Peers([]string)         {}
func (nobody) Relay(string, []byte)   {}
func (nobody) Gone(string)            {}
func (nobody) Size(int)               {}
func (n nobody) Connected(up bool) {
	if up {
		close(n.up)
	}
}

// lab is a server with an admin address and two members that report a link.
type lab struct {
	server *signal.Server
	admin  string
	ids    []string
	close  []func()
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{server: signal.NewServer(signal.Config{ReportInterval: 40 * time.Millisecond, Names: []string{"the match"}})}
	ws := httptest.NewServer(l.server)
	web := httptest.NewServer(Handler(l.server))
	l.admin = web.URL
	t.Cleanup(func() { l.server.Close(); ws.Close(); web.CloseClientConnections(); web.Close() })
	secrets := [][signal.SecretSize]byte{{1}, {2}}
	for i, secret := range secrets {
		other := signal.IDOf(secrets[1-i])
		up := nobody{make(chan struct{})}
		c, err := signal.NewClient(signal.ClientConfig{URL: ws.URL, Swarm: "the match", Secret: secret, Seed: i == 0,
			Place: signal.PlaceAt(48.21, 16.37), Report: func() signal.Report {
				return signal.Report{Origin: 100, FromPeers: 300, Sent: 300, Buffer: time.Second,
					Flows: []signal.Flow{{Peer: other, RTT: 20 * time.Millisecond, In: 1000, Out: 500}}}
			}}, up)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		l.close = append(l.close, func() { c.Close() })
		l.ids = append(l.ids, c.ID())
		select {
		case <-up.up:
		case <-time.After(patience):
			t.Fatal("no welcome")
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if s, _ := l.server.Swarm("the match"); s.Summary.Reporting == 2 {
			return l
		}
		if time.Now().After(end) {
			t.Fatal("no reports")
		}
	}
}

func (l *lab) get(t *testing.T, path string, into any) int {
	t.Helper()
	resp, err := http.Get(l.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v in %s", path, err, b)
		}
	}
	return resp.StatusCode
}

func TestSwarmsAsJSON(t *testing.T) {
	l := newLab(t)
	var list struct{ Swarms []signal.SwarmSummary }
	l.get(t, "/api/swarms", &list)
	if len(list.Swarms) != 1 {
		t.Fatalf("%d swarms", len(list.Swarms))
	}
	s := list.Swarms[0]
	if s.Name != "the match" || s.Swarm != signal.Blind("the match") || s.Members != 2 || s.Here != 2 || s.Seeds != 1 ||
		s.OriginBytes != 200 || s.PeerBytes != 600 || s.Offload != 0.75 {
		t.Errorf("summary %+v", s)
	}
	for _, path := range []string{"/api/swarms/" + s.Swarm, "/api/swarms/the%20match"} {
		var state signal.SwarmState
		if code := l.get(t, path, &state); code != http.StatusOK {
			t.Fatalf("%s: %d", path, code)
		}
		if len(state.Peers) != 2 || len(state.Links) != 1 {
			t.Fatalf("%s: %d peers, %d links", path, len(state.Peers), len(state.Links))
		}
		p, link := state.Peers[0], state.Links[0]
		if p.Place == nil || *p.Place != [2]float64{48.21, 16.37} || p.Report == nil || p.Report.PeerBytes != 300 ||
			p.Report.BufferMS != 1000 || p.Coordinate == nil {
			t.Errorf("peer %+v", p)
		}
		if link.A >= link.B || link.AB != 1000 || link.BA != 1000 || link.RTT != 20 || link.Elsewhere {
			t.Errorf("link %+v", link)
		}
	}
	if code := l.get(t, "/api/swarms/nothing", nil); code != http.StatusNotFound {
		t.Errorf("a swarm that is not there: %d", code)
	}
}

// events reads server-sent events.
type events struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Reader
}

func (l *lab) events(t *testing.T, path string) *events {
	t.Helper()
	resp, err := http.Get(l.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q, status %s", got, resp.Status)
	}
	return &events{t, resp.Body, bufio.NewReader(resp.Body)}
}

func (e *events) next(into any) (name string) {
	e.t.Helper()
	for {
		line, err := e.in.ReadString('\n')
		if err != nil {
			e.t.Fatal(err)
		}
		if event, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(event)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(data), into); err != nil {
				e.t.Fatal(err)
			}
			return name
		}
	}
}

func TestEventsTellWhatChanges(t *testing.T) {
	l := newLab(t)
	e := l.events(t, "/api/swarms/the%20match/events")
	var state signal.SwarmState
	if name := e.next(&state); name != "state" || len(state.Peers) != 2 {
		t.Fatalf("%s with %d peers", name, len(state.Peers))
	}
	l.close[1]()
	for gone := false; !gone; {
		var c change
		if name := e.next(&c); name != "change" {
			t.Fatalf("event %q", name)
		}
		for _, id := range c.Gone {
			gone = gone || id == l.ids[1]
		}
	}
	l.close[0]()
	for {
		var c change
		if e.next(&c) == "end" {
			break
		}
	}
	var list struct{ Swarms []signal.SwarmSummary }
	if name := l.events(t, "/api/events").next(&list); name != "swarms" || len(list.Swarms) != 0 {
		t.Errorf("%s: %+v", name, list)
	}
}

func TestStreamsAtTheCapAndOnePast(t *testing.T) {
	l := newLab(t)
	for range MaxStreams {
		var list struct{ Swarms []signal.SwarmSummary }
		l.events(t, "/api/events").next(&list)
	}
	if code := l.get(t, "/api/events", nil); code != http.StatusServiceUnavailable {
		t.Errorf("one past the cap: %d", code)
	}
}

func TestOnlyChangesAreSent(t *testing.T) {
	at := time.Unix(1000, 0)
	peer := func(id string, links int) signal.PeerState {
		return signal.PeerState{ID: id, Links: links, Place: &[2]float64{1, 2}}
	}
	v := newView(signal.SwarmState{Peers: []signal.PeerState{peer("a", 1), peer("b", 1)},
		Links: []signal.LinkState{{A: "a", B: "b", AB: 1}}, History: []signal.PointState{{At: at}}})
	same := v.change(signal.SwarmState{Peers: []signal.PeerState{peer("a", 1), peer("b", 1)},
		Links: []signal.LinkState{{A: "a", B: "b", AB: 1}}, History: []signal.PointState{{At: at}}})
	if same.Peers != nil || same.Links != nil || same.Gone != nil || same.Unlinked != nil || same.History != nil {
		t.Errorf("nothing changed: %+v", same)
	}
	next := v.change(signal.SwarmState{Peers: []signal.PeerState{peer("a", 2), peer("c", 0)},
		Links: []signal.LinkState{{A: "a", B: "c"}}, History: []signal.PointState{{At: at}, {At: at.Add(time.Second)}}})
	if len(next.Peers) != 2 || len(next.Gone) != 1 || len(next.Links) != 1 || len(next.Unlinked) != 1 || len(next.History) != 1 {
		t.Errorf("changes: %+v", next)
	}
}

func TestReady(t *testing.T) {
	s := signal.NewServer(signal.Config{})
	h := Handler(s)
	ask := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code
	}
	if got := ask(); got != http.StatusOK {
		t.Errorf("running: %d", got)
	}
	s.Close()
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", got)
	}
}

func TestAdminNeedsItsToken(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})
	for _, tt := range []struct {
		name, token, host string
		auth              func(*http.Request)
		want              int
	}{
		{"bearer", "secret", "admin.example", func(r *http.Request) { r.Header.Set("Authorization", "Bearer secret") }, 200},
		{"basic", "secret", "admin.example", func(r *http.Request) { r.SetBasicAuth("anybody", "secret") }, 200},
		{"wrong", "secret", "admin.example", func(r *http.Request) { r.SetBasicAuth("secret", "x") }, 401},
		{"empty", "secret", "127.0.0.1", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401},
		{"none", "secret", "127.0.0.1", nil, 401},
		{"no token, loopback", "", "127.0.0.1:9090", nil, 200},
		{"no token, IPv6", "", "[::1]:9090", nil, 200},
		{"no token, localhost", "", "localhost:9090", nil, 200},
		{"no token, rebound name", "", "evil.example:9090", nil, 403},
	} {
		refused := 0
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = tt.host
		if tt.auth != nil {
			tt.auth(r)
		}
		w := httptest.NewRecorder()
		Guard(tt.token, ok, func(*http.Request) { refused++ }).ServeHTTP(w, r)
		if w.Code != tt.want || (refused == 1) != (tt.want != 200) {
			t.Errorf("%s: %d, want %d; refused %d times", tt.name, w.Code, tt.want, refused)
		}
	}
}
