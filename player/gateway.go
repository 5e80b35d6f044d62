package player

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// GatewayConfig of a gateway. The zero value serves any public origin by plain
// HTTP; with Dial it shares what passes.
type GatewayConfig struct {
	// Allow lists origins, see Guard (default: any host on a public address).
	Allow []string
	// Dial makes the peer of a new stream's swarm from the gateway's guarded
	// client, which its origin fetcher must use; see Dialer. Nil shares nothing.
	Dial func(client *http.Client) Dial
	// PublicURL is how players reach the gateway, "http://host:port", where a
	// proxy in front makes that differ from what requests say (default: the
	// request's own scheme and Host).
	PublicURL string
	// Options for sessions; URL, Swarm and Node are ignored.
	Options SessionConfig
	// MaxSessions kept at a time (default 32): the one unused longest makes room.
	MaxSessions int
	// IdleClose of unused sessions (default 2 minutes).
	IdleClose time.Duration
	// Served is called after each response when set: for metrics. It must not block.
	Served func(Served)
	// Log (default: none).
	Log *slog.Logger
}

// Served describes one response.
type Served struct {
	Kind   Kind
	Status int
	Bytes  int64
	Took   time.Duration
	Cache  string // the Cache-Status sent
}

// Kind of resource that a gateway served.
type Kind string

const (
	KindManifest Kind = "manifest"
	KindMedia    Kind = "media" // through a session
	KindOther    Kind = "other" // passed through, refused, or the gateway's own pages
)

// Gateway is an http.Handler that serves whole streams to native players under
// /<scheme>/<host>/<path>?query. It reads only: GET, HEAD and OPTIONS.
type Gateway struct {
	cfg     GatewayConfig
	guard   *Guard
	client  *http.Client // follows no redirects: the player must see them
	follow  *http.Client // follows guarded redirects, for the peers
	streams *streams
	defines definitions
	once    sync.Once // of Close
	stop    chan struct{}
	janitor chan struct{} // closed when it has ended
}

// NewGateway checks the configuration; Close ends all sessions.
func NewGateway(cfg GatewayConfig) (*Gateway, error) {
	guard, err := NewGuard(cfg.Allow)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.PublicURL != "" {
		if cfg.PublicURL, err = publicPrefix(cfg.PublicURL); err != nil {
			return nil, err
		}
	}
	g := &Gateway{cfg: cfg, guard: guard, follow: guard.Client(), stop: make(chan struct{}), janitor: make(chan struct{})}
	g.client = &http.Client{
		Transport:     g.follow.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var dial Dial
	if cfg.Dial != nil {
		dial = cfg.Dial(g.follow)
	}
	if cfg.Options.Source == nil {
		cfg.Options.Source = sourceOf(g.follow)
	}
	g.streams = newStreams(dial, cfg.Options, cfg.MaxSessions, cfg.IdleClose, cfg.Log)
	go g.sweep()
	return g, nil
}

// sweep closes idle sessions when no request does.
func (g *Gateway) sweep() {
	defer close(g.janitor)
	ticker := time.NewTicker(max(g.streams.idle/4, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-g.stop:
			return
		case now := <-ticker.C:
			g.streams.sweep(now)
		}
	}
}

// Sessions lists those open, the one used last first.
func (g *Gateway) Sessions() []SessionStats {
	var all []SessionStats
	for _, s := range g.streams.list() {
		all = append(all, s.Stats())
	}
	return all
}

// Close ends all sessions and waits for them. Requests still running get errors.
func (g *Gateway) Close() error {
	g.once.Do(func() {
		close(g.stop)
		<-g.janitor
		g.streams.close()
		g.follow.CloseIdleConnections()
	})
	return nil
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	out := &recorder{ResponseWriter: w}
	kind := g.serve(out, r)
	if g.cfg.Served != nil {
		g.cfg.Served(Served{
			Kind: kind, Status: out.status, Bytes: out.bytes,
			Took: time.Since(started), Cache: w.Header().Get("Cache-Status"),
		})
	}
}

func (g *Gateway) serve(w *recorder, r *http.Request) Kind {
	allowOrigin(w.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w, r)
		return KindOther
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		explain(w, r, http.StatusMethodNotAllowed, "This gateway only reads streams: use GET or HEAD.")
		return KindOther
	}
	path := r.URL.EscapedPath()
	switch path {
	case "/", "":
		g.index(w, r)
		return KindOther
	case "/healthz":
		explain(w, r, http.StatusOK, "ok")
		return KindOther
	}
	u, err := target(path, r.URL.RawQuery)
	if err != nil {
		explain(w, r, http.StatusNotFound, err.Error()+".\nTo play https://cdn.example/live/stream.mpd, open "+g.prefix(r)+"/https/cdn.example/live/stream.mpd")
		return KindOther
	}
	if err := g.guard.Host(u.Scheme, u.Host); err != nil {
		g.forbidden(w, r, u)
		return KindOther
	}
	if r.Method == http.MethodGet && g.media(w, r, u) {
		return KindMedia
	}
	return g.pass(w, r, u)
}

