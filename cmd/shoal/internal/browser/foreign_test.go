package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const livesimModule = "github.com/Dash-Industry-Forum/livesim2@v1.9.0"

// missing ends a test that lacks a tool: it fails where everything must be there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must have it: "+format, args...)
	}
	t.Skipf(format, args...)
}

// beside runs a command until the test ends, and returns its standard output.
func beside(t *testing.T, input io.Reader, name string, args ...string) io.Reader {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = input
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		rest, _ := io.ReadAll(said)
		err := cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %v\n%s%s", filepath.Base(name), err, rest, complaints.String())
		}
	})
	return said
}

// livesim runs DASH-IF's live simulator with the content that comes with it, and
// returns its address. Building in the module's own folder takes the checksums that
// it came with.
func livesim(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", livesimModule).Output()
	if err != nil {
		missing(t, "%s cannot be had: %v %s", livesimModule, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil || module.Dir == "" {
		t.Fatalf("go mod download: %v: %s", err, out)
	}
	bin := filepath.Join(t.TempDir(), "livesim2")
	if out, err := exec.Command("go", "build", "-C", module.Dir, "-o", bin, "./cmd/livesim2").CombinedOutput(); err != nil {
		missing(t, "%s cannot be built: %v\n%s", livesimModule, err, out)
	}
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		said := beside(t, nil, bin, "--port", fmt.Sprint(port), "--loglevel", "ERROR",
			"--vodroot", filepath.Join(module.Dir, "cmd", "livesim2", "app", "testdata", "assets"))
		ended := make(chan struct{})
		go func() {
			io.Copy(io.Discard, said)
			close(ended)
		}()
		base := fmt.Sprintf("http://127.0.0.1:%d", port)
		eventually(t, "livesim2 answers", func() bool {
			select {
			case <-ended:
				return true
			default:
			}
			resp, err := http.Get(base + "/livesim2/testpic_2s/Manifest.mpd")
			if err == nil {
				resp.Body.Close()
			}
			return err == nil && resp.StatusCode == http.StatusOK
		})
		select {
		case <-ended:
			// Somebody else took the port between us and it: maybe another test's livesim2,
			// which answers just as well, until its test ends.
		case <-time.After(500 * time.Millisecond):
			return base
		}
	}
}

// llhls runs a low-latency HLS origin that nobody here wrote, gohlslib's muxer
// (../e2e/testdata/llhls), fed by ffmpeg in real time: segments of 2 s in parts of
// 0.5 s. It returns its address.
func llhls(t *testing.T) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		missing(t, "no ffmpeg: %v", err)
	}
	bin := filepath.Join(t.TempDir(), "llhls")
	if out, err := exec.Command("go", "build", "-C", filepath.Join("..", "e2e", "testdata", "llhls"), "-o", bin, ".").CombinedOutput(); err != nil {
		missing(t, "llhls cannot be built: %v\n%s", err, out)
	}
	media := beside(t, nil, ffmpeg, "-nostdin", "-loglevel", "error", "-re",
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-b:v", "400k", "-g", "50", "-sc_threshold", "0",
		"-c:a", "aac", "-b:a", "64k", "-f", "mpegts", "-muxdelay", "0", "-")
	line, err := bufio.NewReader(beside(t, media, bin)).ReadString('\n')
	at := strings.Index(line, "http://")
	if err != nil || at < 0 {
		t.Fatalf("llhls says %q: %v", line, err)
	}
	u, err := url.Parse(strings.TrimSpace(line[at:]))
	if err != nil {
		t.Fatal(err)
	}
	base := u.Scheme + "://" + u.Host
	// A stream that has just begun lists gaps where players start.
	eventually(t, "the muxer lists four segments", func() bool {
		resp, err := http.Get(base + "/video1_stream.m3u8")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return strings.Count(string(text), "#EXTINF")-strings.Count(string(text), "#EXT-X-GAP") >= 4
	})
	return base
}

// from has the stage answer with another origin's streams.
func (s *adapterStage) from(t *testing.T, base string) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var proxy http.Handler = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host }, // it names itself as it was asked
		FlushInterval: -1,
	}
	s.handler.Store(&proxy)
}

// names collects the keys that Go gives to a stream's URLs while it goes on. Periods
// may have an init segment in common, which has a key in each.
type names map[string][]string

