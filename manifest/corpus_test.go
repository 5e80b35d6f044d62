package manifest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// The corpus is a collection of manifests that nobody of this project wrote,
// with the segment lists that independent parsers agree on. It is not part of
// the repository: SHOAL_CORPUS names its folder, ../shared/corpus beside the
// checkout is tried otherwise.
func corpus(t testing.TB) string {
	dir := cmp.Or(os.Getenv("SHOAL_CORPUS"), filepath.Join("..", "..", "shared", "corpus"))
	if _, err := os.Stat(filepath.Join(dir, "ORACLE.tsv")); err != nil {
		t.Skip("no corpus: set SHOAL_CORPUS to its folder to run this test")
	}
	return dir
}

const corpusHost = "http://cdn.test/"

// corpusSource serves the corpus as http://cdn.test/. A media file is there only
// as the ranges that a manifest needs, each a file named <media>@first-last.
type corpusSource string

func (c corpusSource) Fetch(_ context.Context, r Request) (Response, error) {
	path, ok := strings.CutPrefix(r.URL, corpusHost)
	if !ok {
		return Response{}, fmt.Errorf("no network in this test")
	}
	name := filepath.Join(string(c), "manifests", filepath.FromSlash(path))
	status := 200
	if r.Last >= 0 {
		name += fmt.Sprintf("@%d-%d", r.First, r.Last)
		status = 206
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return Response{Status: 404}, nil
	}
	return Response{Status: status, URL: r.URL, Body: body}, nil
}

func readTSV(t testing.TB, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, v := range rec {
			if i < len(head) {
				row[head[i]] = v
			}
		}
		rows = append(rows, row)
	}
}

type oracle struct {
	URL    string        `json:"manifest_url"`
	Type   string        `json:"type"`
	Now    *time.Time    `json:"now"`
	Trust  string        `json:"trust"`
	Tracks []oracleTrack `json:"tracks"`
}

type oracleTrack struct {
	Representation string          `json:"representation"`
	Init           *oracleSegment  `json:"init"`
	Count          int             `json:"count"`
	SHA256         string          `json:"sha256"`
	Segments       []oracleSegment `json:"segments"`
	First          []oracleSegment `json:"first"`
	Last           []oracleSegment `json:"last"`
	Back           *oracleMore     `json:"back_edge_tolerated"`
	Outside        *oracleMore     `json:"outside_period"`
	Open           bool            `json:"open_ended"`
	Unknown        bool            `json:"duration_unknown"`
}

type oracleMore struct {
	Segments []oracleSegment `json:"segments"`
	First    []oracleSegment `json:"first"`
	Last     []oracleSegment `json:"last"`
}

type oracleSegment struct {
	URL       string   `json:"url"`
	Range     *string  `json:"range"`
	Start     *float64 `json:"start"`
	Duration  *float64 `json:"dur"`
	Number    *uint64  `json:"number"`
	Available *float64 `json:"available_at"`
}

func (s oracleSegment) line() string {
	if s.Range != nil {
		return s.URL + " " + *s.Range
	}
	return s.URL
}

// listed is the inspect document as a reader of it sees it.
type listed struct {
	Type   string        `json:"type"`
	Tracks []listedTrack `json:"tracks"`
	Notes  []string      `json:"notes"`
}

type listedTrack struct {
	ID        string          `json:"id"`
	Kind      string          `json:"kind"`
	Init      *oracleSegment  `json:"init"`
	Segments  []listedSegment `json:"segments"`
	Truncated bool            `json:"truncated"`
}

type listedSegment struct {
	oracleSegment
	Key       string     `json:"key"`
	Length    *float64   `json:"duration"`
	At        *time.Time `json:"available_at"`
	Predicted bool       `json:"predicted"`
}

func listing(t testing.TB, src Source, url string, o Options) (listed, error) {
	t.Helper()
	p, err := Load(t.Context(), src, url, o)
	if err != nil {
		return listed{}, err
	}
	var b bytes.Buffer
	if _, err := List(p, o.At, 0).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	var l listed
	if err := json.Unmarshal(b.Bytes(), &l); err != nil {
		t.Fatalf("the listing is not JSON: %v", err)
	}
	return l, nil
}

// unjudged trusts of ORACLE.tsv: parsed, not compared.
var unjudged = []string{"parse only", "not judged", "reference only"}

