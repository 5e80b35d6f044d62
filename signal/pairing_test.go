package signal

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func anybody(*Peer) bool { return true }

func names(peers []*Peer) []byte {
	ids := []byte{}
	for _, p := range peers {
		ids = append(ids, p.ID[0])
	}
	return ids
}

func newPeers(f Pairing, n int) []*Peer {
	peers := make([]*Peer, n)
	for i := range peers {
		peers[i] = &Peer{ID: MemberID{byte(i)}, MaxLinks: 4}
		f.Add(peers[i])
	}
	return peers
}

// inTurn is FirstAvailable without chance.
func inTurn() Pairing { return new(firstAvailable) }

func TestFirstAvailableSpreads(t *testing.T) {
	f := inTurn()
	peers := newPeers(f, 7)
	asker := &Peer{ID: MemberID{100}, MaxLinks: 0}
	f.Add(asker)
	var got [][]byte
	for range 3 {
		got = append(got, names(f.Suggest(asker, 3, anybody, nil)))
	}
	if d := cmp.Diff([][]byte{{0, 1, 2}, {3, 4, 5}, {6, 0, 1}}, got); d != "" {
		t.Error(d)
	}
	if got := f.Suggest(asker, 100, anybody, nil); len(got) != len(peers) || slices.Contains(got, asker) {
		t.Errorf("asked for all: %v", names(got))
	}
}

func TestFirstAvailableLeavesOut(t *testing.T) {
	f := inTurn()
	peers := newPeers(f, 5)
	peers[1].Links = 4
	f.Update(peers[1])
	f.Remove(peers[2])
	not3 := func(p *Peer) bool { return p.ID[0] != 3 }
	if d := cmp.Diff([]byte{4}, names(f.Suggest(peers[0], 9, not3, nil))); d != "" {
		t.Error(d)
	}
	peers[1].Links = 3
	f.Update(peers[1])
	if d := cmp.Diff([]byte{4, 1}, names(f.Suggest(peers[0], 9, not3, nil))); d != "" {
		t.Error(d)
	}
	if got := f.Suggest(peers[0], 0, anybody, nil); len(got) != 0 {
		t.Errorf("asked for none: %v", names(got))
	}
}

func TestFirstAvailablePrefersOneSeed(t *testing.T) {
	f := inTurn()
	peers := newPeers(f, 4)
	for i := range 2 {
		s := &Peer{ID: MemberID{byte(200 + i)}, Seed: true, MaxLinks: 1}
		f.Add(s)
		peers = append(peers, s)
	}
	if d := cmp.Diff([]byte{200, 1, 2}, names(f.Suggest(peers[0], 3, anybody, nil))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]byte{201, 3, 1}, names(f.Suggest(peers[0], 3, anybody, nil))); d != "" {
		t.Error(d)
	}
	for _, s := range peers[4:] { // full seeds are spared
		s.Links = 1
		f.Update(s)
	}
	if d := cmp.Diff([]byte{2, 3, 1}, names(f.Suggest(peers[0], 3, anybody, nil))); d != "" {
		t.Error(d)
	}
}

func TestFirstAvailableHandsOutTheUnsatisfiedFirst(t *testing.T) {
	f := inTurn()
	peers := newPeers(f, 4)
	nobody := func(*Peer) bool { return false }
	f.Suggest(peers[3], 2, nobody, nil) // 3 got nobody
	if d := cmp.Diff([]byte{3, 1}, names(f.Suggest(peers[0], 2, anybody, nil))); d != "" {
		t.Error(d)
	}
}

func TestFirstAvailableRescuesTheLonely(t *testing.T) {
	f := inTurn()
	peers := newPeers(f, 5)
	for _, p := range peers[1:] {
		p.Links = p.MaxLinks
		f.Update(p)
	}
	if got := f.Suggest(peers[0], 4, anybody, nil); len(got) != rescue {
		t.Errorf("a lonely member among full ones got %v", names(got))
	}
	peers[0].Links = 1
	f.Update(peers[0])
	if got := f.Suggest(peers[0], 4, anybody, nil); len(got) != 0 {
		t.Errorf("a member with a link got full ones: %v", names(got))
	}
}

