package rtc

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// session is all that is under way with one peer, from the first signalling
// message until the link is down. Its goroutine runs run.
type session struct {
	n       *Network
	handler node.Handler
	peer    swarm.PeerID
	inbox   chan payload  // bounded: what does not fit is dropped
	hangups chan hangup   // the first one counts
	gone    chan struct{} // signalling does not know the peer

	// relayed is how the peer is reached: through a neighbour. The session's own.
	relayed bool

	suspect atomic.Bool // signalling does not know the peer any more, and it has not spoken since

	// Guarded by n.mu.
	up     bool      // LinkUp was or is being told
	wanted bool      // a Connect waits for its answer
	ended  bool      // LinkDown is being told; a new session must wait for that
	again  bool      // Connect was called after ended
	held   []payload // came after ended
}

// hangup asks a session to end.
type hangup struct {
	cause  error  // for this side
	reason string // for both
}

func (h hangup) Error() string { return h.cause.Error() + ": " + h.reason }
func (h hangup) Unwrap() error { return h.cause }

// hangUp asks the session to end.
func (s *session) hangUp(cause error, reason string) {
	select {
	case s.hangups <- hangup{cause, reason}:
	default:
	}
}

// post hands a payload to the session. Called with n.mu held.
func (s *session) post(p payload) {
	if s.ended {
		if len(s.held) < maxInbox {
			s.held = append(s.held, p)
		}
		return
	}
	select {
	case s.inbox <- p:
	default:
	}
}

// run drives the session to its end. first is the peer's offer, or nil to make
// one.
func (s *session) run(first *payload) {
	a, err := s.connect(first)
	if err == nil {
		err = s.serve(a)
	}
	s.n.cfg.Log.Debug("session ended", "peer", s.peer, "error", err)
	s.finish(err)
}

// begin makes an attempt and sends its first payload.
func (s *session) begin(offer *payload) (*attempt, error) {
	name := newSession()
	if offer != nil {
		name = offer.session
	}
	a, err := newAttempt(s.n.cfg, s.n.servers(), name)
	if err != nil {
		return nil, err
	}
	var p payload
	if offer != nil {
		s.relayed = offer.relayed
		p, err = a.answer(offer.sdp)
	} else {
		p, err = a.offer()
	}
	if err == nil {
		err = s.tell(a, p)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// connect brings up both channels. What fails is closed and the peer told.
func (s *session) connect(first *payload) (_ *attempt, err error) {
	timeout := time.NewTimer(s.n.cfg.AttemptTimeout)
	defer timeout.Stop()
	a, err := s.begin(first)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && a != nil {
			a.close()
			if !errors.Is(err, ErrRefused) {
				_ = s.send(payload{kind: kindBye, session: a.name, reason: reasonOf(err)})
			}
		}
	}()
	checks := time.NewTimer(time.Hour)
	checks.Stop()
	defer checks.Stop()
	for {
		select {
		case <-s.n.closing:
			return nil, ErrClosed
		case h := <-s.hangups:
			return nil, h
		case <-timeout.C:
			return nil, ErrTimeout
		case <-checks.C:
			return nil, fmt.Errorf("%w: no path in %v of checks", ErrTimeout, noPathAfter)
		case <-s.gone:
			if err := s.reroute(a); err != nil {
				return nil, err
			}
		case p := <-s.inbox:
			if p.kind == kindOffer && p.session != a.name {
				// Both sides may offer at the same time: the lower name yields. An
				// offer to one who did not offer replaces the earlier offer.
				if a.offered && !yields(s.n.id, s.peer) {
					continue
				}
				a.close()
				checks.Stop()
				if a, err = s.begin(&p); err != nil {
					return nil, err
				}
				continue
			}
			if err := s.receive(a, p); err != nil {
				return nil, err
			}
		case e := <-a.events:
			switch {
			case e.err != nil:
				return nil, e.err
			case e.candidate != nil:
				s.sendCandidate(a, e.candidate)
			case e.opened != nil:
				if a.opened(e) {
					return a, nil
				}
			case e.ice == webrtc.ICEConnectionStateChecking:
				checks.Reset(noPathAfter)
			case e.ice == webrtc.ICEConnectionStateConnected:
				checks.Stop()
			case e.ice == webrtc.ICEConnectionStateFailed:
				return nil, fmt.Errorf("%w: no path", ErrTimeout)
			}
		}
	}
}

// receive takes a payload that belongs to attempt a.
func (s *session) receive(a *attempt, p payload) error {
	if p.session != a.name {
		return nil // of an attempt that is over
	}
	s.relayed = p.relayed // answers go back the way they came
	switch p.kind {
	case kindAnswer:
		if a.offered && !a.described {
			return a.describe(webrtc.SDPTypeAnswer, p.sdp)
		}
	case kindCandidate:
		a.candidate(p.candidate)
	case kindBye:
		return fmt.Errorf("%w: %s", ErrRefused, clip(p.reason))
	}
	return nil
}

// serve runs the link while it is up.
func (s *session) serve(a *attempt) error {
	s.n.setUp(s)
	l := newLink(s, a, s.handler)
	l.start()
	defer l.end()
	rtt := time.NewTicker(rttEvery)
	defer rtt.Stop()
	alive := time.NewTicker(aliveCheck)
	defer alive.Stop()
	heart := pulse{looked: time.Now(), heard: time.Now()}
	grace := time.NewTimer(time.Hour)
	grace.Stop()
	defer grace.Stop()
	for {
		select {
		case <-s.n.closing:
			l.farewell("leaving")
			return ErrClosed
		case h := <-s.hangups:
			l.farewell(h.reason)
			return h
		case err := <-l.ended:
			return err
		case <-grace.C:
			return ErrLost
		case <-rtt.C:
			l.measure()
		case <-alive.C:
			if err := l.beat(&heart, time.Now()); err != nil {
				return err
			}
		case p := <-s.inbox:
			if p.kind == kindOffer && p.session != a.name {
				s.hold(p)
				return ErrReplaced
			}
			if err := s.receive(a, p); err != nil {
				return err
			}
		case e := <-a.events:
			switch {
			case e.err != nil:
				return e.err
			case e.candidate != nil:
				s.sendCandidate(a, e.candidate)
			case e.ice == webrtc.ICEConnectionStateDisconnected:
				if s.n.alone() {
					grace.Reset(graceAlone)
				} else {
					grace.Reset(graceAfter)
				}
			case e.ice == webrtc.ICEConnectionStateConnected:
				grace.Stop()
			case e.ice == webrtc.ICEConnectionStateFailed:
				return ErrLost
			}
		}
	}
}

// hold keeps an offer for the session after this one.
func (s *session) hold(p payload) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.held = append(s.held, p)
}

