package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/player"
)

func proxyCommand(logs *logOptions) *cobra.Command {
	var listen, metrics, public string
	var allow []string
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Serve streams to any native player on this machine, through the swarm",
		Long: `Runs a local HTTP address that any native player can open. A stream at
https://cdn.example/live/master.m3u8 is found under
http://127.0.0.1:8787/https/cdn.example/live/master.m3u8: relative URLs in the
manifest just work, absolute ones are rewritten. Segments come from the cache,
from other viewers or from the origin, whichever is in time.

Origins on private addresses (this machine, the local network) are refused unless
--allow names them; with --allow, other hosts are refused too.`,
		Example: `  shoal proxy --signal wss://signal.example/ws
  vlc http://127.0.0.1:8787/https/cdn.example/live/master.m3u8
  shoal proxy --allow cdn.example --allow '*.cdn.example' --cache /var/cache/shoal`,
		Args: none,
	}
	o := peerFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8787", "address for players")
	f.StringSliceVar(&allow, "allow", nil, "origin host that may be asked, host, host:port or *.domain; may be repeated (default: any on a public address)")
	f.StringVar(&public, "public-url", "", "how players reach the gateway, when a proxy in front changes that")
	f.StringVar(&metrics, "metrics", "", "address for Prometheus metrics and profiles (default: off)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		logs.atLeastInfo(cmd)
		log, err := logs.logger(nil)
		if err != nil {
			return err
		}
		cfg, store, err := o.config(log)
		if err != nil {
			return err
		}
		defer store.Close()
		registry := newRegistry()
		served := newServedMetrics(registry)
		gateway, err := player.NewGateway(player.GatewayConfig{
			Allow: allow, PublicURL: public, Log: log, Served: served.count,
			Options: player.SessionConfig{Log: log},
			Dial: func(client *http.Client) player.Dial {
				c := cfg
				c.Client = client
				return player.Dialer(c)
			},
		})
		if err != nil {
			return usageError{err}
		}
		defer gateway.Close()
		registry.MustRegister(newPeerCollector(func() []peerSample {
			var all []peerSample
			for _, s := range gateway.Sessions() {
				all = append(all, peerSample{swarm: s.Node.Swarm, stats: s.Node})
			}
			return all
		}), newStoreCollector(store))
		stop, err := serveAdmin(metrics, registry, log)
		if err != nil {
			return err
		}
		defer stop()
		return serve(cmd.Context(), listen, gateway, nil, log, func(a net.Addr) {
			fmt.Fprintf(cmd.OutOrStdout(), "open a stream in your player as http://%s/https/HOST/PATH\n", reachable(a))
		}, func(context.Context) {})
	}
	return cmd
}

// servedMetrics counts what a gateway served.
type servedMetrics struct {
	responses *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
}

func newServedMetrics(r *prometheus.Registry) *servedMetrics {
	m := &servedMetrics{
		responses: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "shoal_gateway_responses_total",
			Help: "Responses to players."}, []string{"kind", "status"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "shoal_gateway_bytes_total",
			Help: "Body bytes sent to players."}, []string{"kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "shoal_gateway_response_seconds",
			Help: "Time from request to last byte.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"kind"}),
	}
	r.MustRegister(m.responses, m.bytes, m.seconds)
	return m
}

func (m *servedMetrics) count(s player.Served) {
	kind := string(s.Kind)
	m.responses.WithLabelValues(kind, fmt.Sprintf("%dxx", s.Status/100)).Inc()
	m.bytes.WithLabelValues(kind).Add(float64(s.Bytes))
	m.seconds.WithLabelValues(kind).Observe(s.Took.Seconds())
}
