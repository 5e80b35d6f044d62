package tracker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

func start(t *testing.T, cfg Config) (*Tracker, string) {
	t.Helper()
	tr := New(cfg)
	s := httptest.NewServer(tr)
	t.Cleanup(func() { tr.Close(); s.Close() })
	return tr, "ws" + strings.TrimPrefix(s.URL, "http")
}

// raw speaks the protocol by hand.
type raw struct {
	t    *testing.T
	conn *websocket.Conn
	id   hash
}

func dial(t *testing.T, url string, n byte) *raw { return dialFrom(t, url, n, "192.0.2.1") }

func dialFrom(t *testing.T, url string, n byte, from string) *raw {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(url, http.Header{"X-Test-From": {from}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(patience))
	return &raw{t, conn, hash{0: 0xff, 1: '"', 19: n}}
}

// fromHeader is a Config.Address for tests that say where a client is.
func fromHeader(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-Test-From")) }

type fields map[string]any

func (r *raw) say(f fields) {
	r.t.Helper()
	r.conn.WriteMessage(websocket.TextMessage, encode(f))
}

func (r *raw) announce(h hash, more fields) {
	r.t.Helper()
	f := fields{"action": "announce", "info_hash": h, "peer_id": r.id, "left": 1}
	for k, v := range more {
		f[k] = v
	}
	r.say(f)
}

func (r *raw) hear() fields {
	r.t.Helper()
	_, b, err := r.conn.ReadMessage()
	if err != nil {
		r.t.Fatal(err)
	}
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		r.t.Fatalf("%q: %v", b, err)
	}
	return f
}

// want reads one message and checks some of its fields.
func (r *raw) want(want fields) fields {
	r.t.Helper()
	got := r.hear()
	for k, v := range want {
		if fmt.Sprint(got[k]) != fmt.Sprint(v) {
			r.t.Errorf("%s is %v, want %v (in %v)", k, got[k], v, got)
		}
	}
	return got
}

var stream = hash{0x80, 0, '<', 0xc3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}

func TestOffersAndAnswersFindTheirWay(t *testing.T) {
	_, url := start(t, Config{})
	a, b := dial(t, url, 1), dial(t, url, 2)
	a.announce(stream, fields{"event": "started", "offers": []fields{{"offer": fields{"sdp": "lost"}, "offer_id": "x"}}})
	a.want(fields{"action": "announce", "complete": 0, "incomplete": 1, "interval": 120, "info_hash": stream.text()})
	b.announce(stream, fields{"event": "started", "left": 0, "offers": []fields{
		{"offer": fields{"type": "offer", "sdp": "v=0 \u0100"}, "offer_id": "one"},
		{"offer": fields{"type": "offer", "sdp": "v=0"}, "offer_id": "two"}}})
	b.want(fields{"complete": 1, "incomplete": 1})
	got := a.want(fields{"action": "announce", "peer_id": b.id.text(), "info_hash": stream.text()})
	if sdp := got["offer"].(map[string]any)["sdp"]; sdp != "v=0 \u0100" || got["offer_id"] != "one" {
		t.Errorf("the offer came as %v", got)
	}
	a.announce(stream, fields{"answer": fields{"type": "answer", "sdp": "w"}, "offer_id": "one", "to_peer_id": b.id})
	got = b.want(fields{"action": "announce", "peer_id": a.id.text(), "offer_id": "one"})
	if got["answer"].(map[string]any)["sdp"] != "w" {
		t.Errorf("the answer came as %v", got)
	}
	if _, ok := got["offer"]; ok {
		t.Errorf("an answer with an offer: %v", got)
	}
}

func TestEventsMoveTheCounts(t *testing.T) {
	tr, url := start(t, Config{})
	a, b := dial(t, url, 1), dial(t, url, 2)
	a.announce(stream, fields{"event": "started"})
	a.want(fields{"complete": 0, "incomplete": 1})
	b.announce(stream, fields{"left": nil}) // Infinity as JSON
	b.want(fields{"complete": 0, "incomplete": 2})
	a.announce(stream, fields{"event": "completed", "left": 0})
	a.want(fields{"complete": 1, "incomplete": 1})
	a.announce(stream, fields{"event": "paused"})
	a.want(fields{"complete": 1, "incomplete": 1})
	b.announce(stream, fields{"event": "stopped"})
	b.want(fields{"complete": 1, "incomplete": 0})
	other := hash{1}
	b.say(fields{"action": "scrape", "info_hash": []hash{stream, other}})
	files := b.want(fields{"action": "scrape"})["files"].(map[string]any)
	if got := fmt.Sprint(files[stream.text()], files[other.text()]); got != "map[complete:1 downloaded:1 incomplete:0] map[complete:0 downloaded:0 incomplete:0]" {
		t.Errorf("scraped %s", got)
	}
	b.say(fields{"action": "scrape", "info_hash": stream})
	if n := len(b.hear()["files"].(map[string]any)); n != 1 {
		t.Errorf("%d files", n)
	}
	if s := tr.Stats(); s.Torrents != 1 || s.PeersAll != 1 || s.PeersSeederOnly != 1 {
		t.Errorf("stats: %+v", s)
	}
	a.conn.Close() // without a word: it leaves its swarms
	for deadline := time.Now().Add(patience); tr.Stats().Torrents > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the swarm outlives its last peer")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestNumberOfOffersIsBounded(t *testing.T) {
	_, url := start(t, Config{Limits: Limits{Offers: 2}})
	var others []*raw
	for i := range 4 {
		r := dial(t, url, byte(i))
		r.announce(stream, nil)
		r.hear()
		others = append(others, r)
	}
	a := dial(t, url, 9)
	var offers []fields
	for i := range 4 {
		offers = append(offers, fields{"offer": fields{"sdp": "s"}, "offer_id": i})
	}
	a.announce(stream, fields{"offers": offers})
	a.hear()
	a.announce(stream, fields{"event": "stopped"}) // nothing overtakes the offers
	a.hear()
	seen := 0
	for _, r := range others {
		r.announce(stream, nil)
		for {
			if got := r.hear(); got["offer"] == nil {
				break // the answer to its announce
			}
			seen++
		}
	}
	if seen != 2 {
		t.Errorf("%d offers passed on", seen)
	}
}

func TestBadRequestsAreAnsweredAndTheConnectionGoesOn(t *testing.T) {
	_, url := start(t, Config{})
	a := dial(t, url, 1)
	for _, tc := range []struct{ name, send, reason string }{
		{"not JSON", `hello`, "not a request"},
		{"nothing", ``, "not a request"},
		{"an array", `[]`, "not a request"},
		{"deep nesting", strings.Repeat("[", 20_000), "not a request"},
		{"no action", `{}`, "invalid action"},
		{"unknown action", `{"action":"dance"}`, "invalid action"},
		{"short info hash", `{"action":"announce","info_hash":"x","peer_id":"12345678901234567890"}`, "20 characters"},
		{"long info hash", `{"action":"announce","info_hash":"123456789012345678901","peer_id":"12345678901234567890"}`, "20 characters"},
		{"wide info hash", `{"action":"announce","info_hash":"1234567890123456789\u0100","peer_id":"12345678901234567890"}`, "20 characters"},
		{"no peer id", `{"action":"announce","info_hash":"12345678901234567890"}`, "invalid peer_id"},
		{"two info hashes", `{"action":"announce","info_hash":["12345678901234567890","12345678901234567890"],"peer_id":"12345678901234567890"}`, "invalid info_hash"},
		{"answer to nobody", `{"action":"announce","info_hash":"12345678901234567890","peer_id":"12345678901234567890","answer":{}}`, "to_peer_id"},
		{"unknown event", `{"action":"announce","info_hash":"12345678901234567890","peer_id":"12345678901234567890","event":"x"}`, "invalid event"},
		{"offers that are none", `{"action":"announce","info_hash":"12345678901234567890","peer_id":"12345678901234567890","offers":7}`, "not a request"},
		{"scrape of all", `{"action":"scrape"}`, "invalid info_hash"},
		{"bytes that are no text", "{\"action\":\"announce\",\"offer_id\":\"\xff\"}", "not UTF-8"},
	} {
		a.conn.WriteMessage(websocket.TextMessage, []byte(tc.send))
		if got := fmt.Sprint(a.hear()["failure reason"]); !strings.Contains(got, tc.reason) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.reason)
		}
	}
	a.announce(stream, nil)
	a.want(fields{"incomplete": 1})
}

