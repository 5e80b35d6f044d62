package signal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// samples are messages with every field set, and bare ones.
func samples() []Message {
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	a, b := MemberID{1, 2, 3, 4, 5, 6, 7, 8}, MemberID{0xff, 0, 0xff}
	return []Message{
		&Join{Version: 1, Swarm: "https://tv.example/live.mpd", Secret: secretOf(1), Links: 3, MaxLinks: 10,
			Seed: true, Token: "eyJ…", Uplink: 20_000_000, Except: []MemberID{a, b},
			Place: PlaceAt(48.21, -16.37), Position: 83 * time.Minute},
		&Join{Version: 1, Swarm: "s", Secret: secretOf(2)},
		&Want{Count: 4, Except: []MemberID{a}},
		&Status{Links: 5, MaxLinks: 10, Want: 2, Except: []MemberID{b}},
		&Status{Links: 2, MaxLinks: 10, Place: PlaceAt(-33.87, 151.21), Position: 90 * time.Second,
			Report: &Report{Origin: 1 << 40, FromPeers: 70_000, Sent: 5, Stalls: 1, Buffer: 4 * time.Second,
				Flows: []Flow{{Peer: a, RTT: 12300 * time.Microsecond, In: 250_000}, {Peer: b, Out: 1 << 31}}}},
		&Status{Report: &Report{}},
		&Status{},
		&Ping{Sent: at},
		&Welcome{ID: a, ServerTime: at, SwarmSize: 70_000, Confined: true,
			ICEServers: []ICEServer{{URLs: []string{"stun:a.example:3478"}},
				{URLs: []string{"turn:b.example", "turns:b.example"}, Username: "u", Credential: "c"}},
			SigningKey: bytes.Repeat([]byte{7}, 32),
			Settings:   map[string]string{"max_peers": "12", "audio": "off"},
			Limits: Announced{MessageBytes: 65536, MessagesPerSecond: 100, MessageBurst: 500, BytesPerSecond: 262144,
				ByteBurst: 2097152, PeersPerMessage: 16, PingInterval: 25 * time.Second, ReportInterval: 10 * time.Second}},
		&Peers{IDs: []MemberID{a, b}},
		&Size{Members: 12},
		&Gone{ID: b},
		&Pong{Sent: at, Received: at.Add(time.Millisecond), Answered: at.Add(2 * time.Millisecond)},
		&Refused{Code: CodeRate, Reason: "too many messages", RetryAfter: 5 * time.Second},
		&Drain{After: time.Second, Jitter: 10 * time.Second},
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, m := range samples() {
		b := Append([]byte("before"), m)
		got, err := Parse(append(b[len("before"):], "trailing"...))
		if err != nil {
			t.Errorf("%T: %v", m, err)
			continue
		}
		if d := cmp.Diff(m, got); d != "" {
			t.Errorf("%T: %s", m, d)
		}
	}
}

// TestWire pins the bytes: another implementation tests itself against the same
// file.
func TestWire(t *testing.T) {
	const file = "testdata/wire.txt"
	var out strings.Builder
	for _, m := range samples() {
		fmt.Fprintf(&out, "%s %s\n", strings.TrimPrefix(fmt.Sprintf("%T", m), "*signal."), hex.EncodeToString(Append(nil, m)))
	}
	fmt.Fprintf(&out, "Relay %s\n", hex.EncodeToString(AppendRelay(nil, MemberID{1, 2, 3, 4, 5, 6, 7, 8}, []byte("payload"))))
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("the wire changed (-update rewrites %s):\n%s", file, d)
	}
}

// encode builds a message by hand, past what the types would write.
func encode(t Type, fields map[string]any) []byte {
	b, err := msgp.AppendIntf([]byte{byte(t)}, fields)
	if err != nil {
		panic(err)
	}
	return b
}

