package e2e

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// audience are viewers in processes of their own.
type audience []viewer

// metrics of each viewer.
func (a audience) metrics(t *testing.T) []map[string]float64 {
	t.Helper()
	var all []map[string]float64
	for _, v := range a {
		if v.ended() {
			t.Fatalf("a viewer ended:\n%s", v.said.String())
		}
		all = append(all, v.metrics(t))
	}
	return all
}

// playOn waits until each viewer has made n more segments whole.
func (a audience) playOn(t *testing.T, why string, n float64) {
	t.Helper()
	before := a.metrics(t)
	eventually(t, why, func() bool {
		for i, m := range a.metrics(t) {
			if m["shoal_peer_segments_total"] < before[i]["shoal_peer_segments_total"]+n {
				return false
			}
		}
		return true
	})
}

// fed checks that all but one have taken more from their peers since: one with a strong
// uplink may ask the origin for all of them.
func (a audience) fed(t *testing.T, before []map[string]float64) {
	t.Helper()
	more := 0
	for i, m := range a.metrics(t) {
		if m["shoal_peer_peer_bytes_total"] > before[i]["shoal_peer_peer_bytes_total"] {
			more++
		}
	}
	if more < len(a)-1 {
		t.Errorf("%d of %d viewers took bytes from their peers", more, len(a))
	}
}

// leave ends all viewers and checks that none stalled nor played a wrong byte.
func (a audience) leave(t *testing.T) {
	t.Helper()
	direct := make(origins)
	for _, v := range a {
		if code := v.stop(t); code != 0 {
			t.Errorf("a viewer ended with %d", code)
		}
		r := v.figures(t)
		if r.Stalls != 0 {
			t.Errorf("a viewer stalled %d times, for %d ms", r.Stalls, r.StallMS)
		}
		direct.compare(t, v.played(t))
	}
}

// TestSeedIsKilled takes the seed away with SIGKILL, in mid-stream: no farewell,
// segments half sent.
func TestSeedIsKilled(t *testing.T) {
	story(t)
	t.Parallel()
	o := newStage(t, origin.Config{})
	stream := o.url("/live/manifest.mpd")
	key := filepath.Join(t.TempDir(), "seed.key")
	public := start(t, "keygen", "--out", key).says(t, `(?m)^([A-Za-z0-9+/_=-]{40,})$`)
	_, signalURL := signalServer(t, "--signing-key", public)
	seed := start(t, "seed", "--signal", signalURL, "--loopback", "--tracks", "best", "--key", key, "--metrics", "127.0.0.1:0", stream)
	eventually(t, "the seed has segments", func() bool { return seed.metrics(t)["shoal_peer_segments_total"] >= 6 })
	var viewers audience
	for range 3 {
		viewers = append(viewers, watch(t, signalURL, stream))
	}
	eventually(t, "every viewer takes bytes from its peers", func() bool {
		for _, m := range viewers.metrics(t) {
			if m["shoal_peer_links"] < 3 || m["shoal_peer_peer_bytes_total"] == 0 {
				return false
			}
		}
		return true
	})
	viewers.playOn(t, "viewers play with the seed", 6)

	before := viewers.metrics(t)
	seed.kill()
	viewers.playOn(t, "viewers play on without the seed", 14)
	viewers.fed(t, before)
	viewers.leave(t)
	for _, v := range viewers {
		if r := v.figures(t); r.Integrity != "signed" {
			t.Errorf("integrity %q, want signed", r.Integrity)
		}
	}
}

// TestSignalServerIsKilled takes the signalling server away and brings it back. Not beside
// tests that lay cables to network namespaces: links would go over those, and when they are
// taken away nobody could introduce the viewers again.
func TestSignalServerIsKilled(t *testing.T) {
	story(t)
	o := newStage(t, origin.Config{})
	stream := o.url("/live/master.m3u8")
	server, signalURL := signalServer(t)
	var viewers audience
	for range 3 {
		viewers = append(viewers, watch(t, signalURL, stream))
	}
	everybody := func(what string, ok func(map[string]float64) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			for _, m := range viewers.metrics(t) {
				if !ok(m) {
					return false
				}
			}
			return true
		})
	}
	linked := func(m map[string]float64) bool { return m["shoal_peer_links"] == 2 }
	everybody("everybody is linked to everybody", linked)
	// Not while two still settle which of their offers counts.
	viewers.playOn(t, "viewers play with signalling", 4)
	everybody("everybody is still linked to everybody", linked)

	server.kill()
	everybody("everybody notices that signalling is gone", func(m map[string]float64) bool {
		return m["shoal_peer_signalling_connected"] == 0
	})
	before := viewers.metrics(t)
	viewers.playOn(t, "viewers play on without signalling", 10)
	for _, m := range viewers.metrics(t) {
		if m["shoal_peer_links"] != 2 {
			t.Errorf("%v links, the outage took some", m["shoal_peer_links"])
		}
	}
	viewers.fed(t, before)

	address, err := url.Parse(signalURL)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "signal", "--listen", address.Host)
	everybody("everybody is back", func(m map[string]float64) bool {
		return m["shoal_peer_signalling_connected"] == 1 && m["shoal_peer_swarm_size"] == 3
	})
	viewers = append(viewers, watch(t, signalURL, stream))
	everybody("a newcomer meets those who were there", func(m map[string]float64) bool {
		return m["shoal_peer_links"] == 3 && m["shoal_peer_swarm_size"] == 4
	})
	viewers.playOn(t, "all four play", 6)
	viewers.leave(t)
}
