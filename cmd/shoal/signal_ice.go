package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/ice"
)

// iceOptions are how viewers reach each other: servers of others that are
// announced, and the one in this process.
type iceOptions struct {
	stun, turn, allow       []string
	turns                   string
	tls                     *tls.Config // for turns
	address, host, secret   string
	allowPrivate            bool
	memberBytes, swarmBytes byteSize
}

func (o *iceOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.stun, "stun", nil, "STUN: an address to serve it on (:3478), or a server to announce (stun:host:port); may be repeated")
	f.StringSliceVar(&o.turn, "turn", nil, "TURN and STUN: an address to serve them on by UDP and TCP (:3478), or a server to announce (user:password@turn:host:port); may be repeated")
	f.StringVar(&o.turns, "turns", "", "address to serve the first --turn on by TLS, too (:5349), for viewers whose networks let nothing else out; needs --tls-cert or --acme")
	f.StringVar(&o.address, "turn-address", "", "public address of relays (default: this machine's)")
	f.StringVar(&o.host, "turn-host", "", "host in the URLs of STUN and TURN handed to viewers (default: the one they reached signalling under)")
	f.StringVar(&o.secret, "turn-secret", "", "file with the secret that signs credentials; the servers of a cluster share one (default: random)")
	f.BoolVar(&o.allowPrivate, "turn-allow-private", false, "relay into private networks and to this machine, too")
	f.StringSliceVar(&o.allow, "turn-allow", nil, "network that may be relayed to although it is private, 10.1.0.0/16; may be repeated")
	f.Var(&o.memberBytes, "turn-member-bytes", "most bytes relayed for one viewer in an hour (default 1GiB)")
	f.Var(&o.swarmBytes, "turn-swarm-bytes", "most bytes relayed for one swarm in an hour (default 100GiB)")
}

// isAddress tells an address to listen on from a server to announce.
func isAddress(s string) bool {
	host, _, err := net.SplitHostPort(s)
	return err == nil && host != "stun" && host != "stuns" && !strings.Contains(s, "@") && !strings.HasPrefix(s, "-")
}

// announced are the servers of others.
func (o *iceOptions) announced() (servers []signal.ICEServer, err error) {
	for _, s := range o.stun {
		switch {
		case isAddress(s):
		case strings.HasPrefix(s, "stun:"), strings.HasPrefix(s, "stuns:"):
			servers = append(servers, signal.ICEServer{URLs: []string{s}})
		default:
			return nil, usagef("--stun %q: want an address to serve on, like :3478, or stun:host:port", s)
		}
	}
	for _, t := range o.turn {
		if isAddress(t) {
			continue
		}
		account, server, ok := strings.Cut(t, "@")
		user, password, both := strings.Cut(account, ":")
		if !ok || !both {
			return nil, usagef("--turn %q: want an address to serve on, like :3478, or user:password@turn:host:port", t)
		}
		servers = append(servers, signal.ICEServer{URLs: []string{server}, Username: user, Credential: password})
	}
	return servers, nil
}

// start runs the servers in this process and has cfg announce them; stop ends them.
func (o *iceOptions) start(cfg *signal.Config, registry prometheus.Registerer, log *slog.Logger) (stop func(), err error) {
	var running []*ice.Server
	stop = func() {
		for _, s := range running {
			s.Close()
		}
	}
	base, err := o.config(log)
	if err != nil {
		return nil, err
	}
	add := func(listen string, relay bool) error {
		c := base
		c.Listen, c.Relay = listen, relay
		if relay && len(running) == 0 {
			c.ListenTLS, c.TLS = o.turns, o.tls
		}
		if len(running) == 0 {
			c.Registerer = registry // metrics have one name: those of the first
		}
		s, err := ice.Start(c)
		if err != nil {
			return err
		}
		running = append(running, s)
		log.Info("serving ICE", "port", s.Port(), "turn", relay, "tls port", s.TLSPort(), "relay address", s.RelayAddress())
		return nil
	}
	switch {
	case o.turns != "" && o.tls == nil:
		return nil, usagef("--turns needs a certificate: --tls-cert and --tls-key, or --acme")
	case o.turns != "" && !slices.ContainsFunc(o.turn, isAddress):
		return nil, usagef("--turns needs an address in --turn")
	}
	served := make(map[string]bool)
	for _, at := range o.turn {
		if isAddress(at) && !served[at] {
			served[at] = true
			if err := add(at, true); err != nil {
				stop()
				return nil, err
			}
		}
	}
	for _, at := range o.stun {
		if isAddress(at) && !served[at] { // --turn on the same address does both
			served[at] = true
			if err := add(at, false); err != nil {
				stop()
				return nil, err
			}
		}
	}
	if len(running) > 0 {
		cfg.ICE = func(member signal.MemberID, swarm, host string) (all []signal.ICEServer) {
			for _, s := range running {
				all = append(all, s.Servers(member, swarm, host)...)
			}
			return all
		}
	}
	return stop, nil
}

func (o *iceOptions) config(log *slog.Logger) (ice.Config, error) {
	c := ice.Config{Host: o.host, AllowPrivate: o.allowPrivate, MemberBytes: int64(o.memberBytes), SwarmBytes: int64(o.swarmBytes), Log: log}
	if o.address != "" {
		a, err := netip.ParseAddr(o.address)
		if err != nil || !a.Unmap().Is4() {
			return c, usagef("--turn-address %q: want an IPv4 address", o.address)
		}
		c.RelayAddress = a
	}
	for _, n := range o.allow {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return c, usagef("--turn-allow %q: want a network like 10.1.0.0/16", n)
		}
		c.AllowPeers = append(c.AllowPeers, p.Masked())
	}
	if o.secret != "" {
		b, err := os.ReadFile(o.secret)
		if err != nil {
			return c, fmt.Errorf("--turn-secret: %w", err)
		}
		c.Secret = []byte(strings.TrimSpace(string(b)))
		if len(c.Secret) < 16 {
			return c, usagef("--turn-secret %s: %d characters, want 16 at least", o.secret, len(c.Secret))
		}
	}
	return c, nil
}
