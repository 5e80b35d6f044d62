package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/swarm/sim"
	"github.com/shoal-p2p/shoal/swarm/sim/chart"
)

// simFlags are what the sim command was given.
type simFlags struct {
	viewers, seeds      int
	duration            time.Duration
	uplink, churn, loss string
	seed                uint64
	set                 []string

	scenario, report, plot, trace string
	tracePeer                     string
	record, settings              bool
}

// simMemory is the heap from which on the collector works harder: ten thousand
// viewers fit below it.
const simMemory = 5 << 30

func simCommand() *cobra.Command {
	var o simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run a swarm of thousands in virtual time",
		Long: `Runs the brain that every peer runs, unchanged, for as many viewers as you like, in
virtual time: no network, no waiting, and the same seed gives the same result to
the last event (the report's hash). It says how much of the stream came from peers
(offload), how often a segment left the origin (origin copies), how long segments
took, and whether the swarm caused a stall that plain HTTP would not have had: that
is an error, and so is a piece that came from nowhere, a table without bound, or a
loop.

What is asked of each viewer's line:
  --uplink 8M                                everybody has 8 Mbit/s
  --uplink '20% 0, 30% 3M, 30% 8M, 20% 20M'  shares of the viewers (the default)
  --churn 5%                                 of the viewers leave each minute and are
                                             replaced; a third of them says nothing
  --loss 1%                                  of packets: a lost one delays its message

A story in a file says more: crowds, outages, liars, films, quality switches, and
goals that the run must meet. swarm/testdata holds many, swarm/testdata/figures the
ten that the project is measured by, at full size. Flags win over the file, and
--set NAME=VALUE, once for each, sets anything that a line of a file can set:
  --set 'outage=20s for 5s'  --set 'liars=corrupt 3% stall 3%'  --set latency=3s

NAME is one of these; 'shoal sim --settings' says what each means:
` + wrap(strings.Join(sim.Settings(), " "), 78, "  ") + `

Exit code: 0; 1 when an invariant was broken or a goal missed; 2 for a mistake in
flags or the story.`,
		Example: `  shoal sim --viewers 1000 --duration 60s
  shoal sim --viewers 1000 --uplink 4M --churn 20% --loss 1% --seed 7 --report -
  shoal sim --scenario swarm/testdata/figures/ten_thousand.txt --plot swarm.svg
  shoal sim --scenario swarm/testdata/liar.txt --trace - --trace-peer 3f`,
		Args: none,
	}
	f := cmd.Flags()
	f.IntVar(&o.viewers, "viewers", 200, "how many watch")
	f.IntVar(&o.seeds, "seeds", 1, "headless seeds that fetch every segment, 100 Mbit/s each; 0: viewers elect who asks the origin")
	f.DurationVar(&o.duration, "duration", 60*time.Second, "virtual time")
	f.StringVar(&o.uplink, "uplink", "20% 0, 30% 3M, 30% 8M, 20% 20M", "uplinks in bit/s: one rate, or SHARE RATE, …")
	f.StringVar(&o.churn, "churn", "5%", "share of viewers that leave each minute")
	f.StringVar(&o.loss, "loss", "0%", "share of packets lost")
	f.Uint64Var(&o.seed, "seed", 1, "of all randomness: the same seed gives the same run")
	f.StringArrayVar(&o.set, "set", nil, "NAME=VALUE of a scenario line; may be repeated")
	f.BoolVar(&o.settings, "settings", false, "say what each scenario setting means, and end")
	f.StringVar(&o.scenario, "scenario", "", "read the story and its goals from this file")
	f.BoolVar(&o.record, "record", false, "write the results into the scenario file")
	f.StringVar(&o.report, "report", "", "write the figures as JSON to this file, - for standard output")
	f.StringVar(&o.plot, "plot", "", "draw the run as a picture: FILE.svg or FILE.png")
	f.StringVar(&o.trace, "trace", "", "write a line for every input, decision and effect of the brains to this file, - for standard output")
	f.StringVar(&o.tracePeer, "trace-peer", "", "trace only peers whose id begins so (default: all)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }
	return cmd
}

