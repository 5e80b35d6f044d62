package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// containsAny says whether b holds one of the texts.
func containsAny(b []byte, texts ...string) bool {
	for _, text := range texts {
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

// auditBook keeps audit records.
type auditBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (a *auditBook) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.b.Write(b)
}

func (a *auditBook) records(t *testing.T) (all []map[string]any) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for d := json.NewDecoder(bytes.NewReader(a.b.Bytes())); d.More(); {
		var r map[string]any
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func (a *auditBook) wait(t *testing.T, event string) map[string]any {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, r := range a.records(t) {
			if r["event"] == event {
				return r
			}
		}
	}
	t.Fatalf("no record of %q in %v", event, a.records(t))
	return nil
}

func TestAuditLogTellsWhoDidWhat(t *testing.T) {
	book := new(auditBook)
	cfg := Config{Address: testAddress, AllowedOrigins: []string{"https://tv.example"}, Audit: slog.New(slog.NewJSONHandler(book, nil)),
		Admit: func(j *Join, _ netip.Addr) error {
			if j.Token == "bad" {
				return errors.New("the token has expired")
			}
			return nil
		}}
	s, url := startServer(t, cfg)
	handshakeStatus(t, url, http.Header{"Origin": {"https://evil.example"}, "X-Test-From": {"192.0.2.66"}})
	r := dialFrom(t, url, "192.0.2.1").join("the match", 1)
	bad := dialFrom(t, url, "192.0.2.2")
	bad.say(&Join{Version: Version, Swarm: "the match", Secret: secretOf(2), Token: "bad"})
	bad.refusedWith(CodeUnauthorized)
	r.conn.Close()
	book.wait(t, AuditLeft)
	s.Close()
	for _, want := range []map[string]any{
		{"event": AuditTurnedAway, "address": "192.0.2.66", "code": "origin"},
		{"event": AuditJoined, "address": "192.0.2.1", "member": IDOf(secretOf(1)).String(), "swarm": Blind("the match")},
		{"event": AuditRefused, "address": "192.0.2.2", "code": "unauthorized", "reason": "the token has expired"},
		{"event": AuditLeft, "address": "192.0.2.1", "member": IDOf(secretOf(1)).String()},
		{"event": AuditDrain},
	} {
		got := book.wait(t, want["event"].(string))
		for name, v := range want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", want["event"], name, got[name], v)
			}
		}
	}
	if bytes.Contains(book.b.Bytes(), []byte("the match")) {
		t.Error("the audit log names the swarm")
	}
}
