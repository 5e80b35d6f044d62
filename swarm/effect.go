package swarm

// Effect is something the edge must do.
type Effect interface{ effect() }

// Send hands a control message to a link.
type Send struct {
	To      PeerID
	Message Message
}

// Transmit hands pieces that are held to a link's bulk channel, in order. The
// first Transmit of a transfer follows the Send of its Begin. The edge answers
// with Sent.
type Transmit struct {
	To       PeerID
	Transfer uint32
	Key      Key
	First    int
	Count    int
}

// TransmitTail hands what is here of a piece that is not whole to a link's bulk
// channel, if that is anything and more than was handed over before. It follows
// the Send of the transfer's Begin and is not answered: its bytes count when the
// piece is transmitted.
type TransmitTail struct {
	To       PeerID
	Transfer uint32
	Key      Key
	Index    int
}

// Fetch asks the origin for pieces of Key. Count is -1 for the rest of the
// segment. The edge answers with Gained as bytes arrive and one FetchEnded.
type Fetch struct {
	Key   Key
	ID    uint32 // unique in this brain
	First int
	Count int
	Cause Cause
}

// CancelFetch stops the Fetch of Key.
type CancelFetch struct{ Key Key }

// Connect asks for a link to a peer, through signalling. LinkUp or LinkDown answers.
type Connect struct{ Peer PeerID }

// Disconnect closes a link.
type Disconnect struct {
	Peer   PeerID
	Reason string
}

// Ban closes a link and keeps the peer from coming back.
type Ban struct {
	Peer   PeerID
	Key    Key
	Reason string
}

// Discover asks signalling for Count peers more.
type Discover struct{ Count int }

// CloseSignal and OpenSignal leave and rejoin the websocket
// (DisconnectWebsocketOnMax).
type CloseSignal struct{}
type OpenSignal struct{}

// Distrust tells the edge to throw away all it holds of Key: its leaves were a lie.
type Distrust struct{ Key Key }

// Failed says that Key cannot be had now: the origin refused and nobody has it.
// The player's request ends with the origin's error.
type Failed struct{ Key Key }

// Deliver hands a Forward's payload that was meant for this peer to signalling.
type Deliver struct {
	From    PeerID
	Payload []byte
}

func (Send) effect()         {}
func (Transmit) effect()     {}
func (TransmitTail) effect() {}
func (Fetch) effect()        {}
func (CancelFetch) effect()  {}
func (Connect) effect()      {}
func (Disconnect) effect()   {}
func (Ban) effect()          {}
func (Discover) effect()     {}
func (CloseSignal) effect()  {}
func (OpenSignal) effect()   {}
func (Distrust) effect()     {}
func (Failed) effect()       {}
func (Deliver) effect()      {}

// Cause attributes origin bytes.
type Cause int

const (
	CauseElected      Cause = iota + 1 // this peer's turn to bring the segment into the swarm
	CauseSeed                          // a seed always fetches
	CauseDeadline                      // the swarm would have been too late
	CauseStartup                       // first segments after joining: fastest source
	CauseNoPeer                        // no neighbour at all
	CauseCorrupt                       // peers' bytes did not verify or contradicted each other
	CauseHedge                         // urgent tail raced
	CauseSample                        // cross-check of unsigned bytes
	CauseNotShareable                  // must not enter the swarm
)

var causeNames = [...]string{"", "elected", "seed", "deadline", "startup", "no_peer", "corrupt", "hedge", "sample", "not_shareable"}

// own says whether a fetch is for this peer's player, which waits for it.
func (c Cause) own() bool {
	switch c {
	case CauseStartup, CauseDeadline, CauseHedge, CauseNoPeer:
		return true
	}
	return false
}

func (c Cause) String() string {
	if c <= 0 || int(c) >= len(causeNames) {
		return "unknown"
	}
	return causeNames[c]
}

// Causes lists all causes in order.
func Causes() []Cause {
	all := make([]Cause, 0, len(causeNames)-1)
	for i := 1; i < len(causeNames); i++ {
		all = append(all, Cause(i))
	}
	return all
}
