package signal

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClientReportsWhenAsked(t *testing.T) {
	figures := Report{Origin: 1000, FromPeers: 2000, Sent: 500, Stalls: 1, Buffer: 3 * time.Second,
		Flows: []Flow{{Peer: MemberID{7}, RTT: 20 * time.Millisecond, In: 100, Out: 50}}}
	inBubble(t, Config{ReportInterval: 8 * time.Second}, func(t *testing.T, n *memNet, s *Server) {
		c, _ := n.client(t, ClientConfig{Secret: secretOf(1), Place: PlaceAt(50, 8),
			Position: func() time.Duration { return time.Minute }, Report: func() Report { return figures }})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		s.mu.RLock()
		m := s.swarms[Blind("swarm")].members[IDOf(secretOf(1))]
		got, place, position := m.report, m.Place, m.Position
		s.mu.RUnlock()
		if got == nil {
			t.Fatal("no report after a quarter of the interval")
		}
		if d := cmp.Diff(figures, got.Report); d != "" || place != PlaceAt(50, 8) || position != time.Minute {
			t.Errorf("%s, at %v, position %v", d, place, position)
		}
		c.Close()
	})
}

func TestClientDoesNotReportUnasked(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, n *memNet, s *Server) {
		c, _ := n.client(t, ClientConfig{Report: func() Report { t.Error("asked for a report"); return Report{} }})
		time.Sleep(time.Minute)
		c.Close()
	})
}

func TestClientTurnsToTheNextAddress(t *testing.T) {
	_, dead := startServer(t, Config{AllowedOrigins: []string{"https://nobody.example"}, Limits: Limits{Connections: 1}})
	joinClient(t, dead, "swarm", 1) // full from now on
	_, alive := startServer(t, Config{})
	for n := range 4 { // whichever it begins with
		_, r := startClient(t, ClientConfig{URL: dead + ", " + alive, Secret: secretOf(2 + n)})
		r.wait(t, 0, "up", nil)
	}
}
