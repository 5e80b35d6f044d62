package rtc

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// stranger is a member of the swarm whose moves a test makes by hand.
type stranger struct {
	t        *testing.T
	signal   *signal.Client
	payloads chan payload
	welcomed chan struct{}
	once     sync.Once
	edit     func(sdp string) string // of answers; nil leaves them
}

func newStranger(t *testing.T, s *server) *stranger {
	st := &stranger{t: t, payloads: make(chan payload, 256), welcomed: make(chan struct{})}
	c, err := signal.NewClient(signal.ClientConfig{URL: s.url(), Swarm: "test"}, st)
	if err != nil {
		t.Fatal(err)
	}
	st.signal = c
	t.Cleanup(func() { c.Close() })
	select {
	case <-st.welcomed:
	case <-time.After(patience):
		t.Fatal("signalling does not answer")
	}
	return st
}

func (st *stranger) Welcome(signal.Welcome) { st.once.Do(func() { close(st.welcomed) }) }
func (st *stranger) Peers([]string)         {}
func (st *stranger) Gone(string)            {}
func (st *stranger) Size(int)               {}
func (st *stranger) Connected(bool)         {}
func (st *stranger) Relay(_ string, b []byte) {
	p, err := parsePayload(b)
	if err != nil {
		st.t.Errorf("payload: %v", err)
		return
	}
	st.payloads <- p
}

func (st *stranger) id() swarm.PeerID { return swarm.PeerID(st.signal.ID()) }

func (st *stranger) send(to *Network, p payload) {
	st.t.Helper()
	if err := st.signal.Send(string(to.ID()), appendPayload(nil, p)); err != nil {
		st.t.Fatal(err)
	}
}

func (st *stranger) next(k kind) payload {
	st.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case p := <-st.payloads:
			if p.kind == k {
				return p
			}
		case <-timeout:
			st.t.Fatalf("no %s came", k)
		}
	}
}

// dial makes a link to n by hand and returns its two channels.
func (st *stranger) dial(n *Network) (*webrtc.PeerConnection, *attempt) {
	st.t.Helper()
	a, err := newAttempt(Config{Scope: LoopbackOnly}.populate(), nil, newSession())
	if err != nil {
		st.t.Fatal(err)
	}
	st.t.Cleanup(a.close)
	offer, err := a.offer()
	if err != nil {
		st.t.Fatal(err)
	}
	st.send(n, offer)
	answer := st.next(kindAnswer)
	if st.edit != nil {
		answer.sdp = st.edit(answer.sdp)
	}
	if err := a.describe(webrtc.SDPTypeAnswer, answer.sdp); err != nil {
		st.t.Fatal(err)
	}
	timeout := time.After(patience)
	for {
		select {
		case e := <-a.events:
			switch {
			case e.candidate != nil:
				st.send(n, payload{kind: kindCandidate, session: a.name, candidate: e.candidate.ToJSON().Candidate})
			case e.opened != nil && a.opened(e):
				return a.pc, a
			}
		case <-timeout:
			st.t.Fatal("the channels do not open")
		}
	}
}

func TestNewOfferReplacesALink(t *testing.T) {
	s := startServer(t)
	n, l := join(t, s)
	st := newStranger(t, s)
	st.dial(n)
	l.up(st.id())
	_, again := st.dial(n) // as after a crash: the first connection is still there
	if err := l.down(st.id()); !errors.Is(err, ErrReplaced) {
		t.Errorf("the first link: %v, want %v", err, ErrReplaced)
	}
	l.up(st.id())
	if _, err := again.control.open.Write([]byte("second")); err != nil {
		t.Fatal(err)
	}
	if got := l.next("control", st.id()); got != "second" {
		t.Errorf("received %q", got)
	}
}

func TestUnknownChannelEndsTheLink(t *testing.T) {
	s := startServer(t)
	n, l := join(t, s)
	st := newStranger(t, s)
	pc, _ := st.dial(n)
	l.up(st.id())
	if _, err := pc.CreateDataChannel("third", nil); err != nil {
		t.Fatal(err)
	}
	if err := l.down(st.id()); err == nil || errors.Is(err, ErrPeerClosed) {
		t.Errorf("%v, want an error of this side", err)
	}
}

func TestTooLongAMessageEndsTheLink(t *testing.T) {
	s := startServer(t)
	n, l := join(t, s)
	st := newStranger(t, s)
	st.edit = func(sdp string) string { // it does not care what this side announced
		return strings.Replace(sdp, fmt.Sprintf("a=max-message-size:%d", wire.MaxMessage), "a=max-message-size:1000000", 1)
	}
	_, a := st.dial(n)
	l.up(st.id())
	if err := a.control.dc.Send(make([]byte, wire.MaxMessage)); err != nil {
		t.Fatal(err)
	}
	if got := l.next("control", st.id()); len(got) != wire.MaxMessage {
		t.Fatalf("at the cap %d bytes came", len(got))
	}
	if err := a.control.dc.Send(make([]byte, wire.MaxMessage+1)); err != nil {
		t.Fatal(err)
	}
	if err := l.down(st.id()); err == nil || errors.Is(err, ErrPeerClosed) {
		t.Errorf("past the cap: %v, want an error of this side", err)
	}
}

