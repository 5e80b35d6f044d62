package signal

import (
	"context"
	"slices"
	"testing"
	"time"
)

// TestEverywhereSeesTheWholeCluster: whichever server is asked, also one without a
// member of the swarm, the answer has all members and links.
func TestEverywhereSeesTheWholeCluster(t *testing.T) {
	inFleet(t, 4, Config{ReportInterval: time.Second, Names: []string{"swarm"}}, func(f *fleet) {
		const members = 9
		var ids []string
		for i := range members {
			next := IDOf(secretOf((i + 1) % members))
			c, _ := f.nets[i%3].client(f.t, ClientConfig{Secret: secretOf(i), RandSeed: uint64(i + 1), Seed: i == 0, Report: func() Report {
				return Report{Origin: 100, FromPeers: 300, Sent: 300, Stalls: 1, Flows: []Flow{{Peer: next, RTT: 10 * time.Millisecond, In: 5, Out: 7}}}
			}})
			f.clients = append(f.clients, c)
			ids = append(ids, c.ID())
		}
		slices.Sort(ids)
		settle(5 * time.Second)
		for i, s := range f.servers {
			asked := time.Now()
			state, ok := s.Everywhere(context.Background(), "swarm")
			if !ok {
				f.t.Errorf("server %d knows of no such swarm", i)
				continue
			}
			if took := time.Since(asked); took >= viewTime {
				f.t.Errorf("server %d waited %v for servers that had nothing to tell", i, took)
			}
			var got []string
			for _, p := range state.Peers {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, ids) {
				f.t.Errorf("server %d sees %v, want %v", i, got, ids)
			}
			sum := state.Summary
			if sum.Members != members || sum.Here != members || sum.Seeds != 1 || sum.Reporting != members || sum.Name != "swarm" ||
				sum.OriginBytes != 100*members || sum.PeerBytes != 300*members || sum.Stalls != members || sum.Offload != 0.75 {
				f.t.Errorf("server %d sums up %+v", i, sum)
			}
			if len(state.Links) != members || slices.ContainsFunc(state.Links, func(l LinkState) bool { return l.Elsewhere || l.RTT != 10 }) {
				f.t.Errorf("server %d sees links %+v", i, state.Links)
			}
			if len(state.History) == 0 && i < 3 {
				f.t.Errorf("server %d has no history", i)
			}
		}
		if _, ok := f.servers[0].Everywhere(context.Background(), "another"); ok {
			f.t.Error("a swarm that nobody is in")
		}
		// One that is cut off does not keep the others from answering.
		f.buses[1].sever(true)
		state, ok := f.servers[0].Everywhere(context.Background(), "swarm")
		if !ok || len(state.Peers) != members-3 {
			f.t.Errorf("%d members without the server that does not answer, want %d", len(state.Peers), members-3)
		}
		if n := len(f.servers[0].cluster.views); n != 0 {
			f.t.Errorf("%d questions are left", n)
		}
		f.buses[1].sever(false)
	})
}

// TestViewsComeInParts has a view larger than a message, and answers nobody asked for.
func TestViewsComeInParts(t *testing.T) {
	inFleet(t, 2, Config{}, func(f *fleet) {
		s, from := f.servers[0], f.servers[1].cluster.id
		number, v := s.askAround(Blind("nobody's"))
		settle(time.Second)
		if got := <-v.whole; len(got) != 0 {
			f.t.Errorf("%d bytes of a swarm that nobody is in", len(got))
		}
		s.asked(number)
		f.buses[1].sever(true) // the test answers in its place
		number, v = s.askAround(Blind("nobody's"))
		part := func(n uint32, i, of byte, size int) {
			b := append(busMessage(busSeen, from), byte(n>>24), byte(n>>16), byte(n>>8), byte(n), i, of)
			s.hearBus(append(b, make([]byte, size)...))
		}
		part(number+1, 0, 1, 10)       // of another question
		part(number, 0, 2, viewPart+1) // too much
		part(number, 0, 3, viewPart)
		part(number, 1, 3, viewPart)
		part(number, 2, 3, 5)
		part(number, 0, 1, 5) // again
		if got := <-v.whole; len(got) != 2*viewPart+5 {
			f.t.Errorf("%d bytes in three parts", len(got))
		}
		s.asked(number)
		number, v = s.askAround(Blind("nobody's"))
		part(number, 1, 2, 10) // the first is lost
		part(number, 0, 1, 10)
		settle(time.Second)
		if len(v.whole) != 0 {
			f.t.Error("an answer without its beginning")
		}
		s.asked(number)
	})
}
