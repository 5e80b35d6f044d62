package rtc

import "time"

const (
	// aliveEvery is the longest that a link sends nothing (PROTOCOL.md §6.14). Peers
	// here miss another by ICE in time; a browser, whose ICE takes 5 s and more, by
	// this.
	aliveEvery = 500 * time.Millisecond
	// aliveCheck: half of it, so that what was sent early in one interval does not
	// make two of silence.
	aliveCheck = aliveEvery / 2
)

// aliveMessage is alive [500]. Only the edge needs it, so the wire package, whose
// messages are the brain's, has none.
//
// What browsers send of it is not counted here: a link whose reader waits for its
// handler, which is how back-pressure works, would seem silent.
var aliveMessage = []byte{14, 0x91, 0xcd, 0x01, 0xf4}

// alive gives a sign of life if nothing was sent since the last call.
func (l *link) alive() {
	if !l.spoke.Swap(false) {
		_ = l.send(l.a.control.dc, aliveMessage) // a link that is down says so elsewhere
		l.spoke.Store(false)
	}
}
