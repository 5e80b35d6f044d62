package rtc

import (
	"fmt"
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
	// aliveType is the first byte of the message.
	aliveType = 14
)

// aliveMessage is alive [500]. Only the edge needs it, so the wire package, whose
// messages are the brain's, has none.
var aliveMessage = []byte{aliveType, 0x91, 0xcd, 0x01, 0xf4}

var errSilent = fmt.Errorf("%w: it is silent", ErrLost)

// pulse misses a peer's signs of life. Only the session's goroutine uses it.
type pulse struct {
	looked time.Time // when it was last asked
	heard  time.Time // until when the link was not silent
}

// beat gives a sign of life if nothing was sent since the last call, and returns
// errSilent when the peer has stopped giving any.
func (l *link) beat(p *pulse, now time.Time) error {
	if !l.spoke.Swap(false) {
		_ = l.send(l.a.control.dc, aliveMessage) // a link that is down says so elsewhere
		l.spoke.Store(false)
	}
	// A reader that waits for its handler, which is how back-pressure works, hears
	// nothing; nor does a process that was not run. Neither can tell silence.
	asleep := now.Sub(p.looked) > 2*aliveEvery
	if last := l.born.Add(time.Duration(l.heard.Load())); last.After(p.heard) {
		p.heard = last
	}
	if l.delivering.Load() > 0 || asleep {
		p.heard = now
	}
	p.looked = now
	most := silenceMost
	if l.s.suspect.Load() {
		most = silenceSuspect
	}
	if l.lively.Load() && now.Sub(p.heard) > most {
		return errSilent
	}
	return nil
}

// control hands on what is for the handler.
func (l *link) control(_ node.Link, message []byte) {
	if len(message) > 0 && message[0] == aliveType {
		l.lively.Store(true)
		return
	}
	l.handler.Control(l, message)
}
