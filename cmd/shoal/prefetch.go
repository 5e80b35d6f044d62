package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/prefetch"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

// prefetchOptions are the flags of prefetch besides those of a peer.
type prefetchOptions struct {
	tracks, window, out, report string
	duration                    time.Duration
	jobs                        int
	rate                        byteSize // bit/s
}

func prefetchCommand(logs *logOptions) *cobra.Command {
	var p prefetchOptions
	cmd := &cobra.Command{
		Use:   "prefetch URL",
		Short: "Fill a cache or a folder with a stream's segments",
		Long: `Fetches a stream's segments ahead of its viewers: into a cache that 'shoal proxy'
and 'shoal seed' serve from (--cache), or into a folder that any static web server
can serve as a playable copy (--out). A run that was interrupted, even killed, goes
on where it stopped: what is whole is not fetched again.

VOD is fetched from the beginning, all of it or --window. Of a live stream comes
what is available now (the last --window of it), or, with --duration, what comes
from the live edge on (or from --window before it); the copy is then VOD.

--tracks chooses by words separated by commas or spaces:
  best, lowest, all           best is the default
  lang=de                     audio and text in a language; several are alternatives
  height<=720                 also width, fps, bandwidth (3M), with < <= = >= >
  codecs=avc1   kind=audio    kinds are video, audio, text, image
  anything else               a track by its id, as 'shoal inspect' lists it
All conditions hold together: --tracks 'height<=720 lang=de,lang=en'.

Encrypted segments are copied as they are. Keys never are: the copy's playlists
name the original key server, and the report says so.

With --signal the segments come from peers too. What the stream's signer has
vouched for is checked, in files that were there already as well.`,
		Example: `  shoal prefetch --cache /var/cache/shoal https://cdn.example/film.mpd
  shoal prefetch --out film --tracks all --jobs 8 https://cdn.example/master.m3u8
  shoal prefetch --out match --duration 2h --tracks 'height<=1080' --rate 20M https://cdn.example/live.mpd
  shoal prefetch --cache c --window 60s --report - https://cdn.example/film.mpd`,
		Args: func(c *cobra.Command, args []string) error {
			if err := exactly(1, "one manifest URL")(c, args); err != nil {
				return err
			}
			return checkURLs(args)
		},
	}
	o := peerFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&p.tracks, "tracks", "best", "tracks to fetch, see above")
	f.StringVar(&p.window, "window", "all", "how much media: a duration from the start (live: up to the edge), or all")
	f.DurationVar(&p.duration, "duration", 0, "follow a live stream from its edge for so long (default: what is available now)")
	f.StringVar(&p.out, "out", "", "folder for a playable copy")
	f.IntVar(&p.jobs, "jobs", prefetch.DefaultJobs, "segments fetched at a time")
	f.Var(&p.rate, "rate", "bandwidth cap in bit/s, for example 5M (default: none)")
	f.StringVar(&p.report, "report", "", "write what was done as JSON to this file, - for standard output")
	cmd.MarkFlagDirname("out")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.run(cmd, args[0], o, logs) }
	return cmd
}

func (p *prefetchOptions) check(o *peerOptions) (window time.Duration, err error) {
	if o.cache == "" && p.out == "" {
		return 0, usagef("say where to: --cache DIR or --out DIR")
	}
	if p.window != "all" {
		if window, err = time.ParseDuration(p.window); err != nil || window <= 0 {
			return 0, usagef("--window %q: want a duration like 60s, or all", p.window)
		}
	}
	if p.duration < 0 {
		return 0, usagef("--duration %s must not be negative", p.duration)
	}
	if err := player.CheckChoice(p.tracks); err != nil {
		return 0, usagef("--tracks: %w", err)
	}
	return window, nil
}

func (p *prefetchOptions) run(cmd *cobra.Command, url string, o *peerOptions, logs *logOptions) error {
	window, err := p.check(o)
	if err != nil {
		return err
	}
	log, err := logs.logger(nil)
	if err != nil {
		return err
	}
	cfg, store, err := o.config(log)
	if err != nil {
		return err
	}
	defer store.Close()
	pc := prefetch.Config{Tracks: p.tracks, Window: window, Duration: p.duration, Out: p.out, Jobs: p.jobs, Log: log}
	if p.rate > 0 {
		pc.Rate = prefetch.NewRate(int64(p.rate))
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = prefetch.MaxJobs
		cfg.Client = &http.Client{Transport: prefetch.Throttle(transport, pc.Rate)}
	}
	if cfg.Swarm == "" {
		if cfg.Swarm, err = player.SwarmID(url); err != nil {
			return err
		}
	}
	pc.Node, err = player.Dialer(cfg)(cmd.Context(), cfg.Swarm)
	if err != nil {
		return err
	}
	defer pc.Node.Close()
	view := store.View(cfg.Swarm)
	before := make(map[segments.Key]bool)
	for _, k := range view.Keys() {
		before[k] = true
	}
	pc.URL, pc.Alone, pc.Vouched = url, cfg.Signal == "", vouchedBy(view, cfg.PublicKey)
	if o.cache != "" {
		pc.Keep = func(ctx context.Context, k segments.Key) error { return keep(ctx, view, k) }
	}
	pc.Held = func(k segments.Key) bool { return before[k] && view.Has(k) }
	fetcher := segments.NewOrigin(segments.OriginConfig{Client: cfg.Client})
	defer fetcher.Close()
	pc.Source = &player.Source{Origin: fetcher, Client: cfg.Client}
	bars := newBars(os.Stderr)
	pc.Bars = bars
	r, err := prefetch.Run(cmd.Context(), pc)
	bars.wait(err != nil)
	if r.Manifest == "" {
		return err
	}
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, "%d segments, %s in %.1f s (%d were there already, %s from the origin, %s from peers)\n",
		r.Segments, amount(r.Bytes), r.Seconds, r.Held, amount(r.Origin), amount(r.Peers))
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if r.Copy != "" {
		fmt.Fprintf(w, "a web server that serves %s plays %s\n", p.out, r.Copy)
	}
	if werr := writeReport(p.report, cmd.OutOrStdout(), r); werr != nil {
		return werr
	}
	if len(r.Failed) > 0 {
		return fmt.Errorf("%d segments could not be fetched, run again to retry; the last: %w", len(r.Failed), err)
	}
	return err
}

// keptWithin is how long the node may take to hand a whole segment to the store.
const keptWithin = time.Second

// keep returns when a segment that the node is about to store is on disk. One that
// the store will not have is not waited for for long.
func keep(ctx context.Context, view *segments.View, k segments.Key) error {
	ctx, cancel := context.WithTimeout(ctx, keptWithin)
	defer cancel()
	look := time.NewTicker(keptWithin / 500)
	defer look.Stop()
	for {
		if seg, ok := view.Get(k); ok {
			return view.Put(seg)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// vouchedBy finds digests with a signed statement in the store. With a key of
// one's own a statement must be by that.
func vouchedBy(view *segments.View, key ed25519.PublicKey) func(segments.Key) (segments.Digest, bool) {
	return func(k segments.Key) (segments.Digest, bool) {
		seg, ok := view.Get(k)
		if !ok || seg.Statement == nil {
			return segments.Digest{}, false
		}
		if key != nil && seg.Statement.Verify(key, view.Swarm(), k, seg.Leaves) != nil {
			return segments.Digest{}, false
		}
		return seg.Digest, true
	}
}
