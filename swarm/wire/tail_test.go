package wire

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/segments"
)

func tailSignature() *[64]byte { s := statement(0, 0).Signature; return &s }

func TestTail(t *testing.T) {
	most := make([]byte, segments.MaxTail)
	checkBulkLimits(t, []bulkLimit{
		{"payload", Tail{Payload: most}, Tail{Payload: make([]byte, segments.MaxTail+1)}},
		{"signed payload", Tail{Signature: tailSignature(), Payload: most}, Tail{Signature: tailSignature(), Payload: make([]byte, segments.MaxTail+1)}},
		{"shortest payload", Tail{Payload: []byte{1}}, Tail{}},
		{"shortest signed payload", Tail{Signature: tailSignature(), Payload: []byte{1}}, Tail{Signature: tailSignature()}},
		{"offset", Tail{Offset: segments.MaxTail - 1, Payload: []byte{1}}, Tail{Offset: segments.MaxTail, Payload: []byte{1}}},
		{"index", Tail{Index: segments.MaxPieces - 1, Payload: []byte{1}}, Tail{Index: segments.MaxPieces, Payload: []byte{1}}},
		{"transfer", Tail{Transfer: math.MaxUint32, Payload: []byte{1}}, Tail{Transfer: math.MaxUint32}},
	})
}

func TestTailBytes(t *testing.T) {
	got := AppendTail(nil, Tail{Transfer: 0x01020304, Index: 0x0506, Offset: 0x0708, Signature: tailSignature(), Payload: []byte{0xaa}})
	want := append([]byte{3, 1, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8}, append(tailSignature()[:], 0xaa)...)
	if !bytes.Equal(got, want) {
		t.Fatalf("% x, want % x", got, want)
	}
}

func TestTailCutShort(t *testing.T) {
	b := AppendTail(nil, Tail{Signature: tailSignature(), Payload: []byte{1}})
	for n := range b {
		if f, err := ParseBulk(b[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes parsed as %v", n, len(b), f)
		}
	}
}

func TestTailIgnoresReservedFlags(t *testing.T) {
	b := AppendTail(nil, Tail{Payload: []byte{1}})
	b[1] = 0xfe
	got, err := ParseBulk(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(BulkFrame(Tail{Payload: []byte{1}}), got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}
