package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

func seedCommand(logs *logOptions) *cobra.Command {
	var tracks, key, metrics string
	cmd := &cobra.Command{
		Use:   "seed URL…",
		Short: "Fetch each segment the moment it exists, sign it and feed the swarm",
		Long: `Runs a headless peer that follows each manifest, fetches every segment of its
tracks as soon as the origin has it, and gives it to viewers. With --key it signs
what it fetched, so that viewers accept no other bytes once 'shoal signal
--signing-key' announces the public key.

A VOD stream is fetched in order, then served from memory or --cache.`,
		Example: `  shoal seed --signal wss://signal.example/ws https://cdn.example/live.mpd
  shoal seed --signal wss://signal.example/ws --key seed.key --cache /var/cache/shoal \
      https://cdn.example/live.mpd https://cdn.example/other/master.m3u8`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s wants at least one manifest URL (see '%s --help')", c.CommandPath(), c.CommandPath())
			}
			return checkURLs(args)
		},
	}
	o := peerFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&tracks, "tracks", "all", "tracks to seed: best, lowest, all, ids, or conditions such as lang=de or height<=720 (see 'shoal prefetch --help')")
	f.StringVar(&key, "key", "", "private key file that signs the segments (make one with 'shoal keygen')")
	f.StringVar(&metrics, "metrics", "", "address for Prometheus metrics and profiles (default: off)")
	cmd.MarkFlagFilename("key")
	cmd.RunE = func(cmd *cobra.Command, urls []string) error {
		logs.atLeastInfo(cmd)
		log, err := logs.logger(nil)
		if err != nil {
			return err
		}
		if o.signal == "" {
			return usagef("a seed needs --signal, the server where viewers find it")
		}
		if o.swarm != "" && len(urls) > 1 {
			return usagef("--swarm names one swarm, but %d URLs were given", len(urls))
		}
		cfg, store, err := o.config(log)
		if err != nil {
			return err
		}
		defer store.Close()
		cfg.Core.Seed = true
		if o.maxPeers == 0 {
			cfg.Core.MaxPeers = 50 // a seed is there to be connected to
		}
		if key != "" {
			private, err := segments.LoadKey(key)
			if err != nil {
				return err
			}
			cfg.Signer = segments.NewSigner(private)
			log.Info("signing", "public_key", segments.EncodePublicKey(cfg.Signer.Public()))
		}
		return runSeeds(cmd.Context(), urls, tracks, metrics, cfg, store, log)
	}
	return cmd
}

func checkURLs(urls []string) error {
	for _, u := range urls {
		if !isURL(u) {
			return usagef("%q is not an http or https URL of a manifest", u)
		}
	}
	return nil
}

// runSeeds seeds all streams until ctx ends. VOD streams that are fetched whole
// go on being served.
func runSeeds(ctx context.Context, urls []string, tracks, metrics string, cfg player.Config, store *segments.Store, log *slog.Logger) error {
	fetcher := segments.NewOrigin(segments.OriginConfig{})
	defer fetcher.Close()
	var sessions []*player.Session
	defer func() {
		for _, s := range sessions {
			s.Close()
		}
	}()
	for _, u := range urls {
		c := cfg
		c.URL = u
		s, err := player.Open(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", u, err)
		}
		sessions = append(sessions, s)
	}
	registry := newRegistry()
	registry.MustRegister(newPeerCollector(func() []peerSample {
		var all []peerSample
		for _, s := range sessions {
			all = append(all, peerSample{s.Swarm(), s.Stats().Node})
		}
		return all
	}), newStoreCollector(store))
	stop, err := serveAdmin(metrics, registry, log)
	if err != nil {
		return err
	}
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range sessions {
		group.Go(func() error {
			seed, err := player.NewSeed(ctx, player.SeedConfig{Session: s, Source: &player.Source{Origin: fetcher}, Tracks: tracks, Log: log})
			if err != nil {
				return err
			}
			log.Info("seeding", "stream", s.Manifest(), "swarm", s.Swarm())
			if err := seed.Wait(); err != nil {
				return fmt.Errorf("%s: %w", s.Manifest(), err)
			}
			st := seed.Stats()
			if ctx.Err() == nil {
				log.Info("held whole, serving until interrupted", "stream", s.Manifest(), "segments", st.Segments, "bytes", st.Bytes)
			}
			<-ctx.Done()
			return nil
		})
	}
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
