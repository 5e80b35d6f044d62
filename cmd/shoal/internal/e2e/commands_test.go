package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

var commands = []string{"demo", "signal", "seed", "prefetch", "proxy", "watch", "inspect", "keygen"}

// once runs shoal to its end.
func once(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	bin, err := shoalCommand()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	out, _, code := once(t, "--help")
	if code != 0 {
		t.Errorf("shoal --help ends with %d", code)
	}
	for _, c := range commands {
		if !regexp.MustCompile(`(?m)^  ` + c + `\s+\S`).MatchString(out) {
			t.Errorf("shoal --help does not name %s", c)
		}
		help, _, code := once(t, c, "--help")
		if code != 0 {
			t.Errorf("shoal %s --help ends with %d", c, code)
		}
		for _, part := range []string{"Usage:", "Examples:", "shoal " + c, "Flags:"} {
			if !strings.Contains(help, part) {
				t.Errorf("shoal %s --help has no %q:\n%s", c, part, help)
			}
		}
	}
}

// TestMistakesAreExplained wants exit code 2 and one line that says what to do.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	cases := [][]string{
		{"nonsense"},
		{"demo", "--viewers", "0"},
		{"demo", "--format", "avi"},
		{"signal", "--pairing", "best"},
		{"signal", "--tls-cert", "cert.pem"},
		{"seed"},
		{"seed", "http://127.0.0.1:1/live.mpd"}, // no --signal
		{"seed", "--signal", "ws://127.0.0.1:1/ws", "live.mpd"},
		{"prefetch", "http://127.0.0.1:1/live.mpd"}, // neither --out nor --cache
		{"prefetch", "--out", t.TempDir(), "--window", "soon", "http://127.0.0.1:1/live.mpd"},
		{"proxy", "--cache-size", "many"},
		{"watch"},
		{"watch", "--trust", "nobody", "http://127.0.0.1:1/live.mpd"},
		{"inspect"},
		{"inspect", "--at", "noon", "live.mpd"},
		{"keygen", "--log-format", "xml", "surplus"},
	}
	for _, c := range commands {
		cases = append(cases, []string{c, "--no-such-flag"})
	}
	for _, args := range cases {
		out, said, code := once(t, args...)
		if code != 2 {
			t.Errorf("shoal %s ends with %d, want 2", strings.Join(args, " "), code)
		}
		if lines := strings.Count(said, "\n"); !strings.HasPrefix(said, "shoal: ") || lines > 3 || out != "" {
			t.Errorf("shoal %s explains itself with %q on standard error and %q on standard output", strings.Join(args, " "), said, out)
		}
	}
}

// TestStopsWhenTold sends SIGTERM to each command in the middle of its work.
// Servers and viewers were asked to run until then and end with 0; a prefetch
// that is not done says so with 130.
func TestStopsWhenTold(t *testing.T) {
	story(t)
	t.Parallel()
	o := newStage(t, origin.Config{})
	o.throttle() // of media: what is asked for is on its way when they are told
	stream := o.url("/live/manifest.mpd")
	server, signalURL := signalServer(t)
	seed := start(t, "seed", "--signal", signalURL, "--loopback", "--metrics", "127.0.0.1:0", stream)
	viewer := watch(t, signalURL, stream)
	gateway, base := o.proxy(t, "--signal", signalURL, "--loopback")
	fetch(t, o.through(base, "/live/manifest.mpd"))
	show := start(t, "demo", "--listen", "127.0.0.1:0", "--viewers", "3", "--warmup", "1s", "--report", filepath.Join(t.TempDir(), "r.json"))
	get := start(t, "prefetch", "--out", t.TempDir(), o.url("/vod/manifest.mpd"))
	show.says(t, `watch with them: (http\S+)`)
	eventually(t, "everything is at work", func() bool {
		return seed.metrics(t)["shoal_peer_links"] > 0 && viewer.metrics(t)["shoal_peer_segments_pending"] > 0
	})
	for _, p := range []struct {
		*process
		code int
	}{{get, 130}, {gateway, 0}, {viewer.process, 0}, {show, 0}, {seed, 0}, {server, 0}} {
		if code := p.stop(t); code != p.code {
			t.Errorf("%s ended with %d after SIGTERM, want %d", p.name, code, p.code)
		}
	}
	viewer.figures(t) // the report is there and whole
}