func TestNobodyTakesAnothersPlace(t *testing.T) {
	tr, url := start(t, Config{Address: fromHeader})
	a := dial(t, url, 1)
	a.announce(stream, nil)
	a.hear()
	thief := dialFrom(t, url, 1, "192.0.2.66") // the same peer_id
	thief.announce(stream, nil)
	thief.want(fields{"failure reason": "this peer_id is in use"})
	thief.id[19] = 7
	thief.announce(stream, nil)
	thief.want(fields{"incomplete": 2})
	thief.id = a.id // an answer in a's name
	thief.announce(stream, fields{"answer": fields{}, "offer_id": "x", "to_peer_id": a.id})
	thief.want(fields{"failure reason": "this peer_id is in use"})
	// The same client comes back while its old connection is dying.
	again := dial(t, url, 1)
	again.announce(stream, nil)
	again.want(fields{"incomplete": 2})
	if n := tr.Stats().PeersAll; n != 2 {
		t.Errorf("%d peers", n)
	}
}

func TestAnswersStayInTheirSwarm(t *testing.T) {
	_, url := start(t, Config{})
	a, b := dial(t, url, 1), dial(t, url, 2)
	a.announce(stream, nil)
	a.hear()
	b.announce(hash{2}, nil)
	b.hear()
	b.announce(hash{2}, fields{"answer": fields{}, "offer_id": "x", "to_peer_id": a.id})
	b.announce(hash{2}, nil)
	b.hear()
	a.announce(stream, nil)
	if got := a.hear(); got["answer"] != nil {
		t.Errorf("an answer crossed: %v", got)
	}
}

