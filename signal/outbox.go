package signal

import (
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// writeTimeout bounds one write to a socket; a member whose kernel buffers stay
// full that long is evicted.
const writeTimeout = 10 * time.Second

// longAgo as a deadline wakes every blocked read and write at once (net.Conn).
var longAgo = time.Unix(1, 0)

// outgoing is one queued websocket frame. data may be shared between queues and
// is never written to.
type outgoing struct {
	kind int // websocket.BinaryMessage, PingMessage, PongMessage or CloseMessage
	data []byte
}

// outbox queues what one member has to read. No goroutine waits on it: put starts
// a flush when none is running, and the flush ends when the queue is empty.
type outbox struct {
	conn *websocket.Conn
	srv  *Server

	mu       sync.Mutex
	queue    []outgoing
	bytes    int // queued and not yet written
	flushing bool
	closed   bool // takes nothing any more
}

var errSlow = errors.New("signal: member does not read")

// put queues one frame and never blocks. It returns errSlow when the bounds would
// be exceeded, and nil without effect when the outbox is closed.
func (o *outbox) put(kind int, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	l := &o.srv.cfg.Limits
	if len(o.queue) >= l.QueueMessages || o.bytes+len(data) > l.QueueBytes {
		o.closed = true
		return errSlow
	}
	o.add(kind, data)
	return nil
}

// roomy says whether less than half of the queue is used: answers that a sender
// provokes at will are left out beyond, so that they cannot evict it.
func (o *outbox) roomy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := &o.srv.cfg.Limits
	return 2*len(o.queue) < l.QueueMessages && 2*o.bytes < l.QueueBytes
}

func (o *outbox) add(kind int, data []byte) {
	o.queue = append(o.queue, outgoing{kind, data})
	o.bytes += len(data)
	if !o.flushing {
		o.flushing = true
		o.srv.tasks.Go(o.flush)
	}
}

// last queues a farewell past the bounds and closes the outbox behind it.
func (o *outbox) last(farewell, closeFrame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.add(websocket.BinaryMessage, farewell)
	o.add(websocket.CloseMessage, closeFrame)
	o.closed = true
}

// shut drops everything queued.
func (o *outbox) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.queue, o.bytes = nil, 0
}

func (o *outbox) flush() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.queue, o.flushing = nil, false // an idle member holds no buffer
			o.mu.Unlock()
			return
		}
		next := o.queue[0]
		o.queue[0] = outgoing{}
		o.queue = o.queue[1:]
		o.mu.Unlock()

		err := o.write(next)
		o.mu.Lock()
		o.bytes = max(o.bytes-len(next.data), 0)
		o.mu.Unlock()
		if err != nil {
			o.shut()
			// The reader owns the connection; this wakes it.
			o.conn.SetReadDeadline(longAgo)
			o.mu.Lock()
			o.flushing = false
			o.mu.Unlock()
			return
		}
	}
}

func (o *outbox) write(f outgoing) error {
	deadline := time.Now().Add(writeTimeout)
	if f.kind == websocket.BinaryMessage {
		o.conn.SetWriteDeadline(deadline)
		o.srv.metrics.sent.Add(float64(len(f.data)))
		return o.conn.WriteMessage(f.kind, f.data)
	}
	return o.conn.WriteControl(f.kind, f.data, deadline)
}
