package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testOrigin serves /N as deterministic bytes and counts what left it.
type testOrigin struct {
	*httptest.Server
	size   int
	bytes  atomic.Int64
	status atomic.Int64 // answered instead of the bytes when not 0
	mu     sync.Mutex
	hits   map[string]int
}

func content(name string, size int) []byte {
	r := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", name))))
	b := make([]byte, size)
	r.Read(b)
	return b
}

func newTestOrigin(t *testing.T, size int) *testOrigin {
	o := &testOrigin{size: size, hits: map[string]int{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := o.status.Load(); s != 0 {
			w.WriteHeader(int(s))
			return
		}
		o.mu.Lock()
		o.hits[r.URL.Path]++
		o.mu.Unlock()
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(&countingWriter{w, &o.bytes}, r, "", time.Time{}, bytes.NewReader(content(r.URL.Path, o.size)))
	}))
	t.Cleanup(o.Close)
	return o
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n.Add(int64(n))
	return n, err
}

func (o *testOrigin) resource(i int, available, deadline time.Time) Resource {
	return Resource{Key: segments.NumberKey("p/v", uint64(i)), URL: fmt.Sprintf("%s/%d", o.URL, i), Last: -1,
		Available: available, Deadline: deadline, Shareable: true}
}

type testNode struct {
	*Node
	net *fakePeer
}

func newTestNode(t *testing.T, net *fakeNet, i int, change func(*Config)) *testNode {
	t.Helper()
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	id := swarm.PeerID(fmt.Sprintf("%016x", i))
	p := net.peer(id)
	cfg := Config{Swarm: "s", Store: store.View("s"), Origin: segments.NewOrigin(segments.OriginConfig{}), Network: p,
		// a step of the election so long that a busy machine does not pass for silence
		Core: swarm.Config{ID: id, RandomSeed: 1, ElectionStep: 3 * time.Second}}
	if change != nil {
		change(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close(); cfg.Origin.Close(); store.Close() })
	return &testNode{n, p}
}

func (n *testNode) read(t *testing.T, r Resource) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := n.Get(ctx, r)
	if err != nil {
		t.Fatalf("get %s: %v", r.Key, err)
	}
	defer s.Close()
	b, err := io.ReadAll(s.Reader(0, -1))
	if err != nil {
		t.Fatalf("read %s: %v", r.Key, err)
	}
	return b
}

func (n *testNode) waitPeers(t *testing.T, want int) {
	t.Helper()
	waitFor(t, func() bool { return len(n.Stats().Peers) >= want })
}

// waitFor polls a condition; only the failure depends on time.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("condition never became true")
		}
	}
}

func newSigner(t *testing.T) *segments.Signer {
	key, err := segments.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return segments.NewSigner(key)
}

func TestSeedFeedsViewers(t *testing.T) {
	origin := newTestOrigin(t, 300_000)
	net, signer := newFakeNet(), newSigner(t)
	seed := newTestNode(t, net, 1, func(c *Config) { c.Signer, c.Core.Seed = signer, true })
	var viewers []*testNode
	for i := range 4 {
		viewers = append(viewers, newTestNode(t, net, 2+i, func(c *Config) { c.PublicKey, c.RequireSigned = signer.Public(), true }))
	}
	for _, v := range viewers {
		v.waitPeers(t, 4)
	}
	now := time.Now().Add(2 * time.Second) // reservations come before availability, as they do in life
	var plan []Resource
	for i := range 6 {
		plan = append(plan, origin.resource(i, now.Add(time.Duration(i)*150*time.Millisecond), now.Add(20*time.Second)))
	}
	for _, v := range viewers {
		v.Plan(plan)
	}
	waitFor(t, func() bool { return seed.Stats().Counters.Reservations >= int64(len(plan)*len(viewers)) })
	seed.Plan(plan)
	for _, r := range plan {
		want := content("/"+strings.TrimPrefix(r.URL, origin.URL+"/"), origin.size)
		for i, v := range viewers {
			if got := v.read(t, r); !bytes.Equal(got, want) {
				t.Fatalf("viewer %d: %s differs", i, r.Key)
			}
		}
	}
	if got, want := origin.bytes.Load(), int64(len(plan)*origin.size); got != want {
		t.Errorf("%d bytes left the origin, want %d", got, want)
	}
	for i, v := range viewers {
		if s := v.Stats(); s.OriginBytes != 0 || s.Integrity != "signed" || s.Rejected != 0 {
			t.Errorf("viewer %d: %d origin bytes, integrity %s, %d rejected", i, s.OriginBytes, s.Integrity, s.Rejected)
		}
	}
}

