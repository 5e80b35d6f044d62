package main

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/cluster"
	"github.com/shoal-p2p/shoal/signal/geoip"
)

// reportInterval is how often members report where anybody reads it.
const reportInterval = 10 * time.Second

// pairingOptions say who is introduced to whom.
type pairingOptions struct {
	pairing                 string
	geoip, groups, fences   []string
	groupMembers, entrances int
	paired                  bool
	reports                 time.Duration
}

func (o *pairingOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.pairing, "pairing", "first", "whom to introduce: first (first available) or nearest")
	f.StringSliceVar(&o.geoip, "geoip", nil, "database in MaxMind's format (.mmdb) of places, countries or networks; may be repeated")
	f.StringArrayVar(&o.groups, "group", nil, "a site whose members meet among themselves, NAME=PREFIX[+PREFIX…], for example vienna=203.0.113.0/24+10.1.0.0/16; may be repeated")
	f.IntVar(&o.groupMembers, "group-members", 0, "most members of one group in one mesh; a larger group is divided (0: no limit)")
	f.IntVar(&o.entrances, "group-entrances", 1, "members of a group that also meet others")
	f.StringSliceVar(&o.fences, "fence", nil, "keep members of different ones apart: country, asn (needs --geoip)")
	f.BoolVar(&o.paired, "paired-only", false, "relay only between members that were introduced to each other")
	f.DurationVar(&o.reports, "report-interval", 0, "how often members report their figures (default: 10s with --metrics or --pairing nearest, otherwise never; negative: never)")
	cmd.RegisterFlagCompletionFunc("pairing", words("first", "nearest"))
	cmd.RegisterFlagCompletionFunc("fence", words("country", "asn"))
}

// apply puts the options into cfg. Close what it returns after the server.
func (o *pairingOptions) apply(cfg *signal.Config, watched bool) (closer func() error, err error) {
	closer = func() error { return nil }
	switch o.pairing {
	case "first":
	case "nearest":
		cfg.Pairing = signal.Nearest(rand.Uint64())
	default:
		return closer, usagef("--pairing %q: want first or nearest", o.pairing)
	}
	cfg.PairedOnly = o.paired
	switch {
	case o.reports > 0:
		cfg.ReportInterval = o.reports
	case o.reports == 0 && (watched || o.pairing == "nearest"):
		cfg.ReportInterval = reportInterval
	}
	cfg.Rules.GroupMembers, cfg.Rules.Entrances = o.groupMembers, o.entrances
	for _, text := range o.groups {
		g, err := parseGroup(text)
		if err != nil {
			return closer, usagef("--group %q: %w", text, err)
		}
		cfg.Rules.Groups = append(cfg.Rules.Groups, g)
	}
	for _, fence := range o.fences {
		switch fence {
		case "country":
			cfg.Rules.FenceCountry = true
		case "asn":
			cfg.Rules.FenceASN = true
		default:
			return closer, usagef("--fence %q: want country or asn", fence)
		}
	}
	if len(o.fences) > 0 && len(o.geoip) == 0 {
		return closer, usagef("--fence needs --geoip: without it nobody's country or network is known")
	}
	if len(o.geoip) > 0 {
		db, err := geoip.Open(o.geoip...)
		if err != nil {
			return closer, err
		}
		cfg.Locate, closer = db.Locate, db.Close
	}
	return closer, nil
}

func parseGroup(text string) (signal.Group, error) {
	name, prefixes, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return signal.Group{}, errors.New("want NAME=PREFIX[+PREFIX…]")
	}
	g := signal.Group{Name: name}
	for text := range strings.SplitSeq(prefixes, "+") {
		p, err := parsePrefix(text)
		if err != nil {
			return signal.Group{}, err
		}
		g.Prefixes = append(g.Prefixes, p)
	}
	return g, nil
}

// parsePrefix reads a prefix, or an address as the prefix of it alone.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// clusterOptions join the server to others.
type clusterOptions struct{ cfg cluster.Config }

func (o *clusterOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.cfg.URL, "cluster", "", "NATS server that joins several signalling servers into one, nats://host:4222, several with commas between them (default: this server is alone)")
	f.StringVar(&o.cfg.Credentials, "cluster-creds", "", "NATS credentials file")
}
