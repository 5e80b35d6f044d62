package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// meeting is a signalling server in the test's own process.
func meeting(t *testing.T, cfg signal.Config) (url string) {
	t.Helper()
	s := signal.NewServer(cfg)
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		h.Close()
	})
	return "ws" + strings.TrimPrefix(h.URL, "http")
}

// memberConfig of a viewer in the test's own process, over real WebRTC.
type memberConfig struct {
	seat        int // tells the members of a test apart
	signal, url string
	behind      int
	core        swarm.Config
	signer      *segments.Signer
	key         []byte                          // public
	wrap        func(*rtc.Network) node.Network // what it does to its links
}

// member is a viewer whose store and counters the test can look into.
type member struct {
	id      swarm.PeerID
	session *player.Session
	view    *segments.View
	viewer  *player.Viewer

	mu    sync.Mutex
	plays map[segments.Key][sha256.Size]byte
	urls  map[segments.Key]string
}

func join(t *testing.T, cfg memberConfig) *member {
	t.Helper()
	id, err := player.SwarmID(cfg.url)
	if err != nil {
		t.Fatal(err)
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	random := sha256.Sum256(fmt.Append(nil, t.Name(), cfg.seat)) // runs of one test are alike
	network, err := rtc.New(rtc.Config{URL: cfg.signal, Swarm: id, Secret: [16]byte(random[:16]), Seed: cfg.core.Seed, Scope: rtc.LoopbackOnly})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{id: network.ID(), view: store.View(id), plays: map[segments.Key][sha256.Size]byte{}, urls: map[segments.Key]string{}}
	fetcher := segments.NewOrigin(segments.OriginConfig{})
	nc := node.Config{Swarm: id, Store: m.view, Origin: fetcher, Network: network, Signer: cfg.signer, PublicKey: cfg.key, Core: cfg.core}
	nc.Core.ID, nc.Core.RandomSeed = m.id, binary.BigEndian.Uint64(random[16:])
	if cfg.wrap != nil {
		nc.Network = cfg.wrap(network)
	}
	n, err := node.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if m.session, err = player.NewSession(player.SessionConfig{URL: cfg.url, Swarm: id, Node: player.Peer(n, fetcher, store)}); err != nil {
		t.Fatal(err)
	}
	manifests := segments.NewOrigin(segments.OriginConfig{})
	m.viewer, err = player.NewViewer(context.Background(), player.ViewerConfig{Session: m.session,
		Source: &player.Source{Origin: manifests}, Behind: cfg.behind, OnSegment: m.played})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s := m.stats()
			t.Logf("%s: %d segments played, origin %d B %v, peers %d B, rejected %d, banned %d, links %d, %+v",
				m.id, m.count(), s.OriginBytes, s.ByCause, s.PeerBytes, s.Rejected, s.Banned, len(s.Peers), s.Counters)
		}
		m.viewer.Close()
		m.session.Close()
		manifests.Close()
	})
	return m
}

func (m *member) played(p player.Match, body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plays[p.Segment.Key], m.urls[p.Segment.Key] = sha256.Sum256(body), p.Segment.URL
}

// count of distinct segments played, init segments included.
func (m *member) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.plays)
}

func (m *member) stats() node.Stats { return m.session.Stats().Node }

func (m *member) stalls() int { return m.viewer.Measurement().Stalls }

// linkedTo says that m has a link to peer.
func (m *member) linkedTo(peer swarm.PeerID) bool {
	for _, l := range m.stats().Peers {
		if l.ID == peer {
			return true
		}
	}
	return false
}

// names are the URLs of all that m may hold: what it played, and what the
// manifest lists or has listed lately.
func (m *member) names() map[segments.Key]string {
	m.mu.Lock()
	names := maps.Clone(m.urls)
	m.mu.Unlock()
	p := m.session.Presentation()
	for _, tr := range p.Tracks {
		if tr.Init != nil {
			names[tr.Init.Key] = tr.Init.URL
		}
		for s := range tr.Timeline.Segments(manifest.Clock(p, time.Now()), 0, timeline.Forever) {
			names[s.Key] = s.URL
		}
	}
	return names
}

// genuine checks all that m played and all that it holds, and would serve,
// against the origin's own bytes, and that it left nothing out. It returns how many segments it checked.
func (m *member) genuine(t *testing.T, direct origins) (checked int) {
	t.Helper()
	m.mu.Lock()
	plays := maps.Clone(m.plays)
	m.mu.Unlock()
	held := m.view.Keys()
	// Peers send a segment the moment it exists; an HLS playlist names it later.
	var names map[segments.Key]string
	eventually(t, "a manifest names all that is held", func() bool {
		names = m.names()
		return !slices.ContainsFunc(held, func(k segments.Key) bool { return names[k] == "" })
	})
	check := func(what string, k segments.Key, sum [sha256.Size]byte) {
		checked++
		want, err := direct.sum(played{key: string(k), url: names[k], span: "-"})
		if err != nil {
			t.Errorf("%s: the origin's own answer: %v", k, err)
		} else if got := fmt.Sprintf("%x", sum); got != want {
			t.Errorf("%s %s %s as %s, the origin has %s", m.id, what, k, got, want)
		}
	}
	var keys []string
	for k, sum := range plays {
		check("played", k, sum)
		keys = append(keys, string(k))
	}
	unbroken(t, keys)
	for _, k := range held {
		seg, ok := m.view.Get(k)
		if !ok {
			continue // evicted since
		}
		b, err := seg.Bytes()
		if err != nil {
			t.Errorf("%s holds %s: %v", m.id, k, err)
			continue
		}
		if int64(len(b)) != seg.Size || segments.DigestOf(seg.Size, leavesOf(b)) != seg.Digest {
			t.Errorf("%s holds %s under a digest of other bytes", m.id, k)
		}
		check("holds", k, sha256.Sum256(b))
	}
	return checked
}

func leavesOf(b []byte) (leaves []segments.Leaf) {
	for r := bytes.NewBuffer(b); r.Len() > 0; {
		leaves = append(leaves, segments.LeafOf(r.Next(segments.PieceSize)))
	}
	return leaves
}