// story is the scenario that the flags make, over what the file says.
func (o *simFlags) story(cmd *cobra.Command) (sim.Scenario, error) {
	if o.record && o.scenario == "" {
		return sim.Scenario{}, usagef("--record wants --scenario FILE")
	}
	if o.viewers < 1 || o.duration <= 0 {
		return sim.Scenario{}, usagef("--viewers %d, --duration %s: want at least one viewer and some time", o.viewers, o.duration)
	}
	var lines []string
	given := func(flag, name, value string) {
		if o.scenario == "" || cmd.Flags().Changed(flag) {
			lines = append(lines, name+" "+value)
		}
	}
	given("viewers", "viewers", fmt.Sprint(o.viewers))
	given("seeds", "seeds", fmt.Sprint(o.seeds))
	given("duration", "duration", o.duration.String())
	given("churn", "churn", o.churn)
	given("loss", "loss", o.loss)
	given("seed", "random_seed", fmt.Sprint(o.seed))
	uplinks := o.uplink
	if !strings.Contains(strings.TrimSpace(uplinks), " ") {
		uplinks = "100% " + uplinks
	}
	given("uplink", "uplinks", uplinks)
	for _, s := range o.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return sim.Scenario{}, usagef("--set %q: want NAME=VALUE", s)
		}
		lines = append(lines, name+" "+value)
	}
	text := ""
	if o.scenario != "" {
		data, err := os.ReadFile(o.scenario)
		if err != nil {
			return sim.Scenario{}, usageError{err}
		}
		text = string(data)
	}
	s, err := sim.ParseScenario(text)
	if err == nil {
		err = s.Override(lines)
	}
	if err != nil {
		return s, usageError{err}
	}
	return s, nil
}

func (o *simFlags) run(cmd *cobra.Command) (err error) {
	if o.settings {
		return printSettings(cmd.OutOrStdout())
	}
	s, err := o.story(cmd)
	if err != nil {
		return err
	}
	if o.plot != "" {
		if err := chart.Check(o.plot); err != nil {
			return usageError{err}
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(simMemory) // main lets the heap grow to five times what lives
	}
	if o.trace != "" {
		trace, done, err := openTrace(o.trace, cmd.OutOrStdout())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		s.Config.Trace = trace(o.tracePeer)
	}
	bar := newSimProgress(cmd.ErrOrStderr())
	s.Config.Progress = func(p sim.Progress) error {
		bar.show(p)
		return cmd.Context().Err()
	}
	r, broken := sim.Run(s.Config)
	bar.end()
	if r.Hash == "" {
		return usageError{broken}
	}
	if cmd.Context().Err() != nil {
		return fmt.Errorf("stopped after %s of virtual time: %w", bar.at.Round(time.Second), cmd.Context().Err())
	}
	if o.report != "-" && o.trace != "-" {
		printSim(cmd.OutOrStdout(), r)
	}
	if err := writeReport(o.report, cmd.OutOrStdout(), r); err != nil {
		return err
	}
	if o.plot != "" {
		if err := chart.Write(o.plot, r); err != nil {
			return err
		}
	}
	if o.record {
		if err := os.WriteFile(o.scenario, []byte(s.Text(r)), 0o644); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	return errors.Join(broken, checkGoals(cmd.ErrOrStderr(), s, r))
}

// checkGoals says of each goal whether it was met.
func checkGoals(w io.Writer, s sim.Scenario, r sim.Report) error {
	missed := 0
	for _, g := range s.Goals {
		err := g.Check(r)
		word := "met   "
		if err != nil {
			word, missed = "MISSED", missed+1
		}
		v, _ := r.Figure(g.Figure)
		fmt.Fprintf(w, "goal %s  %s %s %v: %s\n", word, g.Figure, g.Op, g.Value, figure(v))
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d goals missed", missed, len(s.Goals))
	}
	return nil
}

// figure prints a number with four digits that mean something.
func figure(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}
