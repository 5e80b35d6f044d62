package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// appendBulk encodes any frame.
func appendBulk(b []byte, f BulkFrame) []byte {
	switch f := f.(type) {
	case Piece:
		return AppendPiece(b, f)
	case Begin:
		return AppendBegin(b, f)
	case Leaves:
		return AppendLeaves(b, f)
	case Tail:
		return AppendTail(b, f)
	}
	return b
}

// checkBulkLimits is checkLimits for frames.
func checkBulkLimits(t *testing.T, limits []bulkLimit) {
	t.Helper()
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			b := appendBulk(nil, l.at)
			if len(b) > MaxMessage {
				t.Fatalf("at the cap: %d bytes do not fit a message", len(b))
			}
			got, err := ParseBulk(b)
			if err != nil {
				t.Fatalf("at the cap: %v", err)
			}
			if diff := cmp.Diff(l.at, got); diff != "" {
				t.Fatalf("at the cap (-sent +received):\n%s", diff)
			}
			if _, err := ParseBulk(appendBulk(nil, l.past)); err == nil {
				t.Fatal("past the cap parsed")
			}
		})
	}
}

type bulkLimit struct {
	name     string
	at, past BulkFrame
}

func TestParseBulkRefusesWhatIsNoFrame(t *testing.T) {
	signature := func(n int) []byte {
		b := appendLeafList(msgp.AppendInt(msgp.AppendInt(msgp.AppendInt([]byte{frameLeaves, 0x95}, 1), 0), -1), nil)
		b = msgp.AppendInt(msgp.AppendInt(msgp.AppendArrayHeader(b, 3), 5), 1)
		return msgp.AppendBytes(b, make([]byte, n))
	}
	if _, err := ParseBulk(signature(64)); err != nil {
		t.Fatalf("a good signature: %v", err)
	}
	half := msgp.AppendInt(msgp.AppendInt(msgp.AppendInt([]byte{frameLeaves, 0x95}, 1), 0), -1)
	half = msgp.AppendNil(msgp.AppendBytes(half, make([]byte, 33)))
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"piece header alone", AppendPiece(nil, Piece{})},
		{"piece header cut", AppendPiece(nil, Piece{})[:5]},
		{"begin type alone", []byte{frameBegin}},
		{"short signature", signature(63)},
		{"long signature", signature(65)},
		{"a leaf and a byte", half},
		{"one byte too long", append(AppendLeaves(nil, Leaves{}), make([]byte, MaxMessage)...)},
	} {
		if f, err := ParseBulk(c.b); err == nil {
			t.Errorf("%s: parsed as %v", c.name, f)
		}
	}
}

func TestFramesSurviveNewFields(t *testing.T) {
	for _, f := range []BulkFrame{
		Begin{Begin: swarm.Begin{Key: testKey}, Statement: statement(5, 1)},
		Leaves{Size: -1, Statement: statement(-1, 3)},
	} {
		b := msgp.AppendNil(appendBulk(nil, f))
		b[1]++
		got, err := ParseBulk(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Fatalf("(-sent +received):\n%s", diff)
		}
	}
}

func BenchmarkPiece(b *testing.B) {
	p := Piece{Transfer: 7, Index: 3, Payload: make([]byte, segments.PieceSize)}
	frame := make([]byte, 0, PieceHeader+segments.PieceSize)
	b.SetBytes(segments.PieceSize)
	b.ReportAllocs()
	for b.Loop() {
		frame = AppendPiece(frame[:0], p)
		if _, err := ParseBulk(frame); err != nil {
			b.Fatal(err)
		}
	}
}
