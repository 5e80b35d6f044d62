package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

var update = flag.Bool("update", false, "rewrite player/web/testdata/keys.json")

const (
	webData  = "../../../../player/web/testdata"
	keysHost = "http://cdn.test/"
)

// keysAt is when the live manifests of the keys file are read.
var keysAt = time.Date(2024, 5, 1, 12, 0, 3, 250e6, time.UTC)

// keysFile is what the browser's adapters are tested against: manifests, and the
// names that Go gives what they list and predict.
type keysFile struct {
	Swarms    [][2]string    `json:"swarms"`    // manifest URL, swarm
	Resources [][2]string    `json:"resources"` // URL, key
	Manifests []keysManifest `json:"manifests"`
}

type keysManifest struct {
	URL       string            `json:"url"`
	Documents map[string]string `json:"documents"` // by URL
	Tracks    []keysTrack       `json:"tracks"`
}

type keysTrack struct {
	Key       string        `json:"key"`
	Playlist  string        `json:"playlist,omitempty"` // HLS
	Bandwidth int           `json:"bandwidth,omitempty"`
	Init      *keysSegment  `json:"init,omitempty"`
	Segments  []keysSegment `json:"segments"`
	Predicted []keysSegment `json:"predicted,omitempty"`
}

type keysSegment struct {
	Key      segments.Key    `json:"key"`
	URL      string          `json:"url,omitempty"`
	Range    *timeline.Range `json:"range,omitempty"`
	Start    float64         `json:"start"` // seconds
	Duration float64         `json:"duration"`
}

// documents answers for keysHost from files and from the demo's origin, and
// remembers what it gave.
type documents struct {
	files  map[string]string // path → file
	origin *origin.Origin
	given  map[string]string
}

func (d *documents) Fetch(_ context.Context, r manifest.Request) (manifest.Response, error) {
	path, ok := strings.CutPrefix(r.URL, keysHost)
	if !ok {
		return manifest.Response{Status: 404}, nil
	}
	var body []byte
	path, _, _ = strings.Cut(path, "?")
	if file := d.files[path]; file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return manifest.Response{}, err
		}
		body = b
	} else {
		w := httptest.NewRecorder()
		d.origin.ServeHTTP(w, httptest.NewRequest("GET", r.URL, nil))
		if w.Code != 200 {
			return manifest.Response{Status: w.Code}, nil
		}
		body = w.Body.Bytes()
	}
	d.given[r.URL] = string(body)
	return manifest.Response{Status: 200, Body: body}, nil
}

func (d *documents) read(t *testing.T, path string) keysManifest {
	t.Helper()
	d.given = map[string]string{}
	p, err := manifest.Load(t.Context(), d, keysHost+path, manifest.Options{At: keysAt})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	m := keysManifest{URL: keysHost + path, Documents: d.given}
	name := func(s timeline.Segment) keysSegment {
		return keysSegment{Key: s.Key, URL: s.URL, Range: s.Range, Start: s.Start.Seconds(), Duration: s.Duration.Seconds()}
	}
	for _, track := range p.Tracks {
		k := keysTrack{Key: track.Key, Bandwidth: track.Bandwidth, Playlist: track.URL, Segments: []keysSegment{}}
		if track.Init != nil && track.Init.Shareable {
			init := name(*track.Init)
			k.Init = &init
		}
		if track.Timeline != nil {
			for s := range track.Timeline.Segments(keysAt, 0, timeline.Forever) {
				if s.Shareable && len(k.Segments) < 40 {
					k.Segments = append(k.Segments, name(s))
				}
			}
			for s := range track.Timeline.Predicted(keysAt, 6*time.Second) {
				k.Predicted = append(k.Predicted, name(s))
			}
			if parts, ok := track.Timeline.(interface {
				Parts() iter.Seq[timeline.Segment]
			}); ok {
				for s := range parts.Parts() {
					if s.Shareable {
						k.Segments = append(k.Segments, name(s))
					}
				}
			}
		}
		m.Tracks = append(m.Tracks, k)
	}
	return m
}

// TestKeys keeps the file that player/web's tests check their names against.
func TestKeys(t *testing.T) {
	t.Parallel()
	o, err := origin.New(origin.Config{Epoch: keysAt.Add(-time.Hour).Truncate(2 * time.Second), Now: func() time.Time { return keysAt }, VODSegments: 6, Window: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	d := &documents{files: map[string]string{}, origin: o}
	paths := []string{"live/manifest.mpd", "live/timeline.mpd", "live/master.m3u8", "live/video-1/index.m3u8", "vod/manifest.mpd", "vod/timeline.mpd", "vod/master.m3u8"}
	for _, pattern := range []string{webData + "/manifests/*", "../../../../manifest/testdata/*.mpd", "../../../../manifest/hls/testdata/features/*.m3u8"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			d.files[filepath.Base(name)] = name
			paths = append(paths, filepath.Base(name))
		}
	}
	var f keysFile
	for _, path := range paths {
		if path == "define.m3u8" {
			path += "?token=t%201"
		}
		f.Manifests = append(f.Manifests, d.read(t, path))
	}
	for _, u := range []string{
		"https://CDN.example:443/live/a.mpd?token=1#t=3", "http://cdn.example/", "http://cdn.example:8080/a%20b/%C3%A4.m3u8",
		"https://user:pass@cdn.example/x.mpd", "http://[2001:DB8::1]:81/x.mpd", "http://cdn.example:80/x", "https://cdn.example:80/x",
		"https://cdn.example/" + strings.Repeat("long/", 60) + "a.mpd",
	} {
		id, err := player.SwarmID(u)
		if err != nil {
			t.Fatal(err)
		}
		f.Swarms = append(f.Swarms, [2]string{u, id})
	}
	for _, s := range []string{
		"https://CDN.example/a.js", "https://cdn.example/a.js#x", "https://cdn.example/a.js?v=1&t=%20x", "https://u:p@cdn.example/a.js",
		"https://cdn.example/a.js?b=2&CMCD=bl%3D100&a=1%2A~", "https://cdn.example/a.js?CMCD=x", "http://cdn.example:8080/%C3%A4/b%20c.png",
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		f.Resources = append(f.Resources, [2]string{s, string(segments.ResourceKey(u))})
	}
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(webData, "keys.json")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(fmt.Errorf("%w; -update writes it", err))
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the names of segments changed; if they should, run with -update and npm test in player/web\n%s", diff)
	}
}
