package rtc

import (
	"fmt"
	"sync"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/swarm"
)

// attempt is one peer connection: the way from an offer to two open channels,
// and the connection behind them afterwards. Its session's goroutine owns it;
// pion's goroutines only send events.
type attempt struct {
	name    string // the payload field session
	offered bool   // by this side
	pc      *webrtc.PeerConnection
	control channel
	bulk    channel

	described bool      // the remote description is set
	waiting   []string  // remote candidates that came before it
	taken     int       // remote candidates, to bound them
	told      []payload // sent to the peer

	events   chan event
	writable chan struct{} // the bulk channel fell to what WakeAt named
	drained  chan struct{} // the control channel is empty
	done     chan struct{} // releases pion's goroutines that have an event
	close    func()        // ends the connection and waits for its goroutines
}

type channel struct {
	dc   *webrtc.DataChannel
	open datachannel.ReadWriteCloser // nil until the channel is open
}

// event is something that pion tells.
type event struct {
	candidate *webrtc.ICECandidate
	opened    datachannel.ReadWriteCloser
	id        uint16 // of the opened channel
	ice       webrtc.ICEConnectionState
	err       error // the connection is of no use
}

func newAttempt(cfg Config, servers []webrtc.ICEServer, name string) (*attempt, error) {
	pc, err := newConnection(cfg, servers)
	if err != nil {
		return nil, err
	}
	a := &attempt{
		name:     name,
		pc:       pc,
		events:   make(chan event, 16),
		writable: make(chan struct{}, 1),
		drained:  make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	a.close = sync.OnceFunc(func() {
		close(a.done)
		_ = pc.GracefulClose() // whatever it says, nothing is left of it
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			a.tell(event{candidate: c})
		}
	})
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) { a.tell(event{ice: s}) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			a.tell(event{err: fmt.Errorf("%w: connection %s", ErrLost, s)})
		}
	})
	pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		a.tell(event{err: fmt.Errorf("rtc: the peer opened a channel %q that the protocol does not have", clip(dc.Label()))})
	})
	if a.control.dc, err = a.newChannel(controlLabel, controlID, a.drained); err == nil {
		a.bulk.dc, err = a.newChannel(bulkLabel, bulkID, a.writable)
	}
	if err != nil {
		a.close()
		return nil, fmt.Errorf("rtc: channels: %w", err)
	}
	return a, nil
}

func (a *attempt) newChannel(label string, id uint16, low chan<- struct{}) (*webrtc.DataChannel, error) {
	dc, err := newChannel(a.pc, label, id)
	if err != nil {
		return nil, err
	}
	// Called by the goroutine that handles acknowledgements: it must not wait.
	dc.OnBufferedAmountLow(func() {
		select {
		case low <- struct{}{}:
		default:
		}
	})
	dc.OnOpen(func() {
		c, err := dc.Detach()
		if err != nil {
			a.tell(event{err: fmt.Errorf("rtc: channel %s: %w", label, err)})
			return
		}
		a.tell(event{opened: c, id: id})
	})
	return dc, nil
}

// tell hands an event to the session, unless the attempt is over.
func (a *attempt) tell(e event) {
	select {
	case a.events <- e:
	case <-a.done:
	}
}

// offer starts the attempt from this side.
func (a *attempt) offer() (payload, error) {
	a.offered = true
	d, err := a.pc.CreateOffer(nil)
	if err == nil {
		err = a.pc.SetLocalDescription(d)
	}
	if err != nil {
		return payload{}, fmt.Errorf("rtc: offer: %w", err)
	}
	return payload{kind: kindOffer, session: a.name, sdp: d.SDP}, nil
}

// answer takes the peer's offer.
func (a *attempt) answer(sdp string) (payload, error) {
	if err := a.describe(webrtc.SDPTypeOffer, sdp); err != nil {
		return payload{}, err
	}
	d, err := a.pc.CreateAnswer(nil)
	if err == nil {
		err = a.pc.SetLocalDescription(d)
	}
	if err != nil {
		return payload{}, fmt.Errorf("rtc: answer: %w", err)
	}
	return payload{kind: kindAnswer, session: a.name, sdp: d.SDP}, nil
}

// describe sets what the peer described, and the candidates that waited for it.
func (a *attempt) describe(kind webrtc.SDPType, sdp string) error {
	if err := a.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		return fmt.Errorf("rtc: %s of the peer: %w", kind, err)
	}
	a.described = true
	for _, c := range a.waiting {
		a.add(c)
	}
	a.waiting = nil
	return nil
}

// candidate takes one of the peer's addresses. One that is of no use is no
// reason to give up the others, and more than maxRemoteCandidates are not looked
// at.
func (a *attempt) candidate(c string) {
	if c == "" || a.taken >= maxRemoteCandidates {
		return // "" marks the end of candidates (RFC 8838 §13)
	}
	a.taken++
	if !a.described {
		a.waiting = append(a.waiting, c)
		return
	}
	a.add(c)
}

func (a *attempt) add(c string) {
	line := uint16(0) // the only m-line is the data channels'
	_ = a.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c, SDPMLineIndex: &line})
}

// opened notes an open channel and says whether both are.
func (a *attempt) opened(e event) bool {
	if e.id == controlID {
		a.control.open = e.opened
	} else {
		a.bulk.open = e.opened
	}
	return a.control.open != nil && a.bulk.open != nil
}

// yields says who gives up its own offer when both sides made one: the lower
// name.
func yields(self, peer swarm.PeerID) bool { return self < peer }

// clip keeps a peer's text short in errors and logs.
func clip(text string) string {
	const most = 64
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
