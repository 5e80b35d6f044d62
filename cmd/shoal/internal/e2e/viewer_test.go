package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/player"
)

// viewer is a process of shoal watch that writes down what it played.
type viewer struct {
	*process
	report, hashes string
}

// watch starts a viewer in a process of its own.
func watch(t *testing.T, signalURL, stream string, args ...string) viewer {
	t.Helper()
	dir := t.TempDir()
	v := viewer{report: filepath.Join(dir, "report.json"), hashes: filepath.Join(dir, "hashes.txt")}
	v.process = start(t, append([]string{"watch", "--signal", signalURL, "--loopback", "--log-level", "info",
		"--metrics", "127.0.0.1:0", "--report", v.report, "--hashes", v.hashes, stream}, args...)...)
	return v
}

// figures are the report it left behind.
func (v viewer) figures(t *testing.T) player.Report {
	t.Helper()
	data, err := os.ReadFile(v.report)
	if err != nil {
		t.Fatal(err)
	}
	var r player.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("%s: %v", v.report, err)
	}
	return r
}

// played is a line of watch --hashes.
type played struct {
	sum  string
	size int64
	key  string
	url  string
	span string
}

func (v viewer) played(t *testing.T) []played {
	t.Helper()
	f, err := os.Open(v.hashes)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []played
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Split(lines.Text(), "\t")
		if len(field) != 5 {
			t.Fatalf("line %q has %d fields, want 5", lines.Text(), len(field))
		}
		size, err := strconv.ParseInt(field[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, played{field[0], size, field[2], field[3], field[4]})
	}
	return all
}

// origins asks an origin directly and remembers its answers.
type origins map[string]string

// sum is the SHA-256 of the origin's own bytes.
func (o origins) sum(p played) (string, error) {
	name := p.url + " " + p.span
	if s, ok := o[name]; ok {
		return s, nil
	}
	req, err := http.NewRequest("GET", p.url, nil)
	if err != nil {
		return "", err
	}
	want := http.StatusOK
	if p.span != "-" {
		req.Header.Set("Range", "bytes="+p.span)
		want = http.StatusPartialContent
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != want {
		return "", fmt.Errorf("%s: status %d, want %d", p.url, resp.StatusCode, want)
	}
	o[name] = fmt.Sprintf("%x", h.Sum(nil))
	return o[name], nil
}

// compare checks every byte that a viewer played against the origin's own, and
// that it left nothing out.
func (o origins) compare(t *testing.T, all []played) {
	t.Helper()
	var keys []string
	for _, p := range all {
		keys = append(keys, p.key)
		want, err := o.sum(p)
		if err != nil {
			t.Errorf("%s: the origin's own answer: %v", p.key, err)
		} else if p.sum != want {
			t.Errorf("%s: played %s (%d bytes), the origin has %s", p.key, p.sum, p.size, want)
		}
	}
	unbroken(t, keys)
}

// unbroken asserts that the segments of each track follow one another: their
// numbers ("…/track/22") or times ("…/track/t4400") go up in equal steps, a frame
// more or less. Periods of one representation are one track.
func unbroken(t *testing.T, keys []string) {
	t.Helper()
	places := make(map[string][]int64)
	for _, k := range keys {
		part := strings.Split(k, "/")
		if n, err := strconv.ParseInt(strings.TrimPrefix(part[len(part)-1], "t"), 10, 64); err == nil && len(part) > 1 {
			track := part[len(part)-2]
			places[track] = append(places[track], n)
		}
	}
	if len(places) == 0 {
		t.Errorf("none of %d keys ends with a number: %.200q", len(keys), keys)
	}
	for track, at := range places {
		slices.Sort(at)
		at = slices.Compact(at)
		steps := make([]int64, 0, len(at))
		for i := 1; i < len(at); i++ {
			steps = append(steps, at[i]-at[i-1])
		}
		if len(steps) > 0 && slices.Max(steps) >= 2*slices.Min(steps) {
			t.Errorf("track %s has holes: %v", track, at)
		}
	}
}
