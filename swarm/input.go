package swarm

import "time"

// Time is a point on the swarm's clock, as the distance from an epoch that the
// edge chooses. The core only compares and subtracts.
type Time = time.Duration

// Input is something that happened at the edge.
type Input interface{ input() }

// Want says that the player will need Key, or updates what was said before.
type Want struct {
	Key       Key
	Available Time          // when the origin can be asked for it
	Whole     Time          // when it will have the last byte, of a segment that grows until then; 0: at Available
	Deadline  Time          // when the player must have it whole
	OriginBy  Time          // when the player has waited enough for peers; 0: as the deadline says
	Duration  time.Duration // of media, 0 unknown
	Size      int64         // bytes, -1 unknown (a guess from bandwidth is welcome)
	Urgent    bool          // start-up: fetch from wherever is fastest, now
	Asked     bool          // the player is waiting for it at this moment
	Fetchable bool          // the edge knows a URL for it
}

// Unwant revokes Wants: prediction corrected, seek, switch. What is held stays held.
type Unwant struct{ Keys []Key }

// LinkUp says that a link to Peer is open both ways.
type LinkUp struct {
	Peer PeerID
	RTT  time.Duration // measured while connecting, 0 unknown
}

// LinkDown says that it is gone.
type LinkDown struct{ Peer PeerID }

// Received is a control message, decoded, or a Begin whose leaves the edge has
// checked.
type Received struct {
	From    PeerID
	Message Message
}

// Gained says that pieces of Key were verified and are held. From is empty for
// the origin.
type Gained struct {
	Key   Key
	From  PeerID
	First int
	Count int
	Size  int64 // -1 while unknown
}

// Flowing says that bytes of Key's unfinished piece came: the segment grows, and a
// chunk of it need not fill a piece. From is empty for the origin.
type Flowing struct {
	Key  Key
	From PeerID
}

// BadPiece says that From sent a piece or leaves that do not verify. The edge
// has thrown it away.
type BadPiece struct {
	Key  Key
	From PeerID
}

// Conflict says that From's leaves differ from those already held for Key, and
// neither is signed. An empty From is the origin: what peers sent was a lie.
type Conflict struct {
	Key  Key
	From PeerID
}

// Sent says that Count pieces of a Transmit were handed to the network, so that
// the peer's queue has room again.
type Sent struct {
	To       PeerID
	Transfer uint32
	Count    int
}

// Private says that the origin does not want Key shared. It comes before the
// first Gained of its bytes.
type Private struct{ Key Key }

// FetchEnded says that a Fetch is over. Err is NoError when all bytes arrived.
type FetchEnded struct {
	Fetch      Fetch
	Bytes      int64 // that left the origin
	Err        FetchError
	RetryAfter time.Duration // asked for by the origin, 0 none
}

// FetchError is how a Fetch ended.
type FetchError int

const (
	NoError        FetchError = iota
	FetchTemporary            // may work later: network, 5xx, 429, 404 of a segment not there yet
	FetchFinal                // will not: 403, 410, too large
	FetchPrivate              // came, but must not be shared (Cache-Control: private, no-store)
	FetchCancelled            // by CancelFetch
)

// Held says that Key is in the store whole, without a transfer: found on disk at
// start. Size is in bytes, -1 while the edge has not looked; a second Held, before
// the first Accept or Reserve of the key is handed over, then gives it.
type Held struct {
	Key  Key
	Size int64
}

// Evicted says that the store dropped Key.
type Evicted struct{ Key Key }

// SwarmState is what signalling tells.
type SwarmState struct {
	Size      int  // members, this one included; 0 unknown
	Connected bool // websocket is open
}

// Introduced are peers that signalling or a neighbour proposes to connect to.
type Introduced struct{ Peers []PeerID }

// NeedSignal says that the edge wants to be connected to signalling for a moment
// although nobody is missing: its clock jumped, or the manifest's timing is in
// doubt, and signalling has the swarm's clock.
type NeedSignal struct{}

// Measured is a passive round-trip reading of a link.
type Measured struct {
	Peer PeerID
	RTT  time.Duration
}

// Condition is what the device allows, from battery, network and policy.
type Condition struct {
	Metered   bool
	UploadMax int64 // bit/s, 0 no cap of its own
}

// Trust says whether a signing key is known, so that statements are checked and
// sampling is not needed.
type Trust struct{ Signed bool }

// ForwardOut asks to carry a signalling payload to a peer through a common
// neighbour.
type ForwardOut struct {
	To      PeerID
	Payload []byte
}

// Tick says nothing but the time: the moment Next named has come.
type Tick struct{}

func (Want) input()       {}
func (Unwant) input()     {}
func (LinkUp) input()     {}
func (LinkDown) input()   {}
func (Received) input()   {}
func (Gained) input()     {}
func (Flowing) input()    {}
func (BadPiece) input()   {}
func (Conflict) input()   {}
func (Sent) input()       {}
func (Private) input()    {}
func (FetchEnded) input() {}
func (Held) input()       {}
func (Evicted) input()    {}
func (SwarmState) input() {}
func (Introduced) input() {}
func (Measured) input()   {}
func (NeedSignal) input() {}
func (Condition) input()  {}
func (Trust) input()      {}
func (ForwardOut) input() {}
func (Tick) input()       {}
