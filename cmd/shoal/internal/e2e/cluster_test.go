package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// natsCommand is built once.
var natsCommand = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(scratch, "nats")
	if out, err := exec.Command("go", "build", "-o", bin, "./testdata/nats").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// natsServer runs a NATS server in a process of its own.
func natsServer(t *testing.T) (p *process, url string) {
	t.Helper()
	bin, err := natsCommand()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin)
	stdin, err := cmd.StdinPipe() // it ends when this closes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	p = launch(t, "nats", cmd)
	return p, p.says(t, `listening at (nats://\S+)`)
}

// TestClusterServerIsKilled joins three signalling servers through NATS, lets
// viewers meet across them, and kills one of the servers in mid-stream: its viewers
// find another, nobody stalls, and a newcomer meets the others.
func TestClusterServerIsKilled(t *testing.T) {
	story(t)
	t.Parallel()
	stream := newStage(t, origin.Config{}).url("/live/manifest.mpd")
	_, bus := natsServer(t)
	var servers []*process
	var urls []string
	for range 3 {
		p, url := signalServer(t, "--cluster", bus, "--metrics", "127.0.0.1:0")
		servers, urls = append(servers, p), append(urls, url)
	}
	sum := func(name string) (n float64) {
		for _, p := range servers {
			n += p.metrics(t)[name]
		}
		return n
	}
	eventually(t, "the servers know each other", func() bool { return sum("shoal_signal_cluster_servers") == 9 })

	anywhere := strings.Join(urls, ",")
	var viewers audience
	// Each begins at a server by chance; some more come if all chose the same one.
	crowded := func() (victim int, inhabited int) {
		most := 0.0
		for i, p := range servers {
			n := p.metrics(t)["shoal_signal_members"]
			if n > 0 {
				inhabited++
			}
			if n > most {
				victim, most = i, n
			}
		}
		return victim, inhabited
	}
	for len(viewers) < 8 {
		viewers = append(viewers, watch(t, anywhere, stream))
		eventually(t, "a viewer joined", func() bool { return sum("shoal_signal_members") == float64(len(viewers)) })
		if _, inhabited := crowded(); len(viewers) >= 4 && inhabited > 1 {
			break
		}
	}
	everybody := func(what string, ok func(m map[string]float64) bool) {
		t.Helper()
		eventually(t, "every viewer "+what, func() bool {
			for _, m := range viewers.metrics(t) {
				if !ok(m) {
					return false
				}
			}
			return true
		})
	}
	everybody("knows of all and takes bytes from peers", func(m map[string]float64) bool {
		return m["shoal_peer_swarm_size"] == float64(len(viewers)) && m["shoal_peer_links"] >= 2 && m["shoal_peer_peer_bytes_total"] > 0
	})
	if sum("shoal_signal_cluster_relayed_messages_total") == 0 {
		t.Error("no message went from one server to another")
	}
	victim, _ := crowded()
	servers[victim].kill()
	servers = append(servers[:victim:victim], servers[victim+1:]...)
	viewers.playOn(t, "playing goes on", 4)
	everybody("has found another server", func(m map[string]float64) bool {
		return m["shoal_peer_signalling_connected"] == 1 && m["shoal_peer_swarm_size"] == float64(len(viewers))
	})
	viewers = append(viewers, watch(t, anywhere, stream))
	everybody("counts the newcomer in, who takes bytes from peers", func(m map[string]float64) bool {
		return m["shoal_peer_swarm_size"] == float64(len(viewers)) && m["shoal_peer_peer_bytes_total"] > 0
	})
	viewers.leave(t)
}
