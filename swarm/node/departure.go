package node

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// A link tells what its peer has not acknowledged, which is what waits in front of the
// uplink and what is on its way. A brain that took a piece for gone as soon as the link has
// it would fill every queue between here and there, and the player's own requests would
// wait in them. So a piece has gone when no more is unacknowledged, itself included, than
// the uplink carries in the time that acknowledgements take.

const (
	// lateAck is what may be missing of a piece that has gone: two packets, because the
	// acknowledgement of a last one may be held back for 200 ms (RFC 9260 §6.2).
	lateAck = 2400
	// rateWindow is how long pieces must have been waiting for a reading of the rate at
	// which they are acknowledged.
	rateWindow = 300 * time.Millisecond
	// ackQueue is how long acknowledgements stand in the queue of the receiver's own
	// uplink. Its round trip, which has that in it, has this side's queue in it as well.
	ackQueue = 250 * time.Millisecond
	// leastCarried is under way whatever the rate.
	leastCarried = 16 << 10
)

// departure is a run of pieces given to a link.
type departure struct {
	sent swarm.Sent
	end  int64 // of the bytes given to the link's bulk channel, the last of these
}

// flight is what is under way on all links. Only the loop uses it.
type flight struct {
	queued  int64         // bytes that are not acknowledged
	waiting int           // departures
	at      time.Time     // of the last look
	busy    time.Duration // with departures waiting, since the last reading of the rate
	acked   int64         // bytes meanwhile
	rate    float64       // bytes/s acknowledged, smoothed
}

// handOver notes pieces that a link was given.
func (n *Node) handOver(l *link, sent swarm.Sent) {
	l.departures = append(l.departures, departure{sent, l.given})
	n.flight.waiting++
	n.depart(l)
}

// depart tells the brain of the pieces that have gone by a link, and asks to be called when
// the next one has.
func (n *Node) depart(l *link) {
	for {
		acked := l.given - int64(l.Queued())
		n.flight.progress(time.Now(), acked-l.acked)
		l.acked = acked
		room := lateAck + n.flight.carried(l)
		for len(l.departures) > 0 && l.departures[0].end <= l.acked+room {
			sent := l.departures[0].sent
			l.departures = l.departures[1:]
			n.flight.waiting--
			n.feed(sent)
		}
		if len(l.departures) == 0 {
			l.departures = nil
			return
		}
		wake := l.given + room - l.departures[0].end
		l.WakeAt(int(wake))
		if int64(l.Queued()) > wake { // else it was set too late to be called
			return
		}
	}
}

// abandon forgets what was under way on a link that is down.
func (n *Node) abandon(l *link) {
	n.flight.queued -= l.given - l.acked
	n.flight.waiting -= len(l.departures)
	l.departures = nil
}

// progress books acknowledged bytes.
func (f *flight) progress(now time.Time, acked int64) {
	f.queued -= acked
	if f.waiting > 0 {
		f.acked += acked
		f.busy += now.Sub(f.at)
	}
	if f.at = now; f.busy >= rateWindow {
		rate := float64(f.acked) / f.busy.Seconds()
		if rate > f.rate {
			f.rate += (rate - f.rate) / 2
		} else {
			f.rate += (rate - f.rate) / 8
		}
		f.busy, f.acked = 0, 0
	}
}

// carried is how many bytes on a link wait for nothing but their acknowledgement: its part
// of what the uplink carries in the link's shortest round trip, and ackQueue.
func (f *flight) carried(l *link) int64 {
	if rtt := l.RTT(); rtt > 0 && (l.shortest == 0 || rtt < l.shortest) {
		l.shortest = rtt
	}
	if f.queued <= 0 {
		return 0
	}
	all := max(leastCarried, f.rate*(l.shortest+ackQueue).Seconds())
	return int64(all * float64(l.given-l.acked) / float64(f.queued))
}
