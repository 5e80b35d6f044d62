package origin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaultStatus(t *testing.T) {
	o, _ := newOrigin(t, time.Minute)
	o.SetFault(func(r *http.Request) *Fault {
		if r.URL.Path == "/live/manifest.mpd" {
			return nil
		}
		return &Fault{Status: 503, RetryAfter: 1500 * time.Millisecond}
	})
	resp := ask(o, "GET", "/live/video-0/20.m4s")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if got := ask(o, "GET", "/live/manifest.mpd").StatusCode; got != 200 {
		t.Errorf("spared path: status %d", got)
	}
	o.SetFault(nil)
	if got := ask(o, "GET", "/live/video-0/20.m4s").StatusCode; got != 200 {
		t.Errorf("after the fault: status %d", got)
	}
	if got := o.Stats().Segments[0].Hits; got != 1 {
		t.Errorf("%d hits, a failed answer is none", got)
	}
}

// TestFaultTruncate needs a real connection: what matters is that the client sees
// less than Content-Length promised.
func TestFaultTruncate(t *testing.T) {
	o, _ := newOrigin(t, time.Minute)
	server := httptest.NewServer(o)
	defer server.Close()
	const path, sent = "/live/video-0/20.m4s", 10_000
	o.SetFault(func(*http.Request) *Fault { return &Fault{Truncate: sent} })
	resp, err := server.Client().Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != sent {
		t.Errorf("%d bytes and %v, want %d and an unexpected EOF", len(body), err, sent)
	}
	server.Close() // waits for the handler
	stats := o.Stats()
	if stats.MediaBytes != sent {
		t.Errorf("%d media bytes counted, %d left", stats.MediaBytes, sent)
	}
	if got, want := stats.Copies(time.Time{}), float64(sent)/float64(stats.Segments[0].Size); got != want {
		t.Errorf("%v copies, want the fraction %v", got, want)
	}
}

func TestFaultSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := newOrigin(t, time.Minute)
		size := o.byID["video-0"].sizeOf(20)
		o.SetFault(func(*http.Request) *Fault { return &Fault{Delay: 3 * time.Second, Rate: int64(size) / 4} })
		start := time.Now()
		if got := len(text(t, ask(o, "GET", "/live/video-0/20.m4s"))); got != size {
			t.Fatalf("%d bytes, want %d", got, size)
		}
		took := time.Since(start).Round(10 * time.Millisecond)
		if took != 7*time.Second {
			t.Errorf("took %v, want 3 s of delay and 4 s of transfer", took)
		}
	})
}

func TestFaultEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := newOrigin(t, time.Minute)
		o.SetFault(func(*http.Request) *Fault { return &Fault{Delay: time.Hour} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		o.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/live/time", nil))
		if took := time.Since(start); took != time.Second {
			t.Errorf("the handler outlived its request by %v", took-time.Second)
		}
	})
}
