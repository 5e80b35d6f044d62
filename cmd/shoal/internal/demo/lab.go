package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// Lab is a running demo.
type Lab struct {
	cfg     Config
	base    string // http://host:port
	origin  *origin.Origin
	signal  *signal.Server
	server  *http.Server
	signer  *segments.Signer
	seed    *member
	viewers []*member
	started time.Time
	page    *page

	mu     sync.Mutex
	marked time.Time
	before origin.Stats

	closers []func()
}

// member is one peer of the demo: a viewer or the seed.
type member struct {
	name    string
	session *player.Session
	store   *segments.Store
	viewer  *player.Viewer
	seed    *player.Seed
}

// vodSeeded is how much of the film the demo's seed fetches: about what viewers
// get to in a minute, so that its own bytes do not dwarf theirs.
const vodSeeded = time.Minute

// Start brings everything up. Close it.
func Start(ctx context.Context, cfg Config) (_ *Lab, err error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg, started: time.Now()}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if l.origin, err = origin.New(origin.Config{}); err != nil {
		return nil, err
	}
	key, err := segments.GenerateKey()
	if err != nil {
		return nil, err
	}
	l.signer = segments.NewSigner(key)
	if err := l.serve(); err != nil {
		return nil, err
	}
	if cfg.Seed {
		if l.seed, err = l.join(ctx, "seed", true); err != nil {
			return nil, err
		}
	}
	for i := range cfg.Viewers {
		m, err := l.join(ctx, fmt.Sprintf("viewer %d", i+1), false)
		if err != nil {
			return nil, err
		}
		l.viewers = append(l.viewers, m)
	}
	l.mu.Lock()
	l.marked = time.Now()
	l.mu.Unlock()
	return l, nil
}

// serve runs the one web server: origin, websocket, status page.
func (l *Lab) serve() error {
	listener, err := net.Listen("tcp", l.cfg.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w (choose another address with --listen)", l.cfg.Listen, err)
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	l.base = "http://" + net.JoinHostPort(host, port)
	registry := prometheus.NewRegistry()
	sc := signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}, Log: l.cfg.Log, Registerer: registry}
	if l.cfg.Seed {
		sc.SigningKey = l.signer.Public()
	}
	l.signal = signal.NewServer(sc)
	l.page = newPage(l)
	mux := http.NewServeMux()
	mux.Handle("/live/", l.origin)
	mux.Handle("/vod/", l.origin)
	mux.Handle("/ws", l.signal)
	mux.Handle("/api/status", l.page.once())
	mux.Handle("/api/status/events", l.page)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/{$}", http.RedirectHandler("/watch.html", http.StatusFound))
	mux.Handle("/", web.Handler())
	l.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.server.Serve(listener)
	}()
	l.closers = append(l.closers, func() {
		l.page.close()
		l.signal.Close()
		l.server.Close()
		<-done
	})
	return nil
}

// join makes one peer with a cache and a WebRTC stack of its own.
func (l *Lab) join(ctx context.Context, name string, seed bool) (*member, error) {
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		return nil, err
	}
	cfg := player.Config{
		URL: l.base + l.cfg.path(), Signal: "ws" + l.base[len("http"):] + "/ws", Store: store,
		Core: swarm.Config{Seed: seed},
		// A browser on this machine has no loopback candidates.
		RTC: rtc.Config{Scope: rtc.WithLoopback},
		Log: l.cfg.Log.With("peer", name),
	}
	if seed {
		cfg.Signer = l.signer
		cfg.Core.MaxPeers = MaxViewers
	}
	session, err := player.Open(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	fetcher := segments.NewOrigin(segments.OriginConfig{})
	source := &player.Source{Origin: fetcher}
	m := &member{name: name, session: session, store: store}
	if seed {
		m.seed, err = player.NewSeed(ctx, player.SeedConfig{Session: session, Source: source, Tracks: "best",
			Window: vodSeeded, Log: cfg.Log})
	} else {
		m.viewer, err = player.NewViewer(ctx, player.ViewerConfig{Session: session, Source: source, Log: cfg.Log})
	}
	if err != nil {
		return nil, errors.Join(err, session.Close(), store.Close())
	}
	l.closers = append(l.closers, func() {
		if m.seed != nil {
			m.seed.Close()
		} else {
			m.viewer.Close()
		}
		session.Close()
		fetcher.Close()
		store.Close()
	})
	return m, nil
}

// URL of the page on which a browser becomes a viewer, too.
func (l *Lab) URL() string { return l.base + "/" }

// StatusURL is the page that shows all viewers of this process.
func (l *Lab) StatusURL() string { return l.base + "/status.html" }

// Stream is the URL of the demo's manifest.
func (l *Lab) Stream() string { return l.base + l.cfg.path() }

// Done is closed when the first viewer has ended: a VOD stream is over, or it
// could not begin.
func (l *Lab) Done() <-chan struct{} { return l.viewers[0].viewer.Done() }

// Err is why a viewer could not begin, nil while all is well.
func (l *Lab) Err() error {
	for _, m := range l.viewers {
		select {
		case <-m.viewer.Done():
			if err := m.viewer.Wait(); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		default:
		}
	}
	return nil
}

// Close ends all peers, then the servers.
func (l *Lab) Close() {
	for i := len(l.closers) - 1; i >= 0; i-- {
		l.closers[i]()
	}
	l.closers = nil
}
