package hls

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// corpus returns the folder of manifests that nobody of this project wrote.
func corpus(t testing.TB) string {
	dir := cmp.Or(os.Getenv("SHOAL_CORPUS"), "../../../shared/corpus")
	if _, err := os.Stat(filepath.Join(dir, "ORACLE.tsv")); err != nil {
		t.Skipf("no manifest corpus at %s; set SHOAL_CORPUS", dir)
	}
	return dir
}

func table(t testing.TB, path string) []map[string]string {
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	head := strings.Split(lines[0], "\t")
	var list []map[string]string
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, v := range strings.Split(line, "\t") {
			row[head[i]] = v
		}
		list = append(list, row)
	}
	return list
}

// judgement is what the oracle says of one file.
type judgement struct {
	ManifestURL string            `json:"manifest_url"`
	Imports     map[string]string `json:"imports"`
	Kind        string            `json:"kind"`
	Endlist     bool              `json:"endlist"`
	Target      float64           `json:"target"`
	PartTarget  float64           `json:"part_target"`
	Count       int               `json:"count"`
	SHA256      string            `json:"sha256"`
	Segments    []judgedSegment   `json:"segments"`
	First       []judgedSegment   `json:"first"`
	Last        []judgedSegment   `json:"last"`
	Trailing    []judgedSegment   `json:"parts_trailing"`
	Hint        []struct{ Type, URL string }
	Variants    []judgedTrack `json:"variants"`
	Renditions  []judgedTrack `json:"renditions"`
	Iframes     []judgedTrack `json:"iframes"`
}

type judgedSegment struct {
	URL    string          `json:"url"`
	Range  string          `json:"range"`
	Dur    float64         `json:"dur"`
	Start  float64         `json:"start"`
	Seq    uint64          `json:"seq"`
	Gap    bool            `json:"gap"`
	Parts  []judgedSegment `json:"parts"`
	Map    *judgedSegment  `json:"map"`
	Method []struct {
		Method string `json:"method"`
	} `json:"keys"`
}

type judgedTrack struct {
	URL        *string `json:"url"`
	Bandwidth  int     `json:"bandwidth"`
	Codecs     *string `json:"codecs"`
	Resolution *string `json:"resolution"`
	Lang       *string `json:"lang"`
}

func TestCorpus(t *testing.T) {
	dir := corpus(t)
	judged := 0
	for _, row := range table(t, filepath.Join(dir, "ORACLE.tsv")) {
		file := row["file"]
		if !strings.HasPrefix(file, "hls/") {
			continue
		}
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, "manifests", file))
			if err != nil {
				t.Fatal(err)
			}
			var want judgement
			if err := readJSON(filepath.Join(dir, "oracle", file+".json"), &want); err != nil {
				t.Fatal(err)
			}
			p, err := readWithImports(want.ManifestURL, body, want.Imports)
			if !strings.Contains(row["trust"], "strong") && !strings.Contains(row["trust"], "good") {
				t.Logf("%s: %v", row["trust"], err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			judged++
			if want.Kind == "master" {
				compareTracks(t, p, want)
				return
			}
			compareSegments(t, p, want)
		})
	}
	if judged < 40 && !t.Failed() {
		t.Errorf("only %d files were judged", judged)
	}
}

func readJSON(path string, v any) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// readWithImports puts a multivariant playlist with the variables in front.
func readWithImports(url string, body []byte, imports map[string]string) (*timeline.Presentation, error) {
	r := NewReader(Options{})
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	if len(imports) > 0 {
		var multi strings.Builder
		multi.WriteString("#EXTM3U\n")
		for name, value := range imports {
			fmt.Fprintf(&multi, "#EXT-X-DEFINE:NAME=%q,VALUE=%q\n", name, value)
		}
		fmt.Fprintf(&multi, "#EXT-X-STREAM-INF:BANDWIDTH=1\n%s\n", url)
		if _, _, err := r.Observe("http://cdn.test/multi.m3u8", []byte(multi.String()), at); err != nil {
			return nil, err
		}
	}
	p, _, err := r.Observe(url, body, at)
	return p, err
}

func rangeText(r *timeline.Range) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