func TestElectionFetchesOnce(t *testing.T) {
	origin := newTestOrigin(t, 200_000)
	net := newFakeNet()
	var viewers []*testNode
	for i := range 5 {
		viewers = append(viewers, newTestNode(t, net, 1+i, nil))
	}
	for _, v := range viewers {
		v.waitPeers(t, 4)
	}
	now := time.Now().Add(300 * time.Millisecond)
	var plan []Resource
	for i := range 8 {
		plan = append(plan, origin.resource(i, now.Add(time.Duration(i)*100*time.Millisecond), now.Add(30*time.Second)))
	}
	for _, v := range viewers {
		v.Plan(plan)
	}
	for _, r := range plan {
		for _, v := range viewers {
			if !bytes.Equal(v.read(t, r), content(r.URL[len(origin.URL):], origin.size)) {
				t.Fatalf("%s differs", r.Key)
			}
		}
	}
	copies := float64(origin.bytes.Load()) / float64(len(plan)*origin.size)
	if copies > 1.5 {
		t.Errorf("%.2f copies left the origin", copies)
	}
	t.Logf("copies %.2f", copies)
}

func TestLiarIsBanned(t *testing.T) {
	origin := newTestOrigin(t, 200_000)
	net, signer := newFakeNet(), newSigner(t)
	liar := newTestNode(t, net, 1, func(c *Config) { c.Signer, c.Core.Seed = signer, true })
	liar.net.tamper = func(b []byte) []byte {
		if b[0] == 0 {
			b[len(b)-1] ^= 1
		}
		return b
	}
	a := newTestNode(t, net, 2, func(c *Config) { c.PublicKey = signer.Public() })
	b := newTestNode(t, net, 3, func(c *Config) { c.PublicKey = signer.Public() })
	a.waitPeers(t, 2)
	b.waitPeers(t, 2)
	r := origin.resource(1, time.Now().Add(2*time.Second), time.Now().Add(5*time.Second))
	a.Plan([]Resource{r})
	b.Plan([]Resource{r})
	waitFor(t, func() bool { return liar.Stats().Counters.Reservations >= 2 })
	liar.Plan([]Resource{r})
	for _, v := range []*testNode{a, b} {
		if !bytes.Equal(v.read(t, r), content("/1", origin.size)) {
			t.Fatal("wrong bytes")
		}
	}
	waitFor(t, func() bool { return a.Stats().Banned == 1 && b.Stats().Banned == 1 })
}

func TestOriginErrorReachesThePlayer(t *testing.T) {
	origin := newTestOrigin(t, 1000)
	origin.status.Store(http.StatusForbidden)
	n := newTestNode(t, newFakeNet(), 1, nil)
	_, err := n.Get(t.Context(), origin.resource(1, time.Time{}, time.Now().Add(time.Second)))
	var status *segments.StatusError
	if !errors.As(err, &status) || status.Code != http.StatusForbidden {
		t.Fatalf("got %v, want the origin's 403", err)
	}
}

func TestCancelStopsTheFetch(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 40_000))
		w.(http.Flusher).Flush()
		close(started)
		<-r.Context().Done()
		close(ended)
	}))
	defer srv.Close()
	n := newTestNode(t, newFakeNet(), 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := n.Get(ctx, Resource{Key: "p/v/1", URL: srv.URL, Last: -1, Shareable: true, Deadline: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	cancel()
	s.Close()
	<-ended
}
