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
	"strings"
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

// usageError is a mistake in flags or arguments.
type usageError struct{ error }

// exitCode is 2 for mistakes in flags or arguments, 130 for work that was
// interrupted before it was done, as shells have it, and 1 for what went wrong.
// Servers and viewers, which run until they are told to stop, end with 0 then.
func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"): // cobra has no type for it
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
Where viewers find each other:         shoal signal
Feed a live stream into the swarm:     shoal seed URL
Any native player (VLC, mpv, ffplay):  shoal proxy
Thousands of viewers in virtual time:  shoal sim`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = ", did you mean " + near[0] + "?"
			}
			return usagef("unknown command %q%s (see 'shoal --help')", args[0], hint)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w (see '%s --help')", err, c.CommandPath())
	})
	logs := logFlags(cmd)
	cmd.AddCommand(demoCommand(logs), signalCommand(logs), benchSignalCommand(), seedCommand(logs), prefetchCommand(logs),
		proxyCommand(logs), watchCommand(logs), inspectCommand(logs), simCommand(), keygenCommand(), tokenCommand())
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

// none is cobra.NoArgs as a usage error.
func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q (see '%s --help')", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
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
