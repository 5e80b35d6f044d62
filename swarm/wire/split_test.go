package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// checkParts asserts that every part keeps to the limits.
func checkParts(t *testing.T, m swarm.Message) []swarm.Message {
	t.Helper()
	parts := Split(m)
	for i, part := range parts {
		b := Append(nil, part)
		if len(b) > MaxMessage {
			t.Fatalf("part %d of %d has %d bytes", i, len(parts), len(b))
		}
		if _, err := Parse(b); err != nil {
			t.Fatalf("part %d of %d: %v", i, len(parts), err)
		}
	}
	return parts
}

func TestSplitReserve(t *testing.T) {
	track := strings.Repeat("t", segments.MaxKeyLength-5)
	var m swarm.Reserve
	for i := range 1000 {
		m.Items = append(m.Items, swarm.Reservation{Key: swarm.Key(fmt.Sprintf("%s/%04d", track, i)), Due: MaxDue})
	}
	var got swarm.Reserve
	parts := checkParts(t, m)
	for _, part := range parts {
		got.Items = append(got.Items, part.(swarm.Reserve).Items...)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Fatalf("(-sent +received):\n%s", diff)
	}
	if len(parts) > 9 { // 1000 × 526 bytes in messages of 64 KiB
		t.Errorf("%d messages", len(parts))
	}
}

func TestSplitRelease(t *testing.T) {
	m := swarm.Release{Keys: many(MaxReleased+1, testKey)}
	if parts := checkParts(t, m); len(parts) != 2 {
		t.Fatalf("%d messages, want 2", len(parts))
	}
}

func TestSplitPeers(t *testing.T) {
	m := swarm.Peers{IDs: many(3*MaxPeers, swarm.PeerID("0123456789abcdef"))}
	if parts := checkParts(t, m); len(parts) != 3 {
		t.Fatalf("%d messages, want 3", len(parts))
	}
}

func TestSplitHave(t *testing.T) {
	for _, c := range []struct {
		name string
		m    swarm.Have
		want int
	}{
		{"small", swarm.Have{Gained: many(2, swarm.Run{Key: testKey, Count: 3}), Lost: many(1, swarm.Run{Key: testKey, Count: 1})}, 1},
		{"runs", swarm.Have{Gained: many(MaxRuns+1, swarm.Run{Key: testKey, Count: 1})}, 2},
		{"segments", swarm.Have{Gained: many(3, swarm.Run{Key: testKey, Count: MaxRunSegments})}, 3},
		{"both long", swarm.Have{
			Gained: many(MaxRuns, swarm.Run{Key: longKey[:40], Count: 1}),
			Lost:   many(MaxRuns, swarm.Run{Key: longKey[:40], Count: 1})}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got swarm.Have
			parts := checkParts(t, c.m)
			for _, part := range parts {
				h := part.(swarm.Have)
				got.Gained, got.Lost = append(got.Gained, h.Gained...), append(got.Lost, h.Lost...)
			}
			if diff := cmp.Diff(c.m, got); diff != "" {
				t.Fatalf("(-sent +received):\n%s", diff)
			}
			if len(parts) != c.want {
				t.Errorf("%d messages, want %d", len(parts), c.want)
			}
		})
	}
}

func TestSplitLeavesOthersAlone(t *testing.T) {
	m := swarm.Cancel{Key: testKey}
	if parts := Split(m); !slices.Equal(parts, []swarm.Message{m}) {
		t.Fatalf("got %v", parts)
	}
	if parts := Split(swarm.Reserve{}); len(parts) != 0 {
		t.Fatalf("an empty Reserve became %v", parts)
	}
}
