package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shoal-p2p/shoal/signal"
)

func TestICEFlags(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args      string
		announced int    // servers of others
		served    int    // entries of our own in a Welcome
		err       string // "" for none
	}{
		{"", 0, 0, ""},
		{"--stun stun:a.example:3478", 1, 0, ""},
		{"--stun stun:a.example:3478 --turn u:p@turn:b.example:3478", 2, 0, ""},
		{"--stun 127.0.0.1:0", 0, 1, ""},
		{"--turn 127.0.0.1:0", 0, 2, ""},
		{"--turn 127.0.0.1:0 --stun 127.0.0.1:0", 0, 2, ""}, // one server does both
		{"--turn 127.0.0.1:0 --stun stun:a.example:3478", 1, 2, ""},
		{"--turn 127.0.0.1:0 --turns 127.0.0.1:0", 0, 0, "--turns needs a certificate"},
		{"--stun --turn", 0, 0, "want an address to serve on"},
		{"--turn turn:b.example:3478", 0, 0, "want an address to serve on"},
		{"--turn 127.0.0.1:0 --turn-address fe80::1", 0, 0, "want an IPv4 address"},
		{"--turn 127.0.0.1:0 --turn-allow 10.1.0.0", 0, 0, "want a network"},
		{"--turn 127.0.0.1:0 --turn-secret " + short, 0, 0, "want 16 at least"},
		{"--turn 127.0.0.1:0 --turn-secret /nowhere", 0, 0, "--turn-secret"},
	} {
		cmd := signalCommand(new(logOptions))
		var o iceOptions
		cmd.ResetFlags()
		o.flags(cmd)
		if err := cmd.ParseFlags(strings.Fields(tc.args)); err != nil {
			t.Errorf("%s: %v", tc.args, err)
			continue
		}
		servers, err := o.announced()
		var cfg signal.Config
		if err == nil {
			var stop func()
			if stop, err = o.start(&cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil {
				defer stop()
			}
		}
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: %v, want %q", tc.args, err, tc.err)
			}
			continue
		}
		if err != nil || len(servers) != tc.announced {
			t.Errorf("%s: announces %+v, %v", tc.args, servers, err)
		}
		served := 0
		if cfg.ICE != nil {
			served = len(cfg.ICE(signal.MemberID{1}, "swarm", "tv.example"))
		}
		if served != tc.served {
			t.Errorf("%s: %d entries of our own, want %d", tc.args, served, tc.served)
		}
	}
}
