package demo

import (
	"fmt"
	"log/slog"
	"time"
)

// MaxViewers is the most viewers one demo runs: each has a WebRTC stack of its own.
const MaxViewers = 64

// Config of a demo.
type Config struct {
	Viewers int           // 1 to MaxViewers
	Format  string        // dash or hls
	Mode    string        // live or vod
	Seed    bool          // run a seed that signs what it fetches
	Listen  string        // address of the one web server
	Warmup  time.Duration // left out of the report
	Log     *slog.Logger
}

// Check reports what Start would refuse.
func (c Config) Check() error {
	switch {
	case c.Viewers < 1 || c.Viewers > MaxViewers:
		return fmt.Errorf("%d viewers: want 1 to %d", c.Viewers, MaxViewers)
	case c.Format != "dash" && c.Format != "hls":
		return fmt.Errorf("format %q: want dash or hls", c.Format)
	case c.Mode != "live" && c.Mode != "vod":
		return fmt.Errorf("mode %q: want live or vod", c.Mode)
	}
	return nil
}

func (c Config) path() string {
	if c.Format == "hls" {
		return "/" + c.Mode + "/master.m3u8"
	}
	return "/" + c.Mode + "/manifest.mpd"
}
