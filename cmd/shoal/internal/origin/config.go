package origin

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// SegmentDuration of every track. An audio segment differs by less than one
	// AAC frame (21.3 ms), because it ends on a frame.
	SegmentDuration = 2 * time.Second

	defaultWindow      = 60 * time.Second
	minWindow          = 3 * SegmentDuration // RFC 8216 §6.2.2: a live playlist holds at least three target durations
	maxWindow          = 24 * time.Hour
	defaultVODSegments = 150
	maxVODSegments     = 43200 // 24 h: an HLS playlist of 3 MB
)

// Config of an Origin. The zero value works.
type Config struct {
	// Epoch is the live presentation's zero: DASH availabilityStartTime, and the
	// start of segment 0. Default: one Window ago, cut to a whole segment, so
	// that a fresh origin already has a full window. Two origins with the same
	// Epoch serve the same bytes under the same numbers.
	Epoch time.Time

	// Now tells the time. Default: time.Now. Tests move it by hand.
	Now func() time.Time

	// Window is how far back a live manifest reaches: DASH timeShiftBufferDepth,
	// and the length of an HLS playlist. Default 60 s, from 6 s to 24 h, cut to
	// whole segments. A longer one lets viewers join further back.
	Window time.Duration

	// VODSegments is the length of the VOD presentation in segments of 2 s.
	// Default 150, which is five minutes; at most 43200.
	VODSegments int

	// Label names the client of a request for Stats. Default: its User-Agent.
	Label func(*http.Request) string
}

func (c Config) withDefaults() (Config, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	c.Window = c.Window.Truncate(SegmentDuration)
	if c.Window < minWindow || c.Window > maxWindow {
		return c, fmt.Errorf("origin: window of %v, it must lie between %v and %v", c.Window, minWindow, maxWindow)
	}
	if c.VODSegments == 0 {
		c.VODSegments = defaultVODSegments
	}
	if c.VODSegments < 1 || c.VODSegments > maxVODSegments {
		return c, fmt.Errorf("origin: VOD of %d segments, it must have between 1 and %d", c.VODSegments, maxVODSegments)
	}
	if c.Epoch.IsZero() {
		c.Epoch = c.Now().Add(-c.Window).Truncate(SegmentDuration)
	}
	// Manifests carry milliseconds; a finer epoch would make them lie.
	c.Epoch = c.Epoch.UTC().Truncate(time.Millisecond)
	if c.Label == nil {
		c.Label = (*http.Request).UserAgent
	}
	return c, nil
}
