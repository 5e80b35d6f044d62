package browser

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// TestHarness holds the harness to what the other tests rely on.
func TestHarness(t *testing.T) {
	c := startChromium(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><title>page</title><p>hello<script>
			console.log("loaded", 7);
			addEventListener("pagehide", () => navigator.sendBeacon("/bye"));
			localStorage.visits = 1 + Number(localStorage.visits || 0);
		</script>`))
	}))
	defer server.Close()
	p := c.newProfile(t)
	tb := p.open(t, "first", server.URL)
	if got := eval[int](t, tb, "new Promise(done => setTimeout(done, 20, 42))"); got != 42 {
		t.Errorf("a promise of 42 gives %d", got)
	}
	if _, err := tryEval[int](tb, "Promise.reject(new Error('no'))"); err == nil {
		t.Error("a rejected promise is no error")
	}
	tb.until(t, "the title", "document.title == 'page'")
	tb.reload(t)
	if got := eval[string](t, tb, "localStorage.visits"); got != "2" {
		t.Errorf("after a reload: visit %s, want 2", got)
	}
	other := p.open(t, "same profile", server.URL)
	if got := eval[string](t, other, "localStorage.visits"); got != "3" {
		t.Errorf("another tab: visit %s, want 3", got)
	}
	stranger := c.newProfile(t).open(t, "stranger", server.URL)
	if got := eval[string](t, stranger, "localStorage.visits"); got != "1" {
		t.Errorf("another profile: visit %s, want 1", got)
	}
	tb.screenshot(t, filepath.Join(t.TempDir(), "tab.png"))
	other.crash()
	if _, err := tryEval[int](tb, "1"); err != nil {
		t.Errorf("one tab crashed, another answers %v", err)
	}
	if len(tb.said("loaded 7")) == 0 {
		t.Errorf("console: %q", tb.said(""))
	}
}
