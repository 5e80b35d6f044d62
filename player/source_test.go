package player

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
)

func TestSource(t *testing.T) {
	s := newStage(t)
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	src := sourceOf(&http.Client{Transport: tr})
	src.Header = http.Header{"Authorization": {"Bearer b"}}
	s.on("/moved.mpd", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/vod/stream.mpd", http.StatusFound) })
	s.on("/busy.mpd", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "99")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s.on("/clock", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
		w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
	})
	whole := s.mpd()
	for _, tc := range []struct {
		name string
		r    manifest.Request
		want manifest.Response
	}{
		{"whole", manifest.Request{URL: "/vod/stream.mpd", Last: -1}, manifest.Response{Status: 200, URL: "/vod/stream.mpd", Body: []byte(whole)}},
		{"zero request", manifest.Request{URL: "/vod/stream.mpd"}, manifest.Response{Status: 200, URL: "/vod/stream.mpd", Body: []byte(whole)}},
		{"redirected", manifest.Request{URL: "/moved.mpd", Last: -1}, manifest.Response{Status: 200, URL: "/vod/stream.mpd", Body: []byte(whole)}},
		{"range", manifest.Request{URL: "/vod/stream.mpd", First: 2, Last: 4}, manifest.Response{Status: 206, URL: "/vod/stream.mpd", Body: []byte("xml")}},
		{"missing", manifest.Request{URL: "/nothing", Last: -1}, manifest.Response{Status: 404, URL: "/nothing"}},
		{"busy", manifest.Request{URL: "/busy.mpd", Last: -1}, manifest.Response{Status: 503, URL: "/busy.mpd", RetryAfter: 99 * time.Second}},
		{"clock", manifest.Request{URL: "/clock", Method: "HEAD"}, manifest.Response{Status: 200, URL: "/clock", Date: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.r.URL = s.URL + tc.r.URL
			got, err := src.Fetch(t.Context(), tc.r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tc.want.Status || got.URL != s.URL+tc.want.URL || string(got.Body) != string(tc.want.Body) || got.RetryAfter != tc.want.RetryAfter {
				t.Errorf("got %d %s %q, retry after %v", got.Status, got.URL, got.Body, got.RetryAfter)
			}
			if !tc.want.Date.IsZero() && !got.Date.Equal(tc.want.Date) {
				t.Errorf("date %v", got.Date)
			}
		})
	}
	first, err := src.Fetch(t.Context(), manifest.Request{URL: s.URL + "/vod/stream.mpd", Last: -1})
	if err != nil || first.ETag == "" || first.ContentType != "application/dash+xml" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := src.Fetch(t.Context(), manifest.Request{URL: s.URL + "/vod/stream.mpd", Last: -1, ETag: first.ETag, LastModified: first.LastModified})
	if err != nil || !again.NotModified || len(again.Body) != 0 {
		t.Errorf("conditional: status %d, %v", again.Status, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, method := range []string{"GET", "HEAD"} {
		if _, err := src.Fetch(ctx, manifest.Request{URL: s.URL + "/vod/stream.mpd", Last: -1, Method: method}); err == nil {
			t.Errorf("%s with a context that has ended succeeded", method)
		}
	}
}

func TestObservedManifestIsCompleted(t *testing.T) {
	s := newStage(t)
	asked := make(chan struct{})
	s.on("/clock", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		close(asked)
	})
	s.on("/live.mpd", func(w http.ResponseWriter, r *http.Request) {
		mpd := liveMPD(time.Now().Add(-time.Minute))(time.Now())
		s.text(w, r, "application/dash+xml", mpd[:len(mpd)-len("</MPD>")]+`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/clock"/></MPD>`)
	})
	client, _ := newClient(t, s, "/live.mpd")
	<-asked
	session := client.Transport.(*Transport).streams.list()[0]
	for range 200 {
		if session.Presentation().ClockOffset > 50*time.Minute {
			return
		}
		get(t, client, "GET", s.URL+"/live.mpd", nil) // gives the session time, and must not wait for it
	}
	t.Errorf("clock offset %v, want an hour", session.Presentation().ClockOffset)
}
