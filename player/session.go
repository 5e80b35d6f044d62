package player

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// ErrClosed is what a closed session answers.
var ErrClosed = errors.New("player: session is closed")

// SessionConfig of one stream's session. Node is required, all else has defaults.
type SessionConfig struct {
	// URL of the manifest as players ask for it.
	URL string
	// Swarm names the swarm (default: SwarmID(URL)).
	Swarm string
	// Node is the peer; the session closes it.
	Node Node
	// Source fetches what a manifest that a player fetched refers to and the
	// session cannot see: segment indexes, remote periods, the clock (default:
	// none; such segments then pass by the session).
	Source manifest.Source
	// Ahead is how far predictions of a live stream reach (default: four target
	// durations within 6–30 s). More reserves earlier and costs messages.
	Ahead time.Duration
	// Window is how much media of a VOD stream is planned ahead of the play head
	// (default 30 s). More shares better and wastes more when a viewer leaves.
	Window time.Duration
	// WaitBudget is how much longer than plain HTTP a player may wait for peers
	// (default: half a segment within 0.5–2 s). Less asks the origin more often.
	WaitBudget time.Duration
	// Log (default: none).
	Log *slog.Logger
}

// Session is one stream and one peer: it names what a player asks for, says by
// when it is needed and tells the peer what will be needed next.
type Session struct {
	cfg SessionConfig

	observing sync.Mutex // keeps observations and what comes of them in order
	observer  *manifest.Observer

	mu           sync.Mutex
	presentation *timeline.Presentation
	aliases      map[string]struct{} // canonical manifest URLs that belong to this stream
	active       active
	pace         pace
	ambient      ambient
	lastRequest  time.Time
	counters     Counters
	closed       bool

	completing bool // a goroutine fetches what a manifest refers to
	backlog    []observation

	kick   chan struct{}   // plan anew
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// NewSession starts a session; Close ends it and its node.
func NewSession(cfg SessionConfig) (*Session, error) {
	if cfg.Node == nil {
		return nil, errors.New("player: SessionConfig.Node is required; Peer makes one of a node")
	}
	id, err := SwarmID(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Swarm == "" {
		cfg.Swarm = id
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Session{
		cfg: cfg, observer: manifest.NewObserver(),
		aliases: map[string]struct{}{id: {}},
		pace:    pace{budget: cfg.WaitBudget},
		ambient: make(ambient),
		kick:    make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wait.Go(s.keepPlan)
	return s, nil
}

// Swarm is the name of the swarm, Manifest the URL the session was made for.
func (s *Session) Swarm() string    { return s.cfg.Swarm }
func (s *Session) Manifest() string { return s.cfg.URL }

// Presentation is the newest one, nil before the first manifest.
func (s *Session) Presentation() *timeline.Presentation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.presentation
}

// Update gives the session a presentation that somebody else follows.
func (s *Session) Update(p *timeline.Presentation) {
	s.mu.Lock()
	moved := s.presentation != nil && p != nil && (p.ClockOffset-s.presentation.ClockOffset).Abs() > clockMoved
	s.presentation = p
	s.mu.Unlock()
	if node, ok := s.cfg.Node.(interface{ Resync() }); ok && moved {
		node.Resync()
	}
	s.replan()
}

// clockMoved is by how much the manifest's clock must move against ours for the
// swarm's to be in doubt too.
const clockMoved = 250 * time.Millisecond

// Get asks the peer for what a player asked for. header goes to the origin only.
func (s *Session) Get(ctx context.Context, m Match, url string, header http.Header) (Stream, error) {
	now := time.Now()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	r := s.requested(ctx, now, m, url, header)
	s.mu.Unlock()
	s.replan()

	stream, err := s.cfg.Node.Get(ctx, onSwarmClock(r, s.cfg.Node.Now().Sub(now)))
	if err != nil {
		return nil, err
	}
	return &pacedStream{Stream: stream, session: s, match: m}, nil
}

// requested notes a request and describes it to the node. Callers hold mu.
func (s *Session) requested(ctx context.Context, now time.Time, m Match, url string, header http.Header) node.Resource {
	r := s.resource(s.presentation, m.Track, m.Segment)
	deadline, urgent, seek := s.pace.request(now, r.Available, m.Track.Kind, m.Segment)
	s.active.request(m.Track, m.Segment, seek)
	s.lastRequest = now
	s.counters.Requests++
	if url != "" {
		r.URL = url
		if header != nil {
			s.ambient.note(url, header)
			r.Header = header
		}
	}
	if d, ok := deadlineOf(ctx); ok {
		deadline, urgent = d, !d.After(now)
		if urgent && m.Segment.Predicted && r.Available.After(now) {
			r.Available = now // a hint: the origin holds the request until it can answer
		}
	} else if !urgent {
		r.OriginBy = s.pace.originBy(now, r.Available, m.Segment)
	}
	r.Deadline, r.Urgent = deadline, urgent
	return r
}

// Close ends the session and its node and waits for both.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	s.mu.Unlock()
	s.wait.Wait()
	return s.cfg.Node.Close()
}
