package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// internet is a network of namespaces: a wire with the test's own machine at
// 10.79.0.1 and home routers at 10.79.0.11 and on, each with one host behind a NAT
// that gives every connection a port by chance: a symmetric one, through which no
// hole can be punched from another.
type internet struct{ wire string }

const internetHost = "10.79.0.1"

func newInternet(t *testing.T) *internet {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		missing(t, "no nft: %v", err)
	}
	n := &internet{wire: fmt.Sprintf("shoalwire-%d", os.Getpid())}
	addNamespace(t, n.wire)
	up := fmt.Sprintf("sw%d", os.Getpid())
	run := in(t, n.wire)
	run("ip link add name middle type bridge")
	run("ip link set middle up")
	command(t, fmt.Sprintf("ip link add %s type veth peer name top netns %s", up, n.wire))
	command(t, fmt.Sprintf("ip address add %s/24 dev %s", internetHost, up))
	command(t, fmt.Sprintf("ip link set %s up", up))
	run("ip link set top master middle up")
	return n
}

// home adds a router and a host, and returns the host's namespace. The host reaches
// what is at the wire, and nobody reaches it.
func (n *internet) home(t *testing.T, seat int) string {
	t.Helper()
	router, host := fmt.Sprintf("shoalrouter-%d-%d", os.Getpid(), seat), fmt.Sprintf("shoalhome-%d-%d", os.Getpid(), seat)
	addNamespace(t, router)
	addNamespace(t, host)
	command(t, fmt.Sprintf("ip -n %s link add wan type veth peer name port%d netns %s", router, seat, n.wire))
	in(t, n.wire)(fmt.Sprintf("ip link set port%d master middle up", seat))
	command(t, fmt.Sprintf("ip -n %s link add lan type veth peer name eth0 netns %s", router, host))
	r, h := in(t, router), in(t, host)
	r(fmt.Sprintf("ip address add 10.79.0.%d/24 dev wan", 10+seat))
	r(fmt.Sprintf("ip address add 192.168.%d.1/24 dev lan", seat))
	for _, dev := range []string{"lo", "wan", "lan"} {
		r("ip link set " + dev + " up")
	}
	r("sysctl -qw net.ipv4.ip_forward=1")
	r("nft add table ip nat")
	r("nft add chain ip nat post { type nat hook postrouting priority 100 ; }")
	r("nft add rule ip nat post oifname wan masquerade fully-random")
	h(fmt.Sprintf("ip address add 192.168.%d.2/24 dev eth0", seat))
	h("ip link set lo up")
	h("ip link set eth0 up")
	h(fmt.Sprintf("ip route add default via 192.168.%d.1", seat))
	return host
}

func addNamespace(t *testing.T, name string) {
	t.Helper()
	command(t, "ip netns add "+name)
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", name).Run() }) // and its cables with it
}

// in gives what runs commands in a namespace.
func in(t *testing.T, namespace string) func(string) {
	return func(line string) {
		t.Helper()
		command(t, "ip netns exec "+namespace+" "+line)
	}
}

func command(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// TestSymmetricNAT has a seed and a viewer behind symmetric NATs. STUN alone does
// not bring them together; the TURN server does, relays only or not, and what it
// carries are the origin's bytes.
func TestSymmetricNAT(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	n := newInternet(t)
	seedHome, viewerHome := n.home(t, 1), n.home(t, 2)
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", internetHost+":0")
	if err != nil {
		t.Fatal(err)
	}
	originServer := &http.Server{Handler: o}
	go originServer.Serve(l)
	t.Cleanup(func() { originServer.Close() })
	stream := fmt.Sprintf("http://%s/live/manifest.mpd", l.Addr())
	bin, err := shoalCommand()
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name    string
		ice     []string
		peer    []string
		relayed bool
	}{
		{"STUN alone", []string{"--stun", internetHost + ":0"}, nil, false},
		{"TURN", []string{"--turn", internetHost + ":0", "--turn-address", internetHost}, nil, true},
		{"TURN, relays only", []string{"--turn", internetHost + ":0", "--turn-address", internetHost}, []string{"--relay-only"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, signalURL := signalAt(t, internetHost, test.ice...)
			peer := func(home, name string, more ...string) *process {
				args := append([]string{"netns", "exec", home, bin, name, stream, "--swarm", "behind NATs", "--signal", signalURL}, test.peer...)
				return launch(t, name, exec.Command("ip", append(args, more...)...))
			}
			peer(seedHome, "seed")
			eventually(t, "the seed is there", func() bool { return server.metrics(t)["shoal_signal_members"] == 1 })
			dir := t.TempDir()
			v := viewer{report: filepath.Join(dir, "report.json"), hashes: filepath.Join(dir, "hashes.txt")}
			v.process = peer(viewerHome, "watch", "--duration", "10s", "--report", v.report, "--hashes", v.hashes)
			if code := v.wait(t, 3*patience); code != 0 {
				t.Fatalf("watch ended with %d", code)
			}
			metrics, r := server.metrics(t), v.figures(t)
			if metrics["shoal_signal_relayed_messages_total"] == 0 {
				t.Error("they did not try: no offer and no answer went through signalling")
			}
			if got := r.PeerBytes > 0; got != test.relayed {
				figures, _ := json.Marshal(r)
				t.Errorf("bytes from the peer: %v, want %v: %s", got, test.relayed, figures)
			}
			make(origins).compare(t, v.played(t))
			if !test.relayed {
				return
			}
			// Each byte passes one relay at least, and all of them do.
			if relayed := metrics["shoal_turn_relayed_bytes_total"]; relayed < float64(r.PeerBytes) {
				t.Errorf("%.0f bytes relayed, %d from the peer", relayed, r.PeerBytes)
			}
			if r.PeerBytes < r.ConsumedBytes/4 || r.PiecesRejected != 0 || r.Stalls != 0 {
				t.Errorf("%d of %d bytes through the relay, %d pieces rejected, %d stalls", r.PeerBytes, r.ConsumedBytes, r.PiecesRejected, r.Stalls)
			}
			t.Logf("%d of %d bytes through the relay", r.PeerBytes, r.ConsumedBytes)
		})
	}
}

// signalAt runs shoal signal on an address that others reach.
func signalAt(t *testing.T, host string, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"signal", "--listen", host + ":0", "--metrics", "127.0.0.1:0"}, args...)...)
	return p, p.says(t, `url=(ws://\S+)`)
}
