package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// limit is a message at a cap and the same one past it.
type limit struct {
	name     string
	at, past swarm.Message
}

// checkLimits asserts that what is at a cap survives the wire, and what is past
// it does not parse.
func checkLimits(t *testing.T, limits []limit) {
	t.Helper()
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			got, err := Parse(Append(nil, l.at))
			if err != nil {
				t.Fatalf("at the cap: %v", err)
			}
			if diff := cmp.Diff(l.at, got); diff != "" {
				t.Fatalf("at the cap (-sent +received):\n%s", diff)
			}
			if got, err := Parse(Append(nil, l.past)); err == nil {
				t.Fatalf("past the cap parsed as %v", got)
			}
		})
	}
}

// checkSurvives asserts that a message reads the same after a newer version
// appended fields, and that no shorter one is taken for it.
func checkSurvives(t *testing.T, m swarm.Message) {
	t.Helper()
	b := Append(nil, m)
	longer := msgp.AppendString(append([]byte(nil), b...), "a field of tomorrow")
	longer[1]++ // array header: one element more
	got, err := Parse(longer)
	if err != nil {
		t.Fatalf("with a further field: %v", err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Fatalf("with a further field (-sent +received):\n%s", diff)
	}
	for n := range b {
		if got, err := Parse(b[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes parsed as %v", n, len(b), got)
		}
	}
	b[1]-- // one element fewer: the last field is missing
	if got, err := Parse(b); err == nil {
		t.Fatalf("without its last field it parsed as %v", got)
	}
}

func many[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func leaves(n int) []segments.Leaf {
	out := make([]segments.Leaf, n)
	for i := range out {
		out[i] = segments.Leaf{byte(i), byte(i >> 8), 0xaa}
	}
	return out
}

func statement(size int64, count uint32) *segments.Statement {
	st := &segments.Statement{Size: size, Count: count}
	for i := range st.Signature {
		st.Signature[i] = byte(i)
	}
	return st
}

const testKey = swarm.Key("0/video-1/1234")

var longKey = swarm.Key("t/" + strings.Repeat("k", segments.MaxKeyLength-2))

func TestParseRefusesWhatIsNoMessage(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"type only", []byte{typeCancel}},
		{"a map", append([]byte{typeCancel}, msgp.AppendMapHeader(nil, 0)...)},
		{"no field", []byte{typeCancel, 0x90}},
		{"a number for a key", []byte{typeCancel, 0x91, 7}},
		{"a key that is none", msgp.AppendString([]byte{typeCancel, 0x91}, "no track")},
		{"a reason that is not text", msgp.AppendString([]byte{typeBye, 0x91}, "\xff")},
		{"billions of items", msgp.AppendArrayHeader([]byte{typeReserve, 0x91}, 1<<31)},
		{"fewer items than said", msgp.AppendArrayHeader([]byte{typeReserve, 0x91}, 200)},
		{"one byte too long", append(Append(nil, swarm.Cancel{Key: testKey}), make([]byte, MaxMessage)...)},
	} {
		if m, err := Parse(c.b); err == nil {
			t.Errorf("%s: parsed as %v", c.name, m)
		} else if errors.Is(err, ErrUnknownType) {
			t.Errorf("%s: %v, want an error that condemns the sender", c.name, err)
		}
	}
}

func TestParseTakesTrailingBytes(t *testing.T) {
	b := Append(nil, swarm.Cancel{Key: testKey})
	b = append(b, make([]byte, MaxMessage-len(b))...)
	m, err := Parse(b)
	if err != nil || m != (swarm.Cancel{Key: testKey}) {
		t.Fatalf("got %v, %v", m, err)
	}
}

func TestUnknownTypesAreToldApart(t *testing.T) {
	for _, kind := range []byte{0, typeBye + 1, 0xff} {
		if _, err := Parse([]byte{kind, 0x90}); !errors.Is(err, ErrUnknownType) {
			t.Errorf("control type %d: %v", kind, err)
		}
	}
	if _, err := ParseBulk([]byte{frameTail + 1, 0x90}); !errors.Is(err, ErrUnknownType) {
		t.Errorf("bulk type: %v", err)
	}
}

func TestAppendPanicsOnABegin(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a Begin was encoded for the control channel")
		}
	}()
	Append(nil, swarm.Begin{Key: testKey})
}
