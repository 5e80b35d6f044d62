package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/prefetch"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

func prefetchCommand(logs *logOptions) *cobra.Command {
	var tracks, window, out, report string
	var jobs int
	cmd := &cobra.Command{
		Use:   "prefetch URL",
		Short: "Fill a cache or a folder with a stream's segments",
		Long: `Fetches a stream's segments ahead of its viewers: into a cache that 'shoal proxy'
and 'shoal seed' serve from, or into a folder of files. A run that was interrupted,
even killed, goes on where it stopped: what is whole is not fetched again.

VOD is fetched from the beginning; of a live stream, what is available now.`,
		Example: `  shoal prefetch --cache /var/cache/shoal https://cdn.example/film.mpd
  shoal prefetch --out film --tracks all --jobs 8 https://cdn.example/master.m3u8
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
	f.StringVar(&tracks, "tracks", "best", "tracks to fetch: best, lowest, all, or ids separated by commas")
	f.StringVar(&window, "window", "all", "how much media: a duration from the start (live: up to the edge), or all")
	f.StringVar(&out, "out", "", "folder for files, laid out as beside the manifest")
	f.IntVar(&jobs, "jobs", prefetch.DefaultJobs, "segments fetched at a time")
	f.StringVar(&report, "report", "", "write what was done as JSON to this file, - for standard output")
	cmd.MarkFlagDirname("out")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.cache == "" && out == "" {
			return usagef("say where to: --cache DIR or --out DIR")
		}
		var span time.Duration
		if window != "all" {
			d, err := time.ParseDuration(window)
			if err != nil || d <= 0 {
				return usagef("--window %q: want a duration like 60s, or all", window)
			}
			span = d
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
		cfg.URL = args[0]
		session, err := player.Open(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer session.Close()
		fetcher := segments.NewOrigin(segments.OriginConfig{})
		defer fetcher.Close()
		bars := newBars(os.Stderr)
		r, err := prefetch.Run(cmd.Context(), prefetch.Config{Session: session, Source: &player.Source{Origin: fetcher},
			Tracks: tracks, Window: span, Out: out, Jobs: jobs, Bars: bars, Log: log})
		bars.wait(err != nil)
		if r.Manifest == "" {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d segments, %s in %.1f s (%d were there already, %s from the origin, %s from peers)\n",
			r.Segments, amount(r.Bytes), r.Seconds, r.Held, amount(r.Origin), amount(r.Peers))
		if werr := writeReport(report, cmd.OutOrStdout(), r); werr != nil {
			return werr
		}
		if len(r.Failed) > 0 {
			return fmt.Errorf("%d segments could not be fetched, run again to retry; the last: %w", len(r.Failed), err)
		}
		return err
	}
	return cmd
}

// bars shows one bar a track on a terminal, a line every tenth elsewhere.
type bars struct {
	w        io.Writer
	progress *mpb.Progress // nil when not a terminal
	mu       sync.Mutex
}

func newBars(f *os.File) *bars {
	b := &bars{w: f}
	if term.IsTerminal(int(f.Fd())) {
		b.progress = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	}
	return b
}

func (b *bars) wait(failed bool) {
	if b.progress == nil {
		return
	}
	if failed {
		b.progress.Shutdown() // bars that will never fill
		return
	}
	b.progress.Wait()
}

func (b *bars) Track(id string, segments int) prefetch.Bar {
	if b.progress == nil {
		return &lineBar{bars: b, id: id, total: segments, begun: time.Now()}
	}
	t := &trackBar{begun: time.Now()}
	t.bar = b.progress.AddBar(int64(segments),
		mpb.PrependDecorators(decor.Name(id, decor.WCSyncSpaceR), decor.CountersNoUnit("%d/%d", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Any(t.rate, decor.WCSyncSpace), decor.Name("  left "),
			decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")))
	return t
}

type trackBar struct {
	bar   *mpb.Bar
	begun time.Time
	mu    sync.Mutex
	bytes int64
}

func (t *trackBar) Done(bytes int64, held bool) {
	t.mu.Lock()
	if !held {
		t.bytes += bytes
	}
	t.mu.Unlock()
	t.bar.Increment()
}

func (t *trackBar) rate(decor.Statistics) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return amount(int64(float64(t.bytes)/max(time.Since(t.begun).Seconds(), 0.001))) + "/s"
}

type lineBar struct {
	bars        *bars
	id          string
	total, done int
	bytes       int64
	begun       time.Time
}

func (l *lineBar) Done(bytes int64, _ bool) {
	l.bars.mu.Lock()
	defer l.bars.mu.Unlock()
	l.done++
	l.bytes += bytes
	if tenth := max(1, l.total/10); l.done%tenth == 0 || l.done == l.total {
		fmt.Fprintf(l.bars.w, "%s  %d/%d segments  %s  %.1fs\n", l.id, l.done, l.total, amount(l.bytes), time.Since(l.begun).Seconds())
	}
}
