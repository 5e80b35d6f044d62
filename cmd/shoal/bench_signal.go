package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/signalbench"
	"github.com/shoal-p2p/shoal/signal/cluster"
)

func benchSignalCommand() *cobra.Command {
	b := signalbench.Bench{Swarms: 1000, StormJoins: 10_000}
	var report string
	var check, across bool
	cmd := &cobra.Command{
		Use:   "bench-signal",
		Short: "Load a signalling server and report what it needs",
		Long: `Starts signalling servers as processes of their own, loads them over loopback and
reports, in this order:

  relay   offers and answers of 2 KB between pairs of members: messages for a
          CPU-second of the server, beside npm's bittorrent-tracker doing the same
          work in the same run, and their latency at half of that rate; with
          --across also between two servers that share a NATS server
  storm   10,000 joins within 5 s
  idle    resident memory for a member that is joined and silent
  churn   with --churn 30m: members that come and go, and what they leave behind

The rival needs node, and 'npm ci --ignore-scripts' in player/web/rivals. Where a
process may not open a file for each member ('ulimit -n'), the members are spread
over several servers, and the memory of all of them is counted.

Exit code: 0; 1 when a goal was missed and --check is given, or a part failed.`,
		Example: `  shoal bench-signal --report -
  shoal bench-signal --members 0 --for 30s --across
  shoal bench-signal --members 0 --pairs 0 --churn 30m --check`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			b.StormJoins = min(b.StormJoins, b.Members)
			b.Server = []string{self, "bench-signal", "server"}
			b.Crowd = []string{self, "bench-signal", "crowd"}
			if across {
				b.BusServer = append(b.Server, "{bus}")
				b.BusHost = []string{self, "bench-signal", "nats"}
			}
			b.Progress, b.Live = os.Stderr, term.IsTerminal(int(os.Stderr.Fd()))
			if err := b.Run(cmd.Context()); err != nil {
				return err
			}
			if report != "" {
				if err := b.Report.Write(report); err != nil {
					return err
				}
			}
			for _, g := range b.Report.Goals {
				bound, verdict := "at least", "met"
				if g.Most {
					bound = "at most"
				}
				if !g.Met {
					verdict = "MISSED"
				}
				fmt.Fprintf(os.Stderr, "%-50s %10.3g   %s %g: %s\n", g.Name, g.Got, bound, g.Want, verdict)
			}
			if missed := b.Report.Missed(); check && len(missed) > 0 {
				return fmt.Errorf("%d of %d goals missed", len(missed), len(b.Report.Goals))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&b.Members, "members", 50_000, "idle members (0: leave them and the storm out)")
	f.IntVar(&b.Swarms, "swarms", b.Swarms, "swarms they are in")
	f.IntVar(&b.Pairs, "pairs", 50, "pairs that exchange offers and answers (0: leave them out)")
	f.DurationVar(&b.RelayFor, "for", 10*time.Second, "length of each measurement of relayed messages")
	f.StringVar(&b.Rivals, "rival", "player/web/rivals", "folder with npm's bittorrent-tracker ('': no comparison)")
	f.BoolVar(&across, "across", false, "also relay between two servers of a cluster")
	f.DurationVar(&b.ChurnFor, "churn", 0, "let members come and go for so long (0: not at all)")
	f.IntVar(&b.ChurnRate, "churn-rate", 500, "joins a second in --churn")
	f.StringVar(&report, "report", "", "write the figures as JSON to this file, - for standard output")
	f.BoolVar(&check, "check", false, "fail when a goal is missed")
	cmd.AddCommand(benchServerCommand(), benchCrowdCommand(), benchNATSCommand())
	return cmd
}

// benchServerCommand is the server under load. Like 'shoal signal' alone it has an
// embedded bus.
func benchServerCommand() *cobra.Command {
	return &cobra.Command{Use: "server [NATS-URL]", Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			debug.SetGCPercent(signalGCPercent)
			var cfg cluster.Config
			if len(args) > 0 {
				cfg.URL = args[0]
			}
			bus, err := cluster.Open(cfg)
			if err != nil {
				return err
			}
			defer bus.Close()
			return signalbench.Serve(cmd.Context(), bus)
		}}
}

// benchCrowdCommand is a process of idle members.
func benchCrowdCommand() *cobra.Command {
	return &cobra.Command{Use: "crowd URL FIRST MEMBERS SWARMS PER-SECOND", Hidden: true, Args: cobra.ExactArgs(5),
		RunE: func(cmd *cobra.Command, args []string) error {
			var n [4]int
			for i := range n {
				var err error
				if n[i], err = strconv.Atoi(args[i+1]); err != nil {
					return usageError{err}
				}
			}
			return signalbench.RunCrowd(cmd.Context(), args[0], n[0], n[1], n[2], n[3])
		}}
}

// benchNATSCommand is a NATS server that ends with its input.
func benchNATSCommand() *cobra.Command {
	return &cobra.Command{Use: "nats", Hidden: true, Args: none, RunE: func(cmd *cobra.Command, _ []string) error {
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
		if err != nil {
			return err
		}
		go s.Start()
		defer s.Shutdown()
		if !s.ReadyForConnections(10 * time.Second) {
			return errors.New("NATS did not start")
		}
		at := s.Addr().(*net.TCPAddr)
		fmt.Printf("nats://%s\n", at)
		ctx, cancel := context.WithCancel(cmd.Context())
		go func() { defer cancel(); os.Stdin.Read(make([]byte, 1)) }()
		<-ctx.Done()
		return nil
	}}
}
