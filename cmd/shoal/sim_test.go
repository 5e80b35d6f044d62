package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// simulate runs 'shoal sim' in this process.
func simulate(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := root()
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(append([]string{"sim"}, args...))
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

var smallSim = []string{"--viewers", "6", "--duration", "8s", "--set", "tracks=1M"}

func TestSimReport(t *testing.T) {
	report := func(seed string) map[string]any {
		out, _, err := simulate(t, append(smallSim, "--uplink", "20M", "--churn", "100%", "--loss", "1%", "--seed", seed, "--report", "-")...)
		if err != nil {
			t.Fatal(err)
		}
		var r map[string]any
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		return r
	}
	one, again, other := report("1"), report("1"), report("2")
	for _, name := range []string{"viewers", "seconds", "mode", "format", "origin_bytes", "peer_bytes", "consumed_bytes", "offload", "ideal_offload",
		"origin_copies", "duplicate_bytes", "startup_ms", "delivery_ms", "stalls", "stall_ms", "pieces_rejected", "integrity",
		"bounds", "origin_bytes_by_cause", "hash"} {
		if _, ok := one[name]; !ok {
			t.Errorf("the report has no %s", name)
		}
	}
	if one["viewers"] != 6.0 || one["seconds"] != 8.0 {
		t.Errorf("%v viewers, %v s", one["viewers"], one["seconds"])
	}
	if one["hash"] != again["hash"] || one["hash"] == other["hash"] {
		t.Errorf("seed 1: %v and %v, seed 2: %v", one["hash"], again["hash"], other["hash"])
	}
}

func TestSimForPeople(t *testing.T) {
	dir := t.TempDir()
	picture, trace := filepath.Join(dir, "a.svg"), filepath.Join(dir, "trace")
	out, _, err := simulate(t, append(smallSim, "--plot", picture, "--trace", trace)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"offload", "bound", "origin copies", "stalls", "hash"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if drawn, err := os.ReadFile(picture); err != nil || !bytes.Contains(drawn, []byte("<svg")) {
		t.Errorf("no picture: %v", err)
	}
	if lines, err := os.ReadFile(trace); err != nil || !bytes.Contains(lines, []byte("swarm.Want{")) || !bytes.Contains(lines, []byte(" offer ")) {
		t.Errorf("the trace shows no inputs or no decisions: %v", err)
	}
}

func TestSimScenario(t *testing.T) {
	story := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(story, []byte("# One alone.\nviewers 1\nduration 6s\ntracks 1M\n---\noffload = 0\nstalls <= -1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, err := simulate(t, "--scenario", story, "--record")
	if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "1 of 2 goals missed") {
		t.Errorf("error %v, want a missed goal", err)
	}
	if !strings.Contains(errs, "goal met     offload = 0: 0") || !strings.Contains(errs, "goal MISSED  stalls <= -1: 0") {
		t.Errorf("goals:\n%s", errs)
	}
	text, _ := os.ReadFile(story)
	if !strings.Contains(string(text), "stalls <= -1\n---\nviewers 1\n") || !strings.HasPrefix(string(text), "# One alone.\n") {
		t.Errorf("recorded:\n%s", text)
	}
	// A flag wins over the file.
	out, _, _ := simulate(t, "--scenario", story, "--viewers", "2")
	if !strings.Contains(out, "2 at the end") {
		t.Errorf("--viewers 2 gave\n%s", out)
	}
}

func TestSimMistakes(t *testing.T) {
	story := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(story, []byte("viewers 2\ncolour red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		err  string
	}{
		{[]string{"--viewers", "0"}, "at least one viewer"},
		{[]string{"--uplink", "fast"}, "uplinks"},
		{[]string{"--loss", "60%"}, "loss"},
		{[]string{"--set", "latency"}, "NAME=VALUE"},
		{[]string{"--set", "colour=red"}, "no setting is called \"colour\""},
		{[]string{"--plot", "a.gif"}, ".svg or .png"},
		{[]string{"--record"}, "--scenario"},
		{[]string{"--scenario", story}, "line 2"},
		{[]string{"--scenario", story + "x"}, "no such file"},
		{[]string{"--set", "min_peers=20"}, "MinPeers"},
		{[]string{"extra"}, "no arguments"},
	} {
		if _, _, err := simulate(t, test.args...); err == nil || exitCode(err) != 2 || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: error %v, want one about %q with exit code 2", test.args, err, test.err)
		}
	}
}

func TestSimSettings(t *testing.T) {
	out, _, err := simulate(t, "--settings")
	if err != nil || !strings.Contains(out, "outage           a time in which it answers with errors") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestWrap(t *testing.T) {
	if got := wrap("aa bb cc dddddddddd", 8, " "); got != " aa bb\n cc\n dddddddddd" {
		t.Errorf("%q", got)
	}
}