func (n names) add(t *testing.T, manifestURL string) {
	t.Helper()
	p, err := manifest.Load(t.Context(), goSource, manifestURL, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	note := func(segments iter.Seq[timeline.Segment]) {
		for s := range segments {
			if at := fmt.Sprint(s.URL, s.Range); !slices.Contains(n[at], string(s.Key)) {
				n[at] = append(n[at], string(s.Key))
			}
		}
	}
	for _, track := range p.Tracks {
		if track.Init != nil {
			note(slices.Values([]timeline.Segment{*track.Init}))
		}
		if track.Timeline == nil {
			continue
		}
		note(track.Timeline.Segments(time.Now(), 0, timeline.Forever))
		if parts, ok := track.Timeline.(interface {
			Parts() iter.Seq[timeline.Segment]
		}); ok {
			note(parts.Parts())
		}
	}
}

// hold holds what was asked of the engine against the names, and returns how many
// requests they cover.
func (n names) hold(t *testing.T, requests []asked) (held int) {
	t.Helper()
	for _, r := range requests {
		var rng *timeline.Range
		if r.Range != nil {
			rng = &timeline.Range{First: r.Range.First, Last: r.Range.Last}
		}
		want, ok := n[fmt.Sprint(r.URL, rng)]
		if !ok {
			continue
		}
		held++
		if !slices.Contains(want, r.Key) {
			t.Errorf("%s %v is asked for as %s, want %v", r.URL, rng, r.Key, want)
		}
	}
	return held
}

// watch plays a foreign stream for a while and holds every key against Go's. All
// but the newest requests must be covered.
func (s *adapterStage) watch(t *testing.T, tb *tab, which, path string, seconds int) []asked {
	t.Helper()
	n := names{}
	n.add(t, s.URL+path)
	eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", which, path))
	for until := 0.5; until <= float64(seconds); until += 0.5 {
		tb.when(t, fmt.Sprintf("played() > %g", until))
		n.add(t, s.URL+path)
	}
	requests := eval[[]asked](t, tb, "recorded.requests")
	n.add(t, s.URL+path)
	if held := n.hold(t, requests); held < len(requests)-2 || held < 4 {
		t.Errorf("Go names only %d of %d requests: %v", held, len(requests), requests)
	}
	if direct := s.took(); len(direct) > 0 {
		t.Errorf("went past the engine: %v", direct)
	}
	if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
		t.Errorf("errors: %v", errs)
	}
	return requests
}

// TestAdaptersForeignDASH plays what DASH-IF's live simulator makes: every segment by
// the key that Go computes for it.
func TestAdaptersForeignDASH(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	base := livesim(t)
	for _, test := range []struct{ player, options string }{
		{"dash", ""},
		{"dash", "segtimeline_1/"},
		{"dash", "segtimelinenr_1/"},
		{"dash", "periods_180/"},
		{"dash", "ato_1.5/chunkdur_0.5/ltgt_2500/"},
		{"shaka", ""},
		{"shaka", "segtimeline_1/"},
		{"shaka", "periods_180/"},
	} {
		t.Run(test.player+" "+test.options, func(t *testing.T) {
			t.Parallel()
			s := newAdapterStage(t)
			s.from(t, base)
			tb := c.newProfile(t).open(t, test.player, s.URL)
			s.watch(t, tb, test.player, "/livesim2/utc_direct/"+test.options+"testpic_2s/Manifest.mpd", 5)
		})
	}
}

// TestAdaptersLowLatencyHLS plays real parts with hls.js: each by the key that Go
// computes for it.
func TestAdaptersLowLatencyHLS(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	s := newAdapterStage(t)
	s.from(t, llhls(t))
	tb := c.newProfile(t).open(t, "hls.js", s.URL)
	requests := s.watch(t, tb, "hls", "/index.m3u8", 8)
	parts := 0
	for _, r := range requests {
		if strings.Contains(r.URL, "_part") && strings.Contains(r.Key, ".") {
			parts++
		}
	}
	latency := eval[float64](t, tb, "player.latency")
	t.Logf("%d of %d requests are of parts, %.1f s behind live", parts, len(requests), latency)
	if parts < 8 {
		t.Errorf("%d parts were asked for", parts)
	}
	if planned := eval[int](t, tb, "Object.keys(recorded.planned).filter(k => /\\/\\d+\\.\\d+$/.test(k)).length"); planned < 8 {
		t.Errorf("%d parts were planned", planned)
	}
}