func TestCapsAtTheCapAndOnePast(t *testing.T) {
	refused := func(r *raw, code int) {
		t.Helper()
		for {
			if _, _, err := r.conn.ReadMessage(); err != nil {
				if !websocket.IsCloseError(err, code) {
					t.Errorf("ended with %v, want %d", err, code)
				}
				return
			}
		}
	}
	t.Run("swarms per connection", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{SwarmsPerConnection: 2}})
		a := dial(t, url, 1)
		for i := range 2 {
			a.announce(hash{byte(i)}, nil)
			a.want(fields{"incomplete": 1})
		}
		a.announce(hash{2}, nil)
		a.want(fields{"failure reason": "too many swarms on one connection"})
	})
	t.Run("swarms", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{Swarms: 1}})
		a := dial(t, url, 1)
		a.announce(hash{0}, nil)
		a.want(fields{"incomplete": 1})
		a.announce(hash{1}, nil)
		a.want(fields{"failure reason": "too many swarms on this tracker"})
	})
	t.Run("peers per swarm", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{PeersPerSwarm: 1}})
		a, b := dial(t, url, 1), dial(t, url, 2)
		a.announce(stream, nil)
		a.want(fields{"incomplete": 1})
		b.announce(stream, nil)
		b.want(fields{"failure reason": "too many peers in this swarm"})
	})
	t.Run("scrapes", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{Scrapes: 1}})
		a := dial(t, url, 1)
		a.say(fields{"action": "scrape", "info_hash": []hash{{1}}})
		a.want(fields{"action": "scrape", "failure reason": nil})
		a.say(fields{"action": "scrape", "info_hash": []hash{{1}, {2}}})
		a.want(fields{"failure reason": "too many info hashes"})
	})
	t.Run("message bytes", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{MessageBytes: 100}})
		a := dial(t, url, 1)
		a.conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 100)))
		a.hear()
		a.conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 101)))
		refused(a, websocket.CloseMessageTooBig)
	})
	t.Run("messages", func(t *testing.T) {
		_, url := start(t, Config{Limits: Limits{MessagesPerSecond: 1, MessageBurst: 3}})
		a := dial(t, url, 1)
		for range 3 {
			a.announce(stream, nil)
			a.want(fields{"incomplete": 1})
		}
		a.announce(stream, nil)
		a.announce(stream, nil)
		refused(a, websocket.ClosePolicyViolation)
	})
	t.Run("connections", func(t *testing.T) {
		_, url := start(t, Config{Address: fromHeader, Limits: Limits{Connections: 2, ConnectionsPerAddress: 1}})
		dialFrom(t, url, 1, "192.0.2.1")
		for _, tc := range []struct {
			from   string
			status int
		}{{"192.0.2.1", 429}, {"192.0.2.2", 101}, {"192.0.2.3", 503}} {
			conn, resp, _ := websocket.DefaultDialer.Dial(url, http.Header{"X-Test-From": {tc.from}})
			if resp.StatusCode != tc.status || tc.status != 101 && resp.Header.Get("Retry-After") == "" {
				t.Errorf("from %s: %s, %v", tc.from, resp.Status, resp.Header)
			}
			if conn != nil {
				defer conn.Close()
			}
		}
	})
}

