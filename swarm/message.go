package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// PeerID names a member of a swarm, as signalling assigned it: 16 lower-case
// hexadecimal digits.
type PeerID string

// Key and its track part name what is exchanged.
type Key = segments.Key

// Message is what one brain says to another over a link's control channel. The
// wire package gives each its bytes.
type Message interface{ message() }

// Hello is the first message on a link, from both sides.
type Hello struct {
	Version  int   // protocol version, Version here
	Seed     bool  // fetches every segment from the origin by itself
	Metered  bool  // wants to send as little as possible
	Uplink   int64 // bit/s the peer is ready to spend, 0 unknown
	MaxPeers int   // most links it will hold
}

// Reserve asks the receiver to offer these keys the moment it has something of
// them. Nothing need exist yet.
type Reserve struct{ Items []Reservation }

// Reservation is one key of a Reserve.
type Reservation struct {
	Key  Key
	Hops int           // 1: the receiver may pass it on to its own neighbours (tier-2); 0: it may not
	Due  time.Duration // from now until the sender needs it whole
}

// Release takes reservations back: seek, quality switch, revoked prediction.
type Release struct{ Keys []Key }

// Have tells which whole segments the sender has gained and lost, for late
// joiners and VOD. Runs of consecutive numbers of one track are ranges.
type Have struct{ Gained, Lost []Run }

// Run is Count consecutively numbered keys of a track starting at First, or a
// single key of any form.
type Run struct {
	Key   Key // the first one
	Count int // 1 for a key that is not a plain number
}

// Offer tells a peer that reserved Key that it can be had here.
type Offer struct {
	Key    Key
	Size   int64 // bytes, -1 while unknown
	Hops   int   // how many peers the bytes came through: 0 fetched from the origin
	Pieces int   // leading pieces that are here. 0, with an empty More: a promise, the origin was asked
	// More is which pieces after those are here too: bit j of byte i stands for piece
	// Pieces + 8i + j.
	More   []byte
	Seeded bool // a seed's fetch is where the bytes come from
}

// Accept asks for pieces of Key. It answers an Offer or uses a Have, and tells all
// that is still expected of this source: what an earlier one named and this one does
// not is no longer wanted. Pieces that were sent are not sent again.
type Accept struct {
	Key   Key
	First int // piece index
	Count int // -1: everything from First on, as it comes; 0: no more
	Due   time.Duration
	// Only is which of the Count pieces: bit j of byte i stands for piece First + 8i +
	// j. Empty: all of them.
	Only []byte
}

// Refuse says no: to an Offer ("another source is locked") or to an Accept.
type Refuse struct {
	Key    Key
	Reason Refusal
}

// Refusal is why an Offer or an Accept was turned down.
type Refusal int

const (
	RefusedLocked   Refusal = iota + 1 // the receiver has a source already; this version does not say so
	RefusedGone                        // not held any more
	RefusedBusy                        // no upload budget left
	RefusedUnwanted                    // the receiver does not want the key
	RefusedLoop                        // hops are not strictly decreasing
)

// Begin opens a transfer: pieces First.. of Key follow under this number on the
// bulk channel. On the wire it also carries leaves and the statement, which the
// edge checks before the core hears of it.
type Begin struct {
	Transfer uint32 // chosen by the sender of the pieces, unique on the link
	Key      Key
	Size     int64 // -1 while unknown
	Hops     int   // of the sender
	First    int
	Count    int // -1: to the end
	Slices   int // pushed, without an Accept, as bits; 0: what an Accept asked for
}

// Cancel stops the transfer of Key: from the receiver "send no more", from the
// sender "no more will come".
type Cancel struct{ Key Key }

// Subscribe asks the receiver to push slices of every new segment of Track the
// moment it has something of them. It replaces an earlier one.
type Subscribe struct {
	Track  string
	Hops   int // the subscriber's distance from the origin on this track
	Slices int // bit s: pieces s, s+8, s+16, …
}

// Unsubscribe ends a subscription, from either side.
type Unsubscribe struct{ Track string }

// Peers introduces neighbours of the sender.
type Peers struct{ IDs []PeerID }

// Forward carries a signalling message (offer, answer, candidate) through a
// common neighbour when the websocket is gone. The receiver delivers it if To is
// itself, or passes it on if To is its neighbour; it never goes further.
type Forward struct {
	From, To PeerID
	Payload  []byte
}

// Bye is the last message on a link that is closed on purpose.
type Bye struct{ Reason string }

func (Hello) message()       {}
func (Reserve) message()     {}
func (Release) message()     {}
func (Have) message()        {}
func (Offer) message()       {}
func (Accept) message()      {}
func (Refuse) message()      {}
func (Begin) message()       {}
func (Cancel) message()      {}
func (Subscribe) message()   {}
func (Unsubscribe) message() {}
func (Peers) message()       {}
func (Forward) message()     {}
func (Bye) message()         {}
