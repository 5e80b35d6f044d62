package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

func watchCommand(logs *logOptions) *cobra.Command {
	var tracks, report, metrics, hashes string
	var duration time.Duration
	var behind int
	cmd := &cobra.Command{
		Use:   "watch URL",
		Short: "Play a stream without showing it, and report its quality",
		Long: `A headless viewer that keeps real time: it joins the swarm, asks for segments as
a player does, at most --behind segments behind the live edge, and counts what a
person would notice: start-up time, stalls, latency. It uploads like any viewer.`,
		Example: `  shoal watch --signal wss://signal.example/ws https://cdn.example/live.mpd
  shoal watch --duration 60s --report - https://cdn.example/master.m3u8
  shoal watch --duration 60s --hashes played.txt https://cdn.example/master.m3u8`,
		Args: func(c *cobra.Command, args []string) error {
			if err := exactly(1, "one manifest URL")(c, args); err != nil {
				return err
			}
			return checkURLs(args)
		},
	}
	o := peerFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&tracks, "tracks", "best", "tracks to play: best, lowest, all, ids, or conditions such as lang=de or height<=720 (see 'shoal prefetch --help')")
	f.DurationVar(&duration, "duration", 0, "stop after this long (default: until the end or interrupted)")
	f.IntVar(&behind, "behind", 3, "segments behind the live edge at most")
	f.StringVar(&report, "report", "", "write the figures as JSON to this file, - for standard output")
	f.StringVar(&hashes, "hashes", "", "write a line for each segment played to this file: SHA-256, size, key, URL, byte range")
	f.StringVar(&metrics, "metrics", "", "address for Prometheus metrics and profiles (default: off)")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
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
		var playing atomic.Pointer[player.Viewer]
		cfg.RTC.Playback = func() rtc.Playback { // for the operator's map, and for neighbours at a similar position
			v := playing.Load()
			if v == nil {
				return rtc.Playback{}
			}
			m := v.Measurement()
			return rtc.Playback{Position: m.Position, Buffer: m.Buffer, Stalls: m.Stalls}
		}
		session, err := player.Open(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer session.Close()
		registry := newRegistry()
		registry.MustRegister(newPeerCollector(func() []peerSample {
			return []peerSample{{session.Swarm(), session.Stats().Node}}
		}), newStoreCollector(store))
		stop, err := serveAdmin(metrics, registry, log)
		if err != nil {
			return err
		}
		defer stop()
		fetcher := segments.NewOrigin(segments.OriginConfig{})
		defer fetcher.Close()
		vc := player.ViewerConfig{Session: session, Source: &player.Source{Origin: fetcher}, Tracks: tracks, Behind: behind, Log: log}
		if hashes != "" {
			list, err := newHashList(hashes)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, list.close()) }()
			vc.OnSegment = list.add
		}
		v, err := player.NewViewer(cmd.Context(), vc)
		if err != nil {
			return err
		}
		defer v.Close()
		playing.Store(v)
		progress := cmd.ErrOrStderr()
		if err := follow(cmd.Context(), v, session, duration, progress); err != nil {
			return err
		}
		return writeReport(report, cmd.OutOrStdout(), v.Report())
	}
	return cmd
}

// follow prints a line every few seconds until the viewer ends.
func follow(ctx context.Context, v *player.Viewer, s *player.Session, duration time.Duration, w io.Writer) error {
	var end <-chan time.Time
	if duration > 0 {
		end = time.After(duration)
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end:
			return nil
		case <-v.Done():
			return v.Wait()
		case <-tick.C:
			m, n := v.Measurement(), s.Stats().Node
			r := player.Summarize([]player.Measurement{m}, 0)
			fmt.Fprintf(w, "%4.0fs  peers %d  origin %s  from peers %s  sent %s  buffer %.1fs  latency %.1fs  delivery %.0fms  stalls %d\n",
				m.Seconds, len(n.Peers), amount(n.OriginBytes), amount(n.PeerBytes), amount(n.Uploaded),
				m.Buffer.Seconds(), m.Latency.Seconds(), r.DeliveryMS.P50, m.Stalls)
		}
	}
}

// amount prints bytes for people.
func amount(n int64) string {
	switch {
	case n < 1e6:
		return fmt.Sprintf("%.0fkB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1fMB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2fGB", float64(n)/1e9)
}
