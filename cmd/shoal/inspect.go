package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

func inspectCommand(_ *logOptions) *cobra.Command {
	var base, at string
	var ahead time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect URL|FILE",
		Short: "List a stream's tracks and segments, known and predicted",
		Long: `Reads a DASH or HLS manifest as a peer does and lists the tracks and segments it
names: their keys in the swarm, URLs, byte ranges, start times, durations and the
moments from which the origin has them. For a live stream the segments that will
become available within --ahead are predicted.

Whatever the reading needs (media playlists, segment indexes, remote periods, the
clock) is fetched over http or https, by the usual proxy variables.`,
		Example: `  shoal inspect https://cdn.example/live.mpd
  shoal inspect --json --ahead 10s https://cdn.example/master.m3u8
  shoal inspect --json --at 2026-01-01T12:00:00Z --base https://cdn.example/live.mpd saved.mpd`,
		Args: exactly(1, "one URL or FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := manifest.Options{Base: base}
			if at != "" {
				t, err := time.Parse(time.RFC3339Nano, at)
				if err != nil {
					return usagef("--at %q: want a time like 2026-01-01T12:00:00Z", at)
				}
				o.At = t
			}
			origin := segments.NewOrigin(segments.OriginConfig{Retries: -1})
			defer origin.Close()
			var src manifest.Source = &player.Source{Origin: origin}
			where := args[0]
			if !isURL(where) {
				if base == "" {
					abs, err := filepath.Abs(where)
					if err != nil {
						return err
					}
					o.Base = (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
				}
				src = fileSource{path: where, next: src}
			}
			p, err := manifest.Load(cmd.Context(), src, where, o)
			if err != nil {
				return err
			}
			now := o.At
			if now.IsZero() {
				now = manifest.Clock(p, time.Now())
			}
			if asJSON {
				_, err := manifest.List(p, now, ahead).WriteTo(cmd.OutOrStdout())
				return err
			}
			describeStream(cmd.OutOrStdout(), p, now, ahead)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&base, "base", "", "the manifest's URL, when the input is a file")
	f.StringVar(&at, "at", "", "synchronised clock to read by, RFC 3339 (default: now, corrected by UTCTiming)")
	f.DurationVar(&ahead, "ahead", 10*time.Second, "how far to predict a live stream")
	f.BoolVar(&asJSON, "json", false, "print everything as JSON")
	return cmd
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// fileSource answers the manifest's own name from disk and all else from next.
type fileSource struct {
	path string
	next manifest.Source
}

func (s fileSource) Fetch(ctx context.Context, r manifest.Request) (manifest.Response, error) {
	if r.URL != s.path {
		if !isURL(r.URL) {
			return manifest.Response{}, fmt.Errorf("%s is not an http URL; give the manifest's own with --base", r.URL)
		}
		return s.next.Fetch(ctx, r)
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return manifest.Response{}, fmt.Errorf("%s: no such file, and not an http URL", s.path)
	case err != nil:
		return manifest.Response{}, err
	case info.IsDir():
		return manifest.Response{}, fmt.Errorf("%s is a folder, want a manifest", s.path)
	case info.Size() > player.MaxManifest:
		return manifest.Response{}, fmt.Errorf("%s has %d bytes, a manifest at most %d", s.path, info.Size(), player.MaxManifest)
	}
	body, err := os.ReadFile(s.path)
	return manifest.Response{Status: 200, URL: s.path, Body: body}, err
}

// describeStream prints what a person wants to know first.
func describeStream(w interface{ Write([]byte) (int, error) }, p *timeline.Presentation, now time.Time, ahead time.Duration) {
	kind := "video on demand"
	if p.Live {
		kind = "live"
	}
	fmt.Fprintf(w, "%s, %s, %d tracks\n", strings.ToUpper(string(p.Format)), kind, len(p.Tracks))
	for _, t := range p.Tracks {
		fmt.Fprintf(w, "\n%s  %s", t.ID, t.Kind)
		for _, s := range []string{t.Language, t.Codecs} {
			if s != "" {
				fmt.Fprintf(w, "  %s", s)
			}
		}
		if t.Width > 0 {
			fmt.Fprintf(w, "  %dx%d", t.Width, t.Height)
		}
		if t.Bandwidth > 0 {
			fmt.Fprintf(w, "  %d kbit/s", t.Bandwidth/1000)
		}
		fmt.Fprintln(w)
		n := 0
		var first, last timeline.Segment
		if t.Timeline != nil {
			for s := range t.Timeline.Segments(now, 0, timeline.Forever) {
				if n == 0 {
					first = s
				}
				last = s
				if n++; n == manifest.MaxListed {
					break
				}
			}
		}
		if n > 0 {
			fmt.Fprintf(w, "  %d segments, %s to %s\n", n, first.Start, last.Start+last.Duration)
			fmt.Fprintf(w, "  first  %s\n  last   %s\n", first.Key, last.Key)
		} else {
			fmt.Fprintln(w, "  no segment available")
		}
		if t.Timeline == nil || !p.Live {
			continue
		}
		for s := range t.Timeline.Predicted(now, ahead) {
			fmt.Fprintf(w, "  +%5.1fs %s\n", s.AvailableAt.Sub(now).Seconds(), s.Key)
		}
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "\nnote: %s", note)
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(w)
	}
}
