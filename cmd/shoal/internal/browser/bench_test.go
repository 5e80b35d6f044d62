package browser

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/tracker"
)

var (
	benchViewers = flag.Int("viewers", 4, "BenchmarkPlayers: tabs that watch")
	benchSettle  = flag.Duration("settle", 20*time.Second, "BenchmarkPlayers: from when all are linked until they are measured")
	benchWatch   = flag.Duration("watch", time.Minute, "BenchmarkPlayers: how long they are measured")
)

// benchPage plays the live HLS stream with hls.js alone, with us, or with
// p2p-media-loader, each set up as its README says, and notes how each segment came.
const benchPage = `<!doctype html><meta charset="utf-8"><title>bench</title>
<script type="importmap">{ "imports": {
	"p2p-media-loader-core": "/modules/p2p-media-loader-core/dist/p2p-media-loader-core.es.min.js",
	"p2p-media-loader-hlsjs": "/modules/p2p-media-loader-hlsjs/dist/p2p-media-loader-hlsjs.es.min.js" } }</script>
<video id="video" muted playsinline width="320"></video>
<script src="/players/hls.js"></script>
<script>
const video = document.getElementById("video"), errors = [], came = [];
const epoch = %d, length = %d; // of the stream's zero, of a segment; ms
let stalls = 0, began = false, links = 0;
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
video.addEventListener("playing", () => began = true);
video.addEventListener("waiting", () => { if (began && !video.seeking) stalls++; });
const first = new Promise(done => video.requestVideoFrameCallback(() => done(performance.now())));
let hls;
function play(made) {
	hls = made;
	// When it was there, when it came, and its bytes.
	hls.on(Hls.Events.FRAG_LOADED, (_, { frag }) => {
		if (frag.sn != "initSegment") came.push([epoch + (frag.sn + 1) * length, Date.now(), frag.stats.loaded]);
	});
	hls.on(Hls.Events.ERROR, (_, d) => { if (d.fatal) errors.push(d.details); });
	hls.loadSource(new URL("/live/master.m3u8", location).href);
	hls.attachMedia(video);
	video.play();
}
</script>
%s`

// contender is one way to play.
type contender struct {
	name, page string
	rival      bool
}

const rivalScript = `<script type="module">
import { HlsJsP2PEngine } from "p2p-media-loader-hlsjs";
play(new (HlsJsP2PEngine.injectMixin(Hls))({ %s p2p: {
	core: { %s announceTrackers: [location.origin.replace("http", "ws") + "/announce"], rtcConfig: { iceServers: [] } },
	onHlsJsCreated: hls => hls.p2pEngine.addEventListener("onPeerConnect", () => links++),
} }));
</script>`

var contenders = []contender{
	{name: "hls.js", page: `<script>play(new Hls());</script>`},
	{name: "shoal", page: `<script src="/shoal.js"></script><script>shoal.on("peers", p => links = p.count); play(new (shoal.attachHls(Hls))());</script>`},
	{name: "p2p-media-loader", page: fmt.Sprintf(rivalScript, "", ""), rival: true},
	// By default it asks the origin for all that is due within 15 s, which live is everything.
	// Its documents advise to stay seven segments behind, and to take less for urgent.
	{name: "p2p-media-loader, tuned", page: fmt.Sprintf(rivalScript, "liveSyncDurationCount: 7,", "highDemandTimeWindow: 4,"), rival: true},
}

// BenchmarkPlayers watches one live stream in several tabs, with hls.js alone, with
// ours and with p2p-media-loader beside its tracker, and prints a table of what that
// takes and gives:
//
//	(cd player/web/rivals && npm ci --ignore-scripts)
//	go test -run '^$' -bench Players -benchtime 1x -timeout 30m ./cmd/shoal/internal/browser
//
// -viewers, -settle and -watch say how many and for how long. The browser's processes come before
// others where the system allows it; processor times are theirs, on Linux.
func BenchmarkPlayers(b *testing.B) {
	needsBuild(b)
	if _, err := os.Stat(filepath.Join(rivals, "p2p-media-loader-hlsjs")); err != nil {
		b.Skipf("run 'npm ci --ignore-scripts' in player/web/rivals: %v", err)
	}
	rows := map[string]string{}
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				rows[c.name] = c.measure(b)
			}
		})
	}
	fmt.Printf("\n%s: %d viewers in one browser for %v, %d processors, load %s\n\n", time.Now().UTC().Format(time.DateOnly), *benchViewers, *benchWatch, runtime.NumCPU(), load())
	fmt.Printf("| | offload of at most %.2f | origin copies | segment there after, p50 / p95 | behind live | stalls | first frame | CPU s per viewer minute | played |\n|---|---|---|---|---|---|---|---|---|\n", 1-1/float64(*benchViewers))
	for _, c := range contenders {
		if row, ok := rows[c.name]; ok {
			fmt.Printf("| %s | %s |\n", c.name, row)
		}
	}
}

