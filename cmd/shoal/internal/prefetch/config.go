package prefetch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
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
	// meeting is how long a run waits for its first neighbour.
	meeting = 3 * time.Second
	// attempts for one segment, besides those of the origin fetcher.
	attempts = 3
)

// Config of a run. URL, Node, Source and Bars are required.
type Config struct {
	// URL of the manifest.
	URL string
	// Node brings the segments. A player's session would plan ahead of what is
	// wanted and count on real time.
	Node player.Node
	// Alone says that Node has nobody to wait for.
	Alone bool
	// Source fetches manifests.
	Source manifest.Source
	// Tracks as player.ChooseEach reads it.
	Tracks string
	// Window of media from the start, or, of a live stream, up to the live edge; 0:
	// all there is.
	Window time.Duration
	// Duration of media to follow a live stream for, from its edge (or Window
	// before it); 0: what is available now.
	Duration time.Duration
	// Out is a folder for a copy; empty: the session's store alone.
	Out string
	// Jobs is how many segments are fetched at a time, default DefaultJobs.
	Jobs int
	// Rate pays for what peers send; Throttle makes the origin's bytes pay too.
	// Default: no limit.
	Rate *rate.Limiter
	// Held tells what the store had before the run (default: nothing).
	Held func(segments.Key) bool
	// Keep returns when the store has a segment on disk (default: at once). It makes
	// a run no faster than the disk, so that a kill loses what is on its way alone.
	Keep func(context.Context, segments.Key) error
	// Vouched returns the digest of a segment that the stream's signer has vouched
	// for, where a statement is at hand. Files are checked against it.
	Vouched func(segments.Key) (segments.Digest, bool)
	// Bars are told of progress.
	Bars Bars
	// Log (default: none).
	Log *slog.Logger
}

func (c *Config) populate() error {
	switch {
	case c.Jobs < 0 || c.Jobs > MaxJobs:
		return fmt.Errorf("%d jobs: want 1 to %d", c.Jobs, MaxJobs)
	case c.Window < 0:
		return fmt.Errorf("window %s must not be negative", c.Window)
	case c.Duration < 0:
		return fmt.Errorf("duration %s must not be negative", c.Duration)
	}
	if c.Jobs == 0 {
		c.Jobs = DefaultJobs
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Held == nil {
		c.Held = func(segments.Key) bool { return false }
	}
	if c.Keep == nil {
		c.Keep = func(context.Context, segments.Key) error { return nil }
	}
	if c.Vouched == nil {
		c.Vouched = func(segments.Key) (segments.Digest, bool) { return segments.Digest{}, false }
	}
	return nil
}

// Bars shows progress; calls come from several goroutines.
type Bars interface {
	// Track announces a track.
	Track(id string) Bar
}

// Bar is one track's.
type Bar interface {
	// Total tells how many segments the track has as far as is known.
	Total(segments int)
	// Done counts a segment: its bytes, and whether it was there already.
	Done(bytes int64, held bool)
}

// Report of a run.
type Report struct {
	Manifest string        `json:"manifest"`
	Copy     string        `json:"copy,omitempty"` // the manifest in the folder
	Seconds  float64       `json:"seconds"`
	Tracks   []TrackReport `json:"tracks"`
	Segments int64         `json:"segments"`
	Bytes    int64         `json:"bytes"`
	Held     int64         `json:"segments_held_before"`
	Verified int64         `json:"segments_verified"` // against a signed statement
	Origin   int64         `json:"origin_bytes"`
	Peers    int64         `json:"peer_bytes"`
	Failed   []string      `json:"failed"`
	Notes    []string      `json:"notes"`
}

// TrackReport is one track's share.
type TrackReport struct {
	ID       string `json:"id"`
	Segments int64  `json:"segments"`
	Bytes    int64  `json:"bytes"`
}
