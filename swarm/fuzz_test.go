package swarm

import (
	"fmt"
	"testing"
	"time"
)

// FuzzCore feeds a brain whatever neighbours, the origin and the edge could say,
// in any order, and checks that it keeps its bounds and sends only what it holds.
func FuzzCore(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x00\x01\x02\x01\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"))
	f.Add([]byte("aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ0123456789"))
	f.Fuzz(func(t *testing.T, script []byte) {
		c, err := New(Config{ID: "me", MaxPeers: 4, MinPeers: 1, SampleRate: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		var now Time
		next := func() int {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return int(b)
		}
		for len(script) > 0 {
			in := randomInput(next)
			now += time.Duration(next()) * 10 * time.Millisecond
			noteHeld(held, c, in)
			c.Handle(now, in)
			for _, e := range c.Drain() {
				if x, ok := e.(Transmit); ok {
					for i := x.First; i < x.First+x.Count; i++ {
						if !held[fmt.Sprint(x.Key, i)] {
							t.Fatalf("sends piece %d of %s, which it does not hold", i, x.Key)
						}
					}
				}
			}
			s := c.Sizes()
			if s.Links > 5 || s.Reservations > s.Links*MaxReservations || s.Outbound > s.Links*MaxOutbound ||
				s.Candidates > MaxCandidates || s.Banned > MaxBanned {
				t.Fatalf("a table outgrew its bound: %+v", s)
			}
			if at, _, ok := c.Next(); ok && at <= now-time.Minute {
				t.Fatalf("wants to be called a minute ago")
			}
		}
	})
}

// noteHeld mirrors what the edge holds, as the core may count on it.
func noteHeld(held map[string]bool, c *Core, in Input) {
	switch in := in.(type) {
	case Gained:
		for i := in.First; i < in.First+in.Count; i++ {
			held[fmt.Sprint(in.Key, i)] = true
		}
	case Held:
		for i := range 4 {
			held[fmt.Sprint(in.Key, i)] = true
		}
	}
}

func randomInput(next func() int) Input {
	key := Key(fmt.Sprintf("p/v%d/%d", next()%2, next()%4))
	peer := PeerID([]string{"a", "b", "c", "d", "e", ""}[next()%6])
	size := int64(next()-1) * 1000
	from := func(m Message) Input { return Received{From: peer, Message: m} }
	switch next() % 26 {
	case 0:
		return Want{Key: key, Available: Time(next()) * time.Second / 8, Deadline: Time(next()) * time.Second / 4, Asked: next()%2 == 0,
			Urgent: next()%4 == 0, Fetchable: next()%4 > 0, Size: -1}
	case 1:
		return Unwant{Keys: []Key{key}}
	case 2, 3:
		return LinkUp{Peer: peer, RTT: time.Duration(next()) * time.Millisecond}
	case 4:
		return LinkDown{Peer: peer}
	case 5, 6:
		return from(Hello{Version: Version, Seed: next()%4 == 0})
	case 7:
		return from(Reserve{Items: []Reservation{{Key: key, Hops: next() % 3, Due: time.Duration(next()) * time.Second}}})
	case 8:
		return from(Release{Keys: []Key{key}})
	case 9:
		return from(Have{Gained: []Run{{Key: key, Count: next() * 8}}, Lost: []Run{{Key: key, Count: next() % 3}}})
	case 10, 11:
		return from(Offer{Key: key, Size: size, Hops: next()%40 - 2, Pieces: next()%6 - 1})
	case 12, 13:
		return from(Accept{Key: key, First: next()%8 - 1, Count: next()%8 - 2, Due: time.Second})
	case 14:
		return from(Refuse{Key: key, Reason: Refusal(next() % 7)})
	case 15:
		return from(Begin{Transfer: 7, Key: key, Size: size, Hops: next() % 40, First: next() % 4, Count: -1, Slices: int(next())%300 - 20})
	case 16:
		return from(Cancel{Key: key})
	case 17:
		return from(Subscribe{Track: key.Track(), Hops: next() % 40})
	case 18:
		return from(Peers{IDs: []PeerID{"a", "x", PeerID(fmt.Sprint(next()))}})
	case 19:
		return from(Forward{From: peer, To: PeerID([]string{"me", "a", "b"}[next()%3])})
	case 20, 21:
		return Gained{Key: key, From: peer, First: next() % 4, Count: 1 + next()%2, Size: []int64{-1, 65536, 32768}[next()%3]}
	case 22:
		return FetchEnded{Fetch: Fetch{Key: key, ID: uint32(next() % 8)}, Err: FetchError(next() % 5)}
	case 23:
		return Conflict{Key: key, From: peer}
	case 24:
		return BadPiece{Key: key, From: peer}
	}
	return []Input{Held{Key: key, Size: 65536}, Evicted{Key: key}, Tick{}, SwarmState{Size: next(), Connected: true},
		Introduced{Peers: []PeerID{peer, "z"}}, Private{Key: key}, Sent{To: peer, Count: 1}, ForwardOut{To: "x"}}[next()%8]
}
