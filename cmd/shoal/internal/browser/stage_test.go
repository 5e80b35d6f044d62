package browser

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// stage is what peers of both kinds connect to: a signalling server that serves
// the browser client, as `shoal signal` does, and an origin that counts.
type stage struct {
	server *httptest.Server
	signal *signal.Server
	mux    *http.ServeMux

	mu     sync.Mutex
	served map[string]int // requests by path
	down   bool           // the origin answers 503
}

const swarmName = "test"

func newStage(t testing.TB, cfg signal.Config) *stage {
	t.Helper()
	if _, built := web.Files(); !built {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run go generate before the tests")
		}
		t.Skip("browser files not built; run go generate ./...")
	}
	s := &stage{signal: signal.NewServer(cfg), served: map[string]int{}}
	mux := http.NewServeMux()
	s.mux = mux
	mux.Handle("/ws", s.signal)
	mux.HandleFunc("/media/", s.media)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, peerPage)
	})
	mux.HandleFunc("/liar.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, liar)
	})
	mux.Handle("/", web.Handler())
	s.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.signal.Close()
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// peerPage has the client and what tests do with it. Hashing is by WebCrypto, so that
// bytes are compared without carrying them to Go.
const peerPage = `<!doctype html><title>peer</title><script src="/shoal.js"></script><script>
const events = [], longTasks = [];
new PerformanceObserver(list => { for (const e of list.getEntries()) longTasks.push(Math.round(e.duration)) }).observe({ type: "longtask" });
let engine;
function start(options = {}) {
	engine = shoal.createEngine({ swarm: "` + swarmName + `", signal: location.origin.replace("http", "ws") + "/ws", ...options });
	for (const name of ["peers", "segment", "banned", "warning", "signal"])
		engine.on(name, detail => { events.push({ name, at: performance.now(), ...detail }); if (name == "warning") console.warn(detail.message) });
	return true;
}
const url = n => location.origin + "/media/" + n;
const plan = (first, count, availableIn = 0) => engine.plan("v", Array.from({ length: count }, (_, i) =>
	({ key: "v/" + (first + i), url: url(first + i), availableIn, dueIn: availableIn + 20000, duration: 2 })));
async function get(n, options = {}) {
	const reply = await engine.request({ key: "v/" + n, url: url(n), deadline: 20000, duration: 2, ...options });
	const body = new Uint8Array(await new Response(reply.body).arrayBuffer());
	const hash = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", body)), b => b.toString(16).padStart(2, "0")).join("");
	return { hash, bytes: body.length, sources: reply.sources(), hit: reply.hit, status: reply.status, type: reply.headers.get("content-type"), active: reply.activeTime() };
}
const linked = n => engine.stats().peers >= n;
</script>`

// liar is the client's worker, with the last byte of every piece (frame type 0) that it
// sends changed.
const liar = `const send = RTCDataChannel.prototype.send;
RTCDataChannel.prototype.send = function (data) {
	if (data.length > 1000 && data[0] == 0) data[data.length - 1] ^= 1;
	return send.call(this, data);
};
await import("/worker.js");`

// got is what get in the page resolves to.
type got struct {
	Hash    string
	Bytes   int
	Sources map[string]int
	Hit     bool
	Status  int
	Type    string
	Active  float64
}

// body is what the origin has under a number: noise that nobody can guess.
func body(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, 200_000+n*1000+n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s *stage) media(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(strings.TrimPrefix(r.URL.Path, "/media/"), "%d", &n); err != nil || n > 1000 {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	s.served[r.URL.Path]++
	down := s.down
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "no-cache") // the browser's own cache would hide what we fetch
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(body(n))))
}

// requests counts what the origin was asked for number n.
func (s *stage) requests(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[fmt.Sprintf("/media/%d", n)]
}

// originDown has the origin refuse everything, or serve again: what comes meanwhile
// comes from peers, however slow this machine is.
func (s *stage) originDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// serve adds a page or script, and returns its URL.
func (s *stage) serve(path string, h http.HandlerFunc) string {
	s.mux.HandleFunc(path, h)
	return s.url(path)
}

func (s *stage) url(path string) string { return s.server.URL + path }

// peer opens a tab with a browser peer. options is a JavaScript object.
func (s *stage) peer(t testing.TB, p *profile, name, options string) *tab {
	t.Helper()
	tb := p.open(t, name, s.url("/page"))
	eval[bool](t, tb, "start("+options+")")
	return tb
}

// goPeer is a peer of the Go implementation. signer makes it a seed's.
func (s *stage) goPeer(t testing.TB, signer *segments.Signer, change ...func(*node.Config)) *node.Node {
	t.Helper()
	network, err := rtc.New(rtc.Config{URL: "ws" + strings.TrimPrefix(s.url("/ws"), "http"), Swarm: swarmName, Scope: rtc.WithLoopback, Seed: signer != nil})
	if err != nil {
		t.Fatal(err)
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := node.Config{Swarm: swarmName, Store: store.View(swarmName), Origin: segments.NewOrigin(segments.OriginConfig{}), Network: network,
		Signer: signer, Core: swarm.Config{ID: network.ID(), Seed: signer != nil}}
	for _, f := range change {
		f(&cfg)
	}
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close(); store.Close() })
	return n
}

// resource is the origin's number n, for Go peers.
func (s *stage) resource(n int) node.Resource {
	return node.Resource{Key: segments.NumberKey("v", uint64(n)), URL: s.url(fmt.Sprintf("/media/%d", n)), Last: -1,
		Deadline: time.Now().Add(20 * time.Second), Duration: 2 * time.Second, Shareable: true}
}

// fetch reads number n through a Go peer and returns its hash.
func fetch(t testing.TB, n *node.Node, r node.Resource) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := n.Get(ctx, r)
	if err != nil {
		t.Fatalf("%s: %v", r.Key, err)
	}
	defer stream.Close()
	reader := stream.Reader(0, -1)
	defer reader.Close()
	b, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", r.Key, err)
	}
	return hashOf(b)
}

// eventually waits until ok, which is asked every 20 ms.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// newKey is a seed's signing key.
func newKey(t testing.TB) *segments.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return segments.NewSigner(private)
}
