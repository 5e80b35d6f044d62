package swarm

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

var showLife = flag.Int("life", -1, "print a life of testdata/lives/hashes.txt")

// TestLives compares brains that are told whatever comes, by seeded chance, with
// testdata/lives/hashes.txt: one life a line, and a hash of what it answered for every
// lifeChunk inputs. Another implementation that draws the same inputs, as
// player/web/src/core/lives.test.ts does, must come to the same hashes. -update
// rewrites them, -life N prints one.
func TestLives(t *testing.T) {
	const path = "testdata/lives/hashes.txt"
	var now strings.Builder
	for n := range lives {
		fmt.Fprintln(&now, live(n))
	}
	if *update {
		if err := os.WriteFile(path, []byte(now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	recorded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(recorded), "\n"), strings.Split(now.String(), "\n")
	for n := range min(len(was), len(is)) {
		if was[n] != is[n] {
			t.Fatalf("life %d has other hashes than in %s; if the rules were changed, run with -update", n, path)
		}
	}
}

const (
	lives      = 40
	lifeLength = 300
	lifeChunk  = 20
)

// draws is chance that another language can draw too: Go's PCG, as floats.
type draws func() float64

func newDraws(seed uint64, name string) draws {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64())).Float64
}

func (d draws) below(n int) int { return int(d() * float64(n)) }

func (d draws) one(n int) bool { return d.below(n) == 0 } // of n

func (d draws) time(most time.Duration) time.Duration { return time.Duration(d() * float64(most)) }

func (d draws) peer() PeerID { return PeerID("abcde"[d.below(5):][:1]) }

func (d draws) key() Key { return Key(fmt.Sprintf("p/v%d/%d", d.below(2), 8+d.below(3))) }

// live is one life: its number and the hashes of its chunks.
func live(n int) string {
	d := newDraws(uint64(n), "inputs")
	cfg := Config{ID: "me", RandomSeed: uint64(n), MinPeers: 1 + d.below(2), MaxPeers: 3 + d.below(3), SampleRate: 0.5}
	cfg.Seed, cfg.Signed, cfg.Metered = d.one(8), d.one(2), d.one(5)
	cfg.DisconnectWebsocketOnMax = d.one(2)
	if d.one(2) {
		cfg.UploadMax = int64(300_000 + d.below(8_000_000))
	}
	c, err := New(cfg)
	if err != nil {
		panic(err)
	}
	var at Time
	line := fmt.Sprint(n)
	hash := fnv.New32a()
	var in Input
	for i := range lifeLength {
		up, linked := in.(LinkUp)
		switch {
		case linked && !d.one(8):
			in = Received{From: up.Peer, Message: d.hello()}
		case i < 8 && !linked:
			in = LinkUp{Peer: d.peer()}
		default:
			in = d.input(c, at)
		}
		if next, _, ok := c.Next(); ok && d.one(5) {
			at, in = max(at, next), Tick{}
		} else if d.one(20) {
			at += d.time(2 * time.Second)
		} else {
			at += d.time(20 * time.Millisecond)
		}
		c.Handle(at, in)
		var text strings.Builder
		for _, e := range c.Drain() {
			text.WriteString(describe(e) + "\n")
		}
		if next, why, ok := c.Next(); ok {
			fmt.Fprintf(&text, "%s at %d\n", why, next)
		}
		if n == *showLife {
			fmt.Printf("%d %d %T%+v\n%s", i, at, in, in, text.String())
		}
		hash.Write([]byte(text.String()))
		if (i+1)%lifeChunk == 0 {
			line += fmt.Sprintf(" %08x", hash.Sum32())
		}
	}
	return line
}

func (d draws) hello() Hello {
	return Hello{Version: Version, Seed: d.one(12), Metered: d.one(6), Uplink: int64(d.below(3)) * 600_000, MaxPeers: 10}
}

