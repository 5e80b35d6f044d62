package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Scenario is one story: a configuration and what must come of it. As text it
// has three parts, separated by lines of three dashes:
//
//	# the story, in comments
//	viewers 100
//	seeds 1
//	uplinks 20% 0, 30% 3M, 30% 8M, 20% 20M
//	crowd 30s 50 within 10s
//	kill 40s viewers 30% seeds 50% silent
//	---
//	stalls = 0
//	offload@50s-60s >= 0.95
//	---
//	offload 0.9712
//	…
//
// The first part sets fields of Config by the names in settings; the second
// holds goals; the third is what the last recorded run gave.
type Scenario struct {
	Config   Config
	Goals    []Goal
	Story    string // the text before the recorded results, for writing it back
	Recorded string
}

// Goal bounds one figure of a report.
type Goal struct {
	Figure string // as Report.Figure names it
	Op     string // =, <= or >=
	Value  float64
}

const separator = "---"

// MaxScenario is the longest scenario text in bytes.
const MaxScenario = 64 << 10

// ParseScenario reads a scenario. Errors name the line.
func ParseScenario(text string) (Scenario, error) {
	if len(text) > MaxScenario {
		return Scenario{}, fmt.Errorf("sim: scenario of %d bytes, the limit is %d", len(text), MaxScenario)
	}
	var s Scenario
	part := 0
	var story, recorded strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.TrimSpace(line) == separator && part < 2 {
			part++
			if part < 2 {
				story.WriteString(separator + "\n")
			}
			continue
		}
		if part == 2 {
			recorded.WriteString(line + "\n")
			continue
		}
		story.WriteString(line + "\n")
		body, _, _ := strings.Cut(line, "#")
		fields := strings.Fields(body)
		if len(fields) == 0 {
			continue
		}
		var err error
		if part == 0 {
			err = s.Config.set(fields[0], fields[1:])
		} else {
			err = s.goal(fields)
		}
		if err != nil {
			return Scenario{}, fmt.Errorf("sim: scenario line %d: %q: %w", i+1, strings.TrimSpace(body), err)
		}
	}
	s.Story, s.Recorded = story.String(), recorded.String()
	return s, s.Config.populate().validate()
}

// Override sets more of the configuration, by lines as in the first part of a
// scenario's text. What is listed (crowds, outages, kills, members, paths) is added
// to.
func (s *Scenario) Override(lines []string) error {
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if err := s.Config.set(fields[0], fields[1:]); err != nil {
			return fmt.Errorf("sim: %s: %w", line, err)
		}
	}
	return s.Config.populate().validate()
}

// Text is the scenario with the results of a run in place of those recorded.
func (s Scenario) Text(r Report) string {
	story := s.Story
	if !strings.Contains("\n"+story, "\n"+separator+"\n") {
		story += separator + "\n" // no goals
	}
	return story + separator + "\n" + r.Record()
}

func (s *Scenario) goal(fields []string) error {
	if len(fields) != 3 || fields[1] != "=" && fields[1] != "<=" && fields[1] != ">=" {
		return fmt.Errorf("want FIGURE =|<=|>= NUMBER")
	}
	v, err := strconv.ParseFloat(fields[2], 64)
	if err != nil {
		return err
	}
	s.Goals = append(s.Goals, Goal{fields[0], fields[1], v})
	return nil
}

// Check says how a report misses the goal, or nil.
func (g Goal) Check(r Report) error {
	v, err := r.Figure(g.Figure)
	if err != nil {
		return err
	}
	if g.Op == "=" && v == g.Value || g.Op == "<=" && v <= g.Value || g.Op == ">=" && v >= g.Value {
		return nil
	}
	return fmt.Errorf("sim: %s is %v, want %s %v", g.Figure, v, g.Op, g.Value)
}

