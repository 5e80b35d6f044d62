package wire

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestBegin(t *testing.T) {
	with := func(change func(*Begin)) Begin {
		m := Begin{
			Begin:       swarm.Begin{Transfer: 9, Key: testKey, Size: 40_000, Hops: 1, Count: -1, Slices: 255},
			ContentType: "video/mp4",
			Leaves:      leaves(3),
			Statement:   statement(40_000, 3),
		}
		change(&m)
		return m
	}
	checkBulkLimits(t, []bulkLimit{
		{"leaves", with(func(m *Begin) { m.Leaves = leaves(MaxLeaves) }), with(func(m *Begin) { m.Leaves = leaves(MaxLeaves + 1) })},
		{"last leaf",
			with(func(m *Begin) { m.FirstLeaf = segments.MaxPieces - 3 }),
			with(func(m *Begin) { m.FirstLeaf = segments.MaxPieces - 2 })},
		{"no leaf", with(func(m *Begin) { m.Leaves = nil }), with(func(m *Begin) { m.FirstLeaf = -1 })},
		{"key", with(func(m *Begin) { m.Key = longKey }), with(func(m *Begin) { m.Key = longKey + "k" })},
		{"size", with(func(m *Begin) { m.Size = segments.MaxSegmentSize }), with(func(m *Begin) { m.Size = segments.MaxSegmentSize + 1 })},
		{"size unknown", with(func(m *Begin) { m.Size = -1 }), with(func(m *Begin) { m.Size = -2 })},
		{"hops", with(func(m *Begin) { m.Hops = MaxHops }), with(func(m *Begin) { m.Hops = MaxHops + 1 })},
		{"first", with(func(m *Begin) { m.First = segments.MaxPieces }), with(func(m *Begin) { m.First = segments.MaxPieces + 1 })},
		{"count", with(func(m *Begin) { m.Count = segments.MaxPieces }), with(func(m *Begin) { m.Count = segments.MaxPieces + 1 })},
		{"statement size",
			with(func(m *Begin) { m.Statement = statement(segments.MaxSegmentSize, 1) }),
			with(func(m *Begin) { m.Statement = statement(segments.MaxSegmentSize+1, 1) })},
		{"statement count",
			with(func(m *Begin) { m.Statement = statement(-1, segments.MaxPieces) }),
			with(func(m *Begin) { m.Statement = statement(-1, segments.MaxPieces+1) })},
		{"no statement", with(func(m *Begin) { m.Statement = nil }), with(func(m *Begin) { m.Statement = statement(-2, 1) })},
		{"transfer", with(func(m *Begin) { m.Transfer = math.MaxUint32 }), with(func(m *Begin) { m.Key = "" })},
		{"longest of all", with(func(m *Begin) {
			m.Key, m.Leaves = longKey, leaves(MaxLeaves)
			m.ContentType = strings.Repeat("c", MaxMeta)
			m.ETag, m.LastModified = m.ContentType, m.ContentType
		}), with(func(m *Begin) { m.Key, m.Leaves = longKey, leaves(MaxLeaves+1) })},
	})
}

func TestBeginBoundsItsText(t *testing.T) {
	long := strings.Repeat("c", MaxMeta)
	got, err := ParseBulk(AppendBegin(nil, Begin{Begin: swarm.Begin{Key: testKey}, ContentType: long + "c", ETag: "\xff"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Begin{Begin: swarm.Begin{Key: testKey}, ContentType: long}
	if diff := cmp.Diff(BulkFrame(want), got); diff != "" {
		t.Fatalf("own text is clipped (-want +got):\n%s", diff)
	}
	b := AppendBegin(nil, Begin{Begin: swarm.Begin{Key: testKey}})
	empty := msgp.AppendString(nil, "")[0]
	at := len(b) - 3 - len(msgp.AppendBytesHeader(nil, 0)) - 2 // content type, before etag, date, leaf number, leaves, nil
	if b[at] != empty {
		t.Fatalf("byte %d of % x is not the empty content type", at, b)
	}
	past := append(append(append([]byte(nil), b[:at]...), msgp.AppendString(nil, long+"c")...), b[at+1:]...)
	if _, err := ParseBulk(past); err == nil {
		t.Fatal("past the cap parsed")
	}
}

func TestBeginSplit(t *testing.T) {
	for _, n := range []int{0, 1, MaxLeaves, MaxLeaves + 1, 3 * MaxLeaves, segments.MaxPieces} {
		whole := Begin{
			Begin:     swarm.Begin{Transfer: 4, Key: testKey, Size: -1, Count: -1},
			Leaves:    leaves(n),
			Statement: statement(-1, uint32(n)),
		}
		begin, rest := whole.Split()
		got, last := begin.Leaves, begin.Statement
		for i, part := range rest {
			if last != nil {
				t.Fatalf("%d leaves: the statement comes before frame %d", n, i)
			}
			if part.First != len(got) || part.Transfer != 4 || part.Size != -1 {
				t.Fatalf("%d leaves: frame %d is %d, %d, %d", n, i, part.First, part.Transfer, part.Size)
			}
			if _, err := ParseBulk(AppendLeaves(nil, part)); err != nil {
				t.Fatalf("%d leaves: frame %d: %v", n, i, err)
			}
			got, last = append(got[:len(got):len(got)], part.Leaves...), part.Statement
		}
		if _, err := ParseBulk(AppendBegin(nil, begin)); err != nil {
			t.Fatalf("%d leaves: %v", n, err)
		}
		if diff := cmp.Diff(whole.Leaves, got); diff != "" {
			t.Fatalf("%d leaves (-sent +received):\n%s", n, diff)
		}
		if last != whole.Statement {
			t.Fatalf("%d leaves: the statement is lost", n)
		}
		if want := max(0, (n+MaxLeaves-1)/MaxLeaves-1); len(rest) != want {
			t.Errorf("%d leaves: %d further frames, want %d", n, len(rest), want)
		}
	}
}
