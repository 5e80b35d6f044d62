package player

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
)

const (
	defaultMaxSessions = 32
	defaultIdleClose   = 2 * time.Minute
	// maxRedirectsKept are remembered, so that a stream found behind a redirect keeps
	// the name it was asked for by.
	maxRedirectsKept = 128
	// MaxManifest is the longest manifest that is observed or rewritten, in
	// bytes; longer ones pass through the transport and are refused by the gateway.
	MaxManifest = 16 << 20
)

// streams are the sessions of one transport or gateway, one a stream, the one
// used last first. Idle ones are closed when the next request comes or the
// janitor passes, the longest unused one when there are too many.
type streams struct {
	dial    Dial
	session SessionConfig // template
	max     int
	idle    time.Duration
	log     *slog.Logger

	mu         sync.Mutex
	open       []*stream
	redirected map[string]string // canonical target → canonical URL asked for
	closed     bool
	closing    sync.WaitGroup
}

type stream struct {
	*Session
	used   time.Time
	pinned bool // somebody else closes it
}

// find names a media request among the open sessions, the one used last first.
func (st *streams) find(rawURL string, h http.Header) (named, bool) {
	asked, ranged := parseRange(h)
	for _, s := range st.list() {
		if m, part, ok := s.name(rawURL, asked, ranged); ok {
			st.touch(s)
			return named{session: s, match: m, part: part, url: rawURL, header: h}, true
		}
	}
	return named{}, false
}

func (st *streams) list() []*Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := make([]*Session, len(st.open))
	for i, s := range st.open {
		all[i] = s.Session
	}
	return all
}

// owner returns the session that a manifest URL belongs to, itself or as the
// target of a redirect.
func (st *streams) owner(u *url.URL) (*Session, bool) {
	id := canonical(u)
	st.mu.Lock()
	asked := st.redirected[id]
	st.mu.Unlock()
	for _, s := range st.list() {
		if s.owns(id) || asked != "" && s.owns(asked) {
			st.touch(s)
			return s, true
		}
	}
	return nil, false
}

// redirect remembers that a request for from was sent on to to.
func (st *streams) redirect(from, to *url.URL) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.redirected == nil || len(st.redirected) >= maxRedirectsKept {
		st.redirected = make(map[string]string)
	}
	asked := canonical(from)
	if first, ok := st.redirected[asked]; ok {
		asked = first
	}
	if target := canonical(to); target != asked {
		st.redirected[target] = asked
	}
}

// observe gives a manifest to its session, which the first one creates.
func (st *streams) observe(u *url.URL, contentType string, body []byte) error {
	raw := u.String()
	if !manifest.IsManifest(raw, contentType, body) {
		return nil
	}
	s, ok := st.owner(u)
	if !ok {
		if st.dial == nil {
			return nil
		}
		var err error
		if s, err = st.create(u); err != nil {
			return err
		}
	}
	return s.Observe(raw, contentType, body, time.Now())
}

func (st *streams) create(u *url.URL) (*Session, error) {
	cfg := st.session
	cfg.URL, cfg.Log = u.String(), st.log
	id := canonical(u)
	st.mu.Lock()
	if asked, ok := st.redirected[id]; ok {
		id = asked
	}
	st.mu.Unlock()
	cfg.Swarm = swarmName(id)
	n := dialNode(st.dial, cfg.Swarm, st.log)
	cfg.Node = n
	s, err := NewSession(cfg)
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	st.add(s)
	return s, nil
}

func (st *streams) add(s *Session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	o := &stream{Session: s, used: time.Now()}
	if st.closed {
		st.retire(o)
		return
	}
	st.open = slices.Insert(st.open, 0, o)
	for len(st.open) > st.max {
		st.drop(len(st.open) - 1)
	}
}

// pin adds a session that its owner closes.
func (st *streams) pin(s *Session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.open = append(st.open, &stream{Session: s, pinned: true})
}

// touch moves s to the front and closes those idle for too long.
func (st *streams) touch(s *Session) {
	now := time.Now()
	st.mu.Lock()
	defer st.mu.Unlock()
	for i, o := range st.open {
		if o.Session == s {
			o.used = now
			copy(st.open[1:i+1], st.open[:i])
			st.open[0] = o
			break
		}
	}
	st.expire(now)
}

// expire closes sessions unused for idle. Callers hold mu.
func (st *streams) expire(now time.Time) {
	for i := len(st.open) - 1; i >= 0; i-- {
		if o := st.open[i]; !o.pinned && now.Sub(o.used) > st.idle {
			st.drop(i)
		}
	}
}

func (st *streams) drop(i int) {
	o := st.open[i]
	st.open = slices.Delete(st.open, i, i+1)
	st.retire(o)
}

// retire closes a session in the background; close waits for it.
func (st *streams) retire(o *stream) {
	if o.pinned {
		return
	}
	st.closing.Go(func() {
		if err := o.Close(); err != nil {
			st.log.Warn("closing session", "swarm", o.Swarm(), "err", err)
		}
	})
}

func (st *streams) close() {
	st.mu.Lock()
	st.closed = true
	for _, o := range st.open {
		st.retire(o)
	}
	st.open = nil
	st.mu.Unlock()
	st.closing.Wait()
}

func newStreams(dial Dial, session SessionConfig, limit int, idle time.Duration, log *slog.Logger) *streams {
	if limit <= 0 {
		limit = defaultMaxSessions
	}
	if idle <= 0 {
		idle = defaultIdleClose
	}
	return &streams{dial: dial, session: session, max: limit, idle: idle, log: log}
}

// sweep closes idle sessions.
func (st *streams) sweep(now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expire(now)
}
