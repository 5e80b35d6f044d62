package socket

import (
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/signal/internal/frame"
)

// outbox queues encoded frames. No goroutine waits on it: what it takes for an
// idle connection is handed to the end of a poller's round, or to a goroutine that
// ends when everything is written.
type outbox struct {
	mu        sync.Mutex
	out       *batch // what waits; nil when nothing does
	scheduled bool   // somebody will write
	writing   bool   // a goroutine writes, without a poller
	closed    bool   // takes nothing any more
	killed    bool   // what waits is not to be written
	failed    bool   // the receiver took nothing for WriteTimeout
	since     int64  // Unix nanoseconds since when the kernel takes nothing, 0: it does
	written   *sync.Cond
}

// batch is frames one behind the other.
type batch struct {
	data []byte
	ends []int // where each frame ends in data
	off  int   // written so far
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// keptBytes is the largest buffer that goes back to the pool.
const keptBytes = 64 << 10

func (b *batch) release() {
	if cap(b.data) > keptBytes {
		return
	}
	b.data, b.ends, b.off = b.data[:0], b.ends[:0], 0
	batches.Put(b)
}

// wrote notes n written bytes.
func (b *batch) wrote(n int) {
	b.off += n
	whole := 0
	for whole < len(b.ends) && b.ends[whole] <= b.off {
		whole++
	}
	b.ends = b.ends[whole:]
	// A receiver that never quite catches up must not make it grow.
	if b.off > keptBytes && b.off > len(b.data)/2 {
		b.data = append([]byte(nil), b.data[b.off:]...)
		for i := range b.ends {
			b.ends[i] -= b.off
		}
		b.off = 0
	}
}

func (b *batch) waiting() int { return len(b.data) - b.off }

// Send queues one message and never blocks. It returns ErrSlow when the bounds
// would be exceeded, and then takes nothing more; on a closed Conn it does
// nothing.
func (c *Conn) Send(kind frame.Kind, data []byte) error { return c.sendBy(c.poller, kind, data) }

// Forward is to.Send for the Handler of c inside Message: the message is written
// at the end of the round that reads c.
func (c *Conn) Forward(to *Conn, kind frame.Kind, data []byte) error {
	p := c.poller
	if p == nil || to.poller == nil {
		p = to.poller
	}
	return to.sendBy(p, kind, data)
}

func (c *Conn) sendBy(p *poller, kind frame.Kind, data []byte) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	if c.out != nil {
		l := &c.pool.limits
		if len(c.out.ends) >= l.QueueMessages || c.out.waiting()+len(data) > l.QueueBytes {
			c.closed = true
			c.mu.Unlock()
			return ErrSlow
		}
	}
	c.queue(func(b []byte) []byte { return frame.Append(b, kind, data) })
	c.unlockAndSchedule(p)
	return nil
}

// Last queues frames past the bounds and closes the outbox behind them.
func (c *Conn) Last(frames []byte) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.queue(func(b []byte) []byte { return append(b, frames...) })
	c.closed = true
	c.unlockAndSchedule(c.poller)
}

// Roomy says whether less than half of the queue is used: answers that a sender
// provokes at will are left out beyond, so that they cannot evict it.
func (c *Conn) Roomy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.pool.limits
	return c.out == nil || 2*len(c.out.ends) < l.QueueMessages && 2*c.out.waiting() < l.QueueBytes
}

// Shut drops everything queued and takes nothing more.
func (c *Conn) Shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.out != nil && !c.writing {
		c.out.release()
		c.out = nil
	}
}

// queue adds to the batch, under the lock.
func (c *Conn) queue(add func([]byte) []byte) {
	if c.out == nil {
		c.out = batches.Get().(*batch)
	}
	c.out.data = add(c.out.data)
	c.out.ends = append(c.out.ends, len(c.out.data))
}

// unlockAndSchedule sees to it that somebody writes: poller p, or a goroutine.
func (c *Conn) unlockAndSchedule(p *poller) {
	first := !c.scheduled
	c.scheduled = true
	c.mu.Unlock()
	switch {
	case !first:
	case p != nil:
		p.schedule(c)
	default:
		c.pool.tasks.Go(c.writeAll)
	}
}

// writeSize is what one blocking write takes at most: each has a deadline of its
// own.
const writeSize = 16 << 10

// writeAll writes until nothing waits; without a poller only.
func (c *Conn) writeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = true
	for !c.killed && c.out != nil && c.out.waiting() > 0 {
		b := c.out.data[c.out.off:]
		b = b[:min(len(b), writeSize)]
		c.net.SetWriteDeadline(time.Now().Add(c.pool.limits.WriteTimeout))
		c.mu.Unlock()
		// Nobody else writes, and who appends leaves these bytes where they are.
		n, err := c.net.Write(b)
		c.mu.Lock()
		c.out.wrote(n)
		if err != nil {
			c.closed, c.failed = true, true
			c.net.SetReadDeadline(longAgo) // wakes the reader, who owns the connection
			break
		}
	}
	if c.out != nil {
		c.out.release()
	}
	c.out, c.writing, c.scheduled = nil, false, false
	if c.written != nil {
		c.written.Broadcast()
	}
}

// waitWritten waits for writeAll to end.
func (c *Conn) waitWritten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = sync.NewCond(&c.mu)
	for c.scheduled {
		c.written.Wait()
	}
}

// stalled says whether writing failed.
func (c *Conn) stalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}
