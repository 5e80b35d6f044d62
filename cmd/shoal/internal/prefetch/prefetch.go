package prefetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
)

const (
	// DefaultJobs is how many segments are fetched at a time.
	DefaultJobs = 4
	// MaxJobs bounds it: an origin is not to be flooded.
	MaxJobs = 64
	// MaxSegments bounds one run, over all tracks.
	MaxSegments = 1 << 20
	// patience is how long peers may take before the origin is asked, when there
	// are peers: nobody waits for these segments.
	patience = 10 * time.Second
	// attempts for one segment, besides those of the origin fetcher.
	attempts = 3
)

// Config of a run. Session and Source are required.
type Config struct {
	Session *player.Session
	Source  manifest.Source
	Tracks  string        // see player.Choose, and "all"
	Window  time.Duration // of media from the start, or up to the live edge; 0: all there is
	Out     string        // folder for files; empty: the session's store alone
	Jobs    int
	Bars    Bars // told of progress
	Log     *slog.Logger
}

// Bars shows progress; calls come from several goroutines.
type Bars interface {
	// Track announces a track and how many segments it has.
	Track(id string, segments int) Bar
}

// Bar is one track's.
type Bar interface {
	// Done counts a segment: its bytes, and whether it was there already.
	Done(bytes int64, held bool)
}

// Report of a run.
type Report struct {
	Manifest string        `json:"manifest"`
	Seconds  float64       `json:"seconds"`
	Tracks   []TrackReport `json:"tracks"`
	Segments int64         `json:"segments"`
	Bytes    int64         `json:"bytes"`
	Held     int64         `json:"segments_held_before"`
	Origin   int64         `json:"origin_bytes"`
	Peers    int64         `json:"peer_bytes"`
	Failed   []string      `json:"failed"`
}

// TrackReport is one track's share.
type TrackReport struct {
	ID       string `json:"id"`
	Segments int64  `json:"segments"`
	Bytes    int64  `json:"bytes"`
}

// Run fetches until everything is held, ctx ends or a segment cannot be had; the
// report then says what is missing and the error is the last one.
func Run(ctx context.Context, cfg Config) (Report, error) {
	switch {
	case cfg.Jobs < 0 || cfg.Jobs > MaxJobs:
		return Report{}, fmt.Errorf("%d jobs: want 1 to %d", cfg.Jobs, MaxJobs)
	case cfg.Window < 0:
		return Report{}, fmt.Errorf("window %s must not be negative", cfg.Window)
	}
	if cfg.Jobs == 0 {
		cfg.Jobs = DefaultJobs
	}
	begun := time.Now()
	p, err := manifest.Load(ctx, cfg.Source, cfg.Session.Manifest(), manifest.Options{})
	if err != nil {
		return Report{}, err
	}
	cfg.Session.Update(p)
	tracks, err := chooseTracks(p, cfg.Tracks)
	if err != nil {
		return Report{}, err
	}
	now := manifest.Clock(p, time.Now())
	r := &run{cfg: cfg, report: Report{Manifest: cfg.Session.Manifest(), Failed: []string{}}}
	if cfg.Out != "" {
		if r.folder, err = newFolder(cfg.Out, p.URL); err != nil {
			return Report{}, err
		}
	}
	err = r.all(ctx, p, tracks, now)
	if err == nil && r.folder != nil {
		err = r.folder.manifests(ctx, cfg.Source, p)
	}
	stats := cfg.Session.Stats().Node
	r.report.Origin, r.report.Peers = stats.OriginBytes, stats.PeerBytes
	r.report.Seconds = time.Since(begun).Seconds()
	return r.report, err
}

