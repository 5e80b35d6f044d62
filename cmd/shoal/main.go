// Command shoal shares the segments of DASH and HLS streams among their viewers.
//
// Each subcommand is one file that reads flags and joins rooms together; what
// they do is in the packages beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by release builds: -ldflags "-X main.version=v1.2.3".
var version = ""

func main() {
	// Peers allocate a packet at a time. A larger heap between collections is
	// worth half the transfer rate; an operator's own GOGC wins.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := root().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "shoal:", err)
		}
		os.Exit(exitCode(err))
	}
}

// usageError is a mistake in flags or arguments: exit code 2.
type usageError struct{ error }

func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shoal",
		Short: "Viewers of one stream pass its segments on to one another",
		Long: `Shoal lets everyone who watches the same DASH or HLS stream pass its segments
on to the others over WebRTC, so that the origin sends each segment about once.

See it work, without any network:      shoal demo
A site of your own:                    shoal signal   and two lines on the page
Feed a live stream into the swarm:     shoal seed URL
Any native player (VLC, mpv, ffplay):  shoal proxy`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w (see '%s --help')", err, c.CommandPath())
	})
	logs := logFlags(cmd)
	cmd.AddCommand(demoCommand(logs), signalCommand(logs), seedCommand(logs), prefetchCommand(logs),
		proxyCommand(logs), watchCommand(logs), inspectCommand(logs), keygenCommand())
	return cmd
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// exactly is cobra.ExactArgs with a message that says what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s wants %s, got %d arguments (see '%s --help')", c.CommandPath(), what, len(args), c.CommandPath())
		}
		return nil
	}
}
