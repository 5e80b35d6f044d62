package signalbench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/shoal-p2p/shoal/signal"
)

// unlimited is for load that comes from one machine: what is measured is work done,
// not work refused.
var unlimited = signal.Limits{MessagesPerSecond: -1, BytesPerSecond: -1, JoinsPerSecond: -1, ConnectionsPerAddress: -1,
	Swarms: -1, Connections: -1}

// Serve runs the server under load until ctx or its standard input ends: the one
// of 'shoal signal', without the limits by member and address. It prints its URL.
func Serve(ctx context.Context, bus signal.Bus) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	server := signal.NewServer(signal.Config{Limits: unlimited, Registerer: registry, Bus: bus})
	defer server.Close()
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	defer srv.Close()
	fmt.Printf("ws://%s/\n", l.Addr())
	orphaned := make(chan struct{})
	go func() { defer close(orphaned); io.Copy(io.Discard, os.Stdin) }()
	select {
	case <-ctx.Done():
		return nil
	case <-orphaned:
		return nil
	case err := <-done:
		return err
	}
}
