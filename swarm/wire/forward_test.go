package wire

import (
	"bytes"
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestForward(t *testing.T) {
	const from, to = swarm.PeerID("0123456789abcdef"), swarm.PeerID("fedcba9876543210")
	checkSurvives(t, swarm.Forward{From: from, To: to, Payload: []byte("offer")})
	checkLimits(t, []limit{
		{"payload",
			swarm.Forward{From: from, To: to, Payload: make([]byte, MaxForward)},
			swarm.Forward{From: from, To: to, Payload: make([]byte, MaxForward+1)}},
		{"names",
			swarm.Forward{From: from, To: to, Payload: []byte{}},
			swarm.Forward{From: from, To: "", Payload: []byte{}}},
	})
}

func TestParseSharesNoMemory(t *testing.T) {
	b := Append(nil, swarm.Forward{From: "0123456789abcdef", To: "fedcba9876543210", Payload: []byte("payload")})
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if got := m.(swarm.Forward); !bytes.Equal(got.Payload, []byte("payload")) || got.From != "0123456789abcdef" {
		t.Fatalf("the message changed with the buffer: %+v", got)
	}
}
