package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// peerOptions are the flags of every command that is a peer.
type peerOptions struct {
	signal, swarm, cache, trust string
	token, tokenFile            string
	cacheSize, memory           byteSize
	upload                      byteSize // bit/s
	uploadMonthly               byteSize
	minPeers, maxPeers          int
	loopback, metered           bool
	relayOnly                   bool
	leaveSignal                 bool
}

func peerFlags(cmd *cobra.Command) *peerOptions {
	o := &peerOptions{cacheSize: segments.DefaultDiskBytes, memory: segments.DefaultMemoryBytes}
	f := cmd.Flags()
	f.StringVar(&o.signal, "signal", "", "signalling server, ws://host:port"+signalPath+", or several of one cluster with commas between them (default: none, everything comes from the origin)")
	f.StringVar(&o.token, "token", "", "join token, where the signalling server asks for one")
	f.StringVar(&o.tokenFile, "token-file", "", "file with the join token, read at each connect: put a new token there before the old one expires")
	f.StringVar(&o.swarm, "swarm", "", "name of the swarm (default: the manifest's canonical URL)")
	f.StringVar(&o.cache, "cache", "", "folder that keeps segments across restarts (default: memory only)")
	f.Var(&o.cacheSize, "cache-size", "most bytes kept in --cache, for example 10GiB")
	f.Var(&o.memory, "memory", "most bytes of segments kept in memory")
	f.Var(&o.upload, "upload-max", "upload cap in bit/s, for example 5M (default: none)")
	f.Var(&o.uploadMonthly, "upload-monthly", "most bytes uploaded in a calendar month (UTC), for example 100G; counted in --cache, or without it from each start (default: no bound)")
	f.StringVar(&o.trust, "trust", "", "public key whose signed segments alone are accepted (default: the key signalling announces, if any)")
	f.IntVar(&o.minPeers, "min-peers", 0, "peers below which more are looked for (default 4)")
	f.IntVar(&o.maxPeers, "max-peers", 0, "most peers at a time (default 10)")
	f.BoolVar(&o.leaveSignal, "disconnect-websocket-on-max", false, "leave the signalling server while --max-peers are connected; neighbours then carry signals (seeds stay)")
	f.BoolVar(&o.metered, "metered", false, "send as little as possible to others")
	f.BoolVar(&o.relayOnly, "relay-only", false, "connect through the TURN servers that signalling announces only, so that peers do not learn this machine's address")
	f.BoolVar(&o.loopback, "loopback", false, "also connect to peers on this machine")
	cmd.MarkFlagDirname("cache")
	return o
}

// config makes the peer's configuration and opens its store. Close the store.
func (o *peerOptions) config(log *slog.Logger) (player.Config, *segments.Store, error) {
	cfg := player.Config{Swarm: o.swarm, Signal: o.signal, Log: log,
		Core: swarm.Config{MinPeers: o.minPeers, MaxPeers: o.maxPeers, UploadMax: int64(o.upload), Metered: o.metered,
			DisconnectWebsocketOnMax: o.leaveSignal}}
	cfg.RTC.Token = o.token
	if o.tokenFile != "" {
		cfg.RTC.FreshToken = func() string {
			b, err := os.ReadFile(o.tokenFile)
			if err != nil {
				log.Warn("no token", "err", err)
			}
			return strings.TrimSpace(string(b))
		}
	}
	cfg.RTC.RelayOnly = o.relayOnly
	if o.loopback {
		cfg.RTC.Scope = rtc.WithLoopback
	}
	if o.trust != "" {
		key, err := segments.ParsePublicKey(o.trust)
		if err != nil {
			return cfg, nil, usagef("--trust: %w", err)
		}
		cfg.PublicKey, cfg.RequireSigned = ed25519.PublicKey(key), true
	}
	store, err := segments.OpenStore(segments.StoreConfig{MemoryBytes: int64(o.memory), Dir: o.cache, DiskBytes: int64(o.cacheSize)})
	if err != nil {
		return cfg, nil, err
	}
	cfg.Store = store
	if o.uploadMonthly > 0 {
		file := ""
		if o.cache != "" {
			file = filepath.Join(o.cache, "uploaded")
		}
		if cfg.Budget, err = node.NewBudget(int64(o.uploadMonthly), file); err != nil {
			return cfg, nil, errors.Join(err, store.Close())
		}
	}
	return cfg, store, nil
}

// byteSize is a flag for amounts: 500000, 500k, 64MiB, 10G.
type byteSize int64

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	n := int64(*b)
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if div := int64(1) << (30 - 10*i); n >= div && n%div == 0 {
			return strconv.FormatInt(n/div, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

func (b *byteSize) Set(s string) error {
	digits := strings.TrimRight(s, "kKMGTiB")
	unit := strings.TrimSuffix(s[len(digits):], "B")
	base := int64(1000)
	if strings.HasSuffix(unit, "i") {
		base, unit = 1024, strings.TrimSuffix(unit, "i")
	}
	power, ok := map[string]int{"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}[unit]
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || n < 0 || n > 1<<50 {
		return fmt.Errorf("want a number with an optional unit, like 500k, 64MiB or 10G")
	}
	for range power {
		n *= float64(base)
	}
	if n > 1<<60 {
		return fmt.Errorf("more than fits")
	}
	*b = byteSize(n)
	return nil
}
