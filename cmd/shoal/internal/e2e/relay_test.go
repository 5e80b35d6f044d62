package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// TestRelayOnly has a seed and a viewer in two networks without a route between
// them, in namespaces of Linux. Both reach the machine in the middle, which has the
// origin and the signalling server with its TURN server, and nothing else.
func TestRelayOnly(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	seedNet, viewerNet := newNetwork(t, 1), newNetwork(t, 2)
	for net, other := range map[*network]*network{seedNet: viewerNet, viewerNet: seedNet} {
		if out, err := exec.Command("ip", "-n", net.name, "route", "get", other.inside).CombinedOutput(); err == nil {
			t.Fatalf("there is a route: %s", out)
		}
	}
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	originServer := &http.Server{Handler: o}
	go originServer.Serve(l)
	t.Cleanup(func() { originServer.Close() })
	server := start(t, "signal", "--listen", "0.0.0.0:0", "--turn", "0.0.0.0:0", "--turn-address", seedNet.outside, "--metrics", "127.0.0.1:0")
	port := server.says(t, `url=ws://\S+:(\d+)/ws`)
	peer := func(n *network, command string, more ...string) *process {
		bin, err := shoalCommand()
		if err != nil {
			t.Fatal(err)
		}
		return launch(t, command, exec.Command("ip", append([]string{"netns", "exec", n.name, bin, command,
			fmt.Sprintf("http://%s:%d/live/manifest.mpd", n.outside, l.Addr().(*net.TCPAddr).Port), "--swarm", "relayed", "--relay-only",
			"--signal", fmt.Sprintf("ws://%s:%s/ws", n.outside, port)}, more...)...))
	}
	peer(seedNet, "seed")
	file := t.TempDir() + "/report.json"
	viewer := peer(viewerNet, "watch", "--duration", "8s", "--report", file)
	if code := viewer.wait(t, 3*patience); code != 0 {
		t.Fatalf("watch ended with %d", code)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		PeerBytes float64 `json:"peer_bytes"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	if report.PeerBytes == 0 {
		t.Errorf("nothing came through the relay: %s", b)
	}
	// Each byte is relayed out of one relay and into another, and counted at both.
	if relayed := server.metrics(t)["shoal_turn_relayed_bytes_total"]; relayed < report.PeerBytes {
		t.Errorf("%.0f bytes relayed, %.0f from peers", relayed, report.PeerBytes)
	}
}

// network is a namespace with one cable to where the test is.
type network struct{ name, inside, outside string }

// needsNamespaces leaves a test out where namespaces cannot be made, which CI must be
// able to.
func needsNamespaces(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("plays in real time; not with -short")
	}
	_, err := exec.LookPath("ip")
	if err == nil && os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI must be root and have iproute2")
	}
	t.Skip("needs root and iproute2 for network namespaces")
}

func newNetwork(t *testing.T, n int) *network {
	t.Helper()
	w := &network{name: fmt.Sprintf("shoalrelay-%d-%d", os.Getpid(), n),
		inside: fmt.Sprintf("10.78.%d.2", n), outside: fmt.Sprintf("10.78.%d.1", n)}
	ip := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	cable := fmt.Sprintf("sr%d%c", os.Getpid(), 'a'+n)
	ip("netns add " + w.name)
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", w.name).Run() }) // and the cable with it
	ip(fmt.Sprintf("link add %s type veth peer name up netns %s", cable, w.name))
	ip(fmt.Sprintf("address add %s/24 dev %s", w.outside, cable))
	ip(fmt.Sprintf("link set %s up", cable))
	ip(fmt.Sprintf("-n %s address add %s/24 dev up", w.name, w.inside))
	ip(fmt.Sprintf("-n %s link set dev up up", w.name))
	ip(fmt.Sprintf("-n %s link set lo up", w.name))
	return w
}
