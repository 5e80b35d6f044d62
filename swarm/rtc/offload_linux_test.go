package rtc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// listen opens a UDP socket on loopback.
func listen(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func offloaded(t testing.TB) *offloadConn {
	t.Helper()
	udp := listen(t)
	c, ok := offload(udp).(*offloadConn)
	if !ok {
		udp.Close()
		t.Skip("this kernel has no UDP segmentation offload")
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func addrOf(c net.PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// letters are packets as a transfer has them: trains of full ones and a shorter
// one, between small ones.
func letters() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	var out [][]byte
	for i := range 300 {
		length := 1200
		switch {
		case i%14 == 13:
			length = 100 + random.IntN(1000)
		case i%50 == 20:
			length = 40
		}
		b := bytes.Repeat([]byte{byte(i)}, length)
		copy(b, fmt.Sprintf("%d ", i))
		out = append(out, b)
	}
	return out
}

func TestOffloadKeepsPacketsAndOrder(t *testing.T) {
	for _, plain := range []bool{false, true} { // the device may refuse
		t.Run(fmt.Sprintf("plain=%v", plain), func(t *testing.T) {
			from, to := offloaded(t), offloaded(t)
			stock := listen(t) // whoever reads without offload gets the same packets
			defer stock.Close()
			from.plain.Store(plain)
			sent := letters()
			for i, b := range sent {
				n, err := from.WriteToAddrPort(b, addrOf(to))
				if err != nil || n != len(b) {
					t.Fatalf("packet %d: %d, %v", i, n, err)
				}
				if n, err := from.WriteTo(b, stock.LocalAddr()); err != nil || n != len(b) {
					t.Fatalf("packet %d: %d, %v", i, n, err)
				}
			}
			b := make([]byte, 2000)
			for i, want := range sent {
				n, source, err := to.ReadFromAddrPort(b)
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if !bytes.Equal(b[:n], want) || source != addrOf(from) {
					t.Fatalf("packet %d has %d bytes from %v, want %d", i, n, source, len(want))
				}
				if n, err = stock.Read(b); err != nil || !bytes.Equal(b[:n], want) {
					t.Fatalf("packet %d without offload: %d bytes, %v, want %d", i, n, err, len(want))
				}
			}
		})
	}
}

func TestOffloadTakesPlainPackets(t *testing.T) {
	to, from := offloaded(t), listen(t)
	defer from.Close()
	for _, want := range letters()[:20] {
		if _, err := from.WriteTo(want, to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2000)
		n, source, err := to.ReadFrom(b)
		if err != nil || !bytes.Equal(b[:n], want) || source.String() != from.LocalAddr().String() {
			t.Fatalf("%d bytes from %v, %v, want %d", n, source, err, len(want))
		}
	}
}

func TestOffloadSendsBeforeItCloses(t *testing.T) {
	from, to := offloaded(t), offloaded(t)
	sent := letters()
	for _, b := range sent {
		if _, err := from.WriteToAddrPort(b, addrOf(to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	for i := range sent {
		if _, _, err := to.ReadFromAddrPort(b); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
	}
	if _, err := from.WriteToAddrPort(b, addrOf(to)); err == nil {
		t.Error("a packet was taken after Close")
	}
	if err := from.Close(); err == nil {
		t.Error("the second Close says nothing")
	}
}

func TestOffloadBoundsItsQueue(t *testing.T) {
	for _, c := range []struct {
		name   string
		queued int
		waits  bool
	}{
		{"at the cap", maxUnsent, false},
		{"past the cap", maxUnsent + 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &offloadConn{wake: make(chan struct{}, 1)} // nobody sends
				o.room.L = &o.writing
				o.out.data = make([]byte, c.queued)
				written := false
				go func() {
					_, err := o.WriteToAddrPort([]byte("late"), netip.AddrPort{})
					written = err == nil
				}()
				synctest.Wait()
				if written == c.waits {
					t.Errorf("written at once: %v", written)
				}
				o.take(packets{})
				synctest.Wait()
				if !written {
					t.Error("the writer was not woken")
				}
			})
		})
	}
}

func TestOffloadCloseReleasesWriters(t *testing.T) {
	o := offloaded(t)
	o.writing.Lock()
	o.out.data = make([]byte, maxUnsent+1)
	o.writing.Unlock()
	written := make(chan error)
	go func() {
		_, err := o.WriteToAddrPort([]byte("late"), addrOf(o))
		written <- err
	}()
	o.Close()
	if err := <-written; err == nil {
		t.Error("a packet was taken from a full queue, or after Close")
	}
}
