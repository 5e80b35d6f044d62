package swarm

import "time"

// websocket is what the brain decided about the connection to signalling
// (DisconnectWebsocketOnMax).
type websocket struct {
	closed    bool
	keepUntil Time // not to be closed before
	refreshAt Time // of a closed one: for the swarm's size and clock
	needed    bool // since it was closed
	openAt    Time // once needed
	wait      time.Duration
	openedAt  Time
}

const (
	// websocketDwell is how long the websocket stays open at least: long enough for
	// introductions and the samples of the clock.
	websocketDwell = 10 * time.Second
	// websocketRefresh is how often a closed one is opened for the size of the swarm,
	// which elections use, and its clock, which drifts by some ms a minute.
	websocketRefresh = 10 * time.Minute
	// A closed one that is needed is opened after a wait, because what happened here
	// may have happened to thousands; the wait doubles from time to time it is needed
	// within websocketRefresh.
	firstReopen = 500 * time.Millisecond
	lastReopen  = time.Minute
)

// checkWebsocket leaves the signalling server when nothing is missing, and comes
// back when too few neighbours are left, or time has come to hear of the swarm. A
// seed stays: it is whom newcomers are introduced to.
func (c *Core) checkWebsocket() {
	ws := &c.websocket
	if !c.cfg.DisconnectWebsocketOnMax || c.cfg.Seed {
		return
	}
	if !ws.closed {
		if len(c.links) >= c.cfg.MaxPeers && c.connected && c.now >= ws.keepUntil {
			c.note("websocket closed: %d links", len(c.links))
			*ws = websocket{closed: true, refreshAt: c.now + c.jitter(websocketRefresh), wait: ws.wait, openedAt: ws.openedAt}
			c.emit(CloseSignal{})
		}
		return
	}
	if len(c.links) >= c.cfg.MinPeers && c.now < ws.refreshAt {
		ws.needed = false
		return
	}
	if !ws.needed {
		if ws.wait = min(max(2*ws.wait, firstReopen), lastReopen); c.now-ws.openedAt >= websocketRefresh {
			ws.wait = firstReopen
		}
		ws.needed, ws.openAt = true, c.now+c.jitter(ws.wait)
	}
	if c.now >= ws.openAt {
		c.note("websocket opened: %d links", len(c.links))
		*ws = websocket{keepUntil: c.now + websocketDwell, openedAt: c.now, wait: ws.wait}
		c.emit(OpenSignal{})
	}
}

// websocketAt is when checkWebsocket has something to do next.
func (c *Core) websocketAt() (Time, bool) {
	ws := &c.websocket
	switch {
	case !c.cfg.DisconnectWebsocketOnMax || c.cfg.Seed:
		return 0, false
	case ws.closed && ws.needed:
		return ws.openAt, true
	case ws.closed:
		return ws.refreshAt, true
	}
	return ws.keepUntil, ws.keepUntil > c.now
}

// needSignal opens a closed websocket, as if it were time to hear of the swarm.
func (c *Core) needSignal() {
	if ws := &c.websocket; ws.closed {
		ws.refreshAt = min(ws.refreshAt, c.now)
	}
	c.checkPeers()
}