func TestAnswerOfAnotherAttemptIsIgnored(t *testing.T) {
	s := startServer(t)
	n, l := join(t, s, func(c *Config) { c.AttemptTimeout = 500 * time.Millisecond })
	st := newStranger(t, s)
	n.Connect(st.id())
	offer := st.next(kindOffer)
	other := newSession()
	st.send(n, payload{kind: kindAnswer, session: other, sdp: "nonsense"})
	st.send(n, payload{kind: kindBye, session: other, reason: "full"})
	if err := l.down(st.id()); !errors.Is(err, ErrTimeout) {
		t.Fatalf("%v, want %v", err, ErrTimeout)
	}
	if bye := st.next(kindBye); bye.session != offer.session || bye.reason != "timeout" {
		t.Errorf("the silent peer was told %+v", bye)
	}
}

// TestNoPath: a peer that answers and cannot be reached is given up long before an
// attempt's time is over.
func TestNoPath(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	n, l := join(t, s, func(c *Config) { c.AttemptTimeout = time.Hour })
	st := newStranger(t, s)
	n.Connect(st.id())
	offer := st.next(kindOffer)
	far, err := newAttempt(n.cfg, nil, offer.session)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(far.close)
	answer, err := far.answer(offer.sdp) // and its candidates stay with it
	if err != nil {
		t.Fatal(err)
	}
	st.send(n, answer)
	// ICE would give up as well, twice as late.
	if err := l.down(st.id()); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), noPathAfter.String()) {
		t.Fatalf("%v, want %v after %v of checks", err, ErrTimeout, noPathAfter)
	}
}

func TestNonsenseEndsAnAttempt(t *testing.T) {
	s := startServer(t)
	n, l := join(t, s)
	st := newStranger(t, s)
	n.Connect(st.id())
	offer := st.next(kindOffer)
	st.send(n, payload{kind: kindCandidate, session: offer.session, candidate: "nonsense"}) // no harm
	st.send(n, payload{kind: kindAnswer, session: offer.session, sdp: "nonsense"})
	if err := l.down(st.id()); err == nil || errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want the reason", err)
	}
	st.send(n, payload{kind: kindOffer, session: newSession(), sdp: "nonsense"})
	st.dial(n) // and the peer is as welcome as before
	l.up(st.id())
}

func TestCandidatesAreBoundedAndWaitForTheDescription(t *testing.T) {
	a, err := newAttempt(Config{Scope: LoopbackOnly}.populate(), nil, newSession())
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	line := func(i int) string {
		return fmt.Sprintf("candidate:%d 1 udp 2130706431 127.0.0.1 %d typ host", i, 4000+i)
	}
	for i := range maxRemoteCandidates {
		a.candidate(line(i))
	}
	if len(a.waiting) != maxRemoteCandidates {
		t.Fatalf("at the cap %d wait", len(a.waiting))
	}
	a.candidate(line(maxRemoteCandidates))
	a.candidate("")
	if len(a.waiting) != maxRemoteCandidates {
		t.Fatalf("past the cap %d wait", len(a.waiting))
	}
}

func TestInboxIsBounded(t *testing.T) {
	s := &session{inbox: make(chan payload, maxInbox)}
	for range 2 * maxInbox {
		s.post(payload{kind: kindCandidate})
	}
	if len(s.inbox) != maxInbox {
		t.Errorf("%d payloads wait, the cap is %d", len(s.inbox), maxInbox)
	}
	s.ended = true
	for range 2 * maxInbox {
		s.post(payload{kind: kindCandidate})
	}
	if len(s.held) != maxInbox {
		t.Errorf("%d payloads wait for the next session, the cap is %d", len(s.held), maxInbox)
	}
}

func TestEventsBeforeStartWait(t *testing.T) {
	n := newNetwork(Config{}.populate(), "self")
	a := &announcements{n: n}
	for i := range 2 * maxEarly {
		a.Size(i)
	}
	l := &listener{t: t, arrivals: make(chan arrival, 4*maxEarly)}
	n.Start(l)
	a.Size(7)
	var sizes []int
	for len(l.arrivals) > 0 {
		sizes = append(sizes, (<-l.arrivals).size)
	}
	if len(sizes) != maxEarly+1 || sizes[0] != 0 || sizes[maxEarly-1] != maxEarly-1 || sizes[maxEarly] != 7 {
		t.Errorf("%d events came, the cap is %d and one more: %v", len(sizes), maxEarly, sizes)
	}
}