func TestDecodingCaps(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	secret := make([]byte, SecretSize)
	secret[0] = 1
	join := func(name string, v any) []byte {
		f := map[string]any{"version": 1, "swarm": "s", "secret": secret}
		f[name] = v
		return encode(TypeJoin, f)
	}
	ice := func(n int) []any { return repeat(any(map[string]any{"urls": []any{"stun:a"}}), n) }
	server := func(name string, v any) []any { return []any{map[string]any{name: v}} }
	settings := func(n int) map[string]any {
		m := map[string]any{}
		for i := range n {
			m[fmt.Sprint(i)] = "v"
		}
		return m
	}
	for _, tc := range []struct {
		name     string
		most     []byte // still legal
		onePast  []byte
		contains string
	}{
		{"swarm", join("swarm", text(MaxSwarmName)), join("swarm", text(MaxSwarmName+1)), `field "swarm"`},
		{"token", join("token", text(MaxToken)), join("token", text(MaxToken+1)), "4097 bytes"},
		{"links", join("links", MaxLinkCount), join("links", MaxLinkCount+1), "1025"},
		{"max_links", join("max_links", MaxLinkCount), join("max_links", MaxLinkCount+1), "1025"},
		{"links sign", join("links", 0), join("links", -1), "-1"},
		{"uplink", join("uplink", 1<<53-1), join("uplink", 1<<53), "9007199254740992"},
		{"except", join("except", make([]byte, 8*MaxExcept)), join("except", make([]byte, 8*MaxExcept+8)), "129 ids"},
		{"half an id", join("except", make([]byte, 16)), join("except", make([]byte, 17)), "multiple of 8"},
		{"secret", join("secret", secret), join("secret", append(secret, 1)), "17 bytes"},
		{"version", join("version", 1<<16), join("version", 1<<16+1), "65537"},
		{"want", encode(TypeWant, map[string]any{"count": MaxWant}), encode(TypeWant, map[string]any{"count": MaxWant + 1}), "65"},
		{"status want", encode(TypeStatus, map[string]any{"want": MaxWant}), encode(TypeStatus, map[string]any{"want": MaxWant + 1}), "65"},
		{"peers", encode(TypePeers, map[string]any{"ids": make([]byte, 8*MaxPeers)}), encode(TypePeers, map[string]any{"ids": make([]byte, 8*MaxPeers+8)}), "65 ids"},
		{"size", encode(TypeSize, map[string]any{"members": MaxMembers}), encode(TypeSize, map[string]any{"members": MaxMembers + 1}), "members"},
		{"instant", encode(TypePing, map[string]any{"sent": int64(maxInstant)}), encode(TypePing, map[string]any{"sent": int64(maxInstant + 1)}), "sent"},
		{"reason", encode(TypeRefused, map[string]any{"reason": text(MaxReason)}), encode(TypeRefused, map[string]any{"reason": text(MaxReason + 1)}), "257 bytes"},
		{"span", encode(TypeDrain, map[string]any{"after": maxSpan.Milliseconds()}), encode(TypeDrain, map[string]any{"after": maxSpan.Milliseconds() + 1}), "after"},
		{"ICE servers", encode(TypeWelcome, map[string]any{"ice_servers": ice(MaxICEServers)}), encode(TypeWelcome, map[string]any{"ice_servers": ice(MaxICEServers + 1)}), "array of 17"},
		{"ICE URLs", encode(TypeWelcome, map[string]any{"ice_servers": server("urls", repeat(any("u"), MaxICEURLs))}),
			encode(TypeWelcome, map[string]any{"ice_servers": server("urls", repeat(any("u"), MaxICEURLs+1))}), "array of 9"},
		{"ICE text", encode(TypeWelcome, map[string]any{"ice_servers": server("credential", text(MaxICEText))}),
			encode(TypeWelcome, map[string]any{"ice_servers": server("credential", text(MaxICEText+1))}), "513 bytes"},
		{"settings", encode(TypeWelcome, map[string]any{"settings": settings(MaxSettings)}), encode(TypeWelcome, map[string]any{"settings": settings(MaxSettings + 1)}), "map of 33"},
		{"setting text", encode(TypeWelcome, map[string]any{"settings": map[string]any{"a": text(MaxSettingText)}}),
			encode(TypeWelcome, map[string]any{"settings": map[string]any{"a": text(MaxSettingText + 1)}}), "513 bytes"},
		{"place", encode(TypeStatus, map[string]any{"place": []byte{0x23, 0x28, 0x46, 0x50}}),
			encode(TypeStatus, map[string]any{"place": []byte{0x23, 0x29, 0x46, 0x50}}), "hundredths of a degree"},
		{"position", encode(TypeStatus, map[string]any{"position": maxPosition.Milliseconds()}),
			encode(TypeStatus, map[string]any{"position": maxPosition.Milliseconds() + 1}), "position"},
		{"flows", encode(TypeStatus, map[string]any{"report": map[string]any{"flows": make([]byte, flowBytes*MaxFlows)}}),
			encode(TypeStatus, map[string]any{"report": map[string]any{"flows": make([]byte, flowBytes*(MaxFlows+1))}}), "65 flows"},
		{"half a flow", encode(TypeStatus, map[string]any{"report": map[string]any{"flows": make([]byte, flowBytes)}}),
			encode(TypeStatus, map[string]any{"report": map[string]any{"flows": make([]byte, flowBytes+1)}}), "multiple of 18"},
		{"fields", encode(TypeSize, settings(MaxFields)), encode(TypeSize, settings(MaxFields+1)), "map of 33"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Parse(tc.most); err != nil {
				t.Errorf("at the cap: %v", err)
			}
			_, err := Parse(tc.onePast)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tc.contains) {
				t.Errorf("one past: %v, want %q", err, tc.contains)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrMalformed},
		{"type only", []byte{byte(TypeWant)}, ErrMalformed},
		{"unknown type", []byte{0x7f, 0x80}, ErrUnknownType},
		{"relay", AppendRelay(nil, MemberID{}, nil), ErrUnknownType},
		{"not a map", []byte{byte(TypeWant), 0x93, 1, 2, 3}, ErrMalformed},
		{"truncated", Append(nil, &Gone{ID: MemberID{1}})[:8], ErrMalformed},
		{"field name is a number", []byte{byte(TypeWant), 0x81, 1, 1}, ErrMalformed},
		{"unknown field truncated", []byte{byte(TypeWant), 0x81, 0xa1, 'x', 0x92, 1}, ErrMalformed},
		{"unknown field claims 4 Gi elements", []byte{byte(TypeWant), 0x81, 0xa1, 'x', 0xdd, 0xff, 0xff, 0xff, 0xff, 1}, ErrMalformed},
		{"text claims 4 GiB", []byte{byte(TypeJoin), 0x81, 0xa5, 's', 'w', 'a', 'r', 'm', 0xdb, 0xff, 0xff, 0xff, 0xff}, ErrMalformed},
		{"join without swarm", encode(TypeJoin, map[string]any{"version": 1, "secret": bytes.Repeat([]byte{1}, 16)}), ErrMalformed},
		{"join without secret", encode(TypeJoin, map[string]any{"version": 1, "swarm": "s"}), ErrMalformed},
	} {
		if m, err := Parse(tc.b); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v", tc.name, m, err)
		}
	}
}

