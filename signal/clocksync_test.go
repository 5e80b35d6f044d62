package signal

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientsWithWrongClocksAgreeOnServerTime(t *testing.T) {
	for _, skew := range []time.Duration{0, 3 * time.Second, -40 * time.Minute, 26 * 365 * 24 * time.Hour} {
		inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
			c, _ := n.client(t, ClientConfig{Clock: func() time.Time { return time.Now().Add(skew) }})
			time.Sleep(2 * time.Second)
			// memory has no latency and stamps are in µs
			if err := time.Until(c.Now()).Abs(); err > 2*time.Microsecond {
				t.Errorf("skew %s: off by %s", skew, err)
			}
		})
	}
}

func TestClockOverTCP(t *testing.T) {
	const skew = 17 * time.Second
	_, url := startServer(t, Config{Clock: func() time.Time { return time.Now().Add(skew) }})
	c, _ := joinClient(t, url, "swarm", 1)
	if err := (time.Until(c.Now()) - skew).Abs(); err > 250*time.Millisecond {
		t.Errorf("off by %s", err)
	}
}

func TestClockFilterPrefersShortRoundTrips(t *testing.T) {
	const offset = 1500 * time.Millisecond
	r := rand.New(rand.NewPCG(4, 2))
	base := time.UnixMicro(1_700_000_000_000_000)
	local := base
	c := newClockSync(func() time.Time { return local })
	for i := range 200 {
		// an asymmetric path: 10 ms there, 10 to 210 ms back; now and then a clean one
		there, back := 10*time.Millisecond, 10*time.Millisecond+time.Duration(r.Int64N(int64(200*time.Millisecond)))
		if i%5 == 0 {
			back = there + time.Millisecond
		}
		sent := local
		received := sent.Add(there + offset)
		local = local.Add(there + back)
		c.add(sent, received, received.Add(time.Millisecond), local.Add(time.Millisecond))
		if i < clockSamples {
			continue
		}
		if err := (c.now().Sub(local) - offset).Abs(); err > 500*time.Microsecond {
			t.Fatalf("sample %d: off by %s", i, err)
		}
	}
}

func TestClockIgnoresImpossibleSamples(t *testing.T) {
	local := time.Unix(1000, 0)
	c := newClockSync(func() time.Time { return local })
	server := local.Add(time.Hour)
	c.add(local, server, server, local.Add(-time.Second))                  // arrived before it was sent
	c.add(local, server, server.Add(-time.Second), local.Add(time.Second)) // answered before it was received
	c.add(local, server, server.Add(time.Minute), local.Add(time.Second))  // worked on longer than it was away
	if got := c.now(); !got.Equal(local) {
		t.Errorf("offset %s from impossible samples", got.Sub(local))
	}
}

func TestClockDoesNotRunBackForSmallCorrections(t *testing.T) {
	local := time.Unix(1000, 0)
	c := newClockSync(func() time.Time { return local })
	sample := func(offset, rtt time.Duration) {
		at := local.Add(offset + rtt/2)
		c.add(local, at, at, local.Add(rtt))
	}
	sample(100*time.Millisecond, 80*time.Millisecond)
	before := c.now()
	sample(60*time.Millisecond, 2*time.Millisecond)
	if got := c.now(); !got.Equal(before) {
		t.Errorf("stepped by %s", got.Sub(before))
	}
	local = local.Add(time.Second)
	if got := c.now().Sub(local); got != 60*time.Millisecond {
		t.Errorf("offset %s a second later", got)
	}
	c.reset()
	sample(-time.Hour, time.Millisecond)
	if got := c.now().Sub(local); got != -time.Hour {
		t.Errorf("a large correction was not taken: %s", got)
	}
}

func TestClockResetKeepsTheOffsetUntilTheNextSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClockSync(time.Now)
		now := time.Now()
		c.add(now, now.Add(time.Minute), now.Add(time.Minute), now)
		c.reset()
		if got := time.Until(c.now()); got != time.Minute {
			t.Errorf("offset %s", got)
		}
	})
}