// TestFirstAvailableMakesASmallWorld lets a crowd come at once, each asking for eight
// of ten links; who is full gives one up for a newcomer. By turns alone the links
// follow the order of arrival and ways grow with the crowd.
func TestFirstAvailableMakesASmallWorld(t *testing.T) {
	const crowd, most, wanted = 2000, 10, 8
	grow := func(f Pairing) float64 {
		r := rand.New(rand.NewPCG(3, 4))
		peers, index := make([]*Peer, crowd), map[MemberID]int{}
		links := make([][]int, crowd)
		set := func(i int) { peers[i].Links = len(links[i]); f.Update(peers[i]) }
		cut := func(i, j int) {
			links[i] = slices.DeleteFunc(links[i], func(k int) bool { return k == j })
			links[j] = slices.DeleteFunc(links[j], func(k int) bool { return k == i })
			set(j)
		}
		for i := range peers {
			peers[i] = &Peer{ID: MemberID{byte(i), byte(i >> 8)}, MaxLinks: most}
			index[peers[i].ID] = i
			f.Add(peers[i])
			free := func(q *Peer) bool { return !slices.Contains(links[i], index[q.ID]) }
			for _, q := range f.Suggest(peers[i], wanted, free, nil) {
				j := index[q.ID]
				if len(links[j]) == most {
					cut(j, links[j][r.IntN(most)])
				}
				links[i], links[j] = append(links[i], j), append(links[j], i)
				set(j)
			}
			set(i)
		}
		sum, n := 0, 0
		for i := 0; i < crowd; i += 100 {
			far := map[int]int{i: 0}
			for todo := []int{i}; len(todo) > 0; todo = todo[1:] {
				for _, j := range links[todo[0]] {
					if _, known := far[j]; !known {
						far[j] = far[todo[0]] + 1
						todo = append(todo, j)
					}
				}
			}
			if len(far) != crowd {
				t.Errorf("of %d members one reaches %d", crowd, len(far))
			}
			for _, d := range far {
				sum += d
			}
			n += len(far)
		}
		return float64(sum) / float64(n)
	}
	f := FirstAvailable().(*firstAvailable)
	f.random = rand.New(rand.NewPCG(5, 6))
	chance, turns := grow(f), grow(inTurn())
	ideal := math.Log(crowd) / math.Log(most-1) // of a random graph, about
	t.Logf("mean way %.2f links, by turns alone %.2f, of a random graph %.2f", chance, turns, ideal)
	if chance > 1.35*ideal || turns < 2*chance {
		t.Errorf("mean way of %.2f links, want at most %.2f and half of %.2f", chance, 1.35*ideal, turns)
	}
}

// TestFirstAvailableInAFilm spreads members over an hour: those named are near in it.
func TestFirstAvailableInAFilm(t *testing.T) {
	f := FirstAvailable().(*firstAvailable)
	f.random = rand.New(rand.NewPCG(7, 8))
	for i := range 500 {
		f.Add(&Peer{ID: MemberID{byte(i), byte(i >> 8)}, Position: time.Duration(7*i+1) * time.Second, Links: 4, MaxLinks: 4})
	}
	p := &Peer{ID: MemberID{1, 2, 3}, Position: 30 * time.Minute, MaxLinks: 10}
	f.Add(p)
	near, all := 0, 0
	for range 20 {
		for _, q := range f.Suggest(p, 8, anybody, nil) {
			if all++; p.apart(q) < 5*time.Minute {
				near++
			}
		}
	}
	if all != 20*8 || near < all*95/100 { // by chance alone one in six
		t.Errorf("%d of %d are within five minutes", near, all)
	}
}

// TestFirstAvailableQueues plays random changes and checks that every peer stays
// in the one queue its state asks for.
func TestFirstAvailableQueues(t *testing.T) {
	f := FirstAvailable().(*firstAvailable)
	r := rand.New(rand.NewPCG(1, 2))
	var in []*Peer
	for step := range 5000 {
		switch k := r.IntN(4); {
		case k == 0 || len(in) < 3:
			p := &Peer{ID: MemberID{byte(step), byte(step >> 8)}, Seed: r.IntN(5) == 0, MaxLinks: 3}
			f.Add(p)
			in = append(in, p)
		case k == 1 && len(in) > 40:
			i := r.IntN(len(in))
			f.Remove(in[i])
			in = slices.Delete(in, i, i+1)
		case k == 2:
			p := in[r.IntN(len(in))]
			p.Links = r.IntN(4)
			f.Update(p)
		default:
			p := in[r.IntN(len(in))]
			for _, q := range f.Suggest(p, r.IntN(6), func(*Peer) bool { return r.IntN(3) > 0 }, nil) {
				if q == p {
					t.Fatal("handed to itself")
				}
			}
		}
		if n := f.seeds.n + f.spare.n + f.full.n; n != len(in) {
			t.Fatalf("step %d: %d queued, %d in", step, n, len(in))
		}
	}
	for _, q := range []*peerQueue{&f.seeds, &f.spare, &f.full} {
		n := 0
		for p := q.root.next; p != nil && p != &q.root; p = p.next {
			if f.home(p) != q || p.next.prev != p {
				t.Fatalf("peer %v is in the wrong queue or badly linked", p.ID)
			}
			n++
		}
		if n != q.n {
			t.Errorf("%d linked, %d counted", n, q.n)
		}
	}
}

