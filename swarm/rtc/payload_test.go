package rtc

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

const testSession = "0123456789abcdef"

var allowPayload = cmp.AllowUnexported(payload{})

func TestPayloadBytes(t *testing.T) {
	// the example of PROTOCOL.md
	got := appendPayload(nil, payload{kind: kindOffer, session: testSession, sdp: "v=0"})
	want := "\x83\xa4kind\xa5offer\xa7session\xb0" + testSession + "\xa3sdp\xa3v=0"
	if string(got) != want {
		t.Fatalf("% x\nwant\n% x", got, want)
	}
}

func TestPayloadLimits(t *testing.T) {
	for _, c := range []struct {
		name     string
		at, past payload
	}{
		{"sdp", payload{kind: kindOffer, session: testSession, sdp: strings.Repeat("s", maxSDP)},
			payload{kind: kindOffer, session: testSession, sdp: strings.Repeat("s", maxSDP+1)}},
		{"candidate", payload{kind: kindCandidate, session: testSession, candidate: strings.Repeat("c", maxCandidate)},
			payload{kind: kindCandidate, session: testSession, candidate: strings.Repeat("c", maxCandidate+1)}},
		{"reason", payload{kind: kindBye, session: testSession, reason: strings.Repeat("r", maxReason)},
			payload{kind: kindBye, session: testSession, reason: strings.Repeat("r", maxReason+1)}},
		{"session", payload{kind: kindBye, session: testSession}, payload{kind: kindBye, session: testSession + "0"}},
		{"short session", payload{kind: kindBye, session: testSession}, payload{kind: kindBye, session: testSession[1:]}},
		{"answer", payload{kind: kindAnswer, session: testSession, sdp: "v"}, payload{kind: kindAnswer, session: testSession}},
		{"offer", payload{kind: kindOffer, session: testSession, sdp: "v"}, payload{kind: kindOffer, session: testSession}},
		{"kind", payload{kind: kindCandidate, session: testSession}, payload{kind: "greeting", session: testSession}},
		{"text", payload{kind: kindBye, session: testSession, reason: "é"}, payload{kind: kindBye, session: testSession, reason: "\xff"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parsePayload(appendPayload(nil, c.at))
			if err != nil {
				t.Fatalf("at the cap: %v", err)
			}
			if diff := cmp.Diff(c.at, got, allowPayload); diff != "" {
				t.Fatalf("at the cap (-sent +received):\n%s", diff)
			}
			if got, err := parsePayload(appendPayload(nil, c.past)); !errors.Is(err, errPayload) {
				t.Fatalf("past the cap: %+v, %v", got, err)
			}
		})
	}
}

// withFields is a bye among n fields.
func withFields(n int) []byte {
	b := msgp.AppendMapHeader(nil, uint32(n))
	for i := range n - 2 {
		b = msgp.AppendArrayHeader(msgp.AppendString(b, "new"+string(rune('a'+i))), 0)
	}
	b = msgp.AppendString(msgp.AppendString(b, "kind"), string(kindBye))
	return msgp.AppendString(msgp.AppendString(b, "session"), testSession)
}

func TestPayloadSkipsUnknownFields(t *testing.T) {
	got, err := parsePayload(withFields(maxFields))
	if err != nil {
		t.Fatalf("at the cap: %v", err)
	}
	if want := (payload{kind: kindBye, session: testSession}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := parsePayload(withFields(maxFields + 1)); !errors.Is(err, errPayload) {
		t.Errorf("past the cap: %v", err)
	}
}

func TestPayloadLength(t *testing.T) {
	b := withFields(2)
	at := append(b, make([]byte, maxPayload-len(b))...)
	if _, err := parsePayload(at); err != nil {
		t.Errorf("at the cap: %v", err)
	}
	if _, err := parsePayload(append(at, 0)); !errors.Is(err, errPayload) {
		t.Errorf("past the cap: %v", err)
	}
}

func FuzzPayload(f *testing.F) {
	for _, p := range []payload{
		{kind: kindOffer, session: testSession, sdp: "v=0"},
		{kind: kindAnswer, session: testSession, sdp: "v=0"},
		{kind: kindCandidate, session: testSession, candidate: "candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host"},
		{kind: kindBye, session: testSession, reason: "full"},
	} {
		f.Add(appendPayload(nil, p))
	}
	f.Add(withFields(maxFields))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePayload(b)
		if err != nil {
			return
		}
		again, err := parsePayload(appendPayload(nil, p))
		if err != nil || again != p {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}
