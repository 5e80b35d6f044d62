package signal

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAddressRateAtTheCapAndOnePast(t *testing.T) {
	// Rates of 1/s refill nothing during the test.
	for _, tt := range []struct {
		name   string
		limits Limits
		send   func(r *rawClient) // past the cap together with another member's 4 messages
	}{
		{"messages", Limits{MessagesPerSecondPerAddress: 1, MessageBurstPerAddress: 10}, func(r *rawClient) {
			for range 6 {
				r.say(&Ping{Sent: time.UnixMicro(1)})
			}
		}},
		{"bytes", Limits{BytesPerSecondPerAddress: 1, ByteBurstPerAddress: 1000}, func(r *rawClient) {
			r.send(AppendRelay(nil, MemberID{1}, make([]byte, 900)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, url := startServer(t, Config{Limits: tt.limits, Address: testAddress})
			others := dialFrom(t, url, "192.0.2.2").join("swarm", 9)
			first := dialFrom(t, url, "192.0.2.1").join("swarm", 1)
			for range 3 {
				first.introductions() // a ping each
			}
			second := dialFrom(t, url, "192.0.2.1").join("swarm", 2)
			tt.send(second)
			second.refusedWith(CodeRate)
			others.introductions() // from elsewhere everything goes on
		})
	}
}

func TestJoinsPerAddress(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{JoinsPerSecondPerAddress: 1, JoinBurstPerAddress: 3}, Address: testAddress})
	for i := range 3 {
		dialFrom(t, url, "192.0.2.1").join("swarm", i).conn.Close() // hanging up refills nothing
	}
	r := dialFrom(t, url, "192.0.2.1")
	r.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(9)})
	r.refusedWith(CodeRate)
	dialFrom(t, url, "192.0.2.2").join("swarm", 9)
}

func TestAddressLimitsFollowTheMembersOwn(t *testing.T) {
	if l := (Limits{MessagesPerSecond: -1, BytesPerSecond: -1, JoinsPerSecond: -1}).populate(); l.MessagesPerSecondPerAddress != -1 ||
		l.BytesPerSecondPerAddress != -1 || l.JoinsPerSecondPerAddress != -1 {
		t.Errorf("switched off for members, on for addresses: %+v", l)
	}
	if l := (Limits{MessageBurst: 1 << 20}).populate(); l.MessageBurstPerAddress != 1<<20 {
		t.Errorf("an address may do less than one member: %+v", l)
	}
}

func TestAccountsOutliveConnectionsAndAreSwept(t *testing.T) {
	l := Limits{JoinsPerSecondPerAddress: 1, JoinBurstPerAddress: 5, MessagesPerSecondPerAddress: -1, BytesPerSecondPerAddress: -1}.populate()
	v := visitors{limits: &l, at: map[netip.Addr]*visitor{}, sweepAt: visitorsMin}
	now := time.Unix(1000, 0)
	for i := range 20 * visitorsMin {
		now = now.Add(time.Millisecond)
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		at, _ := v.enter(from, now)
		if !at.join(now, &l) {
			t.Fatalf("address %d refused at its first join", i)
		}
		v.leave(from, at, now)
	}
	// a join is forgotten after a second, so about 1000 of the 20480 are needed
	if n := len(v.at); n > 4*visitorsMin {
		t.Errorf("%d accounts kept", n)
	}
	quiet, _ := v.enter(netip.MustParseAddr("192.0.2.1"), now)
	v.leave(netip.MustParseAddr("192.0.2.1"), quiet, now)
	if v.at[netip.MustParseAddr("192.0.2.1")] != nil {
		t.Error("an account that says nothing was kept")
	}
}

// TestNobodyLearnsAnAddress lets members meet, chat and leave, and looks for the
// address of one in everything another was sent.
func TestNobodyLearnsAnAddress(t *testing.T) {
	const secretAddress = "203.0.113.77"
	a := netip.MustParseAddr(secretAddress).As4()
	cfg := Config{Address: testAddress, ReportInterval: time.Second,
		Locate: func(netip.Addr) Location { return Location{Place: PlaceAt(48, 16), ASN: 64500} }}
	_, url := startServer(t, cfg)
	watcher := dialFrom(t, url, "192.0.2.1").join("swarm", 1)
	hidden := dialFrom(t, url, secretAddress).join("swarm", 2)
	hidden.say(&Status{Links: 1, MaxLinks: 9, Report: &Report{FromPeers: 1, Flows: []Flow{{Peer: IDOf(secretOf(1)), RTT: time.Second}}}})
	hidden.send(AppendRelay(nil, IDOf(secretOf(1)), []byte("hello")))
	watcher.say(&Want{Count: 5})
	hidden.introductions()
	hidden.conn.Close()
	for gone := false; !gone; {
		_, b, err := watcher.conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if containsAny(b, string(a[:]), secretAddress, "203.0.113", "64500") {
			t.Errorf("message %x tells where the other is", b)
		}
		m, _ := Parse(b)
		_, gone = m.(*Gone)
	}
}

// TestBucketRefills checks the arithmetic in virtual time.
func TestBucketRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bucket
		for i, want := range []bool{true, true, true, false} {
			if got := b.take(time.Now(), 1, 2, 3); got != want {
				t.Errorf("token %d: %v", i, got)
			}
		}
		time.Sleep(time.Second) // two more
		if !b.take(time.Now(), 2, 2, 3) || b.take(time.Now(), 1, 2, 3) {
			t.Error("a second refilled something else than two tokens")
		}
		if b.take(time.Now(), 4, 2, 3) || !b.take(time.Now(), 1, -1, 3) {
			t.Error("more than the burst passed, or a limit that is off held")
		}
	})
}
