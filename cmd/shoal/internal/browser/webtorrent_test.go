package browser

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/signal/tracker"
)

// rivals is where npm's p2p-media-loader and hls.js are installed.
const rivals = "../../../../player/web/rivals/node_modules"

// rivalPage plays HLS with p2p-media-loader as its README says, and counts the bytes
// that it says came from peers.
const rivalPage = `<!doctype html><title>p2p-media-loader</title>
<script type="importmap">{ "imports": {
	"hls.js": "/modules/hls.js/dist/hls.mjs",
	"p2p-media-loader-core": "/modules/p2p-media-loader-core/dist/p2p-media-loader-core.es.js",
	"p2p-media-loader-hlsjs": "/modules/p2p-media-loader-hlsjs/dist/p2p-media-loader-hlsjs.es.js" } }</script>
<video muted autoplay></video>
<script type="module">
import Hls from "hls.js"
import { HlsJsP2PEngine } from "p2p-media-loader-hlsjs"
window.bytes = { p2p: 0, http: 0 }
window.peers = 0
window.warnings = []
const HlsWithP2P = HlsJsP2PEngine.injectMixin(Hls)
const hls = new HlsWithP2P({ p2p: {
	core: { announceTrackers: [location.origin.replace("http", "ws") + "/announce"], rtcConfig: { iceServers: [] } },
	onHlsJsCreated: hls => {
		hls.p2pEngine.addEventListener("onPeerConnect", () => { window.peers++ })
		hls.p2pEngine.addEventListener("onChunkDownloaded", (n, source) => { window.bytes[source] += n })
		hls.p2pEngine.addEventListener("onTrackerWarning", e => { window.warnings.push(String(e.warning)) })
		hls.p2pEngine.addEventListener("onTrackerError", e => { window.warnings.push(String(e.error)) })
	},
} })
hls.attachMedia(document.querySelector("video"))
hls.loadSource("/vod/master.m3u8")
</script>`

// TestP2PMediaLoaderUsesOurTracker has two people watch with p2p-media-loader, as it
// comes from npm, and our tracker.
func TestP2PMediaLoaderUsesOurTracker(t *testing.T) {
	if _, err := os.Stat(filepath.Join(rivals, "p2p-media-loader-hlsjs")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI must have it: %v", err)
		}
		t.Skipf("run 'npm ci --ignore-scripts' in player/web/rivals: %v", err)
	}
	c := startChromium(t)
	o, err := origin.New(origin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	webtorrent := tracker.New(tracker.Config{})
	mux := http.NewServeMux()
	mux.Handle("/announce", webtorrent)
	mux.Handle("/modules/", http.StripPrefix("/modules/", http.FileServer(http.Dir(rivals))))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, rivalPage)
	})
	mux.Handle("/", o)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		webtorrent.Close()
		server.CloseClientConnections()
		server.Close()
	})
	first := c.newProfile(t).open(t, "first", server.URL+"/")
	first.until(t, "the first viewer has loaded from the origin", "window.bytes?.http > 0")
	second := c.newProfile(t).open(t, "second", server.URL+"/")
	first.until(t, "the viewers are connected", "window.peers > 0")
	second.until(t, "the viewers are connected", "window.peers > 0")
	second.until(t, "bytes came from the other viewer", "window.bytes.p2p > 0")
	for _, tb := range []*tab{first, second} {
		if warnings := eval[[]string](t, tb, "window.warnings"); len(warnings) > 0 {
			t.Errorf("%s: the tracker is complained about: %q", tb.name, warnings)
		}
	}
	if s := webtorrent.Stats(); s.PeersAll != 2 || s.Torrents < 1 {
		t.Errorf("stats: %+v", s)
	}
}