// Figure returns one number of the report: a JSON field's name, with the part of
// a spread after a dot (delivery_ms.p95); offload@FROM-TO, over the seconds from
// FROM up to TO of the run; max_copies@FROM-TO, of segments that came to be in that
// time; offload_of_bound, offload as a share of bounds.offload; startup_ratio, how
// many times as long a start takes as over plain HTTP (the larger of p50 and p95).
func (r Report) Figure(name string) (float64, error) {
	if window, ok := strings.CutPrefix(name, "offload@"); ok {
		return r.offloadIn(window)
	}
	if window, ok := strings.CutPrefix(name, "max_copies@"); ok {
		return r.maxCopiesIn(window)
	}
	spreads := map[string]Spread{"startup_ms": r.StartupMS, "delivery_ms": r.DeliveryMS, "startup_plain_ms": r.StartupPlainMS,
		"added_ms": r.AddedMS, "delivery_bound_ms": r.Bounds.DeliveryMS}
	if field, part, ok := strings.Cut(name, "."); ok {
		if s, known := spreads[field]; known {
			switch part {
			case "p50":
				return s.P50, nil
			case "p95":
				return s.P95, nil
			case "max":
				return s.Max, nil
			}
		}
	}
	switch name {
	case "viewers":
		return float64(r.Viewers), nil
	case "offload":
		return r.Offload, nil
	case "ideal_offload":
		return r.IdealOffload, nil
	case "origin_copies":
		return r.OriginCopies, nil
	case "duplicate_share":
		return share(r.DuplicateBytes, r.ConsumedBytes), nil
	case "stalls":
		return float64(r.Stalls), nil
	case "stalls_p2p":
		return float64(r.StallsP2P), nil
	case "stalls_held":
		return float64(r.StallsHeld), nil
	case "offload_bound":
		return r.Bounds.Offload, nil
	case "offload_of_bound":
		return ratio(r.Offload, r.Bounds.Offload), nil
	case "startup_ratio":
		return max(ratio(r.StartupMS.P50, r.StartupPlainMS.P50), ratio(r.StartupMS.P95, r.StartupPlainMS.P95)), nil
	case "liar_segments":
		return float64(r.LiarSegments), nil
	case "upload_fairness":
		return r.UploadFairness, nil
	case "stall_ms":
		return float64(r.StallMS), nil
	case "pieces_rejected":
		return float64(r.PiecesRejected), nil
	case "failed":
		return float64(r.Failed), nil
	case "jumps":
		return float64(r.Jumps), nil
	case "max_hops":
		return float64(r.MaxHops), nil
	case "bans":
		return float64(r.Bans), nil
	case "false_bans":
		return float64(r.FalseBans), nil
	}
	return 0, fmt.Errorf("sim: no figure is called %q", name)
}

// window reads FROM-TO.
func (r Report) window(text string) (from, to time.Duration, err error) {
	a, b, ok := strings.Cut(text, "-")
	from, errA := time.ParseDuration(a)
	to, errB := time.ParseDuration(b)
	if !ok || errA != nil || errB != nil || from < 0 || from >= to || int(to/time.Second) > len(r.Series) {
		return 0, 0, fmt.Errorf("sim: @%s: want FROM-TO within the run", text)
	}
	return from, to, nil
}

func (r Report) maxCopiesIn(window string) (most float64, err error) {
	from, to, err := r.window(window)
	for _, s := range r.SegmentCopies {
		if s.At >= from.Seconds() && s.At < to.Seconds() {
			most = max(most, s.Copies)
		}
	}
	return most, err
}

func (r Report) offloadIn(window string) (float64, error) {
	from, to, err := r.window(window)
	if err != nil {
		return 0, err
	}
	var origin, consumed int64
	for _, s := range r.Series[from/time.Second : to/time.Second] {
		origin += s.OriginBytes
		consumed += s.ConsumedBytes
	}
	if consumed == 0 {
		return 0, nil
	}
	return 1 - float64(origin)/float64(consumed), nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Record is the third part of a scenario's text: the figures worth watching.
func (r Report) Record() string {
	var b strings.Builder
	line := func(name, format string, v any) { fmt.Fprintf(&b, "%s "+format+"\n", name, v) }
	line("viewers", "%d", r.Viewers)
	line("offload", "%.4f", r.Offload)
	line("offload_bound", "%.4f", r.Bounds.Offload)
	line("origin_copies", "%.2f", r.OriginCopies)
	line("duplicate_share", "%.4f", share(r.DuplicateBytes, r.ConsumedBytes))
	line("stalls", "%d", r.Stalls)
	line("stalls_p2p", "%d", r.StallsP2P)
	line("startup_ms.p95", "%.0f", r.StartupMS.P95)
	line("delivery_ms.p50", "%.0f", r.DeliveryMS.P50)
	line("delivery_ms.p95", "%.0f", r.DeliveryMS.P95)
	line("pieces_rejected", "%d", r.PiecesRejected)
	line("bans", "%d", r.Bans)
	line("liar_segments", "%d", r.LiarSegments)
	line("upload_fairness", "%.3f", r.UploadFairness)
	line("max_hops", "%d", r.MaxHops)
	line("hash", "%s", r.Hash)
	return b.String()
}
