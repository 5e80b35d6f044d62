package wire

import (
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestBye(t *testing.T) {
	checkSurvives(t, swarm.Bye{Reason: "leaving"})
	long := strings.Repeat("r", MaxReason)
	if m, err := Parse(Append(nil, swarm.Bye{Reason: long})); err != nil || m != (swarm.Bye{Reason: long}) {
		t.Errorf("at the cap: %v, %v", m, err)
	}
	if m, err := Parse(msgp.AppendString([]byte{typeBye, 0x91}, long+"r")); err == nil {
		t.Errorf("past the cap parsed as %v", m)
	}
}

func TestByeClipsItsReason(t *testing.T) {
	for _, c := range []struct{ reason, want string }{
		{strings.Repeat("r", MaxReason+1), strings.Repeat("r", MaxReason)},
		{strings.Repeat("r", MaxReason-1) + "é", strings.Repeat("r", MaxReason-1)}, // never half a letter
	} {
		m, err := Parse(Append(nil, swarm.Bye{Reason: c.reason}))
		if err != nil || m != (swarm.Bye{Reason: c.want}) {
			t.Errorf("%d bytes: %v, %v", len(c.reason), m, err)
		}
	}
}
