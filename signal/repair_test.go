package signal

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPiecesAreIntroducedToEachOther joins members whose links, as they report
// them, form two islands, and expects a bridge.
func TestPiecesAreIntroducedToEachOther(t *testing.T) {
	cfg := Config{ReportInterval: 4 * time.Second, PairAgainAfter: time.Second, Limits: Limits{PeersOnJoin: -1}}
	inBubble(t, cfg, func(t *testing.T, n *memNet, s *Server) {
		island := func(i int) int { return i / 3 }
		var clients []*Client
		var heard []*recorder
		for i := range 6 {
			flows := []Flow{{Peer: IDOf(secretOf(island(i)*3 + (i+1)%3))}}
			c, r := n.client(t, ClientConfig{Secret: secretOf(i), RandSeed: uint64(i + 1),
				Report: func() Report { return Report{FromPeers: 1, Flows: flows} }})
			clients, heard = append(clients, c), append(heard, r)
		}
		time.Sleep(3 * cfg.ReportInterval)
		synctest.Wait()
		bridges := 0
		for i, r := range heard {
			for _, e := range r.all() {
				for _, id := range e.ids {
					for j := range clients {
						if clients[j].ID() == id && island(i) != island(j) {
							bridges++
						}
					}
				}
			}
		}
		if bridges == 0 {
			t.Error("the islands were left alone")
		}
		if got := metric(t, s, "shoal_signal_repairs_total"); int(got) != bridges {
			t.Errorf("%v repairs counted, %d seen", got, bridges)
		}
		for _, c := range clients {
			c.Close()
		}
	})
}

func TestAWholeSwarmIsLeftAlone(t *testing.T) {
	w := &swarm{members: map[MemberID]*member{}}
	now := time.Unix(1000, 0)
	for i := range 10 {
		m := &member{report: &reported{at: now}}
		m.ID, m.MaxLinks = MemberID{byte(i)}, 10
		m.report.Flows = []Flow{{Peer: MemberID{byte((i + 1) % 10)}}}
		w.members[m.ID] = m
	}
	if got := w.pieces(now, time.Minute); len(got) != 1 || len(got[region{}]) != 1 {
		t.Errorf("a ring is in %d pieces", len(got[region{}]))
	}
	w.members[MemberID{3}].report.Flows, w.members[MemberID{7}].report.Flows = nil, nil
	if got := w.pieces(now, time.Minute); len(got[region{}]) != 2 {
		t.Errorf("a ring cut twice is in %d pieces", len(got[region{}]))
	}
	if got := w.pieces(now.Add(time.Hour), time.Minute); len(got[region{}]) != 0 {
		t.Errorf("old reports made %d pieces", len(got[region{}]))
	}
	w.members[MemberID{3}].report.Flows = []Flow{{Peer: MemberID{99}}} // a member elsewhere
	w.members[MemberID{7}].report.Flows = []Flow{{Peer: MemberID{99}}}
	if got := w.pieces(now, time.Minute); len(got[region{}]) != 1 {
		t.Errorf("pieces linked through another server count as %d", len(got[region{}]))
	}
}
