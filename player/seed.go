package player

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
)

const (
	defaultSeedTracks = "all"
	defaultSeedJobs   = 4
)

// SeedConfig of a seed. Session, whose node should have Core.Seed set, and
// Source are required.
type SeedConfig struct {
	// Session brings the segments; the caller closes it, after the seed.
	Session *Session
	// Source fetches manifests.
	Source manifest.Source
	// Tracks to seed, see Choose (default all).
	Tracks string
	// Behind is how many segments before the live edge are fetched at first, for
	// viewers that join there (default 3).
	Behind int
	// Window is how much of a VOD stream is fetched (default 0: all of it).
	Window time.Duration
	// Jobs is how many segments of a VOD stream are fetched at a time (default 4).
	Jobs int
	// OnSegment is told each segment that is held, with its size in bytes, when
	// set. It is called from several goroutines.
	OnSegment func(Match, int64)
	// Log (default: none).
	Log *slog.Logger
}

// Seed follows a presentation and fetches every segment of its tracks: live, the
// moment it exists, and in parts before that where it comes in parts; VOD, in order.
type Seed struct {
	cfg SeedConfig
	task

	segments, bytes, failures atomic.Int64

	stream *following // set before the first lane starts
}

// SeedStats counts what a seed fetched.
type SeedStats struct {
	Segments, Bytes int64
	Failures        int64 // attempts
}

// NewSeed starts to seed. It ends with ctx, with Close, or when a VOD stream is
// held whole.
func NewSeed(ctx context.Context, cfg SeedConfig) (*Seed, error) {
	if cfg.Session == nil || cfg.Source == nil {
		return nil, errors.New("player: SeedConfig needs Session and Source")
	}
	if cfg.Jobs < 0 || cfg.Behind < 0 || cfg.Window < 0 {
		return nil, fmt.Errorf("player: Jobs %d, Behind %d and Window %v must not be negative", cfg.Jobs, cfg.Behind, cfg.Window)
	}
	if cfg.Tracks == "" {
		cfg.Tracks = defaultSeedTracks
	}
	if cfg.Behind == 0 {
		cfg.Behind = defaultBehind
	}
	if cfg.Jobs == 0 {
		cfg.Jobs = defaultSeedJobs
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Seed{cfg: cfg}
	s.start(ctx, s.run)
	return s, nil
}

// Stats returns the counters.
func (s *Seed) Stats() SeedStats {
	return SeedStats{Segments: s.segments.Load(), Bytes: s.bytes.Load(), Failures: s.failures.Load()}
}

func (s *Seed) run(ctx context.Context) error {
	stream, err := follow(ctx, s.cfg.Source, s.cfg.Session)
	if err != nil {
		return err
	}
	defer stream.Close()
	s.stream = stream
	first, _ := stream.now()
	tracks, err := Choose(first, s.cfg.Tracks)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan struct{}, s.cfg.Jobs)
	var lanes sync.WaitGroup
	for _, t := range tracks {
		c := &cursor{track: t}
		if first.Live {
			c.atEdge(first, time.Now().Add(first.ClockOffset), s.cfg.Behind)
		}
		lanes.Go(func() { s.lane(ctx, c, jobs) })
		if _, ok := t.Timeline.(parted); ok && first.Live {
			lanes.Go(func() { s.partLane(ctx, t) })
		}
	}
	held := make(chan struct{})
	go func() {
		lanes.Wait()
		close(held)
	}()
	stream.until(held)
	return ctx.Err()
}

// lane fetches one track. A live segment is asked for when it becomes available
// and its successor does not wait for it; VOD takes one of the jobs' places.
func (s *Seed) lane(ctx context.Context, c *cursor, jobs chan struct{}) {
	var running sync.WaitGroup
	defer running.Wait()
	initOf := ""
	for ctx.Err() == nil {
		p, changed := s.stream.now()
		synced := time.Now().Add(p.ClockOffset)
		m, ok := c.next(p, synced)
		if !ok || !p.Live && s.cfg.Window > 0 && m.Segment.Start >= s.cfg.Window {
			if !p.Live {
				return
			}
			wait := laneLook
			if at, ok := c.upcoming(p, synced, laneAhead); ok {
				wait = min(max(at.Sub(synced), time.Millisecond), laneAhead)
			}
			sleep(ctx, changed, wait)
			continue
		}
		if !p.Live || len(jobs) < cap(jobs) {
			select {
			case jobs <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
		c.take(m)
		init := m.Track.Init
		if init != nil && string(init.Key) == initOf {
			init = nil
		} else if init != nil {
			initOf = string(init.Key)
		}
		running.Go(func() {
			if init != nil {
				s.hold(ctx, Match{m.Track, *init})
			}
			s.hold(ctx, m)
			select {
			case <-jobs:
			default:
			}
		})
	}
}

// hold fetches one segment, again and again while it fails.
func (s *Seed) hold(ctx context.Context, m Match) {
	for range laneAttempts {
		n, _, err := s.stream.fetch(WithDeadline(ctx, time.Now()), m, false)
		if err == nil {
			s.segments.Add(1)
			s.bytes.Add(n)
			if s.cfg.OnSegment != nil {
				s.cfg.OnSegment(m, n)
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.failures.Add(1)
		s.cfg.Log.Warn("segment failed", "key", m.Segment.Key, "err", err)
		sleep(ctx, nil, laneLook)
	}
}

// sleep waits for d, for ctx or for changed, which may be nil.
func sleep(ctx context.Context, changed <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
}