func TestCorpus(t *testing.T) {
	dir := corpus(t)
	for _, row := range readTSV(t, filepath.Join(dir, "ORACLE.tsv")) {
		file := row["file"]
		if !strings.HasPrefix(file, "dash/") {
			continue // package hls runs the others
		}
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, "oracle", file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want oracle
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			o := Options{At: time.Unix(0, 0)}
			if want.Now != nil {
				o.At = *want.Now
			}
			got, err := listing(t, corpusSource(dir), want.URL, o)
			if slices.Contains(unjudged, row["trust"]) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
			findAgain(t, corpusSource(dir), want.URL, o)
		})
	}
}

// findAgain checks that every segment is found by its own URL and range.
func findAgain(t *testing.T, src Source, url string, o Options) {
	t.Helper()
	p, err := Load(t.Context(), src, url, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range p.Tracks {
		n := 0
		for s := range track.Timeline.Segments(o.At, 0, timeline.Forever) {
			if found, ok := track.Timeline.Find(s.URL, s.Range); !ok || found.Key != s.Key {
				t.Errorf("%s is found as %q", s.URL, found.Key)
			}
			if n++; n == 50 {
				break
			}
		}
	}
}

func compare(t *testing.T, got listed, want oracle) {
	t.Helper()
	if wantType := want.Type; wantType != "media" && wantType != "multivariant" && got.Type != wantType {
		t.Errorf("type %q, want %q", got.Type, wantType)
	}
	if len(got.Tracks) != len(want.Tracks) {
		t.Fatalf("%d tracks, want %d; notes %q", len(got.Tracks), len(want.Tracks), got.Notes)
	}
	for i, w := range want.Tracks {
		if msg := compareTrack(got.Tracks[i], w); msg != "" {
			t.Errorf("track %d (%s): %s; notes %q", i, w.Representation, msg, got.Notes)
		}
	}
}

func compareTrack(g listedTrack, w oracleTrack) string {
	if (g.Init == nil) != (w.Init == nil) || g.Init != nil && g.Init.line() != w.Init.line() {
		return fmt.Sprintf("init %v, want %v", g.Init, w.Init)
	}
	tolerated := map[string]bool{}
	for _, m := range []*oracleMore{w.Back, w.Outside} {
		if m != nil {
			for _, s := range slices.Concat(m.Segments, m.First, m.Last) {
				tolerated[s.line()] = true
			}
		}
	}
	required := map[string]bool{}
	known := slices.Concat(w.Segments, w.First, w.Last)
	for _, s := range known {
		required[s.line()] = true
	}
	segs := slices.DeleteFunc(slices.Clone(g.Segments), func(s listedSegment) bool {
		return tolerated[s.line()] && !required[s.line()]
	})
	if len(segs) > w.Count && w.Open {
		segs = segs[:w.Count]
	}
	if len(segs) != w.Count {
		return fmt.Sprintf("%d segments, want %d: %s … want %s", len(segs), w.Count, ends(segs), wantEnds(known))
	}
	sum := sha256.New()
	for i, s := range segs {
		if i > 0 {
			io.WriteString(sum, "\n")
		}
		io.WriteString(sum, s.line())
	}
	if h := hex.EncodeToString(sum.Sum(nil)); h != w.SHA256 && w.SHA256 != "" {
		sum.Write([]byte("\n"))
		if hex.EncodeToString(sum.Sum(nil)) != w.SHA256 {
			return fmt.Sprintf("lines differ: %s … want %s", ends(segs), wantEnds(known))
		}
	}
	n := len(known)
	for i, k := range known {
		s := segs[i]
		if w.Segments == nil && i >= len(w.First) {
			s = segs[w.Count-(n-i)]
		}
		if s.line() != k.line() {
			return fmt.Sprintf("segment %q, want %q", s.line(), k.line())
		}
		if k.Start != nil && math.Abs(*s.Start-*k.Start) > 0.02 {
			return fmt.Sprintf("%s starts at %v, want %v", s.line(), *s.Start, *k.Start)
		}
		if k.Duration != nil && math.Abs(*s.Length-*k.Duration) > 0.02 && i < n-1 {
			return fmt.Sprintf("%s lasts %v, want %v", s.line(), *s.Length, *k.Duration)
		}
		if k.Available != nil && (s.At == nil || math.Abs(float64(s.At.UnixNano())/1e9-*k.Available) > 0.02) {
			return fmt.Sprintf("%s available at %v, want %v", s.line(), s.At, time.UnixMilli(int64(*k.Available*1000)).UTC())
		}
	}
	return ""
}

func ends(s []listedSegment) string {
	if len(s) == 0 {
		return "none"
	}
	return s[0].line() + " .. " + s[len(s)-1].line()
}

func wantEnds(s []oracleSegment) string {
	if len(s) == 0 {
		return "none"
	}
	return s[0].line() + " .. " + s[len(s)-1].line()
}