func TestClientThatDoesNotReadIsDroppedAndOthersGoOn(t *testing.T) {
	tr, url := start(t, Config{Limits: Limits{QueueBytes: 200_000, MessagesPerSecond: 1e6, MessageBurst: 1e6, BytesPerSecond: 1e9, ByteBurst: 1e9}})
	wall, a, b := dial(t, url, 1), dial(t, url, 2), dial(t, url, 3)
	wall.announce(stream, nil)
	big := strings.Repeat("x", 50_000)
	b.announce(hash{7}, nil)
	b.hear()
	flood := encode(fields{"action": "announce", "info_hash": stream, "peer_id": a.id, "offers": []fields{{"offer": big, "offer_id": "x"}}})
	flooded := make(chan struct{})
	go func() { // towards the wall
		defer close(flooded)
		for a.conn.WriteMessage(websocket.TextMessage, flood) == nil {
		}
	}()
	defer func() { a.conn.Close(); <-flooded }()
	for deadline := time.Now().Add(patience); ; {
		a.hear()
		tr.mu.Lock()
		gone := len(tr.swarms[stream].order) == 1
		tr.mu.Unlock()
		if gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the wall is still there")
		}
	}
	b.announce(hash{7}, nil)
	b.want(fields{"incomplete": 1})
}

func TestOriginAndPlainRequests(t *testing.T) {
	tr := New(Config{Allowed: func(r *http.Request) bool { return r.Header.Get("Origin") != "https://evil.example" }})
	defer tr.Close()
	for _, tc := range []struct {
		origin string
		want   int
	}{{"https://evil.example", http.StatusForbidden}, {"https://tv.example", http.StatusUpgradeRequired}} {
		r := httptest.NewRequest("GET", "/announce", nil)
		r.Header.Set("Origin", tc.origin)
		w := httptest.NewRecorder()
		tr.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: status %d, want %d", tc.origin, w.Code, tc.want)
		}
	}
}

func TestStatsPage(t *testing.T) {
	tr, _ := start(t, Config{})
	for path, kind := range map[string]string{"/stats": "text/html; charset=utf-8", "/stats.json": "application/json"} {
		w := httptest.NewRecorder()
		tr.ServeStats(w, httptest.NewRequest("GET", path, nil))
		if w.Header().Get("Content-Type") != kind || !strings.Contains(w.Body.String(), "torrents") {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
}

func TestShutdownTellsClients(t *testing.T) {
	tr, url := start(t, Config{})
	a := dial(t, url, 1)
	a.announce(stream, nil)
	a.hear()
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := a.conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("ended with %v", err)
	}
	if _, _, err := websocket.DefaultDialer.Dial(url, nil); err == nil {
		t.Error("a stopped tracker takes connections")
	}
}

func TestDrawIsFairAndNeverTwice(t *testing.T) {
	s := &swarm{peers: make(map[hash]*peer)}
	var all []*peer
	for i := range 10 {
		p := &peer{id: hash{byte(i)}}
		s.add(p)
		all = append(all, p)
	}
	drawn := make(map[*peer]int)
	for range 5000 {
		once := make(map[*peer]bool)
		for _, p := range s.draw(3, all[0]) {
			if once[p] || p == all[0] {
				t.Fatal("drawn twice, or itself")
			}
			once[p] = true
			drawn[p]++
		}
		if len(once) != 3 {
			t.Fatalf("%d drawn", len(once))
		}
	}
	for _, p := range all[1:] { // 5000 × 3 / 9 = 1667 each, σ = 33
		if n := drawn[p]; n < 1400 || n > 1900 {
			t.Errorf("drawn %d times", n)
		}
	}
	for i, p := range s.order {
		if p.at != i {
			t.Fatal("the order has lost its places")
		}
	}
}

// FuzzParse checks that no message makes the parser panic, and that what it takes
// can be passed on as valid JSON.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"action":"announce","info_hash":"12345678901234567890","peer_id":"ÿ2345678901234567890","offers":[{"offer":{"sdp":"x"},"offer_id":"y"}],"left":0}`))
	f.Add([]byte(`{"action":"scrape","info_hash":["12345678901234567890"]}`))
	f.Add([]byte(`{"action":"announce","info_hash":"12345678901234567890","peer_id":"12345678901234567890","to_peer_id":"12345678901234567890","answer":{"type":"answer"},"offer_id":null,"event":"stopped"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parse(b)
		if err != nil {
			return
		}
		for _, h := range q.InfoHash {
			var back hash
			if err := json.Unmarshal(encode(h), &back); err != nil || back != h {
				t.Fatalf("%x became %x, %v", h, back, err)
			}
		}
		q.complete()
		for _, o := range q.Offers {
			if !json.Valid(encode(&passed{Offer: o.Offer, OfferID: o.ID})) {
				t.Fatalf("passed on %q", o.Offer)
			}
		}
		if !json.Valid(encode(&passed{Answer: q.Answer, OfferID: q.OfferID})) {
			t.Fatalf("passed on %q", q.Answer)
		}
	})
}
