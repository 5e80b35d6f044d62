package wire

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestReserve(t *testing.T) {
	one := func(key swarm.Key, hops int, due time.Duration) swarm.Message {
		return swarm.Reserve{Items: []swarm.Reservation{{Key: key, Hops: hops, Due: due}}}
	}
	checkSurvives(t, one(testKey, 1, 2500*time.Millisecond))
	item := swarm.Reservation{Key: testKey, Hops: 1, Due: time.Second}
	checkLimits(t, []limit{
		{"items", swarm.Reserve{Items: many(MaxReservations, item)}, swarm.Reserve{Items: many(MaxReservations+1, item)}},
		{"hops", one(testKey, MaxHops, 0), one(testKey, MaxHops+1, 0)},
		{"no hops", one(testKey, 0, 0), one(testKey, -1, 0)},
		{"key", one(longKey, 0, 0), one(longKey+"k", 0, 0)},
	})
}

func TestDurationsAreClampedOnTheWayOut(t *testing.T) {
	for _, c := range []struct{ due, want time.Duration }{
		{-time.Second, 0},
		{MaxDue, MaxDue},
		{MaxDue + time.Millisecond, MaxDue},
		{1999 * time.Microsecond, time.Millisecond},
	} {
		m, err := Parse(Append(nil, swarm.Reserve{Items: []swarm.Reservation{{Key: testKey, Due: c.due}}}))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(swarm.Reserve).Items[0].Due; got != c.want {
			t.Errorf("%v arrived as %v, want %v", c.due, got, c.want)
		}
	}
}

func TestDurationsAreBoundedOnTheWayIn(t *testing.T) {
	due := func(ms int64) []byte {
		b := msgp.AppendArrayHeader([]byte{typeReserve, 0x91}, 1)
		b = msgp.AppendString(msgp.AppendArrayHeader(b, 3), string(testKey))
		return msgp.AppendInt64(msgp.AppendInt(b, 0), ms)
	}
	if _, err := Parse(due(MaxDue.Milliseconds())); err != nil {
		t.Errorf("at the cap: %v", err)
	}
	for _, ms := range []int64{-1, MaxDue.Milliseconds() + 1} {
		if m, err := Parse(due(ms)); err == nil {
			t.Errorf("%d ms parsed as %v", ms, m)
		}
	}
}

func TestRecordsSurviveNewFields(t *testing.T) {
	b := msgp.AppendArrayHeader([]byte{typeReserve, 0x91}, 2)
	for _, due := range []int64{100, 200} {
		b = msgp.AppendString(msgp.AppendArrayHeader(b, 5), string(testKey))
		b = msgp.AppendInt64(msgp.AppendInt(b, 1), due)
		b = msgp.AppendMapStrStr(b, map[string]string{"new": "field"})
		b = msgp.AppendNil(b)
	}
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := swarm.Reserve{Items: []swarm.Reservation{
		{Key: testKey, Hops: 1, Due: 100 * time.Millisecond},
		{Key: testKey, Hops: 1, Due: 200 * time.Millisecond},
	}}
	if diff := cmp.Diff(swarm.Message(want), m); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}
