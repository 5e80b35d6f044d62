package rtc

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

const (
	// aliveEvery is the longest that a link sends nothing (PROTOCOL.md §6.14). ICE
	// tells of a peer that vanished after 2 s, a browser's after 5 s and more.
	aliveEvery = 500 * time.Millisecond
	// aliveCheck: half of it, so that what was sent early in one interval does not
	// make two of silence.
	aliveCheck = aliveEvery / 2
	// silenceMost is how long a peer that gives signs of life may be silent, and
	// silenceSuspect once signalling says, too, that it is gone.
	silenceMost    = 1500 * time.Millisecond
	silenceSuspect = 900 * time.Millisecond
	// silenceAlone is how long it may be while signalling is lost: a peer that only
	// slept, and had no other neighbour, could not be met again. Sources that keep silent
	// are replaced long before.
	silenceAlone = 6 * time.Second
	// aliveType is the first byte of the message.
	aliveType = 14
)

// aliveMessage is alive [500]. Only the edge needs it, so the wire package, whose
// messages are the brain's, has none.
var aliveMessage = []byte{aliveType, 0x91, 0xcd, 0x01, 0xf4}

var errSilent = fmt.Errorf("%w: it is silent", ErrLost)

// pulse misses a peer's signs of life. Only the session's goroutine uses it.
type pulse struct {
	looked    time.Time // when it was last asked
	heard     time.Time // until when the link was not silent
	suspected time.Time // since when signalling does not know the peer; zero: it does, or the peer spoke since
}

// beat gives a sign of life if nothing was sent since the last call, and returns
// errSilent when the peer has stopped giving any.
func (l *link) beat(p *pulse, now time.Time) error {
	if !l.spoke.Swap(false) {
		_ = l.send(l.a.control.dc, aliveMessage) // a link that is down says so elsewhere
		l.spoke.Store(false)
	}
	last := l.born.Add(time.Duration(l.heard.Load()))
	if p.silent(now, last, l.delivering.Load() > 0, l.s.n.alone(), &l.s.suspect) && l.lively.Load() {
		return errSilent
	}
	return nil
}

// silent says whether the peer, last heard then, has been silent for too long. reading is
// whether a message of its is being handled, alone whether signalling is lost.
func (p *pulse) silent(now, last time.Time, reading, alone bool, suspect *atomic.Bool) bool {
	// A reader that waits for its handler, which is how back-pressure works, hears
	// nothing; nor does a process that was not run. Neither can tell silence.
	asleep := now.Sub(p.looked) > 2*aliveEvery
	if last.After(p.heard) {
		p.heard = last
	}
	if reading || asleep {
		p.heard = now
	}
	p.looked = now
	most := silenceMost
	switch {
	case !suspect.Load():
	case p.suspected.IsZero():
		p.suspected = now
	case last.Sub(p.suspected) > aliveEvery: // nothing was that long under way
		suspect.Store(false)
		p.suspected = time.Time{}
	}
	switch {
	case alone:
		most = silenceAlone
	case !p.suspected.IsZero():
		most = silenceSuspect
	}
	return now.Sub(p.heard) > most
}

// control hands on what is for the handler.
func (l *link) control(_ node.Link, message []byte) {
	if len(message) > 0 && message[0] == aliveType {
		l.lively.Store(true)
		return
	}
	l.handler.Control(l, message)
}
