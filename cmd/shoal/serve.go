package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// drainTime is how long a server that was told to stop waits for its clients.
const drainTime = 10 * time.Second

// serve runs an HTTP server until ctx ends, then drains it. ready is told the
// address once it listens; drain runs before the server stops taking requests.
func serve(ctx context.Context, listen string, h http.Handler, tlsConfig *tls.Config, log *slog.Logger,
	ready func(net.Addr), drain func(context.Context)) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w (choose another address with --listen)", listen, err)
	}
	if ready != nil {
		ready(l.Addr())
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, TLSConfig: tlsConfig, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			failed <- srv.ServeTLS(l, "", "")
			return
		}
		failed <- srv.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping", "drain", drainTime)
	stopCtx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if drain != nil {
		drain(stopCtx)
	}
	if err := srv.Shutdown(stopCtx); err != nil {
		srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newRegistry is a Prometheus registry with what every process reports.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// adminMux serves metrics, health and profiles: for the operator, not for the
// internet.
func adminMux(r *prometheus.Registry) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r}))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// serveAdmin runs the operator's server beside the main one when an address was
// given, and returns a function that ends it.
func serveAdmin(listen string, r *prometheus.Registry, log *slog.Logger) (stop func(), err error) {
	return serveOperator(listen, adminMux(r), log)
}

// serveOperator does so for more than metrics.
func serveOperator(listen string, h http.Handler, log *slog.Logger) (stop func(), err error) {
	if listen == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s for metrics: %w (choose another address with --metrics)", listen, err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	log.Info("metrics", "url", "http://"+l.Addr().String()+"/metrics")
	return func() { srv.Close(); <-done }, nil
}
