//go:build unix

package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// corpus is the folder of manifests that nobody of this project wrote, see
// package manifest's tests.
func corpus(t *testing.T) string {
	if raceDetector {
		t.Skip("each file is a process of one goroutine; the run without the race detector tests it")
	}
	dir := cmp.Or(os.Getenv("SHOAL_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	if _, err := os.Stat(filepath.Join(dir, "ORACLE.tsv")); err != nil {
		t.Skip("no corpus: set SHOAL_CORPUS to its folder to run this test")
	}
	return dir
}

func readTSV(t *testing.T, name string) []map[string]string {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	all, err := r.ReadAll()
	if err != nil || len(all) < 2 {
		t.Fatalf("%s: %d rows, %v", name, len(all), err)
	}
	var rows []map[string]string
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, v := range record {
			row[all[0][i]] = v
		}
		rows = append(rows, row)
	}
	return rows
}

// corpusProxy is an HTTP proxy behind which the corpus is http://cdn.test/; of a
// media file there are the ranges in files named <media>@first-last.
func corpusProxy(t *testing.T, dir string) (env []string) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "cdn.test" {
			http.Error(w, "not in the corpus", http.StatusBadGateway)
			return
		}
		name := filepath.Join(dir, "manifests", filepath.FromSlash(r.URL.Path))
		status := http.StatusOK
		var first, last int64
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n == 2 {
			name += fmt.Sprintf("@%d-%d", first, last)
			status = http.StatusPartialContent
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", first, last))
		}
		body, err := os.ReadFile(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
		w.Write(body)
	}))
	t.Cleanup(proxy.Close)
	return []string{"HTTP_PROXY=" + proxy.URL, "http_proxy=" + proxy.URL, "NO_PROXY=", "no_proxy="}
}

// judged is the oracle of either format; HLS ones call some things otherwise.
type judged struct {
	URL         string            `json:"manifest_url"`
	Type        string            `json:"type"`
	Kind        string            `json:"kind"`
	Endlist     bool              `json:"endlist"`
	Now         string            `json:"now"`
	Imports     map[string]string `json:"imports"`
	Tracks      []judgedTrack     `json:"tracks"`
	Variants    []map[string]any  `json:"variants"`
	Others      []map[string]any  `json:"renditions"`
	Iframes     []map[string]any  `json:"iframes"`
	judgedTrack                   // of an HLS media playlist
}

type judgedTrack struct {
	ID       string          `json:"representation"`
	Init     *judgedSegment  `json:"init"`
	Count    int             `json:"count"`
	SHA256   string          `json:"sha256"`
	Segments []judgedSegment `json:"segments"`
	First    []judgedSegment `json:"first"`
	Last     []judgedSegment `json:"last"`
	Back     *judgedTrack    `json:"back_edge_tolerated"`
	Outside  *judgedTrack    `json:"outside_period"`
	Open     bool            `json:"open_ended"`
}

type judgedSegment struct {
	URL   string         `json:"url"`
	Range any            `json:"range"`
	Start *float64       `json:"start"`
	Map   *judgedSegment `json:"map"`
}

func (s judgedSegment) line() string {
	if r, ok := s.Range.(string); ok && r != "" {
		return s.URL + " " + r
	}
	return s.URL
}

func (t *judgedTrack) known() []judgedSegment {
	if t == nil {
		return nil
	}
	return slices.Concat(t.Segments, t.First, t.Last)
}

// inspectedJSON is what inspect --json prints.
type inspectedJSON struct {
	Type   string `json:"type"`
	Tracks []struct {
		Playlist string          `json:"playlist"`
		Init     *judgedSegment  `json:"init"`
		Segments []listedSegment `json:"segments"`
	} `json:"tracks"`
	Notes []string `json:"notes"`
}

type listedSegment struct {
	judgedSegment
	Predicted bool `json:"predicted"`
}

func TestInspectCorpus(t *testing.T) {
	dir := corpus(t)
	env := corpusProxy(t, dir)
	count := 0
	for _, row := range readTSV(t, filepath.Join(dir, "ORACLE.tsv")) {
		if slices.Contains([]string{"parse only", "not judged", "reference only"}, row["trust"]) {
			continue
		}
		count++
		t.Run(row["file"], func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join(dir, "oracle", row["file"]+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want judged
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatal(err)
			}
			at := cmp.Or(want.Now, "2025-01-01T00:00:00Z")
			args := []string{"inspect", "--json", "--at", at, "--ahead", "0s", "--base", want.URL}
			// These two import what only their multivariant playlist defines, and are
			// judged as if it had been read: alone the RFC has them refused.
			for name, value := range want.Imports {
				args = append(args, "--define", name+"="+value)
			}
			o := shoal(t, env, append(args, filepath.Join(dir, "manifests", row["file"]))...)
			if o.code != 0 {
				t.Fatalf("exit code %d: %s", o.code, o.stderr.String())
			}
			checkMemory(t, o)
			var got inspectedJSON
			if err := json.Unmarshal(o.stdout.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			compareListing(t, got, want)
		})
	}
	if count < 100 {
		t.Errorf("%d judged files", count)
	}
}

// maxInspectMemory is what inspect may ever have resident, the runtime included.
const maxInspectMemory = 64 << 20

func checkMemory(t *testing.T, o *outcome) {
	t.Helper()
	if o.memory > maxInspectMemory {
		t.Errorf("%d MiB resident, at most %d", o.memory>>20, maxInspectMemory>>20)
	}
}

