package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/sim"
)

// simProgress tells how far a run is: in place on a terminal, a line now and then
// elsewhere.
type simProgress struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	start    time.Time
	last     time.Time
	at       time.Duration
	shown    bool
	origin   int64
	consumed int64
}

func newSimProgress(w io.Writer) *simProgress {
	p := &simProgress{w: w, every: 5 * time.Second, start: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal, p.every = true, 100*time.Millisecond
	}
	p.last = p.start
	return p
}

func (p *simProgress) show(s sim.Progress) {
	p.at = s.At
	p.origin += s.Last.OriginBytes
	p.consumed += s.Last.ConsumedBytes
	now := time.Now()
	if now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	took := now.Sub(p.start)
	left := time.Duration(float64(took) / s.At.Seconds() * (s.Of - s.At).Seconds())
	offload := "-"
	if p.consumed > 0 {
		offload = fmt.Sprintf("%.1f %%", 100*(1-float64(p.origin)/float64(p.consumed)))
	}
	line := fmt.Sprintf("%3.0f s of %.0f s  %d viewers  %.1f M events  offload %s so far  %s left",
		s.At.Seconds(), s.Of.Seconds(), s.Last.Viewers, float64(s.Events)/1e6, offload, left.Round(time.Second))
	if s.Violations > 0 {
		line += fmt.Sprintf("  %d VIOLATIONS", s.Violations)
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

// end leaves the terminal's line empty.
func (p *simProgress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// printSim is the report for people.
func printSim(w io.Writer, r sim.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value, note string) { fmt.Fprintf(t, "%s\t%s\t%s\n", name, value, note) }
	spread := func(s sim.Spread) string {
		return fmt.Sprintf("%.0f / %.0f / %.0f ms", s.P50, s.P95, s.Max)
	}
	row("viewers", fmt.Sprintf("%d at the end, %.0f s, %s", r.Viewers, r.Seconds, r.Mode), "figures of the last "+fmt.Sprintf("%.0f s", r.WindowSeconds))
	row("offload", fmt.Sprintf("%.4f", r.Offload), fmt.Sprintf("bound %.4f with uplinks of %.2f × what is watched", r.Bounds.Offload, r.Bounds.UplinkShare))
	row("origin copies", fmt.Sprintf("%.2f", r.OriginCopies), "joiners' first two segments apart")
	if r.Mode == sim.Live {
		row("delivery p50 / p95 / max", spread(r.DeliveryMS), fmt.Sprintf("fluid bound %s", spread(r.Bounds.DeliveryMS)))
		row("added to plain HTTP", spread(r.AddedMS), "over one request to an idle origin")
	}
	row("startup", spread(r.StartupMS), fmt.Sprintf("plain HTTP %s", spread(r.StartupPlainMS)))
	row("stalls", fmt.Sprintf("%d, %d because of p2p", r.Stalls, r.StallsP2P), fmt.Sprintf("%d ms in all", r.StallMS))
	row("bytes", fmt.Sprintf("%s from the origin, %s from peers", amount(r.OriginBytes), amount(r.PeerBytes)),
		fmt.Sprintf("%s came twice, %s of control", amount(r.DuplicateBytes), amount(r.ControlBytes)))
	var causes []string
	for _, c := range swarm.Causes() {
		if n := r.OriginBytesByCause[c.String()]; n > 0 {
			causes = append(causes, fmt.Sprintf("%s %s", c, amount(n)))
		}
	}
	row("from the origin because", strings.Join(causes, ", "), "")
	row("upload fairness", fmt.Sprintf("%.3f", r.UploadFairness), "Jain's index of the shares of their uplinks that viewers used")
	row("hops", fmt.Sprintf("%d at most", r.MaxHops), "")
	if r.Bans+r.FalseBans > 0 || r.LiarSegments > 0 {
		row("bans", fmt.Sprintf("%d of liars, %d of honest peers", r.Bans, r.FalseBans), fmt.Sprintf("a liar wronged one victim on %d segments at most", r.LiarSegments))
	}
	row("hash", r.Hash, fmt.Sprintf("%.1f M events", float64(r.Events)/1e6))
	_ = t.Flush() // to the terminal: there is nobody else to tell
}

// printSettings says what each setting of a scenario means.
func printSettings(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range sim.Settings() {
		fmt.Fprintf(t, "%s\t%s\n", name, sim.Help(name))
	}
	return t.Flush()
}

// openTrace returns a maker of Config.Trace for peers whose id begins with a
// prefix, and what ends the file.
func openTrace(path string, out io.Writer) (func(prefix string) func(swarm.Time, swarm.PeerID, string), func() error, error) {
	to, end := out, func() error { return nil }
	if path != "-" {
		f, err := os.Create(path)
		if err != nil {
			return nil, nil, fmt.Errorf("trace: %w", err)
		}
		to, end = f, f.Close
	}
	b := bufio.NewWriterSize(to, 1<<16)
	maker := func(prefix string) func(swarm.Time, swarm.PeerID, string) {
		return func(at swarm.Time, id swarm.PeerID, what string) {
			if strings.HasPrefix(string(id), prefix) {
				fmt.Fprintf(b, "%11.6f %s %s\n", at.Seconds(), id, what)
			}
		}
	}
	return maker, func() error { return errors.Join(b.Flush(), end()) }, nil
}

// wrap breaks words into lines of a width, each after an indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line)
	return b.String()
}