func TestUnknownFieldsOfAnyShapeAreSkipped(t *testing.T) {
	deep := []byte{byte(TypeWant), 0x82, 0xa1, 'x'}
	deep = append(deep, bytes.Repeat([]byte{0x91}, 50_000)...) // arrays in arrays
	deep = append(deep, 0xc0)
	deep = append(deep, 0xa5, 'c', 'o', 'u', 'n', 't', 3)
	m, err := Parse(deep)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Message(&Want{Count: 3}), m); d != "" {
		t.Error(d)
	}
	for _, v := range []any{nil, true, -7, 3.5, "text", []byte{1}, []any{1, []any{"a"}}, map[string]any{"a": map[string]any{"b": 1}}, time.Now()} {
		m, err := Parse(encode(TypeWant, map[string]any{"unknown": v, "count": 3}))
		if err != nil || m.(*Want).Count != 3 {
			t.Errorf("unknown field with %v: %+v, %v", v, m, err)
		}
	}
}

func TestRepeatedFieldsDoNotAddUp(t *testing.T) {
	b := []byte{byte(TypeWelcome), 0x82}
	for range 2 {
		b = msgp.AppendString(b, "ice_servers")
		b = msgp.AppendArrayHeader(b, MaxICEServers)
		for range MaxICEServers {
			b = append(b, 0x80)
		}
	}
	m, err := Parse(b)
	if err != nil || len(m.(*Welcome).ICEServers) != MaxICEServers {
		t.Errorf("%v, %v", m, err)
	}
}

func TestMemberIDs(t *testing.T) {
	// SHA-256 of 16 bytes 00 01 … 0f begins with be45cb2605bf36be (FIPS 180-4).
	var secret [SecretSize]byte
	for i := range secret {
		secret[i] = byte(i)
	}
	const want = "be45cb2605bf36be"
	if got := IDOf(secret).String(); got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	if id, err := ParseID(want); err != nil || id != IDOf(secret) {
		t.Errorf("%v, %v", id, err)
	}
	for _, bad := range []string{"", "be45", want + "00", strings.ToUpper(want), "ge45cb2605bf36be", strings.Repeat("é", 8)} {
		if id, err := ParseID(bad); !errors.Is(err, ErrMemberID) {
			t.Errorf("%q: %v, %v", bad, id, err)
		}
	}
}

func TestRelayHeader(t *testing.T) {
	id := MemberID{1, 2, 3, 4, 5, 6, 7, 8}
	for _, payload := range []string{"", "x"} {
		got, p, err := ParseRelay(AppendRelay(nil, id, []byte(payload)))
		if err != nil || got != id || string(p) != payload {
			t.Errorf("%q: %v %q %v", payload, got, p, err)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 9), AppendRelay(nil, id, nil)[:8]} {
		if _, _, err := ParseRelay(bad); !errors.Is(err, ErrNotRelay) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}

func TestCodesHaveNames(t *testing.T) {
	seen := map[string]Code{}
	for c := CodeOther; c <= CodeAddress; c++ {
		if prev, ok := seen[c.String()]; ok {
			t.Errorf("codes %d and %d share the name %q", prev, c, c)
		}
		seen[c.String()] = c
	}
	if got := Code(1000).String(); got != "other" {
		t.Errorf("code 1000 is %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		f.Add(Append(nil, m))
	}
	f.Add(AppendRelay(nil, MemberID{1}, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknownType) {
				t.Fatalf("unexpected kind of error: %v", err)
			}
			return
		}
		// What was understood survives being written again.
		written := Append(nil, m)
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		if d := cmp.Diff(written, Append(nil, again)); d != "" {
			t.Fatal(d)
		}
	})
}
