package sim

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

func (st *stage) get(i int, seg int32) {
	st.order(i, swarm.Fetch{Key: st.stream.keys[seg], Count: -1, Cause: swarm.CauseElected})
}

// ended is the only FetchEnded peer i has heard, and when.
func (st *stage) ended(i int) (swarm.Time, swarm.FetchEnded) {
	st.t.Helper()
	at, in := inputs[swarm.FetchEnded](st, i)
	if len(in) != 1 {
		st.t.Fatalf("peer %d heard %d times that a fetch ended, want once", i, len(in))
	}
	return at[0], in[0]
}

func TestFetchTimes(t *testing.T) {
	const rtt = 30 * time.Millisecond
	for _, test := range []struct {
		name string
		cfg  Config
		want func(size int) time.Duration
		err  swarm.FetchError
	}{
		{"first: three round trips", Config{}, func(size int) time.Duration { return 3*rtt + span(size, 40e6) }, swarm.NoError},
		{"downlink", Config{Downlink: 10e6}, func(size int) time.Duration { return 3*rtt + span(size, 10e6) }, swarm.NoError},
		{"origin's total", Config{OriginTotal: 5e6}, func(size int) time.Duration { return 3*rtt + span(size, 5e6) }, swarm.NoError},
		{"outage", Config{Outages: []Outage{{0, time.Minute}}}, func(int) time.Duration { return 3 * rtt }, swarm.FetchTemporary},
		{"outage in the middle", Config{Outages: []Outage{{200 * time.Millisecond, time.Minute}}},
			func(int) time.Duration { return 200 * time.Millisecond }, swarm.FetchTemporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Viewers = 1
			st := set(t, test.cfg, nil)
			start := st.now
			st.get(0, 1)
			st.until(start + 20*time.Second)
			at, end := st.ended(0)
			if want := test.want(st.bytes(1)); !near(at-start, want) && max(at-start-want, want-at+start) > 5*time.Millisecond {
				t.Errorf("took %v, want %v", at-start, want)
			}
			if end.Err != test.err {
				t.Errorf("ended with %v, want %v", end.Err, test.err)
			}
			if test.err == swarm.NoError && end.Bytes != int64(st.bytes(1)) {
				t.Errorf("%d bytes, want %d", end.Bytes, st.bytes(1))
			}
			st.sound()
		})
	}
}

// A segment that does not exist yet is an error that may pass, as a 404 is.
func TestFetchBeforeAvailable(t *testing.T) {
	st := set(t, Config{Viewers: 1}, nil)
	seg := int32(st.stream.edge(st.now) + 2)
	st.get(0, seg)
	st.until(time.Second)
	if _, end := st.ended(0); end.Err != swarm.FetchTemporary || end.Bytes != 0 {
		t.Errorf("ended with %v after %d bytes", end.Err, end.Bytes)
	}
}

// Clients share the origin's line: two at a time take twice as long.
func TestOriginTotalIsShared(t *testing.T) {
	st := set(t, Config{Viewers: 2, OriginTotal: 10e6}, nil)
	start := st.now
	st.get(0, 0)
	st.get(1, 0)
	st.until(start + 20*time.Second)
	want := 90*time.Millisecond + 2*span(st.bytes(0), 10e6)
	for i := range 2 {
		if at, _ := st.ended(i); !near(at-start, want) {
			t.Errorf("client %d took %v, want %v", i, at-start, want)
		}
	}
	st.sound()
}

// After CancelFetch at most one more piece leaves, and it is counted.
func TestCancelFetch(t *testing.T) {
	st := set(t, Config{Viewers: 1, OriginRate: 5e6}, nil)
	st.get(0, 0)
	st.until(time.Second)
	st.order(0, swarm.CancelFetch{Key: st.stream.keys[0]})
	_, before := inputs[swarm.Gained](st, 0)
	st.until(10 * time.Second)
	_, after := inputs[swarm.Gained](st, 0)
	_, end := st.ended(0)
	if len(before) == 0 || len(after) > len(before)+1 || end.Err != swarm.FetchCancelled {
		t.Errorf("%d pieces before, %d after; ended with %v", len(before), len(after), end.Err)
	}
	if lost := st.ledger.originLost; lost != 1 {
		t.Errorf("%d pieces lost, want the one under way", lost)
	}
	st.sound()
}

func TestPartOfASegment(t *testing.T) {
	st := set(t, Config{Viewers: 1}, nil)
	st.order(0, swarm.Fetch{Key: st.stream.keys[0], First: 70, Count: 5, Cause: swarm.CauseHedge})
	st.until(time.Second)
	_, gained := inputs[swarm.Gained](st, 0)
	if len(gained) != 5 || gained[0].First != 70 || gained[4].First != 74 {
		t.Errorf("gained %+v, want pieces 70 to 74", gained)
	}
	if got := st.fig.ByCause[swarm.CauseHedge]; got != st.fig.OriginBytes || got == 0 {
		t.Errorf("%d bytes attributed, %d left the origin", got, st.fig.OriginBytes)
	}
}
