package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/segments"
)

// goSource is how Go reads the manifests that the players play.
var goSource = &player.Source{Origin: segments.NewOrigin(segments.OriginConfig{})}

// adapterStage serves the demo's origin, the players, and a page on which they
// play through the adapters over an engine that asks the origin only
// (player/web/src/testing/recorder.ts).
type adapterStage struct {
	*httptest.Server
	origin *origin.Origin

	mu     sync.Mutex
	direct []string // media requests that did not come from the engine
}

// adapterPage plays: play("dash", "/live/manifest.mpd", true).
const adapterPage = `<!doctype html><meta charset="utf-8"><title>adapters</title>
<video id="video" muted autoplay playsinline width="320"></video>
<script src="/players/dash.js"></script><script src="/players/hls.js"></script><script src="/players/shaka.js"></script>
<script src="/test.js"></script>
<script>
const video = document.getElementById("video");
const errors = [];
let player, stalls = 0;
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
video.addEventListener("error", () => errors.push("media: " + video.error?.message));
video.addEventListener("waiting", () => { if (began && !video.seeking) stalls++; });
async function play(which, url, p2p, settings) {
	url = new URL(url, location).href;
	if (which == "dash") {
		player = dashjs.MediaPlayer().create();
		if (p2p) shoal.attachDash(player);
		player.updateSettings({ debug: { logLevel: 1 }, ...settings });
		player.on("error", e => errors.push("dash.js: " + (e.error?.message ?? JSON.stringify(e.error))));
		player.initialize(video, url, true);
	} else if (which == "hls") {
		const H = p2p ? shoal.attachHls(Hls) : Hls;
		player = new H(settings ?? {});
		player.on(Hls.Events.ERROR, (_, d) => { if (d.fatal) errors.push("hls.js: " + d.details); });
		player.loadSource(url);
		player.attachMedia(video);
	} else {
		shaka.polyfill.installAll();
		player = new shaka.Player();
		await player.attach(video);
		if (p2p) shoal.attachShaka(shaka, player);
		player.addEventListener("error", e => errors.push("Shaka: " + e.detail.code));
		await player.load(url);
	}
	video.play().catch(() => {});
}
let began;
video.addEventListener("playing", () => began ??= video.currentTime);
const played = () => video.seeking ? 0 : video.currentTime - began;
</script>`

func newAdapterStage(t testing.TB) *adapterStage {
	t.Helper()
	files, built := web.Files()
	if !built {
		skipUnbuilt(t)
	}
	node := exec.Command("node", "adapterbundle.mjs")
	node.Dir = "../../../../player/web"
	script, err := node.Output()
	if err != nil {
		t.Fatalf("node adapterbundle.mjs: %v", err)
	}
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &adapterStage{origin: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, adapterPage)
	})
	mux.HandleFunc("/test.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(script)
	})
	mux.Handle("/players/", http.FileServerFS(files))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if ext := path.Ext(r.URL.Path); (ext == ".m4s" || ext == ".mp4") && r.Header.Get("X-Engine") == "" {
			s.mu.Lock()
			s.direct = append(s.direct, r.URL.Path)
			s.mu.Unlock()
		}
		o.ServeHTTP(w, r)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func skipUnbuilt(t testing.TB) {
	t.Helper()
	const how = "the browser files are not built: go generate ./..."
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

func (s *adapterStage) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.direct
	s.direct = nil
	return d
}

// when waits for a condition on the page.
func (tb *tab) when(t testing.TB, condition string) {
	t.Helper()
	eval[bool](t, tb, fmt.Sprintf(`new Promise((done, failed) => {
		const before = performance.now();
		const look = () => {
			if (%s) done(true);
			else if (performance.now() - before > %d) failed(new Error("not so after %d s: " + JSON.stringify({ errors, t: video.currentTime, ready: video.readyState, requests: recorded.requests.length })));
			else setTimeout(look, 50);
		};
		look();
	})`, condition, (patience-5*time.Second).Milliseconds(), int(patience.Seconds())-5))
}

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
			p, err := manifest.Load(t.Context(), goSource, s.URL+test.url, manifest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			tb := c.newProfile(t).open(t, test.player, s.URL)
			eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", test.player, test.url))
			tb.when(t, "played() > 2")
			requests := eval[[]asked](t, tb, "recorded.requests")
			planned := eval[[]asked](t, tb, "Object.values(recorded.planned)")
			if direct := s.took(); len(direct) > 0 {
				t.Errorf("went past the engine: %v", direct)
			}
			if len(requests) < 4 {
				t.Errorf("only %d requests", len(requests))
			}
			// The playlists have moved on meanwhile.
			p, err = manifest.Load(t.Context(), goSource, s.URL+test.url, manifest.Options{})
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
