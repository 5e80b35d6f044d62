package rtc

import (
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/transport/v4"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

func TestBulkWithBackPressure(t *testing.T) {
	const total, window = 8 << 20, 512 << 10
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	received := sha256.New()
	var size atomic.Int64
	done := make(chan struct{})
	lb.bulk = func(_ node.Link, frame []byte) {
		f, err := wire.ParseBulk(frame)
		if err != nil {
			t.Error(err)
			return
		}
		p := f.(wire.Piece)
		received.Write(p.Payload)
		if size.Add(int64(len(p.Payload))) == total {
			close(done)
		}
	}
	toB, _ := meet(a, b, la, lb)
	sent := sha256.New()
	random := rand.NewChaCha8([32]byte{1})
	piece := make([]byte, segments.PieceSize)
	waits := 0
	for i := range total / segments.PieceSize {
		for toB.Queued() > window {
			la.next("writable", b.ID())
			waits++
		}
		random.Read(piece)
		sent.Write(piece)
		if err := toB.SendBulk(wire.AppendPiece(nil, wire.Piece{Index: uint32(i), Payload: piece})); err != nil {
			t.Fatal(err)
		}
		if queued := toB.Queued(); queued > window+segments.PieceSize+wire.PieceHeader {
			t.Fatalf("%d bytes queued", queued)
		}
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%d of %d bytes came", size.Load(), total)
	}
	if got, want := received.Sum(nil), sent.Sum(nil); string(got) != string(want) {
		t.Error("the bytes differ")
	}
	if waits == 0 {
		t.Error("the sender never had to wait")
	}
}

func TestSendNeverBlocksNorExceedsTheCap(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	hold := make(chan struct{})
	lb.bulk = func(node.Link, []byte) { <-hold } // the receive window fills up
	defer close(hold)
	toB, _ := meet(a, b, la, lb)
	frame := make([]byte, wire.MaxMessage)
	for i := range 2 * maxQueued / len(frame) {
		if err := toB.SendBulk(frame); err != nil {
			if !errors.Is(err, ErrQueueFull) {
				t.Fatal(err)
			}
			if q := toB.Queued(); q > maxQueued || q < maxQueued-len(frame) {
				t.Errorf("full at %d bytes, the cap is %d", q, maxQueued)
			}
			if i < maxQueued/len(frame) {
				t.Errorf("full after %d messages", i)
			}
			return
		}
	}
	t.Fatalf("twice the cap was queued; %d bytes are", toB.Queued())
}

func TestMessagesBeyondTheLimitAreNotSent(t *testing.T) {
	s := startServer(t)
	a, la := join(t, s)
	b, lb := join(t, s)
	toB, _ := meet(a, b, la, lb)
	if err := toB.SendControl(make([]byte, wire.MaxMessage)); err != nil {
		t.Errorf("at the cap: %v", err)
	}
	if err := toB.SendControl(make([]byte, wire.MaxMessage+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("past the cap: %v", err)
	}
	if got := lb.next("control", a.ID()); len(got) != wire.MaxMessage {
		t.Errorf("%d bytes came", len(got))
	}
}

// wall stops all packets of the sockets behind it, as a cable that is pulled.
type wall struct {
	transport.UDPConn
	shut *atomic.Bool
}

func (w wall) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := w.UDPConn.ReadFrom(b)
		if err != nil || !w.shut.Load() {
			return n, from, err
		}
	}
}

func (w wall) WriteTo(b []byte, to net.Addr) (int, error) {
	if w.shut.Load() {
		return len(b), nil
	}
	return w.UDPConn.WriteTo(b, to)
}

func TestDeadPeerIsNoticed(t *testing.T) {
	var shut atomic.Bool
	s := startServer(t)
	a, la := join(t, s, func(c *Config) {
		c.wrap = func(conn transport.UDPConn) transport.UDPConn { return wall{conn, &shut} }
	})
	b, lb := join(t, s)
	meet(a, b, la, lb)
	shut.Store(true)
	start := time.Now()
	if err := lb.down(a.ID()); !errors.Is(err, ErrLost) {
		t.Errorf("%v, want %v", err, ErrLost)
	}
	took := time.Since(start)
	// agents look every keepaliveEvery at most; the machine may be busy
	if limit := disconnectedAfter + graceAfter + 2*time.Second; took > limit {
		t.Errorf("noticed after %v, want %v at most", took, limit)
	}
	t.Logf("noticed after %v", took)
	la.down(b.ID())
}