// chooseTracks is player.Choose, over all periods.
func chooseTracks(p *timeline.Presentation, spec string) ([]*timeline.Track, error) {
	if spec != "all" {
		return player.Choose(p, spec)
	}
	var all []*timeline.Track
	for _, t := range p.Tracks {
		if t.Timeline != nil && !t.TrickPlay {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no track with segments", p.URL)
	}
	return all, nil
}

type run struct {
	cfg    Config
	folder *folder

	mu     sync.Mutex
	report Report
	err    error
}

type job struct {
	match player.Match
	bar   Bar
	track *trackCount
}

type trackCount struct{ segments, bytes atomic.Int64 }

// all fetches every track's segments, those of all tracks side by side in
// presentation order, so that an interrupted run leaves a playable beginning.
func (r *run) all(ctx context.Context, p *timeline.Presentation, tracks []*timeline.Track, now time.Time) error {
	queues := make([][]job, len(tracks))
	counts := make([]*trackCount, len(tracks))
	total := 0
	for i, t := range tracks {
		list := list(p, t, now, r.cfg.Window)
		if total += len(list); total > MaxSegments {
			return fmt.Errorf("more than %d segments; choose fewer tracks or a shorter --window", MaxSegments)
		}
		counts[i] = &trackCount{}
		bar := r.cfg.Bars.Track(t.ID, len(list))
		for _, m := range list {
			queues[i] = append(queues[i], job{m, bar, counts[i]})
		}
	}
	if total == 0 {
		return errors.New("no segment of these tracks is available")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.cfg.Jobs)
	for i := 0; ctx.Err() == nil; i++ {
		more := false
		for _, q := range queues {
			if i < len(q) {
				more = true
				group.Go(func() error { return r.one(ctx, q[i]) })
			}
		}
		if !more {
			break
		}
	}
	err := group.Wait()
	for i, t := range tracks {
		r.report.Tracks = append(r.report.Tracks, TrackReport{t.ID, counts[i].segments.Load(), counts[i].bytes.Load()})
	}
	return errors.Join(err, r.err)
}

// list names a track's segments, the init segment first.
func list(p *timeline.Presentation, t *timeline.Track, now time.Time, window time.Duration) []player.Match {
	var all []player.Match
	if t.Init != nil {
		all = append(all, player.Match{Track: t, Segment: *t.Init})
	}
	if t.Timeline == nil {
		return all
	}
	to := timeline.Forever
	if window > 0 && !p.Live {
		to = window
	}
	var media []player.Match
	for s := range t.Timeline.Segments(now, 0, to) {
		if !s.Gap && s.URL != "" {
			media = append(media, player.Match{Track: t, Segment: s})
		}
		if len(media) > MaxSegments {
			break
		}
	}
	if window > 0 && p.Live {
		for len(media) > 0 && media[0].Segment.AvailableAt.Before(now.Add(-window)) {
			media = media[1:]
		}
	}
	return append(all, media...)
}

// one brings one segment. A failure does not end the run: the others are useful.
func (r *run) one(ctx context.Context, j job) error {
	var err error
	for i := range attempts {
		var n int64
		var held bool
		if n, held, err = r.fetch(ctx, j.match); err == nil {
			j.track.segments.Add(1)
			j.track.bytes.Add(n)
			r.mu.Lock()
			r.report.Segments++
			r.report.Bytes += n
			if held {
				r.report.Held++
			}
			r.mu.Unlock()
			j.bar.Done(n, held)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.cfg.Log.Warn("segment failed", "key", j.match.Segment.Key, "attempt", i+1, "err", err)
	}
	r.mu.Lock()
	r.report.Failed = append(r.report.Failed, string(j.match.Segment.Key))
	r.err = fmt.Errorf("%s: %w", j.match.Segment.Key, err)
	r.mu.Unlock()
	return nil
}

func (r *run) fetch(ctx context.Context, m player.Match) (n int64, held bool, err error) {
	if r.folder != nil {
		if n, ok := r.folder.has(m.Segment); ok {
			return n, true, nil
		}
	}
	s, err := r.cfg.Session.Get(player.WithDeadline(ctx, time.Now().Add(patience)), m, "", nil)
	if err != nil {
		return 0, false, err
	}
	defer s.Close()
	body := s.Reader(0, -1)
	defer body.Close()
	if r.folder != nil {
		n, err = r.folder.write(m.Segment, body)
	} else {
		n, err = io.Copy(io.Discard, body)
	}
	return n, s.Cached(), err
}
