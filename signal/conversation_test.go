package signal

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWelcomeCarriesWhatTheOperatorSet(t *testing.T) {
	key := make(ed25519.PublicKey, ed25519.PublicKeySize)
	key[0] = 7
	other := slices.Clone(key)
	other[0] = 8
	cfg := Config{
		ICEServers:  []ICEServer{{URLs: []string{"stun:a:1", "turn:b:2"}, Username: "u", Credential: "c"}},
		SigningKey:  key,
		SigningKeys: map[string]ed25519.PublicKey{"special": other},
		Settings:    map[string]string{"max_peers": "12"},
		Limits:      Limits{BytesPerSecond: -1},
		Clock:       func() time.Time { return time.UnixMicro(1_700_000_000_000_123) },
	}
	_, url := startServer(t, cfg)
	c, r := joinClient(t, url, "swarm", 1)
	e, _ := r.wait(t, 0, "welcome", nil)
	want := Welcome{
		ID:         IDOf(secretOf(1)),
		ServerTime: time.UnixMicro(1_700_000_000_000_123).UTC(),
		SwarmSize:  1,
		ICEServers: cfg.ICEServers,
		SigningKey: key,
		Settings:   cfg.Settings,
		Limits: Announced{MessageBytes: DefaultMessageBytes, MessagesPerSecond: DefaultMessagesPerSecond,
			MessageBurst: DefaultMessageBurst, ByteBurst: DefaultByteBurst,
			PeersPerMessage: DefaultPeersPerMessage, PingInterval: 25 * time.Second},
	}
	if d := cmp.Diff(want, e.w); d != "" {
		t.Error(d)
	}
	if c.ID() != want.ID.String() || !c.Connected() || c.Err() != nil {
		t.Errorf("id %s connected %v err %v", c.ID(), c.Connected(), c.Err())
	}
	_, r2 := joinClient(t, url, "special", 2)
	if e, _ := r2.wait(t, 0, "welcome", nil); !e.w.SigningKey.Equal(other) {
		t.Errorf("signing key of the named swarm: %x", e.w.SigningKey)
	}
	var kinds []string
	for _, e := range r.all()[:3] {
		kinds = append(kinds, e.kind)
	}
	if d := cmp.Diff([]string{"welcome", "size", "up"}, kinds); d != "" {
		t.Error(d)
	}
}

func TestNewcomerIsIntroducedAndOffersAreRelayed(t *testing.T) {
	_, url := startServer(t, Config{})
	a, ra := joinClient(t, url, "swarm", 1)
	b, rb := joinClient(t, url, "swarm", 2)
	e, _ := rb.wait(t, 0, "peers", nil)
	if d := cmp.Diff([]string{a.ID()}, e.ids); d != "" {
		t.Fatal(d)
	}
	if err := b.Send(a.ID(), []byte("offer")); err != nil {
		t.Fatal(err)
	}
	e, _ = ra.wait(t, 0, "relay", nil)
	if e.id != b.ID() || e.data != "offer" {
		t.Fatalf("got %+v", e)
	}
	if err := a.Send(b.ID(), []byte("answer")); err != nil {
		t.Fatal(err)
	}
	e, _ = rb.wait(t, 0, "relay", nil)
	if e.id != a.ID() || e.data != "answer" {
		t.Fatalf("got %+v", e)
	}
	ra.wait(t, 0, "size", func(e event) bool { return e.n == 2 })
	if n := ra.count("peers"); n != 0 {
		t.Errorf("the one already there was told to initiate as well: %d times", n)
	}
	b.Close()
	if e, _ := ra.wait(t, 0, "gone", nil); e.id != b.ID() {
		t.Errorf("gone: %+v", e)
	}
	ra.wait(t, len(ra.all())-1, "size", func(e event) bool { return e.n == 1 })
}

func TestSendErrors(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{MessageBytes: 2048}})
	a, _ := joinClient(t, url, "swarm", 1)
	b, rb := joinClient(t, url, "swarm", 2)
	if err := a.Send("nonsense", nil); !errors.Is(err, ErrMemberID) {
		t.Errorf("bad id: %v", err)
	}
	if err := a.Send(b.ID(), make([]byte, 2048-RelayHeader+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one past the limit: %v", err)
	}
	most := strings.Repeat("x", 2048-RelayHeader)
	if err := a.Send(b.ID(), []byte(most)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if e, _ := rb.wait(t, 0, "relay", nil); e.data != most {
		t.Errorf("received %d bytes", len(e.data))
	}
	a.Close()
	if err := a.Send(b.ID(), nil); !errors.Is(err, ErrNotConnected) {
		t.Errorf("after Close: %v", err)
	}
}
