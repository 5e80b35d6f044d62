package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/signal"
)

// adapterStage serves the demo's origin, the players, and a page on which they
// play through the adapters over an engine that asks the origin only
// (player/web/src/testing/recorder.ts).
type adapterStage struct {
	*httptest.Server
	origin  *origin.Origin
	handler atomic.Pointer[http.Handler] // in the origin's place, if set
	signal  atomic.Pointer[signal.Server]
	joins   atomic.Int64 // websockets that were asked for

	mu     sync.Mutex
	direct []string // media requests that did not come from the engine
}

// adapterPage plays: play("dash", "/live/manifest.mpd", true).
const adapterPage = `<!doctype html><meta charset="utf-8"><title>adapters</title>
<video id="video" muted autoplay playsinline width="320"></video>
<script src="/players/dash.js"></script><script src="/players/hls.js"></script><script src="/players/shaka.js"></script>

<script src="SCRIPT"></script>
<script>
const video = document.getElementById("video");
const errors = [];
const loaded = []; // [seconds since start, height] of each video segment
let start = performance.now();
const log = height => height && loaded.push([(performance.now() - start) / 1000, height]);
let player, stalls = 0;
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
video.addEventListener("error", () => errors.push("media: " + video.error?.message));
video.addEventListener("waiting", () => { if (began && !video.seeking) stalls++; });
async function play(which, url, p2p, options) {
	start = performance.now();
	url = new URL(url, location).href;
	if (which == "dash") {
		player = dashjs.MediaPlayer().create();
		if (p2p) shoal.attachDash(player, options);
		player.updateSettings({ debug: { logLevel: 1 } });
		player.on("fragmentLoadingCompleted", e => { if (e.request.mediaType == "video" && e.request.type == "MediaSegment") log(e.request.representation.height); });
		player.on("error", e => errors.push("dash.js: " + (e.error?.message ?? JSON.stringify(e.error))));
		player.initialize(video, url, true);
	} else if (which == "hls") {
		const H = p2p ? shoal.attachHls(Hls, options) : Hls;
		// It would load a whole film of ours at once: then there is nothing left to ask for.
		player = new H({ maxMaxBufferLength: 30 });
		player.on(Hls.Events.FRAG_LOADED, (_, d) => { if (d.frag.type == "main" && d.frag.sn != "initSegment") log(player.levels[d.frag.level].height); });
		player.on(Hls.Events.ERROR, (_, d) => { if (d.fatal) errors.push("hls.js: " + d.details); });
		player.loadSource(url);
		player.attachMedia(video);
	} else {
		shaka.polyfill.installAll();
		player = new shaka.Player();
		await player.attach(video);
		if (p2p) shoal.attachShaka(shaka, player, options);
		player.getNetworkingEngine().registerResponseFilter((type, _, context) => { if (context?.segment && context.stream?.type == "video") log(context.stream.height); });
		player.addEventListener("error", e => errors.push("Shaka: " + e.detail.code));
		await player.load(url);
	}
	// dash.js plays by itself, and must: of a play() before it listens it does not hear, and
	// then never loads a live manifest again.
	if (which != "dash") video.play().catch(() => {});
}
let began;
video.addEventListener("playing", () => began ??= video.currentTime);
const played = () => video.seeking ? 0 : video.currentTime - began;
</script>`

// adapterScript is bundled once for all stages.
var adapterScript = sync.OnceValues(func() ([]byte, error) {
	node := exec.Command("node", "adapterbundle.mjs")
	node.Dir = "../../../../player/web"
	script, err := node.Output()
	if err != nil {
		return nil, fmt.Errorf("node adapterbundle.mjs: %w", err)
	}
	return script, nil
})

func newAdapterStage(t testing.TB) *adapterStage {
	t.Helper()
	needsBuild(t)
	files, _ := web.Files()
	script, err := adapterScript()
	if err != nil {
		t.Fatal(err)
	}
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &adapterStage{origin: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		script := "/test.js"
		if r.URL.Query().Has("peer") {
			script = "/shoal.js"
		}
		fmt.Fprint(w, strings.Replace(adapterPage, "SCRIPT", script, 1))
	})
	s.meet(t, nil)
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		s.joins.Add(1)
		s.signal.Load().ServeHTTP(w, r)
	})
	for _, file := range []string{"/shoal.js", "/worker.js", "/ed25519.js"} {
		mux.Handle(file, web.Handler())
	}
	mux.HandleFunc("/start/{player}", startPageFor)
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
		if h := s.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		o.ServeHTTP(w, r)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// meet has viewers meet on a new signalling server with an operator's settings; the one
// before, if any, ends.
func (s *adapterStage) meet(t testing.TB, settings map[string]string) {
	server := signal.NewServer(signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}, Settings: settings})
	t.Cleanup(func() { server.Close() })
	if before := s.signal.Swap(server); before != nil {
		before.Close()
	}
}

func (s *adapterStage) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.direct
	s.direct = nil
	return d
}

// when waits for a condition on the page, and says how it is there if it does not come.
func (tb *tab) when(t testing.TB, condition string) {
	t.Helper()
	for end := time.Now().Add(2 * patience); !eval[bool](t, tb, "!!("+condition+")"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not %s, but %s", tb.name, condition, eval[string](t, tb,
				"JSON.stringify({ errors, stalls, at: video.currentTime, ready: video.readyState, loaded: loaded.length, requests: globalThis.recorded?.requests.length, stats: globalThis.shoal?.stats() })"))
		}
	}
}
