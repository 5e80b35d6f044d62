package browser

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"

	"github.com/shoal-p2p/shoal/signal"
)

// plays has a tab get numbers one after the other, as a player does.
func plays(t *testing.T, tb *tab, first, count int) {
	t.Helper()
	for n := first; n < first+count; n++ {
		get(t, tb, n)
	}
}

const onDisk = `new Promise(done => {
	const open = indexedDB.open("shoal");
	open.onsuccess = () => {
		const keys = open.result.transaction("entries").objectStore("entries").getAllKeys();
		keys.onsuccess = () => { open.result.close(); done(keys.result.map(k => k[1])); };
	};
})`

// TestDiskQuota: the browser gives far less than the page asked for. Playback goes on,
// and what was kept last is there after a reload.
func TestDiskQuota(t *testing.T) {
	const quota, count = 3e6, 30 // 6.4 MB
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	tb := c.newProfile(t).open(t, "little room", s.url("/page"))
	call(t, tb, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: s.server.URL, QuotaSize: new(float64(quota))})
	eval[bool](t, tb, "start({ disk: 50e6 })")
	plays(t, tb, 0, count)
	tb.until(t, "the last segment on disk", onDisk+fmt.Sprintf(".then(keys => keys.includes('v/%d'))", count-1))
	kept := eval[[]string](t, tb, onDisk)
	if len(kept) > quota/200_000 {
		t.Errorf("%d segments are kept in %.0f MB", len(kept), quota/1e6)
	}
	tb.reload(t)
	eval[bool](t, tb, "start({ disk: 50e6 })")
	if g := get(t, tb, count-1); g.Sources["disk"] == 0 || s.requests(count-1) != 1 {
		t.Errorf("after the reload: %+v, kept before %v, now %v", g, kept, eval[[]string](t, tb, onDisk))
	}
	if w := tb.said("no disk cache"); len(w) > 0 {
		t.Errorf("the disk was given up: %q", w)
	}
}

// TestDiskRefused: without IndexedDB, as some browsers have it in private windows, all
// goes on as if no disk had been asked for, and the page is told so once.
func TestDiskRefused(t *testing.T) {
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	for i, refusal := range []string{
		"throw new DOMException('denied', 'SecurityError')", // Chromium with cookies blocked
		"return new EventTarget()",                          // never answers: the viewer is being asked, say
	} {
		script := s.serve(fmt.Sprintf("/refusal/%d.js", i), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprintf(w, "IDBFactory.prototype.open = function () { %s };\nawait import('/worker.js');", refusal)
		})
		tb := s.peer(t, c.newProfile(t), refusal, "{ disk: 50e6, script: '"+script+"' }")
		plays(t, tb, 0, 3)
		if again := get(t, tb, 1); again.Sources["memory"] == 0 {
			t.Errorf("%s: again: %+v", refusal, again)
		}
		if w := tb.said("no disk cache"); len(w) != 1 {
			t.Errorf("%s: warnings %q", refusal, w)
		}
	}
}

// TestDiskTaken: the viewer, or the browser where space is short, deletes what is
// stored while it plays. Playback goes on.
func TestDiskTaken(t *testing.T) {
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	for _, test := range []struct {
		how  string
		take func(*tab)
	}{
		{"site data cleared", func(tb *tab) {
			call(t, tb, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: s.server.URL, StorageTypes: "indexeddb"})
		}},
		{"database deleted by the page", func(tb *tab) {
			eval[bool](t, tb, "new Promise((done, failed) => Object.assign(indexedDB.deleteDatabase('shoal'), { onsuccess: () => done(true), onerror: failed }))")
		}},
	} {
		tb := s.peer(t, c.newProfile(t), test.how, "{ disk: 50e6 }")
		plays(t, tb, 0, 2)
		tb.until(t, "a segment on disk", onDisk+".then(keys => keys.length == 2)")
		test.take(tb)
		plays(t, tb, 2, 3)
		if again := get(t, tb, 0); again.Sources["memory"] == 0 {
			t.Errorf("%s: again: %+v", test.how, again)
		}
		tb.until(t, "a word of it", "events.some(e => e.name == 'warning' && e.message.includes('no disk cache'))")
	}
}

// workersScript notes whether any worker has said something.
const workersScript = `globalThis.workerSpoke = false;
globalThis.Worker = class extends Worker {
	constructor(...args) { super(...args); this.addEventListener("message", () => workerSpoke = true); }
};`

// TestWithoutWorker: where a policy forbids workers, or those from another site's
// script, the page does their work, and is a peer all the same.
func TestWithoutWorker(t *testing.T) {
	c := startChromium(t)
	s := newStage(t, signal.Config{})
	other := s.peer(t, c.newProfile(t), "other", "{}")
	elsewhere := strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)
	for i, test := range []struct {
		name, script, policy string
		worker               bool
	}{
		{"workers allowed", "", "worker-src 'self'", true},
		{"no worker at all", "", "worker-src 'none'", false},
		{"no worker from a blob", elsewhere, "worker-src 'self'", false},
		{"a worker from a blob, which loads ours from elsewhere", elsewhere, "worker-src blob: " + elsewhere, true},
	} {
		page := s.serve(fmt.Sprintf("/policy/%d", i), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", test.policy)
			io.WriteString(w, strings.Replace(peerPage, `src="/shoal.js"`, `src="`+test.script+`/shoal.js"`, 1))
		})
		tb := c.newProfile(t).openWith(t, test.name, page, workersScript)
		eval[bool](t, tb, "start()")
		tb.until(t, "a link", "linked(1)")
		fed := eval[int](t, other, "engine.stats().peerBytes")
		get(t, tb, 10+i)
		s.originDown(true)
		eval[any](t, other, fmt.Sprintf("plan(%d, 1)", 10+i))
		get(t, other, 10+i)
		other.until(t, "to be fed", fmt.Sprintf("engine.stats().peerBytes - %d >= %d", fed, len(body(10+i))))
		s.originDown(false)
		if worker := eval[bool](t, tb, "workerSpoke"); worker != test.worker {
			t.Errorf("%s: a worker does the work: %v, want %v", test.name, worker, test.worker)
		}
		tb.close()
		other.until(t, "the end of that link", "engine.stats().peers == 0")
	}
}