// media serves a segment through its session. False: it is none.
func (g *Gateway) media(w *recorder, r *http.Request, u *url.URL) bool {
	n, ok := g.streams.find(u.String(), g.toOrigin(r))
	if ok && n.hold(r.Context()) {
		n, ok = g.streams.find(u.String(), g.toOrigin(r)) // as the newest manifest says
	}
	if !ok {
		return false
	}
	reply, err := n.answer(r.Context())
	switch {
	case errors.Is(err, errBypass):
		return false
	case err != nil: // the player is gone, or nearly
		explain(w, r, http.StatusServiceUnavailable, "The request was given up: "+err.Error())
		return true
	}
	g.write(w, r, reply)
	return true
}

// write sends a reply: what is in memory goes out in one Write, which costs half
// of a copy through a reader.
func (g *Gateway) write(w *recorder, r *http.Request, reply *reply) {
	h := w.Header()
	for name, values := range reply.header {
		h[name] = values
	}
	w.WriteHeader(reply.status)
	if reply.body == nil {
		if len(reply.whole) > 0 {
			_, _ = w.Write(reply.whole) // a player that left is nobody's error
		}
		return
	}
	defer reply.body.Close()
	n, err := w.copyFrom(reply.body)
	if err == nil && (reply.length < 0 || n == reply.length) {
		return
	}
	if r.Context().Err() == nil {
		g.cfg.Log.Warn("segment broke off", "path", r.URL.Path, "bytes", n, "err", err)
	}
	// The status is out: only a broken connection tells the player that the body
	// is not whole. net/http recovers this value and logs nothing.
	panic(http.ErrAbortHandler)
}

// toOrigin returns a request's headers as the origin should see them: cookies
// belong to the gateway's host, where all origins would share them, Origin and a
// Referer under the gateway are of its own making.
func (g *Gateway) toOrigin(r *http.Request) http.Header {
	h := forwardable(r.Header)
	h.Del("Cookie")
	h.Del("Origin")
	for name := range h {
		if len(name) > 4 && name[:4] == "Sec-" || name == "Forwarded" || len(name) > 11 && name[:11] == "X-Forwarded" {
			delete(h, name)
		}
	}
	if ref, err := url.Parse(h.Get("Referer")); err == nil && ref.Host == r.Host {
		h.Del("Referer")
		if u, err := target(ref.EscapedPath(), ""); err == nil {
			h.Set("Referer", u.String())
		}
	}
	return h
}

// refusedText explains a failed origin request to a person.
func refusedText(ctx context.Context, err error) (status int, text string) {
	var code *segments.StatusError
	switch {
	case errors.Is(err, ErrForbidden):
		return http.StatusForbidden, "The origin is not allowed: " + err.Error() + ".\nStart the gateway with --allow HOST to permit it."
	case errors.As(err, &code):
		return code.Code, "The origin answered " + http.StatusText(code.Code) + "."
	case ctx.Err() != nil:
		return http.StatusServiceUnavailable, "The request was given up."
	}
	return http.StatusBadGateway, "The origin could not be reached: " + err.Error() + ".\nCheck the address, and whether this machine can reach it."
}
