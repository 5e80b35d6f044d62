package rtc

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// benchWindow is what both contestants keep queued at most.
const benchWindow = 1 << 20

// BenchmarkTransfer compares a link that carries verified pieces with a bare
// data channel of the same settings that carries messages of the same size. The
// two take turns within the run, because the machine's mood changes more from
// one run to the next than they differ. MB/s are bytes of payload; ratio is ours
// to bare.
//
// GOGC=400, which the commands set where the operator set nothing, matters here.
func BenchmarkTransfer(b *testing.B) {
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("plain=%v", plain), func(b *testing.B) { benchmarkTransfer(b, plain) })
	}
}

func benchmarkTransfer(b *testing.B, plain bool) {
	const round = 4 << 20 // bytes each contestant sends in its turn
	ours := newLinkContest(b, plain)
	bare := newBareContest(b, plain)
	ours(round) // congestion windows open
	bare(round)
	var tOurs, tBare time.Duration
	for b.Loop() {
		tBare += bare(round)
		tOurs += ours(round)
	}
	sent := float64(b.N) * round / 1e6
	b.SetBytes(2 * round)
	b.ReportMetric(sent/tOurs.Seconds(), "ours-MB/s")
	b.ReportMetric(sent/tBare.Seconds(), "bare-MB/s")
	b.ReportMetric(tBare.Seconds()/tOurs.Seconds(), "ratio")
}

// newLinkContest sends piece frames over a link; the receiver parses them and
// checks each piece's leaf.
func newLinkContest(b *testing.B, plain bool) func(bytes int) time.Duration {
	s := startServer(b)
	config := func(c *Config) { c.PlainSockets = plain }
	from, lf := join(b, s, config)
	to, lt := join(b, s, config)
	piece := make([]byte, segments.PieceSize)
	leaf := segments.LeafOf(piece)
	arrived := make(chan int, 4096)
	lt.bulk = func(_ node.Link, frame []byte) {
		f, err := wire.ParseBulk(frame)
		if err != nil {
			b.Error(err)
			return
		}
		p := f.(wire.Piece)
		if segments.LeafOf(p.Payload) != leaf {
			b.Error("bad piece")
		}
		arrived <- len(p.Payload)
	}
	room := make(chan struct{}, 1)
	lf.writable = func() {
		select {
		case room <- struct{}{}:
		default:
		}
	}
	link, _ := meet(from, to, lf, lt)
	link.WakeAt(benchWindow / 2)
	return func(bytes int) time.Duration {
		start := time.Now()
		for i := range bytes / segments.PieceSize {
			for link.Queued() > benchWindow {
				<-room
			}
			frame := make([]byte, 0, wire.PieceHeader+segments.PieceSize)
			if err := link.SendBulk(wire.AppendPiece(frame, wire.Piece{Index: uint32(i), Payload: piece})); err != nil {
				b.Fatal(err)
			}
		}
		for got := 0; got < bytes; {
			got += <-arrived
		}
		return time.Since(start)
	}
}

// newBareContest sends the same over two peer connections and nothing else.
func newBareContest(b *testing.B, plain bool) func(bytes int) time.Duration {
	cfg := Config{Scope: LoopbackOnly, PlainSockets: plain}.populate()
	connect := func() (*webrtc.PeerConnection, *webrtc.DataChannel, chan io.ReadWriteCloser) {
		pc, err := newConnection(cfg, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { pc.GracefulClose() })
		dc, err := newChannel(pc, bulkLabel, bulkID)
		if err != nil {
			b.Fatal(err)
		}
		open := make(chan io.ReadWriteCloser, 1)
		dc.OnOpen(func() {
			c, err := dc.Detach()
			if err != nil {
				b.Error(err)
			}
			open <- c
		})
		return pc, dc, open
	}
	from, dc, opened := connect()
	to, _, openedThere := connect()
	describe(b, from, to)
	out, in := <-opened, <-openedThere
	room := make(chan struct{}, 1)
	dc.SetBufferedAmountLowThreshold(benchWindow / 2)
	dc.OnBufferedAmountLow(func() {
		select {
		case room <- struct{}{}:
		default:
		}
	})
	arrived := make(chan int, 4096)
	go func() {
		buffer := make([]byte, wire.MaxMessage)
		for {
			n, err := in.Read(buffer)
			if err != nil {
				return
			}
			arrived <- n
		}
	}()
	message := make([]byte, segments.PieceSize)
	return func(bytes int) time.Duration {
		start := time.Now()
		for range bytes / segments.PieceSize {
			for dc.BufferedAmount() > benchWindow {
				<-room
			}
			if _, err := out.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		for got := 0; got < bytes; {
			got += <-arrived
		}
		return time.Since(start)
	}
}

// describe connects two peer connections without trickling.
func describe(b *testing.B, from, to *webrtc.PeerConnection) {
	step := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	offer, err := from.CreateOffer(nil)
	step(err)
	gathered := webrtc.GatheringCompletePromise(from)
	step(from.SetLocalDescription(offer))
	<-gathered
	step(to.SetRemoteDescription(*from.LocalDescription()))
	answer, err := to.CreateAnswer(nil)
	step(err)
	gathered = webrtc.GatheringCompletePromise(to)
	step(to.SetLocalDescription(answer))
	<-gathered
	step(from.SetRemoteDescription(*to.LocalDescription()))
}

// BenchmarkSetUp is from Connect to LinkUp on both sides, signalling included.
func BenchmarkSetUp(b *testing.B) {
	for _, scope := range []Scope{LoopbackOnly, WithLoopback} {
		b.Run(fmt.Sprintf("scope=%d", scope), func(b *testing.B) {
			s := startServer(b)
			config := func(c *Config) { c.Scope = scope }
			one, l1 := join(b, s, config)
			two, l2 := join(b, s, config)
			for b.Loop() {
				link, _ := meet(one, two, l1, l2)
				b.StopTimer()
				link.Close("")
				l1.down(two.ID())
				l2.down(one.ID())
				b.StartTimer()
			}
		})
	}
}
