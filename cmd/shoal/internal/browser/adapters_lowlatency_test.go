package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

const (
	// A segment can be asked for this long before it is whole.
	llOffset = 1500 * time.Millisecond
	llChunks = 6
)

// lowLatency answers as an origin that produces segments while it sends them: the
// demo's bytes, which depend on the number only, from an origin that is a segment ahead.
type lowLatency struct {
	edge, ahead *origin.Origin
}

func (l *lowLatency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	get := func(o *origin.Origin) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		o.ServeHTTP(rec, r)
		return rec
	}
	number, err := strconv.ParseUint(strings.TrimSuffix(path.Base(r.URL.Path), ".m4s"), 10, 64)
	if err != nil {
		rec := get(l.edge)
		body := rec.Body.String()
		if path.Ext(r.URL.Path) == ".mpd" {
			body = strings.ReplaceAll(body, `startNumber="0"`, fmt.Sprintf(`startNumber="0" availabilityTimeOffset="%g" availabilityTimeComplete="false"`, llOffset.Seconds()))
			body = strings.ReplaceAll(body, `suggestedPresentationDelay="PT6S"`, `suggestedPresentationDelay="PT3S"`)
		}
		for name, values := range rec.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(rec.Code)
		fmt.Fprint(w, body)
		return
	}
	whole := l.edge.AvailableAt(number)
	if time.Until(whole) > llOffset {
		http.Error(w, "too early", http.StatusNotFound)
		return
	}
	rec := get(l.ahead)
	w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(rec.Code)
	body := rec.Body.Bytes()
	for i := range llChunks {
		// Chunk i is made at an even distance from the others, the last when the segment is whole.
		due := whole.Add(-llOffset * time.Duration(llChunks-1-i) / llChunks)
		select {
		case <-time.After(time.Until(due)):
		case <-r.Context().Done():
			return
		}
		w.Write(body[len(body)*i/llChunks : len(body)*(i+1)/llChunks])
		w.(http.Flusher).Flush()
	}
}

// TestAdaptersLowLatency: dash.js's FetchLoader gets segments while they grow.
func TestAdaptersLowLatency(t *testing.T) {
	c := startChromium(t)
	s := newAdapterStage(t)
	ahead, err := origin.New(origin.Config{Epoch: s.origin.Epoch().Add(-origin.SegmentDuration)})
	if err != nil {
		t.Fatal(err)
	}
	var ll http.Handler = &lowLatency{edge: s.origin, ahead: ahead}
	s.handler.Store(&ll)
	tb := c.newProfile(t).open(t, "low latency", s.URL)
	eval[bool](t, tb, `play("dash", "/live/manifest.mpd", true).then(() => true)`)
	tb.when(t, "played() > 5")
	growing := eval[int](t, tb, "recorded.requests.filter(r => r.growing && r.status == 200).length")
	latency := eval[float64](t, tb, "player.getCurrentLiveLatency()")
	t.Logf("%d growing segments, %.1f s behind live", growing, latency)
	if growing < 4 {
		t.Errorf("%d segments were asked for while they grew", growing)
	}
	if direct := s.took(); len(direct) > 0 {
		t.Errorf("went past the engine: %v", direct)
	}
	if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
		t.Errorf("errors: %v", errs)
	}
}
