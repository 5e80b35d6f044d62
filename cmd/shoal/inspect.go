package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

// inspectMemory is the heap that inspect is content with: the collector works
// harder rather than let the process pass 64 MiB.
const inspectMemory = 24 << 20

// inspectOptions are the flags of inspect.
type inspectOptions struct {
	bases, defines []string
	at, swarm      string
	ahead          time.Duration
	json           bool
}

func inspectCommand(_ *logOptions) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect URL|FILE [URL|FILE]",
		Short: "List a stream's tracks and segments, or compare two streams' names",
		Long: `Reads a DASH or HLS manifest as a peer does and lists the tracks and segments it
names: their keys in the swarm, URLs, byte ranges, start times, durations and the
moments from which the origin has them. For a live stream the segments that will
become available within --ahead are predicted.

With two manifests (a CDN pair, a URL with and without a token, HLS and DASH over
the same files) it says whether their viewers would share: whether both lead to
one swarm and, track by track, whether the segments have the same keys, and why
not. --swarm NAME compares them as if both players were given that name.

Whatever the reading needs (media playlists, segment indexes, remote periods, the
clock) is fetched over http or https, by the usual proxy variables.

Exit code: 0 listed, or shared; 1 not readable, or not shared; 2 wrong usage.`,
		Example: `  shoal inspect https://cdn.example/live.mpd
  shoal inspect --json --ahead 10s https://cdn.example/master.m3u8
  shoal inspect --json --at 2026-01-01T12:00:00Z --base https://cdn.example/live.mpd saved.mpd
  shoal inspect https://cdn-a.example/live.mpd https://cdn-b.example/live.mpd --swarm live`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("%s wants one or two URLs or FILEs, got %d arguments (see '%s --help')", c.CommandPath(), len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(40) // a late collection on a busy machine must not pass 64 MiB either
			}
			debug.SetMemoryLimit(inspectMemory)
			dropOwnPages()
			return o.run(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.bases, "base", nil, "the manifest's URL, when the input is a file; with two inputs give it for the first, then for the second")
	f.StringVar(&o.at, "at", "", "synchronised clock to read by, RFC 3339 (default: now, corrected by UTCTiming)")
	f.StringArrayVar(&o.defines, "define", nil, "NAME=VALUE of the multivariant playlist, for a media playlist opened by itself that imports it")
	f.DurationVar(&o.ahead, "ahead", 10*time.Second, "how far to predict a live stream")
	f.StringVar(&o.swarm, "swarm", "", "with two inputs: the swarm name that both would be given")
	f.BoolVar(&o.json, "json", false, "print everything as JSON")
	return cmd
}

// inspected is one manifest, read.
type inspected struct {
	name         string // URL or file, as given
	url          string // that swarm names are made of
	presentation *timeline.Presentation
	at           time.Time // synchronised clock
}

func (o *inspectOptions) run(cmd *cobra.Command, args []string) error {
	options, err := o.reading(len(args))
	if err != nil {
		return err
	}
	origin := segments.NewOrigin(segments.OriginConfig{Retries: -1})
	defer origin.Close()
	src := &player.Source{Origin: origin}
	var read [2]inspected
	for i, where := range args {
		if i < len(o.bases) {
			options.Base = o.bases[i]
		} else {
			options.Base = ""
		}
		if read[i], err = inspect(cmd.Context(), src, where, options); err != nil {
			return err
		}
	}
	dropOwnPages() // reading and listing use other parts of the program
	w := cmd.OutOrStdout()
	switch {
	case len(args) == 2:
		return o.compare(w, read)
	case o.json:
		_, err := manifest.List(read[0].presentation, read[0].at, o.ahead).WriteTo(w)
		return err
	}
	describeStream(w, read[0].presentation, read[0].at, o.ahead)
	return nil
}

// reading checks the flags and makes manifest's options of them.
func (o *inspectOptions) reading(inputs int) (manifest.Options, error) {
	options := manifest.Options{}
	if o.at != "" {
		t, err := time.Parse(time.RFC3339Nano, o.at)
		if err != nil {
			return options, usagef("--at %q: want a time like 2026-01-01T12:00:00Z", o.at)
		}
		options.At = t
	}
	if len(o.bases) > inputs {
		return options, usagef("%d --base for %d inputs", len(o.bases), inputs)
	}
	for _, b := range o.bases {
		if !isURL(b) {
			return options, usagef("--base %q: want the http or https URL that the file came from", b)
		}
	}
	if o.swarm != "" && inputs != 2 {
		return options, usagef("--swarm compares two inputs, got one")
	}
	for _, d := range o.defines {
		name, value, ok := strings.Cut(d, "=")
		if !ok || name == "" {
			return options, usagef("--define %q: want NAME=VALUE", d)
		}
		if options.Variables == nil {
			options.Variables = map[string]string{}
		}
		options.Variables[name] = value
	}
	return options, nil
}

func inspect(ctx context.Context, src manifest.Source, where string, o manifest.Options) (inspected, error) {
	if !isURL(where) {
		src = fileSource{path: where, next: src}
		if o.Base == "" {
			abs, err := filepath.Abs(where)
			if err != nil {
				return inspected{}, err
			}
			o.Base = (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
		}
	}
	p, err := manifest.Load(ctx, src, where, o)
	if err != nil {
		return inspected{}, err
	}
	r := inspected{name: where, url: where, presentation: p, at: o.At}
	if o.Base != "" {
		r.url = o.Base
	}
	if r.at.IsZero() {
		r.at = manifest.Clock(p, time.Now())
	}
	return r, nil
}

func isURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	return ok && rest != "" && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
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
