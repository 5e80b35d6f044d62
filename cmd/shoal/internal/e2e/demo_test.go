package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/demo"
)

// The figures that the demo must reach, of a steady state that leaves out the
// first 15 s. Times are logged, not asserted.
const (
	seededOffload   = 0.97 // of the ideal
	unseededOffload = 0.90
	seededCopies    = 1.05
)

// TestDemoFigures runs the demo for each format, with and without its seed. Two
// run at a time. There must be a span that reaches the figures: where the machine
// stands still for a second, viewers rightly ask the origin in haste, and three such
// requests of the 36 in a span are too many. What may never be, stalls and lies,
// counts in every span.
func TestDemoFigures(t *testing.T) {
	story(t)
	t.Parallel()
	const (
		viewers = 6
		warmup  = 15 * time.Second
		length  = 24 * time.Second // measured
		spans   = 3
	)
	for _, seed := range []bool{true, false} {
		for _, format := range []string{"dash", "hls"} {
			name := format + " with a seed"
			if !seed {
				name = format + " without a seed"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), warmup+spans*length+patience)
				defer cancel()
				lab, err := demo.Start(ctx, demo.Config{Viewers: viewers, Format: format, Mode: "live", Seed: seed,
					Listen: "127.0.0.1:0", Warmup: warmup, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				defer lab.Close()
				span := func(d time.Duration) {
					select {
					case <-time.After(d): // a measurement takes its time
					case <-lab.Done():
						t.Fatalf("a viewer ended: %v", lab.Err())
					}
				}
				span(warmup)
				for left := spans; left > 0; left-- {
					lab.Mark()
					span(length)
					missed := misses(t, lab.Report(), seed, length)
					if missed == "" {
						return
					}
					t.Log(missed)
				}
				t.Errorf("no span of %d reached the figures", spans)
			})
		}
	}
}

// misses says which figure a span did not reach, and fails the test for what
// no span may have.
func misses(t *testing.T, r demo.Report, seed bool, length time.Duration) string {
	figures, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", figures)
	least := int64(r.Viewers) * int64(length/time.Second) * 50_000 // the best track has 75 kB/s
	if r.ConsumedBytes < least {
		t.Errorf("%d bytes consumed, want %d at least", r.ConsumedBytes, least)
	}
	if r.Stalls != 0 {
		t.Errorf("%d stalls of %d ms", r.Stalls, r.StallMS)
	}
	if r.PiecesRejected != 0 || r.Banned != 0 {
		t.Errorf("%d pieces rejected, %d peers banned among the honest", r.PiecesRejected, r.Banned)
	}
	goal := unseededOffload
	if seed {
		goal = seededOffload
		if r.OriginCopies > seededCopies {
			return fmt.Sprintf("a segment left the origin %.3f times, want %.2f at most", r.OriginCopies, seededCopies)
		}
	}
	if r.Offload < goal*r.IdealOffload {
		return fmt.Sprintf("offload %.4f, want %.2f of the ideal %.4f: by cause %v", r.Offload, goal, r.IdealOffload, r.ByCause)
	}
	return ""
}