// finish tells the handler and makes room for the next session with this peer.
func (s *session) finish(err error) {
	n := s.n
	n.mu.Lock()
	s.ended = true
	for len(s.inbox) > 0 {
		s.held = append(s.held, <-s.inbox)
	}
	tell := s.up || s.wanted
	n.mu.Unlock()
	if tell {
		s.handler.LinkDown(s.peer, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sessions, s.peer)
	n.report()
	next := slices.IndexFunc(s.held, func(p payload) bool { return p.kind == kindOffer })
	switch {
	case next >= 0:
		n.offered(s.peer, s.held[next], s.held[next+1:], s.again)
	case s.again:
		n.connect(s.peer)
	}
}

func (s *session) send(p payload) error { return s.n.signalTo(s.handler, s.peer, p, s.relayed) }

// tell sends what belongs to an attempt, and remembers it for reroute.
func (s *session) tell(a *attempt, p payload) error {
	a.told = append(a.told, p)
	return s.send(p)
}

// reroute sends again, through a neighbour, what signalling could not deliver. It
// tells of each payload that it could not: the first counts.
func (s *session) reroute(a *attempt) error {
	if s.relayed {
		return nil
	}
	s.relayed = true
	for _, p := range a.told {
		if s.send(p) != nil {
			return fmt.Errorf("%w: gone from signalling, and no neighbour knows it", ErrUnreachable)
		}
	}
	return nil
}

func (s *session) sendCandidate(a *attempt, c *webrtc.ICECandidate) {
	// A candidate that gets lost costs one path; the attempt goes on.
	_ = s.tell(a, payload{kind: kindCandidate, session: a.name, candidate: c.ToJSON().Candidate})
}

// reasonOf is what the peer is told.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, ErrTimeout):
		return "timeout"
	case errors.Is(err, ErrHungUp), errors.Is(err, ErrBanned):
		return "not wanted"
	case errors.Is(err, ErrClosed):
		return "leaving"
	}
	return "failed"
}
