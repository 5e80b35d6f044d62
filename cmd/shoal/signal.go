package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/admin"
	"github.com/shoal-p2p/shoal/signal/cluster"
	"github.com/shoal-p2p/shoal/signal/tracker"
)

// signalPath is where the websocket is served, trackerPath that of WebTorrent
// clients.
const (
	signalPath  = "/ws"
	trackerPath = "/announce"
)

type signalOptions struct {
	listen, metrics, signingKey string
	ice                         iceOptions
	tls                         tlsOptions
	pairing                     pairingOptions
	doors                       doorOptions
	cluster                     clusterOptions
}

func signalCommand(logs *logOptions) *cobra.Command {
	var o signalOptions
	cmd := &cobra.Command{
		Use:   "signal",
		Short: "Run the signalling server through which viewers find each other",
		Long: `Runs the signalling server: viewers of one stream meet here and exchange WebRTC
offers and answers; no media passes through it. The websocket is at ` + signalPath + `, the
browser client at /shoal.js. Players with p2p-media-loader or another WebTorrent
client can use it as their tracker, at ` + trackerPath + `.

If a seed signs the segments ('shoal keygen', 'shoal seed --key'), announce its
public key with --signing-key; viewers then refuse bytes that differ from it.`,
		Example: `  shoal signal --listen :8080
  shoal signal --listen :443 --tls-cert cert.pem --tls-key key.pem --stun stun:stun.example:3478
  shoal signal --turn :3478 --turn-address 203.0.113.7
  shoal signal --signing-key $(shoal keygen --show seed.key) --allow-origin https://tv.example`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logs.atLeastInfo(cmd)
			return runSignal(cmd.Context(), o, logs)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":8080", "address to serve on")
	f.StringVar(&o.metrics, "metrics", "", "address for the operator: metrics, profiles, swarms as JSON and events, for example 127.0.0.1:9090 (default: off)")
	f.StringVar(&o.signingKey, "signing-key", "", "public key that vouches for segments, announced to viewers")
	o.ice.flags(cmd)
	o.tls.flags(cmd)
	o.pairing.flags(cmd)
	o.doors.flags(cmd)
	o.cluster.flags(cmd)
	return cmd
}

// signalGCPercent bounds the garbage beside the members: the 400 that serve peers
// well would let a server with 50,000 members grow to five times what they need.
const signalGCPercent = 50

func runSignal(ctx context.Context, o signalOptions, logs *logOptions) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(signalGCPercent)
	}
	log, err := logs.logger(nil)
	if err != nil {
		return err
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	adminToken, err := o.doors.admin(o.metrics)
	if err != nil {
		return err
	}
	unlocate, err := o.pairing.apply(&cfg, o.metrics != "")
	if err != nil {
		return err
	}
	defer unlocate()
	closeAudit, err := o.doors.apply(&cfg)
	if err != nil {
		return err
	}
	defer closeAudit()
	registry := newRegistry()
	cfg.Registerer, cfg.Log = registry, log
	if err := cfg.Validate(); err != nil {
		return usageError{err}
	}
	tlsConfig, err := o.tls.config()
	if err != nil {
		return err
	}
	o.ice.tls = tlsConfig
	stopICE, err := o.ice.start(&cfg, registry, log)
	if err != nil {
		return err
	}
	defer stopICE()
	o.cluster.cfg.Log = log
	bus, err := cluster.Open(o.cluster.cfg)
	if err != nil {
		return err
	}
	defer bus.Close()
	cfg.Bus = bus
	server := signal.NewServer(cfg)
	defer server.Close()
	stop, err := serveOperator(o.metrics, operatorsView(adminMux(registry), server, adminToken), log)
	if err != nil {
		return err
	}
	defer stop()
	if _, built := web.Files(); !built {
		log.Warn("the browser client is not built into this binary; run 'go generate ./...' and build again to serve /shoal.js")
	}
	webtorrent := tracker.New(tracker.Config{Allowed: cfg.OriginAllowed, Address: cfg.ClientAddress, Log: log, Registerer: registry,
		Limits: tracker.Limits{ConnectionsPerAddress: cfg.Limits.ConnectionsPerAddress}})
	defer webtorrent.Close()
	return serve(ctx, o.listen, signalMux(server, webtorrent), tlsConfig, log, func(a net.Addr) {
		scheme := "ws"
		if tlsConfig != nil {
			scheme = "wss"
		}
		log.Info("signalling", "url", fmt.Sprintf("%s://%s%s", scheme, reachable(a), signalPath))
	}, func(ctx context.Context) {
		defer webtorrent.Shutdown(ctx)
		if err := server.Shutdown(ctx); err != nil {
			log.Warn("not every client left in time", "err", err)
		}
	})
}

// signalMux puts the websockets and the browser client under their paths.
func signalMux(server *signal.Server, webtorrent *tracker.Tracker) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(signalPath, server)
	mux.Handle(trackerPath, webtorrent)
	mux.HandleFunc("GET /stats", webtorrent.ServeStats)
	mux.HandleFunc("GET /stats.json", webtorrent.ServeStats)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { admin.Ready(w, server) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("/", web.Handler())
	return mux
}

func (o signalOptions) config() (signal.Config, error) {
	var cfg signal.Config
	if o.signingKey != "" {
		key, err := segments.ParsePublicKey(o.signingKey)
		if err != nil {
			return cfg, usagef("--signing-key: %w (print it with 'shoal keygen --show FILE')", err)
		}
		cfg.SigningKey = key
	}
	servers, err := o.ice.announced()
	if err != nil {
		return cfg, err
	}
	cfg.ICEServers = servers
	return cfg, nil
}

// reachable turns a listening address into one that can be opened on this machine.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
