package rtc

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

func TestReportsTellRatesOfLinks(t *testing.T) {
	id := signal.MemberID{1, 2, 3}
	since := time.Now()
	s := node.Stats{OriginBytes: 10, PeerBytes: 20, Uploaded: 30}
	link := func(in, out int64) []node.PeerStats {
		return []node.PeerStats{{ID: "not an id"}, {ID: swarm.PeerID(id.String()), RTT: 7 * time.Millisecond, Since: since, BytesIn: in, BytesOut: out}}
	}
	s.Peers = link(1000, 500)
	known := false
	r := &reporter{stats: func() (node.Stats, bool) { return s, known }, playback: func() Playback { return Playback{Stalls: 2, Buffer: time.Second} }}
	if got := r.report(); got.Origin != 0 || got.Flows != nil {
		t.Errorf("before there is a node: %+v", got)
	}
	known = true
	first := r.report()
	if first.Origin != 10 || first.FromPeers != 20 || first.Sent != 30 || first.Stalls != 2 || first.Buffer != time.Second {
		t.Errorf("report %+v", first)
	}
	if len(first.Flows) != 1 || first.Flows[0] != (signal.Flow{Peer: id, RTT: 7 * time.Millisecond}) {
		t.Errorf("flows %+v", first.Flows)
	}
	r.at = r.at.Add(-2 * time.Second)
	s.Peers = link(5000, 500)
	if f := r.report().Flows[0]; f.In < 1000 || f.In > 2000 || f.Out != 0 {
		t.Errorf("4000 bytes in two seconds are %d a second", f.In)
	}
	r.at = r.at.Add(-time.Second)
	since = since.Add(time.Second)
	s.Peers = link(300, 0) // a new link: counted from nothing
	if f := r.report().Flows[0]; f.In > 300 || f.In < 100 {
		t.Errorf("300 bytes of a new link in a second are %d", f.In)
	}
}
