package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// moved is when a viewer's log says that it left a server that asked it to.
var moved = regexp.MustCompile(`time=(\S+) .*msg="signalling moves to another connection"`)

// TestRollingRestart restarts the two servers of a cluster one after the other, as
// an operator who updates them does, while viewers watch: each is asked to go
// elsewhere, at a moment of its own, and nobody stalls.
func TestRollingRestart(t *testing.T) {
	story(t)
	t.Parallel()
	stream := newStage(t, origin.Config{}).url("/live/manifest.mpd")
	_, bus := natsServer(t)
	args := []string{"--cluster", bus, "--metrics", "127.0.0.1:0"}
	var servers [2]*process
	var urls [2]string
	for i := range servers {
		servers[i], urls[i] = signalServer(t, args...)
	}
	sum := func(name string) (n float64) {
		for _, p := range servers {
			n += p.metrics(t)[name]
		}
		return n
	}
	together := func() {
		t.Helper()
		eventually(t, "the servers know each other", func() bool { return sum("shoal_signal_cluster_servers") == 4 })
	}
	together()
	var viewers audience
	for range 6 {
		viewers = append(viewers, watch(t, urls[0]+","+urls[1], stream))
	}
	settled := func(why string) {
		t.Helper()
		var seen []string // what is told when it does not come to pass
		defer func() {
			if t.Failed() {
				t.Log(why, seen)
			}
		}()
		eventually(t, why, func() bool {
			members := sum("shoal_signal_members")
			ok := members == float64(len(viewers))
			seen = []string{fmt.Sprintf("%v members", members)}
			for _, m := range viewers.metrics(t) {
				connected, size, bytes := m["shoal_peer_signalling_connected"], m["shoal_peer_swarm_size"], m["shoal_peer_peer_bytes_total"]
				seen = append(seen, fmt.Sprintf("connected %v, swarm of %v, %v bytes from peers", connected, size, bytes))
				ok = ok && connected == 1 && size == float64(len(viewers)) && bytes > 0
			}
			return ok
		})
	}
	settled("everybody watches and is counted")

	var leaves []time.Time // of the last restart
	for i, p := range servers {
		inhabitants := p.metrics(t)["shoal_signal_members"]
		before := make([]int, len(viewers))
		for j, v := range viewers {
			before[j] = len(moved.FindAllString(v.said.String(), -1))
		}
		if code := p.stop(t); code != 0 {
			t.Errorf("a server ended with %d", code)
		}
		eventually(t, fmt.Sprintf("server %d had %v members, and each says that it went elsewhere", i, inhabitants), func() bool {
			leaves = nil
			for j, v := range viewers {
				for _, m := range moved.FindAllStringSubmatch(v.said.String(), -1)[before[j]:] {
					at, err := time.Parse(time.RFC3339, m[1])
					if err != nil {
						t.Fatal(err)
					}
					leaves = append(leaves, at)
				}
			}
			return len(leaves) >= int(inhabitants)
		})
		if len(leaves) > int(inhabitants) {
			t.Errorf("server %d had %v members, %d went elsewhere when it asked", i, inhabitants, len(leaves))
		}
		eventually(t, "the other server has all", func() bool {
			return servers[1-i].metrics(t)["shoal_signal_members"] == float64(len(viewers))
		})
		at, err := url.Parse(urls[i])
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = start(t, append([]string{"signal", "--listen", at.Host}, args...)...)
		together()
		settled("everybody is counted with the new server in the cluster")
		viewers.playOn(t, "playing goes on", 3)
	}
	// All six were on the second server when it went.
	if len(leaves) != len(viewers) {
		t.Fatalf("%d viewers left the second server, want %d", len(leaves), len(viewers))
	}
	first, last := leaves[0], leaves[0]
	for _, at := range leaves {
		if at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	t.Logf("six viewers left within %v", last.Sub(first))
	if last.Sub(first) < 500*time.Millisecond {
		t.Errorf("all left within %v: they knock at the next server at once", last.Sub(first))
	}
	for _, v := range viewers {
		if strings.Contains(v.said.String(), "signalling lost") {
			t.Error("a viewer lost its server instead of leaving it")
		}
	}
	viewers.leave(t)
}
