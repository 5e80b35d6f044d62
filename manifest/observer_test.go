package manifest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

func TestObserverFollowsAPlayer(t *testing.T) {
	o := NewObserver()
	at := time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC)
	const url = "http://origin.test/live.mpd"
	if p, ok := o.Current(); ok || p != nil {
		t.Error("a presentation before any manifest")
	}
	first, changed, err := o.Observe(url, "application/dash+xml", []byte(liveMPD("dynamic", at, at)), at)
	if err != nil || !changed || len(first.Tracks) != 1 {
		t.Fatalf("%v, changed %v", err, changed)
	}
	for name, body := range map[string]string{"a segment": "\x00\x00\x00\x18ftypiso6", "nothing": "", "a web page": "<html>"} {
		if p, changed, err := o.Observe(url, "video/mp4", []byte(body), at); p != first || changed || err != nil {
			t.Errorf("%s: changed %v, %v", name, changed, err)
		}
	}
	if p, changed, err := o.Observe(url, "", []byte(liveMPD("dynamic", at, at)[:300]), at); p != first || changed || err == nil {
		t.Errorf("half a manifest: changed %v, %v", changed, err)
	}
	if _, changed, err := o.Observe(url, "", []byte(liveMPD("dynamic", at, at)), at.Add(time.Second)); changed || err != nil {
		t.Errorf("the same manifest again: changed %v, %v", changed, err)
	}
	later := at.Add(2 * time.Second)
	p, changed, err := o.Observe(url, "", []byte(liveMPD("dynamic", later, later)), later)
	if err != nil || !changed || p == first {
		t.Errorf("the next manifest: changed %v, %v", changed, err)
	}
	hls := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n")
	if p, changed, err = o.Observe("http://origin.test/a.m3u8", "", hls, later); err != nil || !changed || p.Format != timeline.HLS {
		t.Errorf("another format: changed %v, %v", changed, err)
	}
}

func TestObserverCompletesByItself(t *testing.T) {
	o := NewObserver()
	const mpd = `<MPD mediaPresentationDuration="PT4S" xmlns:xlink="http://www.w3.org/1999/xlink"><Period xlink:href="number-vod.mpd"/><Period xlink:href="period.xml"/></MPD>`
	if _, _, err := o.Observe(corpusHost+"x.mpd", "", []byte(mpd), time.Now()); err != nil {
		t.Fatal(err)
	}
	if !o.Incomplete() {
		t.Fatal("the remote periods are not missed")
	}
	p, err := o.Complete(t.Context(), sourceFunc(func(r Request) (Response, error) {
		if r.URL != corpusHost+"period.xml" {
			return Response{Status: 404}, nil
		}
		return Response{Status: 200, Body: []byte(`<Period id="p" duration="PT4S"><AdaptationSet><SegmentTemplate duration="2" media="$Number$"/><Representation id="v"/></AdaptationSet></Period>`)}, nil
	}))
	if err != nil || len(p.Tracks) != 1 || o.Incomplete() {
		t.Errorf("%v, %d tracks, incomplete %v", err, len(p.Tracks), o.Incomplete())
	}
	if now, _ := o.Current(); now != p {
		t.Error("the completed presentation is not in force")
	}
}

type sourceFunc func(r Request) (Response, error)

func (f sourceFunc) Fetch(_ context.Context, r Request) (Response, error) { return f(r) }

func TestIsManifest(t *testing.T) {
	for _, c := range []struct {
		url, contentType, body string
		want                   bool
	}{
		{"http://h/a.mpd", "", "", true},
		{"http://h/a.M3U8?token=1", "", "", true},
		{"http://h/manifest", "application/dash+xml; charset=utf-8", "", true},
		{"http://h/x", "application/vnd.apple.mpegurl", "", true},
		{"http://h/seg.m4s", "video/iso.segment", "", false},
		{"http://h/x?file=a.mpd", "text/html", "", false},
		{"http://h/a.mpd", "application/dash+xml", "<html>404</html>", false},
		{"http://h/api", "text/plain", "#EXTM3U\n", true},
		{"http://h/api", "text/plain", `<?xml version="1.0"?><!-- c --><x:MPD xmlns:x="u">`, true},
		{"http://h/api", "", `<Patch mpdId="1">`, true},
	} {
		if got := IsManifest(c.url, c.contentType, []byte(c.body)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	for name, c := range map[string]struct {
		resp Response
		err  error
		want func(error) bool
	}{
		"status": {Response{Status: 403, RetryAfter: time.Second}, nil, func(err error) bool {
			var s *StatusError
			return errors.As(err, &s) && s.Status == 403 && s.RetryAfter == time.Second
		}},
		"transport":   {Response{}, context.DeadlineExceeded, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"unknown":     {Response{Status: 200, Body: []byte("hello")}, nil, func(err error) bool { return errors.Is(err, ErrUnknown) }},
		"too large":   {Response{Status: 200, Body: make([]byte, MaxDocument+1)}, nil, func(err error) bool { return err != nil }},
		"unasked 304": {Response{Status: 304, NotModified: true}, nil, func(err error) bool { return err != nil }},
		"a bad MPD":   {Response{Status: 200, Body: []byte("<MPD><Period>")}, nil, func(err error) bool { return err != nil }},
		"a bad playlist": {Response{Status: 200, Body: []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-STREAM-INF:BANDWIDTH=1\nx\n#EXTINF:4,\ny\n")}, nil,
			func(err error) bool { return err != nil }},
	} {
		src := sourceFunc(func(Request) (Response, error) { return c.resp, c.err })
		_, err := Load(t.Context(), src, "http://user:secret@h/a.mpd?token=secret", Options{})
		if !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && containsSecret(err.Error()) {
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
}

func containsSecret(s string) bool { return strings.Contains(s, "secret") }

// An origin that ignores Range sends the whole file.
func TestRangesAreCutFromWholeFiles(t *testing.T) {
	file := []byte("0123456789")
	for _, c := range []struct {
		status      int
		first, last int64
		body        string
		want        string
		fails       bool
	}{
		{206, 2, 4, "234", "234", false},
		{200, 2, 4, string(file), "234", false},
		{200, 2, 99, string(file), "23456789", false},
		{200, 0, -1, string(file), string(file), false},
		{200, 3, -1, string(file), "3456789", false},
		{200, 10, 12, string(file), "", true},
	} {
		fetch := forDASH(sourceFunc(func(r Request) (Response, error) {
			return Response{Status: c.status, Body: []byte(c.body)}, nil
		}))
		a, err := fetch(t.Context(), dash.Request{URL: "http://h/f", First: c.first, Last: c.last})
		if (err != nil) != c.fails || !c.fails && string(a.Body) != c.want {
			t.Errorf("%+v: %q, %v", c, a.Body, err)
		}
	}
}

func TestLongListingsAreCut(t *testing.T) {
	for _, n := range []int{MaxListed, MaxListed + 1} {
		body := []byte(`<MPD mediaPresentationDuration="PT` + strconv.Itoa(n) + `S"><Period><AdaptationSet><SegmentTemplate duration="1" media="$Number$"/><Representation id="v"/></AdaptationSet></Period></MPD>`)
		src := sourceFunc(func(Request) (Response, error) { return Response{Status: 200, Body: body}, nil })
		l, err := listing(t, src, "http://h/a.mpd", Options{At: time.Unix(1, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Tracks[0]; len(got.Segments) != MaxListed || got.Truncated != (n > MaxListed) {
			t.Errorf("%d segments: %d listed, truncated %v", n, len(got.Segments), got.Truncated)
		}
	}
}
