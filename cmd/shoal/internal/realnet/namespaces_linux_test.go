package realnet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"golang.org/x/sys/unix"
)

// namespace is a Linux network namespace (network_namespaces(7)). What is to happen
// in it is done by a thread that lives there; sockets opened so can be used by all.
type namespace struct {
	name  string
	calls chan func()
}

var made atomic.Int32

// newNamespace makes one and removes it at the end of the test.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{name: fmt.Sprintf("shoal-%d-%d", os.Getpid(), made.Add(1)), calls: make(chan func())}
	command(t, "ip", "netns", "add", n.name)
	entered := make(chan error)
	go n.live(entered)
	err := <-entered
	t.Cleanup(func() {
		close(n.calls)
		command(t, "ip", "netns", "delete", n.name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sweepNamespaces removes those of test runs that were killed.
func sweepNamespaces() {
	left, _ := filepath.Glob("/run/netns/shoal-*-*")
	for _, path := range left {
		var pid, n int
		if _, err := fmt.Sscanf(filepath.Base(path), "shoal-%d-%d", &pid, &n); err == nil && unix.Kill(pid, 0) == unix.ESRCH {
			_ = exec.Command("ip", "netns", "delete", filepath.Base(path)).Run()
		}
	}
}

// live is the thread. It is never unlocked, so it ends with its goroutine and no
// other goroutine finds itself in the namespace.
func (n *namespace) live(entered chan<- error) {
	runtime.LockOSThread()
	f, err := os.Open(filepath.Join("/run/netns", n.name))
	if err == nil {
		err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		f.Close()
	}
	if err == nil { // candidates of one kind are enough
		err = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	}
	entered <- err
	for f := range n.calls {
		f()
	}
}

// do waits for f to be done in the namespace.
func (n *namespace) do(f func()) {
	done := make(chan struct{})
	n.calls <- func() { defer close(done); f() }
	<-done
}

// inside is the network of a namespace for pion.
type inside struct {
	transport.Net
	ns *namespace
}

func newInside(t *testing.T, n *namespace) inside {
	t.Helper()
	var own *stdnet.Net
	var err error
	n.do(func() { own, err = stdnet.NewNet() })
	if err != nil {
		t.Fatal(err)
	}
	return inside{own, n}
}

func (i inside) ListenUDP(network string, local *net.UDPAddr) (c transport.UDPConn, err error) {
	i.ns.do(func() { c, err = i.Net.ListenUDP(network, local) })
	if err == nil { // as package rtc asks for on other networks
		_ = c.SetReadBuffer(4 << 20)
		_ = c.SetWriteBuffer(4 << 20)
	}
	return c, err
}

func (i inside) ListenPacket(network, address string) (c net.PacketConn, err error) {
	i.ns.do(func() { c, err = i.Net.ListenPacket(network, address) })
	return c, err
}

// dial is for http.Transport. address is literal: nothing is resolved.
func (n *namespace) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	n.do(func() { c, err = (&net.Dialer{}).DialContext(ctx, network, address) })
	return c, err
}

// command runs one of iproute2.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// namespaces builds a story's network in the kernel: a namespace for each member,
// one with a bridge between them and the origin in it, and tc tbf at both ends of
// each cable.
func namespaces(t *testing.T, s story, show *show) []host {
	t.Helper()
	middle := newNamespace(t)
	in := func(n *namespace, args ...string) { command(t, "ip", append([]string{"-n", n.name}, args...)...) }
	in(middle, "link", "set", "lo", "up")
	in(middle, "link", "add", "bridge", "type", "bridge")
	in(middle, "address", "add", "10.77.0.1/16", "dev", "bridge")
	in(middle, "link", "set", "bridge", "up")
	var listener net.Listener
	var err error
	middle.do(func() { listener, err = net.Listen("tcp4", "10.77.0.1:0") })
	if err != nil {
		t.Fatal(err)
	}
	origin := show.serve(listener)
	t.Cleanup(func() { origin.Close() })

	limit := func(n *namespace, device string, rate int64) {
		command(t, "tc", "-n", n.name, "qdisc", "add", "dev", device, "root", "tbf", "rate", fmt.Sprintf("%dbit", rate),
			"burst", fmt.Sprint(burst), "latency", fmt.Sprintf("%dms", longest.Milliseconds()))
	}
	var hosts []host
	for i, m := range s.config.Members {
		n := newNamespace(t)
		port := fmt.Sprint("port", i)
		in(n, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", middle.name)
		in(n, "address", "add", fmt.Sprintf("10.77.1.%d/16", i+1), "dev", "eth0")
		in(n, "link", "set", "eth0", "up")
		in(middle, "link", "set", port, "master", "bridge", "up")
		down := m.Down
		if down == 0 {
			down = s.config.Downlink
		}
		limit(n, "eth0", width(m.Up, s.config.Tracks[0]))
		limit(middle, port, width(down, 0))
		web := &http.Transport{DialContext: n.dial}
		t.Cleanup(web.CloseIdleConnections)
		hosts = append(hosts, host{
			net:    newInside(t, n),
			client: &http.Client{Transport: web},
			origin: "http://" + listener.Addr().String(),
			kill:   func() { in(middle, "link", "set", port, "down") },
		})
	}
	if t.Failed() {
		t.FailNow()
	}
	return hosts
}

func TestNamespacesAgree(t *testing.T) {
	need(t)
	sweepNamespaces()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("network namespaces need root, and CI must run this test")
		}
		t.Skip("network namespaces need root")
	}
	for _, s := range stories() {
		if s.natted() {
			continue // the kernel's are not what is tested here
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			compare(t, s.onWires(), namespaces)
		})
	}
}