func compareListing(t *testing.T, got inspectedJSON, want judged) {
	t.Helper()
	switch {
	case want.Kind == "master":
		comparePlaylists(t, got, want)
		return
	case want.Kind == "media":
		want.Tracks = []judgedTrack{want.judgedTrack}
		if (got.Type == "static") != want.Endlist {
			t.Errorf("%s, ENDLIST %v", got.Type, want.Endlist)
		}
		if known := want.known(); len(known) > 0 && known[0].Map != nil {
			want.Tracks[0].Init = known[0].Map
		}
	case got.Type != want.Type:
		t.Errorf("%s, want %s", got.Type, want.Type)
	}
	if len(got.Tracks) != len(want.Tracks) {
		t.Fatalf("%d tracks, want %d; notes %q", len(got.Tracks), len(want.Tracks), got.Notes)
	}
	for i, w := range want.Tracks {
		g := got.Tracks[i]
		if (g.Init == nil) != (w.Init == nil) || g.Init != nil && g.Init.line() != w.Init.line() {
			t.Errorf("%s: init %v, want %v", w.ID, g.Init, w.Init)
		}
		compareSegments(t, g.Segments, w)
	}
}

func compareSegments(t *testing.T, segs []listedSegment, w judgedTrack) {
	t.Helper()
	required, tolerated := map[string]bool{}, map[string]bool{}
	for _, s := range w.known() {
		required[s.line()] = true
	}
	for _, s := range slices.Concat(w.Back.known(), w.Outside.known()) {
		tolerated[s.line()] = !required[s.line()]
	}
	segs = slices.DeleteFunc(segs, func(s listedSegment) bool { return s.Predicted || tolerated[s.line()] })
	if w.Open && len(segs) > w.Count {
		segs = segs[:w.Count]
	}
	if len(segs) != w.Count {
		t.Errorf("%s: %d segments, want %d", w.ID, len(segs), w.Count)
		return
	}
	var lines []string
	for _, s := range segs {
		lines = append(lines, s.line())
	}
	text := strings.Join(lines, "\n")
	if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != w.SHA256 && w.SHA256 != "" {
		if sum := sha256.Sum256([]byte(text + "\n")); hex.EncodeToString(sum[:]) != w.SHA256 {
			t.Errorf("%s: other segments than wanted, beginning with %s", w.ID, lines[0])
		}
	}
	for i, s := range w.known() {
		if at := len(w.Segments) + len(w.First); i >= at {
			i += len(segs) - at - len(w.Last)
		}
		if s.Start != nil && math.Abs(*s.Start-*segs[i].Start) > 0.02 {
			t.Errorf("%s starts at %v, want %v", s.line(), *segs[i].Start, *s.Start)
		}
	}
}

// comparePlaylists compares the media playlists of a multivariant one.
func comparePlaylists(t *testing.T, got inspectedJSON, want judged) {
	t.Helper()
	var g, w []string
	for _, track := range got.Tracks {
		g = append(g, track.Playlist)
	}
	for _, v := range slices.Concat(want.Variants, want.Others, want.Iframes) {
		if url, ok := v["url"].(string); ok {
			w = append(w, url)
		}
	}
	slices.Sort(w)
	slices.Sort(g)
	if w = slices.Compact(w); !slices.Equal(g, w) {
		t.Errorf("playlists %q, want %q", g, w)
	}
}

func TestInspectBadCorpus(t *testing.T) {
	dir := corpus(t)
	env := corpusProxy(t, dir)
	for _, row := range readTSV(t, filepath.Join(dir, "BAD.tsv")) {
		file := row["file"]
		t.Run(file, func(t *testing.T) {
			limit := time.Second
			if strings.Contains(row["detail"], "< 100 ms") && !strings.Contains(file, "deep-nesting") {
				limit = 100 * time.Millisecond
			}
			args := []string{"inspect", "--json", "--at", "2025-01-01T00:00:00Z", "--base", "http://cdn.test/" + file, filepath.Join(dir, "manifests", file)}
			o := shoal(t, env, args...)
			if o.took > limit {
				t.Errorf("took %v of processor time, want %v", o.took, limit)
			}
			checkMemory(t, o)
			switch {
			case row["expect"] == "reject" && o.code == 0:
				t.Error("accepted")
			case row["expect"] == "accept" && o.code != 0:
				t.Errorf("refused: %s", o.stderr.String())
			}
			switch o.code {
			case 0:
				if !json.Valid(o.stdout.Bytes()) {
					t.Error("what it printed is not JSON")
				}
			case 1:
				// Which manifest, and where in it.
				if e := o.stderr.String(); !strings.Contains(e, "http://cdn.test/"+file) || strings.Count(e, "\n") != 1 ||
					!strings.Contains(e, "line ") && !strings.Contains(e, "#EXTM3U") {
					t.Errorf("the error does not say where: %q", e)
				}
				if o.stdout.Len() > 0 {
					t.Errorf("printed %.80q all the same", o.stdout.String())
				}
			default:
				t.Errorf("exit code %d: %s", o.code, o.stderr.String())
			}
			if bytes.Contains(o.stderr.Bytes(), []byte("goroutine ")) {
				t.Errorf("panicked: %s", o.stderr.String())
			}
		})
	}
}