func compareSegments(t *testing.T, p *timeline.Presentation, want judgement) {
	track := p.Tracks[0]
	got := slices.Collect(track.Timeline.Segments(time.Time{}, 0, timeline.Forever))
	var lines strings.Builder
	for _, s := range got {
		lines.WriteString(s.URL)
		if s.Range != nil {
			lines.WriteString(" " + rangeText(s.Range))
		}
		lines.WriteByte('\n')
	}
	sum := sha256.Sum256([]byte(strings.TrimSuffix(lines.String(), "\n")))
	if len(got) != want.Count || hex.EncodeToString(sum[:]) != want.SHA256 {
		t.Errorf("%d segments, want %d; hash %x, want %s", len(got), want.Count, sum, want.SHA256)
	}
	if p.Live == want.Endlist {
		t.Errorf("live %v, ENDLIST %v", p.Live, want.Endlist)
	}
	compareList(t, got, slices.Concat(want.Segments, want.First), 0)
	compareList(t, got, want.Last, len(got)-len(want.Last))
	if all := slices.Concat(want.Segments, want.First); len(all) > 0 && all[0].Map != nil {
		if track.Init == nil || track.Init.URL != all[0].Map.URL || rangeText(track.Init.Range) != all[0].Map.Range {
			t.Errorf("init %+v, want %+v", track.Init, all[0].Map)
		}
	}
	encrypted := slices.ContainsFunc(slices.Concat(want.Segments, want.First, want.Last), func(s judgedSegment) bool { return len(s.Method) > 0 })
	if encrypted && !track.Encrypted {
		t.Error("the keys were not seen")
	}
	var parts []string
	for s := range track.Timeline.(*Timeline).Parts() {
		parts = append(parts, fmt.Sprint(s.URL, " ", rangeText(s.Range)))
	}
	var wantParts []string
	for _, s := range append(want.Segments, judgedSegment{Parts: want.Trailing}) {
		for _, part := range s.Parts {
			wantParts = append(wantParts, fmt.Sprint(part.URL, " ", part.Range))
		}
	}
	if diff := gocmp.Diff(wantParts, parts); diff != "" {
		t.Errorf("parts: %s", diff)
	}
}

func compareList(t *testing.T, got []timeline.Segment, want []judgedSegment, offset int) {
	for i, w := range want {
		if offset+i >= len(got) {
			return
		}
		s := got[offset+i]
		if s.URL != w.URL || rangeText(s.Range) != w.Range || s.Number != w.Seq || s.Gap != w.Gap ||
			math.Abs(s.Start.Seconds()-w.Start) > 0.02 || math.Abs(s.Duration.Seconds()-w.Dur) > 0.001 {
			t.Errorf("segment %d: %s %s number %d start %v duration %v gap %v, want %+v", i, s.URL, rangeText(s.Range), s.Number, s.Start, s.Duration, s.Gap, w)
		}
	}
}

func compareTracks(t *testing.T, p *timeline.Presentation, want judgement) {
	got := make(map[string]*timeline.Track)
	for _, track := range p.Tracks {
		got[track.URL] = track
	}
	listed := make(map[string]bool)
	for _, w := range slices.Concat(want.Variants, want.Renditions, want.Iframes) {
		if w.URL == nil {
			continue
		}
		track := got[*w.URL]
		if track == nil {
			t.Errorf("%s is missing", *w.URL)
			continue
		}
		if listed[*w.URL] {
			continue // the first one names the track
		}
		listed[*w.URL] = true
		if track.Bandwidth != w.Bandwidth || w.Codecs != nil && track.Codecs != *w.Codecs || w.Lang != nil && track.Language != *w.Lang ||
			w.Resolution != nil && fmt.Sprintf("%dx%d", track.Width, track.Height) != *w.Resolution {
			t.Errorf("%+v, want %+v", track, w)
		}
	}
	if len(listed) != len(p.Tracks) {
		t.Errorf("%d tracks, want %d", len(p.Tracks), len(listed))
	}
}

func TestCorpusBad(t *testing.T) {
	dir := corpus(t)
	for _, row := range table(t, filepath.Join(dir, "BAD.tsv")) {
		if !strings.HasPrefix(row["file"], "bad/hls") {
			continue
		}
		t.Run(row["file"], func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, "manifests", row["file"]))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			p, err := Read(t.Context(), "http://cdn.test/"+row["file"], body, start, Options{}, nil)
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
			switch row["expect"] {
			case "reject":
				if err == nil {
					t.Errorf("accepted: %+v", p)
				}
			case "accept":
				if err != nil {
					t.Error(err)
				}
			}
			if err != nil {
				t.Log(err)
				return
			}
			for _, track := range p.Tracks {
				for s := range track.Timeline.Segments(start, 0, timeline.Forever) {
					if s.Duration < 0 || s.Start < 0 || s.Range != nil && s.Range.Last < s.Range.First {
						t.Errorf("%+v", s)
					}
					if s.URL != "" && !strings.HasPrefix(s.URL, "http://") && !strings.HasPrefix(s.URL, "https://") {
						t.Errorf("%q may not be fetched", s.URL)
					}
				}
			}
		})
	}
}
