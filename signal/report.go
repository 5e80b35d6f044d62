package signal

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// MaxFlows bounds the links one Report describes.
const MaxFlows = 64

// Report is what a member tells of itself, in a Status, as often as the server asks
// for it (Announced.ReportInterval). Bytes count since the member started.
type Report struct {
	Origin    int64         // bytes fetched from the origin
	FromPeers int64         // verified bytes from peers
	Sent      int64         // bytes sent to peers
	Stalls    int           // times the picture stood still
	Buffer    time.Duration // media that waits to be played
	Flows     []Flow        // the open links
}

// Flow is one link of the member that reports it.
type Flow struct {
	Peer    MemberID
	RTT     time.Duration // measured on the link, 0 unknown, at most 6.5535 s
	In, Out uint32        // bytes a second since the last report
}

// flowBytes is the length of a Flow on the wire: peer 8, round trip 2 in units of
// 100 µs, in 4, out 4, big-endian.
const flowBytes = 18

// rttUnit is the resolution of a round trip on the wire.
const rttUnit = 100 * time.Microsecond

func (m *Report) fields(w *fieldWriter) {
	w.integer("origin", m.Origin)
	w.integer("peers", m.FromPeers)
	w.integer("sent", m.Sent)
	w.integer("stalls", int64(m.Stalls))
	w.span("buffer", m.Buffer)
	if len(m.Flows) == 0 {
		return
	}
	w.name("flows")
	w.b = msgp.AppendBytesHeader(w.b, uint32(flowBytes*len(m.Flows)))
	for _, f := range m.Flows {
		w.b = append(w.b, f.Peer[:]...)
		rtt := min(max(f.RTT, 0)/rttUnit, math.MaxUint16)
		w.b = binary.BigEndian.AppendUint16(w.b, uint16(rtt))
		w.b = binary.BigEndian.AppendUint32(w.b, f.In)
		w.b = binary.BigEndian.AppendUint32(w.b, f.Out)
	}
}

func (m *Report) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "origin":
		m.Origin = r.integer(0, 1<<53-1)
	case "peers":
		m.FromPeers = r.integer(0, 1<<53-1)
	case "sent":
		m.Sent = r.integer(0, 1<<53-1)
	case "stalls":
		m.Stalls = int(r.integer(0, 1<<31))
	case "buffer":
		m.Buffer = r.span()
	case "flows":
		m.Flows = r.flows()
	default:
		return false
	}
	return true
}

func (r *fieldReader) flows() []Flow {
	v := read(r, msgp.ReadBytesZC)
	switch {
	case len(v)%flowBytes != 0:
		r.fail(fmt.Errorf("%d bytes of flows, want a multiple of %d", len(v), flowBytes))
	case len(v)/flowBytes > MaxFlows:
		r.fail(fmt.Errorf("%d flows, at most %d allowed", len(v)/flowBytes, MaxFlows))
	}
	if r.err != nil || len(v) == 0 {
		return nil
	}
	flows := make([]Flow, len(v)/flowBytes)
	for i := range flows {
		b := v[i*flowBytes:]
		flows[i] = Flow{Peer: MemberID(b),
			RTT: time.Duration(binary.BigEndian.Uint16(b[8:])) * rttUnit,
			In:  binary.BigEndian.Uint32(b[10:]), Out: binary.BigEndian.Uint32(b[14:])}
	}
	return flows
}
