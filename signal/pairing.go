package signal

import (
	"net/netip"
	"time"

	"github.com/shoal-p2p/shoal/signal/vivaldi"
)

// Peer is a member as a pairing strategy sees it. Its fields are read and written
// only by the calls of Pairing, which never overlap for one swarm.
type Peer struct {
	ID         MemberID
	Seed       bool
	Uplink     int64 // bit/s, 0 unknown
	Address    netip.Addr
	Links      int
	MaxLinks   int
	Location                      // the place that the member tells, or else the operator's database
	Position   time.Duration      // on the presentation's time line, 0 unknown or live
	Coordinate vivaldi.Coordinate // from the round trips that the member reported

	slot // where pairing keeps it

	region   region // by the operator's rules
	entrance *Peer  // stands for an entrance of its group among those outside, else nil
}

// slot is what pairing knows a peer by. It is the peer's own: a copy of a Peer, as the
// stand-in of an entrance is, keeps the slot it has.
type slot struct {
	// intrusive queue of FirstAvailable: 2 words instead of a table entry per member
	prev, next *Peer
	queue      *peerQueue
	place      int32 // among all

	near *near // of Nearest, nil otherwise
}

// Spare says whether the peer holds fewer links than it would.
func (p *Peer) Spare() bool { return p.Links < p.MaxLinks }

// Pairing chooses whom a member is introduced to. One instance serves one swarm.
// Calls come under the server's lock: they must be quick and never block.
type Pairing interface {
	// Add takes a new member in.
	Add(*Peer)
	// Update says that a member's links changed.
	Update(*Peer)
	// Remove takes a member out.
	Remove(*Peer)
	// Suggest appends at most n members for p to into, best first, and notes that
	// they are handed out. It leaves out p itself and those usable refuses. If it
	// finds fewer, p should be among the first handed to others.
	Suggest(p *Peer, n int, usable func(*Peer) bool, into []*Peer) []*Peer
}