func TestExceptAndStatusWant(t *testing.T) {
	_, url := startServer(t, Config{Limits: Limits{PeersOnJoin: -1}})
	for i := range 4 {
		dialRaw(t, url).join("swarm", i)
	}
	r := dialRaw(t, url).join("swarm", 9)
	r.say(&Want{Count: 9, Except: []MemberID{IDOf(secretOf(0)), IDOf(secretOf(2))}})
	got := hear[*Peers](r).IDs
	want := []MemberID{IDOf(secretOf(1)), IDOf(secretOf(3))}
	byID := cmpopts.SortSlices(func(a, b MemberID) bool { return bytes.Compare(a[:], b[:]) < 0 })
	if d := cmp.Diff(want, got, byID); d != "" {
		t.Error(d)
	}
	r.say(&Status{Links: 2, MaxLinks: 10, Want: 9, Except: got})
	want = []MemberID{IDOf(secretOf(0)), IDOf(secretOf(2))}
	if d := cmp.Diff(want, hear[*Peers](r).IDs, byID); d != "" {
		t.Error(d)
	}
}

func TestPlacesSpokenForAreNotHandedOutAgain(t *testing.T) {
	_, url := startServer(t, Config{})
	holder := dialRaw(t, url)
	holder.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(0), MaxLinks: 2})
	hear[*Welcome](holder)
	introduced := 0
	for i := range 4 { // they have links, so that full members are no rescue for them
		r := dialRaw(t, url)
		r.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(i + 1), Links: 1, MaxLinks: 1})
		hear[*Welcome](r)
		r.say(&Want{Count: 1})
		r.say(&Ping{Sent: time.UnixMicro(1)})
		for {
			_, m, err := r.conn.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if holder := IDOf(secretOf(0)); Type(m[0]) == TypePeers && bytes.Contains(m, holder[:]) {
				introduced++
			}
			if Type(m[0]) == TypePong {
				break
			}
		}
	}
	if introduced < 1 || introduced > 2 {
		t.Errorf("a member with room for 2 was handed out %d times", introduced)
	}
}

func TestPairsKeptIsABound(t *testing.T) {
	m := new(member)
	now := time.Unix(1000, 0)
	for i := range pairsKept + 1 {
		m.pair(MemberID{byte(i)}, now)
		m.pair(MemberID{byte(i)}, now) // the same again takes no second place
	}
	if len(m.pairs) != pairsKept || m.pairedWith(MemberID{0}) || !m.pairedWith(MemberID{1}) {
		t.Errorf("%d kept", len(m.pairs))
	}
	if n := m.recent(now.Add(time.Second), time.Second); n != 0 {
		t.Errorf("%d recent after the window", n)
	}
	m.settle(10)
	if n := m.unsettled(now, time.Second); n != pairsKept-10 {
		t.Errorf("%d unsettled", n)
	}
}

// TestJoinersReachEverybody checks that introductions, taken as links, connect
// the whole swarm.
func TestJoinersReachEverybody(t *testing.T) {
	const n = 60
	_, url := startServer(t, Config{})
	group := map[MemberID]MemberID{} // union-find
	var find func(MemberID) MemberID
	find = func(id MemberID) MemberID {
		if p, ok := group[id]; ok && p != id {
			return find(p)
		}
		return id
	}
	for i := range n {
		id := IDOf(secretOf(i))
		group[id] = id
		r := dialRaw(t, url).join("swarm", i)
		if i == 0 {
			continue
		}
		peers := hear[*Peers](r)
		if want := min(i, DefaultPeersOnJoin); len(peers.IDs) != want {
			t.Errorf("member %d was introduced to %d, want %d", i, len(peers.IDs), want)
		}
		for _, p := range peers.IDs {
			group[find(id)] = find(p)
		}
	}
	roots := map[MemberID]bool{}
	for id := range group {
		roots[find(id)] = true
	}
	if len(roots) != 1 {
		t.Errorf("the swarm fell into %d parts", len(roots))
	}
}

func BenchmarkFirstAvailable(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := FirstAvailable()
			peers := make([]*Peer, n)
			for i := range peers {
				peers[i] = &Peer{ID: MemberID{byte(i), byte(i >> 8)}, MaxLinks: 10}
				f.Add(peers[i])
			}
			var into []*Peer
			i := 0
			for b.Loop() {
				into = f.Suggest(peers[i%n], 5, anybody, into[:0])
				i++
			}
		})
	}
}
