package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/demo"
)

func demoCommand(logs *logOptions) *cobra.Command {
	var cfg demo.Config
	var duration time.Duration
	var noSeed bool
	var report string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a live stream shared by viewers on this machine",
		Long: `Runs the whole of Shoal on this machine, without any network: an origin that
loops a clip as a live stream, a signalling server, a seed, and a number of viewers
that are separate peers over WebRTC. A table shows who got what from whom. The page
it names plays the stream in a browser, which becomes one more viewer, and shows
where each segment came from; open it twice.

With --duration and --report it is a measurement. The first --warmup seconds are
left out of the figures, as the report says.`,
		Example: `  shoal demo
  shoal demo --viewers 12 --format hls --no-seed
  shoal demo --viewers 6 --duration 60s --report -`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Seed = !noSeed
			if cfg.Mode == "vod" && !cmd.Flags().Changed("warmup") {
				cfg.Warmup = 0 // players buffer half a minute at once: that is the traffic
			}
			if err := cfg.Check(); err != nil {
				return usageError{err}
			}
			return runDemo(cmd.Context(), cfg, duration, report, logs, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Viewers, "viewers", 6, "number of viewers")
	f.StringVar(&cfg.Format, "format", "dash", "dash or hls")
	f.StringVar(&cfg.Mode, "mode", "live", "live or vod")
	f.DurationVar(&duration, "duration", 0, "stop after this long (default: until interrupted)")
	f.DurationVar(&cfg.Warmup, "warmup", 15*time.Second, "time at the start left out of the report (default for vod: none)")
	f.BoolVar(&noSeed, "no-seed", false, "without a seed: viewers elect who asks the origin")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8088", "address of the web server")
	f.StringVar(&report, "report", "", "write the figures as JSON to this file, - for standard output")
	cmd.RegisterFlagCompletionFunc("format", words("dash", "hls"))
	cmd.RegisterFlagCompletionFunc("mode", words("live", "vod"))
	return cmd
}

func runDemo(ctx context.Context, cfg demo.Config, duration time.Duration, report string, logs *logOptions, out io.Writer) error {
	log, err := logs.logger(nil)
	if err != nil {
		return err
	}
	if report != "" && duration > 0 && duration <= cfg.Warmup {
		return usagef("--duration %s leaves nothing to report after --warmup %s", duration, cfg.Warmup)
	}
	cfg.Log = log
	lab, err := demo.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer lab.Close()
	screen := newScreen(report == "-")
	screen.say(fmt.Sprintf("watch with them: %s\nall viewers:     %s\nthe stream:      %s\n", lab.URL(), lab.StatusURL(), lab.Stream()))

	var end <-chan time.Time
	if duration > 0 {
		end = time.After(duration)
	}
	var warm <-chan time.Time
	if cfg.Warmup > 0 {
		warm = time.After(cfg.Warmup)
	}
	tick := time.NewTicker(screen.every())
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-end:
			running = false
		case <-lab.Done():
			running = false
		case <-warm:
			lab.Mark()
		case <-tick.C:
			screen.draw(lab)
		}
	}
	if err := lab.Err(); err != nil {
		return err
	}
	screen.draw(lab)
	return writeReport(report, out, lab.Report())
}

// writeReport writes v as JSON to a file, to out for "-", or nowhere for "".
func writeReport(path string, out io.Writer, v any) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if path == "-" {
		_, err = out.Write(data)
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// screen shows the demo's state: a table drawn in place on a terminal, a line now
// and then elsewhere. It uses standard error when standard output is for a report.
type screen struct {
	f        *os.File
	terminal bool
	lines    int
}

func newScreen(reportOnStdout bool) *screen {
	f := os.Stdout
	if reportOnStdout {
		f = os.Stderr
	}
	return &screen{f: f, terminal: term.IsTerminal(int(f.Fd()))}
}

func (s *screen) every() time.Duration {
	if s.terminal {
		return time.Second
	}
	return 5 * time.Second
}

func (s *screen) say(text string) { fmt.Fprintln(s.f, text) }

func (s *screen) draw(lab *demo.Lab) {
	if !s.terminal {
		fmt.Fprintln(s.f, lab.Line())
		return
	}
	text := lab.Table()
	if s.lines > 0 {
		fmt.Fprintf(s.f, "\x1b[%dA\x1b[J", s.lines) // up, then clear to the end
	}
	fmt.Fprint(s.f, text)
	s.lines = strings.Count(text, "\n")
}
