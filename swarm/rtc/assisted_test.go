package rtc

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// cable is a TCP path to the signalling server that can be cut for good.
type cable struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    []net.Conn
	cutOff   bool
	wg       sync.WaitGroup
}

func layCable(t *testing.T, s *server) *cable {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, to: s.http.Listener.Addr().String()}
	c.wg.Go(c.accept)
	t.Cleanup(c.cut)
	return c
}

func (c *cable) url() string { return "ws://" + c.listener.Addr().String() }

func (c *cable) accept() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		if err != nil {
			in.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, in, out)
		off := c.cutOff
		c.mu.Unlock()
		if off {
			in.Close()
			out.Close()
			return
		}
		c.wg.Go(func() { io.Copy(in, out); in.Close() })
		c.wg.Go(func() { io.Copy(out, in); out.Close() })
	}
}

func (c *cable) cut() {
	c.mu.Lock()
	c.cutOff = true
	conns := c.conns
	c.mu.Unlock()
	c.listener.Close()
	for _, conn := range conns {
		conn.Close()
	}
	c.wg.Wait()
}

// member is a whole peer, brain and all.
func member(t *testing.T, url string, core swarm.Config) *node.Node {
	t.Helper()
	network, err := New(Config{URL: url, Swarm: "test", Scope: LoopbackOnly, MaxLinks: core.MaxPeers})
	if err != nil {
		t.Fatal(err)
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	origin := segments.NewOrigin(segments.OriginConfig{})
	core.ID = network.ID()
	n, err := node.New(node.Config{Swarm: "test", Store: store.View("test"), Origin: origin, Network: network, Core: core})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.Close()
		origin.Close()
		store.Close()
	})
	return n
}

// until waits for something that has no event of its own.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, 2*patience)
		}
	}
}

func linkedTo(n, o *node.Node) bool {
	return slices.ContainsFunc(n.Stats().Peers, func(p node.PeerStats) bool { return p.ID == o.Stats().ID })
}

// TestNeighbourConnectsWhoLostSignalling: a peer whose websocket is dead has one
// neighbour. Somebody else joins; neither can reach the other by the server, which
// knows one of them only, and the neighbour brings them together.
func TestNeighbourConnectsWhoLostSignalling(t *testing.T) {
	for _, tt := range []struct {
		name       string
		lost, late swarm.Config // of the one without websocket, of the one who comes later
	}{
		{"the one who lost it calls", swarm.Config{MinPeers: 2, MaxPeers: 6}, swarm.Config{MinPeers: 1, MaxPeers: 3}},
		{"the other one calls", swarm.Config{MinPeers: 1, MaxPeers: 3}, swarm.Config{MinPeers: 2, MaxPeers: 6}},
		{"both call", swarm.Config{MinPeers: 2, MaxPeers: 6}, swarm.Config{MinPeers: 2, MaxPeers: 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t)
			c := layCable(t, s)
			middle := member(t, s.url(), swarm.Config{MinPeers: 1, MaxPeers: 6})
			lost := member(t, c.url(), tt.lost)
			until(t, "first link", func() bool { return linkedTo(lost, middle) && linkedTo(middle, lost) })
			c.cut()
			until(t, "loss of the websocket", func() bool { return !lost.Stats().Connected })
			late := member(t, s.url(), tt.late)
			until(t, "link of the newcomer", func() bool { return linkedTo(late, middle) })
			until(t, "link through the neighbour", func() bool { return linkedTo(late, lost) && linkedTo(lost, late) })
			if n := middle.Stats().Counters.Forwards; n < 2 {
				t.Errorf("the neighbour carried %d payloads, want an offer and an answer at least", n)
			}
			if lost.Stats().Connected {
				t.Error("the websocket is back: nothing was shown")
			}
		})
	}
}

// TestForwardNeedsACommonNeighbour: a payload for somebody no neighbour knows is not
// taken, so that the attempt ends at once and not after its timeout.
func TestForwardNeedsACommonNeighbour(t *testing.T) {
	s := startServer(t)
	n := member(t, s.url(), swarm.Config{MinPeers: 1, MaxPeers: 3})
	if n.Forward(swarm.PeerID(strings.Repeat("0", 16)), []byte("x")) {
		t.Error("a payload for a stranger was taken")
	}
}

// TestWebsocketClosesAtMaxAndOpensBelowMin over real links and a real server.
func TestWebsocketClosesAtMaxAndOpensBelowMin(t *testing.T) {
	s := startServer(t)
	full := swarm.Config{MinPeers: 1, MaxPeers: 1, DisconnectWebsocketOnMax: true}
	a, b := member(t, s.url(), full), member(t, s.url(), full)
	until(t, "link", func() bool { return linkedTo(a, b) && linkedTo(b, a) })
	until(t, "websockets closed", func() bool { return !a.Stats().Connected && !b.Stats().Connected })
	if !linkedTo(a, b) {
		t.Error("the link went with the websocket")
	}
	b.Close()
	until(t, "websocket open again", func() bool { return a.Stats().Connected })
	c := member(t, s.url(), full)
	until(t, "another link", func() bool { return linkedTo(a, c) && linkedTo(c, a) })
}
