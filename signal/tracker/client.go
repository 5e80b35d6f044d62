package tracker

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
	"github.com/shoal-p2p/shoal/signal/internal/socket"
)

// silentPings is how many ping intervals a client may stay silent.
const silentPings = 2.5

// place is a peer's identity: a swarm and a name in it.
type place struct{ swarm, peer hash }

// client is one connection, the socket.Handler of its own.
type client struct {
	t    *Tracker
	conn *socket.Conn
	from netip.Addr

	// of whoever reads
	messages, bytes rate.Limiter

	// Tracker.mu
	peers    map[place]*peer // a page with two players shares one connection
	nextPing time.Time
}

// Errors that end a connection.
var (
	errRate      = errors.New("tracker: more messages or bytes than allowed")
	errSlow      = errors.New("tracker: the client does not read")
	errLeftEarly = errors.New("tracker: shutting down")
)

// Message implements socket.Handler. A request that cannot be done is answered
// with a reason, as clients expect, and the connection goes on.
func (c *client) Message(kind frame.Kind, b []byte) error {
	now := time.Now()
	if !c.messages.AllowN(now, 1) || !c.bytes.AllowN(now, len(b)) {
		return errRate
	}
	c.extend(now)
	switch kind {
	case frame.Ping:
		c.send(frame.Pong, b)
		return nil
	case frame.Pong:
		return nil
	}
	// The npm client sends its JSON as text; as binary it is the same JSON.
	q, err := parse(b)
	if err != nil {
		c.fail("", err.Error(), nil)
		return nil
	}
	if q.Action == actionScrape {
		c.t.scrape(c, q)
		return nil
	}
	c.t.announce(c, q)
	return nil
}

// Ended implements socket.Handler.
func (c *client) Ended(err error) {
	c.t.leave(c)
	code := 0
	switch {
	case errors.Is(err, errRate):
		code = websocket.ClosePolicyViolation
		c.t.metrics.refused.WithLabelValues("rate").Inc()
	case errors.Is(err, frame.ErrTooLarge):
		code = websocket.CloseMessageTooBig
		c.t.metrics.refused.WithLabelValues("too_large").Inc()
	case errors.Is(err, frame.ErrProtocol):
		code = websocket.CloseProtocolError
		c.t.metrics.refused.WithLabelValues("malformed").Inc()
	case errors.Is(err, socket.ErrStalled):
		c.t.metrics.refused.WithLabelValues("slow").Inc()
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.t.metrics.refused.WithLabelValues("silent").Inc()
	}
	if code != 0 {
		c.t.cfg.Log.Info("tracker client refused", "from", c.from, "cause", err)
		c.goodbye(code, err.Error())
	}
}

// Closed implements socket.Handler.
func (c *client) Closed() { c.t.forget(c) }

// linger is how long a client has to read why it was refused.
const linger = time.Second

func (c *client) goodbye(code int, why string) {
	why = why[:min(len(why), frame.MaxControl-2)]
	c.conn.Last(frame.Append(nil, frame.Close, websocket.FormatCloseMessage(code, why)))
	c.conn.Linger(linger)
}

func (c *client) extend(now time.Time) {
	c.conn.SetReadDeadline(now.Add(time.Duration(silentPings * float64(c.t.cfg.PingInterval))))
}

// send queues a frame; who does not read loses the connection.
func (c *client) send(kind frame.Kind, b []byte) {
	if err := c.conn.Send(kind, b); err != nil {
		c.t.metrics.refused.WithLabelValues("slow").Inc()
		c.t.cfg.Log.Info("tracker client refused", "from", c.from, "cause", errSlow)
		c.conn.Kill()
	}
}

// reply answers the client's own request. Answers that it provokes at will are
// left out when many wait.
func (c *client) reply(v any) {
	if c.conn.Roomy() {
		c.send(frame.Text, encode(v))
	}
}

func (c *client) fail(action, reason string, h *hash) {
	c.t.metrics.failures.Inc()
	c.reply(&failure{Action: action, Reason: reason, InfoHash: h})
}
