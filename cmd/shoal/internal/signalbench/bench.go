package signalbench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// Bench is one run. Zero sizes leave a part out.
type Bench struct {
	// Server and BusServer are the command lines of a server that prints its URL
	// and ends with its input; Crowd one that calls RunCrowd with the five arguments
	// that follow. {bus} in BusServer stands for the URL of the bus that
	// BusHost prints.
	Server, Crowd, BusServer, BusHost []string
	// Rivals is the folder where npm's bittorrent-tracker is installed, "" for no
	// comparison.
	Rivals string
	// Members, Swarms and StormJoins are for the memory of idle members; the first
	// StormJoins of them come within 5 s.
	Members, Swarms, StormJoins int
	// Pairs send each other offers and answers for RelayFor, once as fast as it
	// goes and once at half of that.
	Pairs    int
	RelayFor time.Duration
	// ChurnRate members a second come and go for ChurnFor.
	ChurnRate int
	ChurnFor  time.Duration
	// Progress gets one line a stage and a count that is written over itself where
	// Live is set.
	Progress io.Writer
	Live     bool

	Report Report
}

// Report is the result.
type Report struct {
	Go    string `json:"go"`
	CPUs  int    `json:"cpus"`
	Storm *Storm `json:"storm,omitempty"`
	Idle  *Idle  `json:"idle,omitempty"`
	Relay *Relay `json:"relay,omitempty"`
	// Rival did the same work in the same run; RivalAnswers only answers, which is
	// the cheapest it does.
	Rival        *Relay  `json:"rival,omitempty"`
	RivalAnswers *Relay  `json:"rival_answers,omitempty"`
	Ratio        float64 `json:"ratio,omitempty"` // messages per CPU-second, ours to the rival's
	RatioAnswers float64 `json:"ratio_answers,omitempty"`
	Cross        *Relay  `json:"cross,omitempty"` // the two ends of each pair on two servers
	CrossShare   float64 `json:"cross_share,omitempty"`
	Churn        *Churn  `json:"churn,omitempty"`
	Goals        []Goal  `json:"goals"`
}

// Goal is one figure that the server must reach.
type Goal struct {
	Name string  `json:"name"`
	Got  float64 `json:"got"`
	Want float64 `json:"want"`
	Most bool    `json:"most"` // want is the most; otherwise the least
	Met  bool    `json:"met"`
}

// Run does everything that is asked for.
func (b *Bench) Run(ctx context.Context) error {
	b.Report.Go, b.Report.CPUs = runtime.Version(), runtime.NumCPU()
	if b.ChurnFor > 0 {
		want := uint64(b.ChurnRate*(churnCrowd+5) + spareFiles) // those in their handshake, too
		if limit, err := raiseFileLimit(want); err != nil || limit < want {
			return fmt.Errorf("%d joins a second need %d open files, the limit is %d: %w", b.ChurnRate, want, limit, err)
		}
	}
	if b.Pairs > 0 {
		if err := b.relays(ctx); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
	}
	if b.Members > 0 {
		if err := b.idle(ctx); err != nil {
			return fmt.Errorf("idle members: %w", err)
		}
	}
	if b.ChurnFor > 0 {
		b.stage("churn")
		if err := b.churn(ctx); err != nil {
			return fmt.Errorf("churn: %w", err)
		}
	}
	b.Report.judge()
	return nil
}

func (b *Bench) server(ctx context.Context) (*process, error) {
	return startProcess(ctx, startTimeout, "", b.Server...)
}

func (b *Bench) relays(ctx context.Context) error {
	b.stage("relayed messages")
	server, err := b.server(ctx)
	if err != nil {
		return err
	}
	r := &b.Report
	r.Relay, err = b.relay(ctx, func(n int) (pair, error) {
		return shoalPair(ctx, [2]string{server.line, server.line}, n)
	}, true, server)
	server.stop()
	if err != nil {
		return err
	}
	if b.Rivals != "" {
		for _, part := range []struct {
			into  **Relay
			ratio *float64
			only  bool
		}{{&r.Rival, &r.Ratio, false}, {&r.RivalAnswers, &r.RatioAnswers, true}} {
			b.stage("the same by npm's bittorrent-tracker")
			rival, err := b.rival(ctx)
			if err != nil {
				return err
			}
			*part.into, err = b.relay(ctx, func(n int) (pair, error) { return rivalPair(ctx, rival.line, n, part.only) }, false, rival)
			rival.stop()
			if err != nil {
				return fmt.Errorf("rival: %w", err)
			}
			*part.ratio = (*part.into).CPUPerMillion / r.Relay.CPUPerMillion
		}
	}
	if len(b.BusServer) == 0 {
		return nil
	}
	return b.cross(ctx)
}

