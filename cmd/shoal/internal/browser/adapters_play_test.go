package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

// goSource is how Go reads the manifests that the players play.
var goSource = &player.Source{Origin: segments.NewOrigin(segments.OriginConfig{})}

// asked is a request to the engine, as recorder.ts notes it.
type asked struct {
	Key   string  `json:"key"`
	URL   string  `json:"url"`
	Range *extent `json:"range"`
}

type extent struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// TestAdaptersPlay plays the demo's streams with the real players. Every segment
// must be asked of the engine by the key that Go computes for the same URL.
func TestAdaptersPlay(t *testing.T) {
	c := startChromium(t)
	for _, test := range []struct{ player, url string }{
		{"dash", "/live/manifest.mpd"},
		{"dash", "/live/timeline.mpd"},
		{"dash", "/vod/timeline.mpd"},
		{"hls", "/live/master.m3u8"},
		{"hls", "/vod/master.m3u8"},
		{"shaka", "/live/manifest.mpd"},
		{"shaka", "/live/timeline.mpd"},
		{"shaka", "/live/master.m3u8"},
	} {
		t.Run(test.player+test.url, func(t *testing.T) {
			t.Parallel()
			s := newAdapterStage(t)
			tb := c.newProfile(t).open(t, test.player, s.URL)
			eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", test.player, test.url))
			seconds := 2
			if test.player == "dash" && test.url == "/live/timeline.mpd" {
				seconds = 9 // past what the first manifest lists
			}
			tb.when(t, fmt.Sprintf("played() > %d", seconds))
			requests := eval[[]asked](t, tb, "recorded.requests")
			planned := eval[[]asked](t, tb, "Object.values(recorded.planned)")
			if direct := s.took(); len(direct) > 0 {
				t.Errorf("went past the engine: %v", direct)
			}
			if len(requests) < 4 {
				t.Errorf("only %d requests", len(requests))
			}
			// Read now, when what was played is listed, and in part what was planned.
			p, err := manifest.Load(t.Context(), goSource, s.URL+test.url, manifest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range requests {
				if want := keyOf(p, r); r.Key != want {
					t.Errorf("%s is asked for as %s, want %s", r.URL, r.Key, want)
				}
			}
			var urls int
			for _, r := range planned {
				if r.URL == "" {
					continue
				}
				urls++
				if want := keyOf(p, r); r.Key != want {
					t.Errorf("%s is planned as %s, want %s", r.URL, r.Key, want)
				}
			}
			if len(planned) < 4 || strings.HasSuffix(test.url, ".mpd") && urls < 4 {
				t.Errorf("%d planned, %d with a URL", len(planned), urls)
			}
			if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
				t.Errorf("errors: %v", errs)
			}
		})
	}
}

// keyOf is the key that Go gives a request.
func keyOf(p *timeline.Presentation, r asked) string {
	var rng *timeline.Range
	if r.Range != nil {
		rng = &timeline.Range{First: r.Range.First, Last: r.Range.Last}
	}
	for _, t := range p.Tracks {
		if t.Init != nil && t.Init.URL == r.URL {
			return string(t.Init.Key)
		}
		if s, ok := t.Timeline.Find(r.URL, rng); ok {
			return string(s.Key)
		}
	}
	return "nothing that the manifest names"
}
