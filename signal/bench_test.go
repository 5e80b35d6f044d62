//go:build unix

package signal

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// unlimited is for load that comes from one address.
var unlimited = Limits{MessagesPerSecond: -1, BytesPerSecond: -1, JoinsPerSecond: -1, ConnectionsPerAddress: -1}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// relayBatch is the messages of one operation of BenchmarkRelay: fewer would measure
// how goroutines start.
const relayBatch = 10_000

// BenchmarkRelay sends offers of 2 KB between pairs of members over TCP loopback.
// One operation is relayBatch messages from sender to receiver; the CPU time includes
// both clients' halves. 'shoal bench-signal' measures the server alone, beside a
// rival.
func BenchmarkRelay(b *testing.B) {
	for _, pairs := range []int{1, 50} {
		b.Run(fmt.Sprintf("pairs=%d", pairs), func(b *testing.B) {
			_, url := startServer(b, Config{Limits: unlimited, Log: quiet()})
			const window = 64 // messages under way per pair
			var left atomic.Int64
			left.Store(int64(b.N) * relayBatch)
			payload := make([]byte, 2048-RelayHeader)
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range pairs {
				from, to := dialRaw(b, url), dialRaw(b, url)
				for j, r := range []*rawClient{from, to} {
					r.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(2*i + j)})
					hear[*Welcome](r)
					r.conn.SetReadDeadline(time.Time{})
				}
				credit := make(chan struct{}, window)
				for range window {
					credit <- struct{}{}
				}
				offer := AppendRelay(nil, IDOf(secretOf(2*i+1)), payload)
				end := AppendRelay(nil, IDOf(secretOf(2*i+1)), nil)
				go io.Copy(io.Discard, from.conn.NetConn())
				all.Go(func() {
					<-start
					for left.Add(-1) >= 0 {
						<-credit
						from.send(offer)
					}
					from.send(end)
				})
				all.Go(func() {
					for {
						_, m, err := to.conn.ReadMessage()
						if err != nil {
							b.Error(err)
							return
						}
						if Type(m[0]) != TypeRelay {
							continue
						}
						if len(m) == RelayHeader {
							return
						}
						credit <- struct{}{}
					}
				})
			}
			cpu := cpuTime()
			b.ResetTimer()
			close(start)
			all.Wait()
			b.StopTimer()
			b.ReportMetric(relayBatch*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric((cpuTime()-cpu).Seconds()/float64(b.N)/relayBatch*1e6, "cpu-s/million")
		})
	}
}

// BenchmarkIdleMember reports the server's memory for a member that is joined and
// silent: heap and stacks, without the kernel's socket buffers.
func BenchmarkIdleMember(b *testing.B) {
	const members = 1000
	for b.Loop() {
		s := NewServer(Config{Limits: unlimited, Log: quiet()})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		h := &http.Server{Handler: s}
		go h.Serve(l)
		conns := make([]net.Conn, 0, members)
		used := func() uint64 {
			runtime.GC()
			runtime.GC() // the first one moves pooled buffers to the victim cache only
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapInuse + m.StackInuse
		}
		before := used()
		for i := range members {
			conns = append(conns, idleMember(b, l.Addr().String(), i))
		}
		for metric(b, s, "shoal_signal_members") != members {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(float64(used()-before)/members, "B/member")
		for _, c := range conns {
			c.Close()
		}
		s.Close()
		h.Close()
	}
}

// idleMember joins with as little of its own memory as a socket takes.
func idleMember(b *testing.B, address string, n int) net.Conn {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	head := bufio.NewReaderSize(c, 512)
	for {
		line, err := head.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	join := Append(nil, &Join{Version: Version, Swarm: fmt.Sprint(n % 20), Secret: secretOf(n + 1), MaxLinks: 10})
	// RFC 6455 §5.2: final binary frame, masked with zeros
	c.Write(append([]byte{0x80 | websocket.BinaryMessage, 0x80 | byte(len(join)), 0, 0, 0, 0}, join...))
	return c
}