// input draws what could be said at a time. Every draw is made in the order in which
// it is written.
func (d draws) input(c *Core, now Time) Input {
	peer, key, kind := d.peer(), d.key(), d.below(40)
	// An offer may lie about the size; what the edge has checked does not.
	pieces, lie := 1+int(key[len(key)-1])%7, int64(d.below(8))*16384-1
	size := int64(pieces)*16384 - 100
	if d.one(3) {
		size = -1
	}
	from := func(m Message) Input { return Received{From: peer, Message: m} }
	switch kind {
	case 0, 1, 2, 3, 4:
		w := Want{Key: key, Size: -1, Fetchable: !d.one(3), Asked: d.one(3), Urgent: d.one(12)}
		w.Available = now + d.time(2*time.Second) - time.Second
		w.Deadline = w.Available + d.time(20*time.Second)
		if d.one(3) {
			w.Whole = w.Available + d.time(time.Second)
		}
		if d.one(4) {
			w.OriginBy = w.Available + d.time(4*time.Second)
		}
		if d.one(2) {
			w.Duration = 2 * time.Second
		}
		return w
	case 5:
		return Unwant{Keys: []Key{key, d.key()}}
	case 6, 7:
		return LinkUp{Peer: peer, RTT: d.time(300 * time.Millisecond)}
	case 8:
		if d.one(3) {
			return LinkDown{Peer: peer}
		}
		return Tick{}
	case 9:
		return from(d.hello())
	case 10, 11, 12, 13, 14:
		return from(Reserve{Items: []Reservation{{Key: key, Hops: d.below(2), Due: d.time(6 * time.Second)},
			{Key: d.key(), Hops: d.below(2), Due: d.time(6 * time.Second)}}})
	case 15:
		return from(Release{Keys: []Key{key}})
	case 16:
		return from(Have{Gained: []Run{{Key: key, Count: d.below(4)}}, Lost: []Run{{Key: d.key(), Count: d.below(3)}}})
	case 17, 18, 19, 20:
		return from(Offer{Key: key, Size: lie, Hops: d.below(5), Pieces: d.below(6), More: []byte{byte(d.below(256)), byte(d.below(4))}, Seeded: d.one(3)})
	case 21, 22, 23:
		return from(Accept{Key: key, First: d.below(6), Count: d.below(7) - 1, Due: d.time(4 * time.Second), Only: []byte{byte(d.below(64))}[:d.below(2)]})
	case 24:
		return from(Refuse{Key: key, Reason: Refusal(1 + d.below(5))})
	case 25, 26:
		return from(Begin{Transfer: 7, Key: key, Size: size, Hops: d.below(5), First: d.below(3), Count: -1, Slices: d.below(2) * (1 + d.below(255))})
	case 27:
		return from(Cancel{Key: key})
	case 28:
		if d.one(3) {
			return from(Unsubscribe{Track: key.Track()})
		}
		return from(Subscribe{Track: key.Track(), Hops: d.below(5), Slices: d.below(256)})
	case 29:
		if d.one(2) {
			return from(Peers{IDs: []PeerID{d.peer(), "g", PeerID(fmt.Sprint("h", d.below(100)))}})
		}
		return from(Forward{From: d.peer(), To: PeerID([]string{"me", "a", "b"}[d.below(3)]), Payload: []byte("x")})
	case 30, 31, 32, 33:
		g := Gained{Key: key, From: peer, First: d.below(pieces), Size: size}
		g.Count = 1 + d.below(pieces-g.First)
		if d.one(3) {
			g.From = ""
		}
		return g
	case 34, 35:
		f := FetchEnded{Fetch: Fetch{Key: key}, Bytes: int64(d.below(100_000)), Err: FetchError(d.below(5)), RetryAfter: time.Duration(d.below(2)) * time.Second}
		if it := c.items[key]; it != nil {
			f.Fetch = it.fetch
		}
		return f
	case 36:
		if d.one(9) {
			return Conflict{Key: key, From: peer}
		}
		return Flowing{Key: key, From: peer}
	case 37:
		return Sent{To: peer, Count: 1 + d.below(4)}
	case 38:
		if d.one(2) {
			return Evicted{Key: key}
		}
		return Held{Key: key, Size: size}
	}
	switch d.below(10) {
	case 0:
		if d.one(4) {
			return BadPiece{Key: key, From: peer}
		}
		return Tick{}
	case 1:
		return Private{Key: key}
	case 2, 3, 4:
		return SwarmState{Size: d.below(20), Connected: !d.one(4)}
	case 5, 6:
		return Introduced{Peers: []PeerID{peer, "g", d.peer()}}
	case 7:
		return Measured{Peer: peer, RTT: d.time(time.Second)}
	case 8:
		return Condition{Metered: d.one(2), UploadMax: int64(d.below(2)) * 2_000_000}
	}
	if d.one(2) {
		return NeedSignal{}
	}
	return ForwardOut{To: d.peer(), Payload: []byte("x")}
}
