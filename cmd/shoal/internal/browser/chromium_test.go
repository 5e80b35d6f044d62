package browser

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/shoal-p2p/shoal/player/web"
)

// patience is how long a test waits for what should take seconds: the machine
// may be doing other things.
const patience = 60 * time.Second

// chromium is one running browser. Tabs of one profile share storage, different
// profiles share nothing, like different people's browsers.
type chromium struct {
	ctx context.Context
}

// chromiumPath finds the browser: $SHOAL_CHROMIUM, or a known name in $PATH.
func chromiumPath() (string, error) {
	if named := os.Getenv("SHOAL_CHROMIUM"); named != "" {
		return named, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("chromium is not in $PATH; install it or set SHOAL_CHROMIUM")
}

// needsBrowser leaves a test out where there is no Chromium, which CI must have.
func needsBrowser(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser in real time; not with -short")
	}
	path, err := chromiumPath()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI must have it: %v", err)
		}
		t.Skip(err)
	}
	return path
}

// startChromium runs a headless browser that ends with the test. Timers of tabs
// in the background run as in the foreground, sound and video start by
// themselves, and loopback is a network like any other; flags add to that or, with
// a value of false, take away.
func startChromium(t testing.TB, flags ...chromedp.ExecAllocatorOption) *chromium {
	t.Helper()
	path := needsBrowser(t)
	dir := t.TempDir()
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-breakpad", true), // a tab that crashes does so at once
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("mute-audio", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// The test machine may have no multicast to resolve mDNS names with.
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns,Translate,MediaRouter"),
		chromedp.Flag("allow-loopback-in-peer-connection", true),
		chromedp.WSURLReadTimeout(patience),
	}, flags...)
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		// Ends the process in an orderly way and waits for it.
		closing, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		if err := chromedp.Cancel(closing); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("closing chromium: %v", err)
		}
		cancel()
		cancelAllocator()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &chromium{ctx: ctx}
}

// profile is somebody's browser: tabs with cookies, cache and IndexedDB in common.
type profile struct {
	chromium *chromium
	id       cdp.BrowserContextID
}

// newProfile makes an empty profile, forgotten when the browser ends.
func (c *chromium) newProfile(t testing.TB) *profile {
	t.Helper()
	made, err := chromedp.CallBrowser(c.ctx, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	if err != nil {
		t.Fatalf("new profile: %v", err)
	}
	return &profile{chromium: c, id: made.BrowserContextID}
}

// tab is one open page. Use it from one goroutine.
type tab struct {
	name   string
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	console []string
}

// open shows url in a new tab, and waits until it has loaded. What the page writes
// to its console is printed if the test fails. name is for those lines.
func (p *profile) open(t testing.TB, name, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(p.chromium.ctx, chromedp.WithExistingBrowserContext(p.id))
	tb := &tab{name: name, ctx: ctx, cancel: cancel}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("%s: new tab: %v", name, err)
	}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			tb.mu.Lock()
			tb.console = append(tb.console, m.String())
			tb.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-listening
		if t.Failed() {
			t.Logf("console of %s:\n\t%s", name, strings.Join(tb.said(""), "\n\t"))
		}
	})
	tb.do(t, "opening "+url, chromedp.Navigate(url))
	return tb
}

// said are the lines of the console that contain part.
func (tb *tab) said(part string) (lines []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, line := range tb.console {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (tb *tab) do(t testing.TB, what string, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		t.Fatalf("%s: %s: %v", tb.name, what, err)
	}
}

// eval runs a JavaScript expression in a tab, waits if it is a promise, and
// returns its value.
func eval[T any](t testing.TB, tb *tab, expression string) T {
	t.Helper()
	v, err := tryEval[T](tb, expression)
	if err != nil {
		t.Fatalf("%s: %s: %v", tb.name, expression, err)
	}
	return v
}

func tryEval[T any](tb *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression, or what its promise resolves to, to become true,
// which it is asked every 50 ms.
func (tb *tab) until(t testing.TB, what, expression string) {
	t.Helper()
	for end := time.Now().Add(patience); !eval[bool](t, tb, "Promise.resolve("+expression+").then(Boolean)"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: after %v still not: %s", tb.name, patience, what)
		}
	}
}

// reload loads the page again, as F5 does.
func (tb *tab) reload(t testing.TB) {
	t.Helper()
	tb.do(t, "reload", chromedp.Reload())
}

// close is what the viewer does: the page may say good-bye. It returns when.
func (tb *tab) close() time.Time {
	at := time.Now()
	tb.cancel()
	return at
}

// crash ends the tab's process on the spot, without a word to anybody, and returns when.
func (tb *tab) crash() time.Time {
	// The command is never answered, as whoever would do so is gone. On a busy machine it
	// may not have got there: then the tab answers something else.
	for {
		at := time.Now()
		ctx, cancel := context.WithTimeout(tb.ctx, 500*time.Millisecond)
		chromedp.Call(ctx, page.Crash, cdp.Empty{})
		cancel()
		ctx, cancel = context.WithTimeout(tb.ctx, 2*time.Second)
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("true"))
		cancel()
		if err != nil {
			return at
		}
	}
}

// screenshot writes what the tab shows to a PNG file.
func (tb *tab) screenshot(t testing.TB, file string) {
	t.Helper()
	if err := os.WriteFile(file, tb.png(t), 0o644); err != nil {
		t.Fatal(err)
	}
}

// png is what the tab shows.
func (tb *tab) png(t testing.TB) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatalf("%s: screenshot: %v", tb.name, err)
	}
	return picture
}

// timed leaves out a test that measures real time, and says nothing beside others that
// want the processors too: SHOAL_TIMED=on runs those whose names begin with TestTimed, one
// after the other, as a step of CI does.
func timed(t *testing.T) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestTimed") {
		t.Fatal("CI would not find it: its name does not begin with TestTimed")
	}
	if os.Getenv("SHOAL_TIMED") != "on" {
		t.Skip("measures real time, by itself: SHOAL_TIMED=on runs it")
	}
}

// needsBuild leaves a test out where the browser files were not built, which CI
// must have done.
func needsBuild(t testing.TB) {
	t.Helper()
	if _, built := web.Files(); built {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the browser files are not built: go generate ./...")
	}
	t.Skip("the browser files are not built: go generate ./...")
}