func (c contender) measure(b *testing.B) string {
	o, err := origin.New(origin.Config{})
	if err != nil {
		b.Fatal(err)
	}
	webtorrent := tracker.New(tracker.Config{})
	server := signal.NewServer(signal.Config{Limits: signal.Limits{ConnectionsPerAddress: -1}})
	mux := http.NewServeMux()
	mux.Handle("/live/", o)
	mux.Handle("/ws", server)
	mux.Handle("/announce", webtorrent)
	mux.Handle("/modules/", http.StripPrefix("/modules/", http.FileServer(http.Dir(rivals))))
	mux.Handle("/", web.Handler())
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, benchPage, o.Epoch().UnixMilli(), origin.SegmentDuration.Milliseconds(), c.page)
	})
	s := httptest.NewServer(mux)
	defer func() {
		webtorrent.Close()
		server.Close()
		s.CloseClientConnections()
		s.Close()
	}()

	hurry(b)
	browser := startChromium(b)
	var tabs []*tab
	var first []time.Duration
	for i := range *benchViewers {
		tb := browser.newProfile(b).open(b, fmt.Sprintf("%s %d", c.name, i+1), s.URL+"/")
		first = append(first, time.Duration(eval[float64](b, tb, "first")*float64(time.Millisecond)))
		tabs = append(tabs, tb)
	}
	for _, tb := range tabs {
		if c.name != "hls.js" {
			tb.until(b, "it is linked to another", "links > 0")
		}
	}
	time.Sleep(*benchSettle) // start-up is not what is measured
	for _, tb := range tabs {
		eval[bool](b, tb, "(came.length = stalls = 0, true)")
	}
	before, begin, used := o.Stats(), time.Now(), processorTime(b)
	time.Sleep(*benchWatch)
	used = processorTime(b) - used
	minutes := time.Since(begin).Minutes()
	left := o.Stats()
	var bytes, latency float64
	var stalls int
	var delivery []time.Duration
	for _, tb := range tabs {
		got := eval[struct {
			Came    [][3]float64
			Stalls  int
			Latency float64
			Errors  []string
		}](b, tb, "({ came, stalls, latency: hls.latency, errors })")
		for _, segment := range got.Came {
			delivery = append(delivery, time.Duration((segment[1]-segment[0])*float64(time.Millisecond)))
			bytes += segment[2]
		}
		stalls += got.Stalls
		latency += got.Latency / float64(len(tabs))
		switch {
		case len(got.Errors) == 0:
		case c.rival: // what it does is for the table, not for us to mend
			b.Logf("%s: %v", tb.name, got.Errors)
		default:
			b.Errorf("%s: %v", tb.name, got.Errors)
		}
	}
	if len(delivery) == 0 {
		if c.rival {
			return "nothing was played"
		}
		b.Fatal("nothing was played")
	}
	slices.Sort(delivery)
	return fmt.Sprintf("%.3f | %.2f | %d / %d ms | %.1f s | %d | %d ms | %.1f | %.2f Mbit/s",
		1-float64(left.MediaBytes-before.MediaBytes)/bytes, left.Copies(begin),
		delivery[len(delivery)/2].Milliseconds(), delivery[len(delivery)*95/100].Milliseconds(),
		latency, stalls, median(first).Milliseconds(), used.Seconds()/minutes/float64(len(tabs)), bytes*8/1e6/60/minutes/float64(len(tabs)))
}

// processorTime is what the processes that this one started, and theirs, have used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	type process struct {
		parent string
		ticks  int64
	}
	all := map[string]process{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// proc(5): the name may hold anything; behind it come state, parent, and as 12th and
		// 13th the ticks in user and kernel mode.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		var user, kernel int64
		if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &kernel); err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(filepath.Dir(file))] = process{fields[1], user + kernel}
	}
	self := fmt.Sprint(os.Getpid())
	var ticks int64
	for id := range all {
		for at := all[id].parent; at != "" && at != "0"; at = all[at].parent {
			if at == self {
				ticks += all[id].ticks
				break
			}
		}
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ
}

// load is how many processes wanted a processor, over 1, 5 and 15 minutes.
func load() string {
	out, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(out))[:3], ", ")
}
