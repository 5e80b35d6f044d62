package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// watchedOrigin stands before an origin and notes what passes.
type watchedOrigin struct {
	*httptest.Server
	mu     sync.Mutex
	passed map[string]*passage // by path
}

// passage of a resource: of the first answer, and how many there were.
type passage struct {
	answers int
	began   time.Time
	chunk   int       // bytes of the first chunk
	chunkAt time.Time // when its last byte passed
	sum     [sha256.Size]byte
}

// chunkGap parts the first chunk of a growing segment from the next, half a second
// later.
const chunkGap = 200 * time.Millisecond

func watchOrigin(t *testing.T, base string) *watchedOrigin {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	o := &watchedOrigin{passed: map[string]*passage{}}
	o.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = target.Host },
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode == http.StatusOK {
				r.Body = o.watch(r.Request.URL.Path, r.Body)
			}
			return nil
		},
	})
	t.Cleanup(o.Close)
	return o
}

// watch notes an answer that begins.
func (o *watchedOrigin) watch(path string, body io.ReadCloser) io.ReadCloser {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.passed[path]
	if p == nil {
		p = &passage{}
		o.passed[path] = p
	}
	p.answers++
	return &watchedBody{ReadCloser: body, origin: o, passage: p, first: p.answers == 1, hash: sha256.New()}
}

// watchedBody is an answer. Who asked first may have taken it back, because peers were
// quicker: so any that is read to its end tells what the bytes are.
type watchedBody struct {
	io.ReadCloser
	origin  *watchedOrigin
	passage *passage
	first   bool
	hash    hash.Hash
}

func (b *watchedBody) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	now := time.Now()
	b.hash.Write(buf[:n])
	b.origin.mu.Lock()
	defer b.origin.mu.Unlock()
	p := b.passage
	if n > 0 && b.first {
		if p.began.IsZero() {
			p.began = now
		}
		if now.Sub(p.began) < chunkGap {
			p.chunk += n
			p.chunkAt = now
		}
	}
	if err == io.EOF {
		p.sum = [sha256.Size]byte(b.hash.Sum(nil))
	}
	return n, err
}

// of is how a URL's resource passed.
func (o *watchedOrigin) of(t *testing.T, raw string) passage {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.passed[u.Path]; p != nil {
		return *p
	}
	return passage{}
}

// frontliner is a member of a swarm at the live edge, in the test's own process,
// over real WebRTC, that notes when which bytes of a segment can be read.
type frontliner struct {
	player.Node
	session *player.Session
	source  *player.Source

	mu    sync.Mutex
	marks map[segments.Key][]mark
	sums  map[segments.Key][sha256.Size]byte
	urls  map[segments.Key]string
}

// mark says that total bytes of a segment could be read at a moment.
type mark struct {
	at    time.Time
	total int
}

func frontline(t *testing.T, seat int, signalURL, manifestURL string, signer *segments.Signer, seed bool) *frontliner {
	t.Helper()
	id, err := player.SwarmID(manifestURL)
	if err != nil {
		t.Fatal(err)
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		t.Fatal(err)
	}
	random := sha256.Sum256(fmt.Append(nil, t.Name(), seat))
	network, err := rtc.New(rtc.Config{URL: signalURL, Swarm: id, Secret: [16]byte(random[:16]), Seed: seed, Scope: rtc.LoopbackOnly})
	if err != nil {
		t.Fatal(err)
	}
	fetcher, manifests := segments.NewOrigin(segments.OriginConfig{}), segments.NewOrigin(segments.OriginConfig{})
	cfg := node.Config{Swarm: id, Store: store.View(id), Origin: fetcher, Network: network, PublicKey: signer.Public(), RequireSigned: true,
		Core: swarm.Config{ID: network.ID(), Seed: seed, RandomSeed: binary.BigEndian.Uint64(random[16:])}}
	if seed {
		cfg.Signer = signer
	}
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := &frontliner{Node: player.Peer(n, fetcher, manifests, store), source: &player.Source{Origin: manifests},
		marks: map[segments.Key][]mark{}, sums: map[segments.Key][sha256.Size]byte{}, urls: map[segments.Key]string{}}
	if f.session, err = player.NewSession(player.SessionConfig{URL: manifestURL, Swarm: id, Node: f}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.session.Close() })
	return f
}

// Get implements player.Node; it notes when which bytes can be read.
func (f *frontliner) Get(ctx context.Context, r node.Resource) (player.Stream, error) {
	s, err := f.Node.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	return &notedStream{Stream: s, note: func(total int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.marks[r.Key] = append(f.marks[r.Key], mark{time.Now(), total})
	}}, nil
}

type notedStream struct {
	player.Stream
	note func(total int)
}

func (s *notedStream) Reader(offset, length int64) io.ReadCloser {
	return &notedReader{ReadCloser: s.Stream.Reader(offset, length), note: s.note}
}

// notedReader hides its stream's WriteTo, so that every byte passes Read.
type notedReader struct {
	io.ReadCloser
	note  func(total int)
	total int
}

func (r *notedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.total += n
		r.note(r.total)
	}
	return n, err
}

func (f *frontliner) played(m player.Match, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sums[m.Segment.Key], f.urls[m.Segment.Key] = sha256.Sum256(body), m.Segment.URL
}

// watch plays until the test ends.
func (f *frontliner) watch(t *testing.T, lowLatency bool) *player.Viewer {
	t.Helper()
	v, err := player.NewViewer(context.Background(), player.ViewerConfig{Session: f.session, Source: f.source, OnSegment: f.played, LowLatency: lowLatency})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// seed feeds the swarm until the test ends.
func (f *frontliner) seed(t *testing.T, tracks string) *player.Seed {
	t.Helper()
	s, err := player.NewSeed(context.Background(), player.SeedConfig{Session: f.session, Source: f.source, Tracks: tracks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fromPeers are the segments of which not one byte was asked of the origin, by
// when they were whole.
func (f *frontliner) fromPeers() map[segments.Key]time.Time {
	keys := map[segments.Key]time.Time{}
	for _, d := range f.Stats().Deliveries {
		if d.FromPeer {
			keys[d.Key] = d.At
		}
	}
	return keys
}

// behind measures, for what peers brought to f after since, how long after the
// origin's first chunk its own was whole; and compares all that it played.
func (f *frontliner) behind(t *testing.T, o *watchedOrigin, since time.Time) (delays []time.Duration) {
	t.Helper()
	peers := f.fromPeers()
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, sum := range f.sums {
		p := o.of(t, f.urls[k])
		switch _, byPeers := peers[k]; {
		case p.answers == 0:
			t.Errorf("%s was played and never left the origin", k)
		case sum != p.sum:
			t.Errorf("%s differs from the origin's", k)
		case byPeers && p.began.After(since):
			i := slices.IndexFunc(f.marks[k], func(m mark) bool { return m.total >= p.chunk })
			delays = append(delays, f.marks[k][i].at.Sub(p.chunkAt))
		}
	}
	slices.Sort(delays)
	return delays
}

// live waits until f is linked to n others and its viewer has reached the edge:
// it has got some segments from peers.
func (f *frontliner) live(t *testing.T, links, segments int) {
	t.Helper()
	eventually(t, "a viewer is linked and gets its segments from peers", func() bool {
		return len(f.Stats().Peers) >= links && len(f.fromPeers()) >= segments
	})
}
