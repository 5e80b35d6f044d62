package rtc

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// farewellAfter is how long a link that is closed on purpose gives its Bye to
// leave. It is sent at once unless the congestion window is full; waiting for the
// acknowledgement would take the 200 ms by which SCTP delays it (RFC 9260 §6.2).
const farewellAfter = 50 * time.Millisecond

// rttEvery is how often the round trip is read. ICE measures one with every
// keepalive.
const rttEvery = time.Second

// link is a session whose channels are open.
type link struct {
	s          *session
	a          *attempt
	handler    node.Handler
	rtt        atomic.Int64 // ns
	down       atomic.Bool
	spoke      atomic.Bool // something was sent since the last beat
	born       time.Time
	heard      atomic.Int64 // how long after that something came last, ns
	lively     atomic.Bool  // the peer gives signs of life
	delivering atomic.Int32 // readers that wait for the handler
	turn       sync.Mutex   // one call of the handler at a time
	ended      chan error   // what a reader ended with; one element each
	readers    sync.WaitGroup
	stop       chan struct{} // ends the notifier
}

func newLink(s *session, a *attempt, h node.Handler) *link {
	l := &link{s: s, a: a, handler: h, born: time.Now(), ended: make(chan error, 2), stop: make(chan struct{})}
	l.measure()
	return l
}

// start tells the handler of the link and begins to deliver what comes.
func (l *link) start() {
	_ = l.send(l.a.control.dc, aliveMessage) // tells that more will come
	l.handler.LinkUp(l)
	l.readers.Go(func() { l.ended <- l.read(l.a.control.open, l.control) })
	l.readers.Go(func() { l.ended <- l.read(l.a.bulk.open, l.handler.Bulk) })
	l.readers.Go(l.notify)
}

// end closes the connection and waits for the last call of the handler.
func (l *link) end() {
	l.down.Store(true)
	close(l.stop)
	l.a.close()
	l.readers.Wait()
}

func (l *link) read(c io.Reader, deliver func(node.Link, []byte)) error {
	buffer := make([]byte, wire.MaxMessage)
	for {
		n, err := c.Read(buffer)
		switch {
		case errors.Is(err, io.ErrShortBuffer):
			return fmt.Errorf("rtc: the peer sent a message longer than %d bytes", len(buffer))
		case err != nil:
			return fmt.Errorf("%w: %w", ErrPeerClosed, err)
		case l.down.Load():
			return ErrHungUp // what is still in the receive buffer is not wanted
		}
		l.heard.Store(int64(time.Since(l.born)))
		l.delivering.Add(1)
		l.turn.Lock()
		deliver(l, buffer[:n])
		l.turn.Unlock()
		l.delivering.Add(-1)
	}
}

func (l *link) notify() {
	for {
		select {
		case <-l.stop:
			return
		case <-l.a.writable:
			l.turn.Lock()
			l.handler.Writable(l)
			l.turn.Unlock()
		}
	}
}

// measure reads the round trip of the selected candidate pair.
func (l *link) measure() {
	stats, ok := l.a.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if ok && stats.CurrentRoundTripTime > 0 {
		l.rtt.Store(int64(stats.CurrentRoundTripTime * float64(time.Second)))
	}
}

// farewell tells the peer why the link is closed, and waits until it knows or a
// moment has passed. Nothing more is delivered or sent meanwhile.
func (l *link) farewell(reason string) {
	l.down.Store(true)
	if l.a.control.dc.Send(wire.Append(nil, swarm.Bye{Reason: reason})) != nil {
		return
	}
	timeout := time.NewTimer(farewellAfter)
	defer timeout.Stop()
	for l.a.control.dc.BufferedAmount() > 0 {
		select {
		case <-l.a.drained:
		case <-timeout.C:
			return
		}
	}
}

// Peer implements node.Link.
func (l *link) Peer() swarm.PeerID { return l.s.peer }

// SendControl implements node.Link.
func (l *link) SendControl(message []byte) error { return l.send(l.a.control.dc, message) }

// SendBulk implements node.Link.
func (l *link) SendBulk(frame []byte) error { return l.send(l.a.bulk.dc, frame) }

func (l *link) send(dc *webrtc.DataChannel, b []byte) error {
	switch {
	case l.down.Load():
		return ErrLinkDown
	case len(b) > wire.MaxMessage:
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLong, len(b), wire.MaxMessage)
	case dc.BufferedAmount()+uint64(len(b)) > maxQueued:
		return fmt.Errorf("%w: %d bytes on channel %s", ErrQueueFull, dc.BufferedAmount(), dc.Label())
	}
	l.spoke.Store(true)
	if err := dc.Send(b); err != nil {
		return fmt.Errorf("%w: %w", ErrLinkDown, err)
	}
	return nil
}

// Queued implements node.Link: bytes not yet acknowledged by the peer.
func (l *link) Queued() int { return int(l.a.bulk.dc.BufferedAmount()) }

// WakeAt implements node.Link.
func (l *link) WakeAt(queued int) { l.a.bulk.dc.SetBufferedAmountLowThreshold(uint64(max(queued, 0))) }

// RTT implements node.Link.
func (l *link) RTT() time.Duration { return time.Duration(l.rtt.Load()) }

// Close implements node.Link. It returns at once; Handler.LinkDown follows.
func (l *link) Close(reason string) { l.s.hangUp(ErrHungUp, reason) }