// cross has the two ends of every pair on two servers.
func (b *Bench) cross(ctx context.Context) error {
	b.stage("the same between two servers")
	bus, err := startProcess(ctx, startTimeout, "", b.BusHost...)
	if err != nil {
		return err
	}
	defer bus.stop()
	var servers [2]*process
	var urls [2]string
	for i := range servers {
		var args []string
		for _, a := range b.BusServer {
			args = append(args, strings.ReplaceAll(a, "{bus}", bus.line))
		}
		if servers[i], err = startProcess(ctx, startTimeout, "", args...); err != nil {
			return err
		}
		defer servers[i].stop()
		urls[i] = servers[i].line
	}
	sleepUntil(ctx, time.Now().Add(2*time.Second)) // they find each other
	r := &b.Report
	r.Cross, err = b.relay(ctx, func(n int) (pair, error) { return shoalPair(ctx, urls, n) }, false, servers[0], servers[1])
	if err != nil {
		return err
	}
	r.CrossShare = r.Cross.PerSecond / r.Relay.PerSecond
	return nil
}

// judge holds the report against the goals.
func (r *Report) judge() {
	goal := func(name string, got, want float64, most bool) {
		r.Goals = append(r.Goals, Goal{name, got, want, most, most && got <= want || !most && got >= want})
	}
	if r.Storm != nil {
		goal("errors in the join storm", float64(r.Storm.Errors), 0, true)
		goal("seconds of the join storm", r.Storm.Seconds, stormSeconds+1, true)
	}
	if r.Idle != nil {
		goal("KiB resident for an idle member", r.Idle.BytesPerMember/1024, 6, true)
		goal("idle members lost", float64(r.Idle.Lost), 0, true)
	}
	if r.Relay != nil {
		goal("ms that 99 % of messages take at half rate", r.Relay.P99, 50, true)
	}
	if r.Rival != nil {
		goal("times the rival's messages for a CPU-second", r.Ratio, 3, false)
	}
	if r.Cross != nil {
		goal("share of the rate between two servers", r.CrossShare, 0.5, false)
	}
	if c := r.Churn; c != nil {
		goal("errors in the churn", float64(c.Errors), 0, true)
		goal("memory, last quarter to second", c.MemoryLate/c.MemoryEarly, 1.1, true)
		goal("goroutines left behind", c.GoroutinesLeft, goroutinesSlack, true)
		goal("connections left behind", c.ConnectionsAfter, 0, true)
	}
}

// goroutinesSlack are the pollers, which start with the first member, and the HTTP
// connection that metrics are read by.
const goroutinesSlack = 12

// Missed are the goals not met.
func (r *Report) Missed() (missed []Goal) {
	for _, g := range r.Goals {
		if !g.Met {
			missed = append(missed, g)
		}
	}
	return missed
}

// Write writes the report as JSON to a file, or to standard output for "-".
func (r *Report) Write(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if file == "-" {
		_, err = os.Stdout.Write(b)
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

func (b *Bench) stage(what string) { b.say("%s", what) }

func (b *Bench) say(format string, args ...any) {
	if b.Live {
		fmt.Fprint(b.Progress, "\r\x1b[K")
	}
	fmt.Fprintf(b.Progress, format+"\n", args...)
}

// count shows how much of total is done, a few times a second at most.
func (b *Bench) count(total int) func(done int) {
	if !b.Live {
		return func(int) {}
	}
	tick := time.NewTicker(200 * time.Millisecond)
	return func(done int) {
		if done >= total {
			tick.Stop()
		}
		select {
		case <-tick.C:
			fmt.Fprintf(b.Progress, "\r  %d of %d\x1b[K", done, total)
		default:
		}
	}
}
