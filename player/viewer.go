package player

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const (
	defaultBehind = 3
	defaultBuffer = 30 * time.Second
)

// ViewerConfig of a headless viewer. Session and Source are required.
type ViewerConfig struct {
	// Session brings the media; the caller closes it, after the viewer.
	Session *Session
	// Source fetches manifests.
	Source manifest.Source
	// Tracks to play, see Choose (default best).
	Tracks string
	// Behind is how many segments behind the live edge playback starts, at most
	// (default 3). Fewer leave less time for delivery.
	Behind int
	// LowLatency takes the segment that is being made in parts, where the stream
	// has them (low-latency HLS), and asks for the part that is hinted at before it
	// exists (default: whole segments). DASH chunks need no such choice.
	LowLatency bool
	// Buffer is how much media is kept ahead at most (default 30 s).
	Buffer time.Duration
	// OnSegment gets every segment with its bytes, in order per track, when set:
	// to verify against the origin. It is called from several goroutines.
	OnSegment func(Match, []byte)
	// Log (default: none).
	Log *slog.Logger
}

// Viewer plays a stream in real time without showing it: it asks for segments as
// a player does and measures what a person would notice.
type Viewer struct {
	cfg ViewerConfig
	task

	mu       sync.Mutex
	play     *playback
	stream   *following    // nil before the stream can be played
	started  time.Time     // of the first request
	duration time.Duration // of a segment, nominal
	measure  measure
}

// NewViewer starts to play. It ends with ctx, with Close, or at the end of a VOD
// stream.
func NewViewer(ctx context.Context, cfg ViewerConfig) (*Viewer, error) {
	if cfg.Session == nil || cfg.Source == nil {
		return nil, errors.New("player: ViewerConfig needs Session and Source")
	}
	if cfg.Behind < 0 || cfg.Buffer < 0 {
		return nil, fmt.Errorf("player: Behind %d and Buffer %v must not be negative", cfg.Behind, cfg.Buffer)
	}
	if cfg.Behind == 0 {
		cfg.Behind = defaultBehind
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = defaultBuffer
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	v := &Viewer{
		cfg:  cfg,
		play: newPlayback(0), started: time.Now(),
	}
	v.measure.reset(time.Now(), cfg.Session.Stats().Node)
	v.start(ctx, v.run)
	return v, nil
}

func (v *Viewer) run(ctx context.Context) error {
	stream, err := follow(ctx, v.cfg.Source, v.cfg.Session)
	if err != nil {
		return err
	}
	defer stream.Close()
	first, _ := stream.now()
	tracks, err := Choose(first, v.cfg.Tracks)
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.stream, v.play = stream, newPlayback(len(tracks))
	if !first.Live {
		v.play.end = first.Duration
	}
	v.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var lanes sync.WaitGroup
	from := v.startAt(first, tracks)
	for i, t := range tracks {
		lanes.Go(func() { v.lane(ctx, i, &cursor{track: t, end: from, byParts: v.cfg.LowLatency}) })
	}
	played := make(chan struct{})
	go func() {
		lanes.Wait()
		close(played)
	}()
	stream.until(played)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return v.playOut(ctx)
}

// startAt is where the lanes begin: the start of a VOD stream, or Behind
// segments before the live edge of the track that has the least.
func (v *Viewer) startAt(p *timeline.Presentation, tracks []*timeline.Track) time.Duration {
	if !p.Live {
		return 0
	}
	now := time.Now().Add(p.ClockOffset)
	from := timeline.Forever
	for _, t := range tracks {
		c := cursor{track: t}
		c.atEdge(p, now, v.cfg.Behind)
		from = min(from, c.end)
	}
	return from
}

// playOut waits until what is buffered was played.
func (v *Viewer) playOut(ctx context.Context) error {
	v.mu.Lock()
	rest := v.play.buffer(time.Now())
	v.mu.Unlock()
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		v.mu.Lock()
		v.play.end = v.play.buffered()
		v.play.advance(time.Now())
		v.mu.Unlock()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
