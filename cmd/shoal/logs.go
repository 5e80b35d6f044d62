package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// logOptions are the logging flags that every subcommand has.
type logOptions struct {
	level  slog.LevelVar
	format string
}

func logFlags(cmd *cobra.Command) *logOptions {
	o := &logOptions{}
	o.level.Set(slog.LevelWarn)
	cmd.PersistentFlags().TextVar(&o.level, "log-level", &o.level, "least severe message logged to standard error: debug, info, warn or error")
	cmd.PersistentFlags().StringVar(&o.format, "log-format", "text", "text or json")
	cmd.RegisterFlagCompletionFunc("log-level", words("debug", "info", "warn", "error"))
	cmd.RegisterFlagCompletionFunc("log-format", words("text", "json"))
	return o
}

// logger makes the logger; w is standard error unless a display owns it.
func (o *logOptions) logger(w io.Writer) (*slog.Logger, error) {
	if w == nil {
		w = os.Stderr
	}
	options := &slog.HandlerOptions{Level: &o.level}
	switch o.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %q: want text or json", o.format)}
}

// atLeastInfo makes servers tell what they do unless the operator chose a level.
func (o *logOptions) atLeastInfo(cmd *cobra.Command) {
	if !cmd.Flags().Changed("log-level") {
		o.level.Set(slog.LevelInfo)
	}
}

func words(list ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}
