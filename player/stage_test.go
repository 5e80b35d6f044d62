package player

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

// stage is an origin with one VOD stream as DASH and HLS: 1 s segments of two
// tracks, by number; and the same as byte ranges of one file.
type stage struct {
	*httptest.Server
	segments int

	mu      sync.Mutex
	asked   map[string]int         // requests by path
	headers map[string]http.Header // of the last request by path
	// answer overrides a path when set.
	answer map[string]http.HandlerFunc
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{segments: 12, asked: map[string]int{}, headers: map[string]http.Header{}, answer: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *stage) on(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[path] = h
}

func (s *stage) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

func (s *stage) header(path string) http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[path]
}

// media is the bytes of one segment: seeded by its name, with its length.
func media(track string, number, size int) []byte {
	seed := [32]byte{}
	copy(seed[:], track)
	binary.BigEndian.PutUint32(seed[28:], uint32(number))
	r := rand.NewChaCha8(seed)
	b := make([]byte, size)
	_, _ = r.Read(b)
	return b
}

const (
	videoSize = 40_000
	audioSize = 5_000
)

func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path]++
	s.headers[r.URL.Path] = r.Header.Clone()
	h := s.answer[r.URL.Path]
	s.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/vod/")
	switch {
	case name == "stream.mpd":
		s.text(w, r, "application/dash+xml", s.mpd())
	case name == "master.m3u8":
		s.text(w, r, "application/vnd.apple.mpegurl", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=320000\nmedia.m3u8\n")
	case name == "media.m3u8":
		s.text(w, r, "application/vnd.apple.mpegurl", s.playlist(func(i int) string { return fmt.Sprintf("#EXTINF:1,\nv/%d.m4s\n", i+1) }))
	case name == "ranges.m3u8":
		s.text(w, r, "application/vnd.apple.mpegurl", s.playlist(func(i int) string {
			return fmt.Sprintf("#EXTINF:1,\n#EXT-X-BYTERANGE:%d@%d\nall.mp4\n", videoSize, i*videoSize)
		}))
	case name == "all.mp4":
		s.file(w, r, media("all", 0, s.segments*videoSize))
	default:
		var track string
		var number int
		if n, _ := fmt.Sscanf(strings.ReplaceAll(name, "/", " "), "%s %d.m4s", &track, &number); n == 2 && number >= 1 && number <= s.segments {
			size := videoSize
			if track == "a" {
				size = audioSize
			}
			s.file(w, r, media(track, number, size))
			return
		}
		if track, ok := strings.CutSuffix(name, "/init.mp4"); ok {
			s.file(w, r, media(track, 0, 800))
			return
		}
		http.NotFound(w, r)
	}
}

func (s *stage) text(w http.ResponseWriter, r *http.Request, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Etag", fmt.Sprintf(`"m%d"`, len(body)))
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), strings.NewReader(body))
}

func (s *stage) file(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Etag", fmt.Sprintf(`"%x"`, body[:4]))
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), strings.NewReader(string(body)))
}

func (s *stage) mpd() string {
	set := func(kind, id string, bandwidth int) string {
		return fmt.Sprintf(`<AdaptationSet contentType="%s" mimeType="%s/mp4"><SegmentTemplate timescale="1" duration="1" startNumber="1" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s"/><Representation id="%s" bandwidth="%d"/></AdaptationSet>`, kind, kind, id, bandwidth)
	}
	return fmt.Sprintf(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT%dS" minBufferTime="PT2S"><Period id="p">%s%s</Period></MPD>`,
		s.segments, set("video", "v", 320_000), set("audio", "a", 40_000))
}

func (s *stage) playlist(entry func(i int) string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n")
	for i := range s.segments {
		b.WriteString(entry(i))
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.String()
}

// spy is a node that notes what a session tells it.
type spy struct {
	Node
	mu    sync.Mutex
	got   []node.Resource
	plans [][]node.Resource
	fail  error // of Get
	plan  chan struct{}
}

func newSpy(n Node) *spy { return &spy{Node: n, plan: make(chan struct{}, 1)} }

func (s *spy) Get(ctx context.Context, r node.Resource) (Stream, error) {
	s.mu.Lock()
	s.got = append(s.got, r)
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.Node.Get(ctx, r)
}

func (s *spy) Plan(rs []node.Resource) {
	s.mu.Lock()
	s.plans = append(s.plans, rs)
	s.mu.Unlock()
	select {
	case s.plan <- struct{}{}:
	default:
	}
	s.Node.Plan(rs)
}

func (s *spy) failing(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *spy) lastGet() node.Resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[len(s.got)-1]
}

// spying wraps the peers that a Dial makes; the last one is in the channel.
func spying(dial Dial) (Dial, <-chan *spy) {
	made := make(chan *spy, 8)
	return func(ctx context.Context, swarm string) (Node, error) {
		n, err := dial(ctx, swarm)
		if err != nil {
			return nil, err
		}
		s := newSpy(n)
		made <- s
		return s, nil
	}, made
}

// get asks with a client and reads all.
func get(t testing.TB, client *http.Client, method, url string, header map[string]string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}
