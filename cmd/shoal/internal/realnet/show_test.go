package realnet

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/sim"
)

// show is the live stream of a story in real time, and its origin.
type show struct {
	config sim.Config
	start  time.Time // when the story begins
	begin  time.Time // of number 0

	mu      sync.Mutex
	clients map[string]*client
	sent    []sending
}

// client is the origin's line to one peer.
type client struct {
	warm bool
	free time.Time
}

type sending struct {
	at    time.Time
	bytes int
}

const track = "real/v0"

func newShow(c sim.Config, start time.Time) *show {
	past := (c.Latency/c.SegmentDuration + 2) * c.SegmentDuration
	return &show{config: c, start: start, begin: start.Add(-past), clients: map[string]*client{}}
}

func (s *show) available(number int) time.Time {
	return s.begin.Add(time.Duration(number+1) * s.config.SegmentDuration)
}

// edge is the newest number that is whole.
func (s *show) edge(now time.Time) int { return int(now.Sub(s.begin)/s.config.SegmentDuration) - 1 }

func (s *show) size() int64 {
	return s.config.Tracks[0] * int64(s.config.SegmentDuration/time.Millisecond) / 8000
}

func (s *show) key(number int) segments.Key { return segments.NumberKey(track, uint64(number)) }

func (s *show) number(k segments.Key) int {
	n, _ := strconv.Atoi(string(k)[len(track)+1:])
	return n
}

// body is a segment that nothing compresses, the same every time.
func (s *show) body(number int) []byte {
	r := rand.NewChaCha8([32]byte{byte(number), byte(number >> 8), 7})
	b := make([]byte, s.size())
	r.Read(b)
	return b
}

// serve answers on l until it is closed.
func (s *show) serve(l net.Listener) *http.Server {
	server := &http.Server{Handler: s}
	go server.Serve(l)
	return server
}

// ServeHTTP is the origin: OriginRTT to the first byte, three times that the first
// time, then OriginRate for each client.
func (s *show) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || number < 0 {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	c := s.clients[r.Header.Get("Peer")]
	if c == nil {
		c = &client{}
		s.clients[r.Header.Get("Peer")] = c
	}
	wait := s.config.OriginRTT
	if !c.warm {
		wait *= 3
	}
	c.warm = true
	s.mu.Unlock()
	time.Sleep(wait)
	if time.Now().Before(s.available(number)) {
		http.NotFound(w, r)
		return
	}
	body := s.body(number)
	w.Header().Set("ETag", fmt.Sprintf("%q", strconv.Itoa(number)))
	w.Header().Set("Content-Type", "video/mp4")
	if from := r.Header.Get("Range"); from != "" {
		first, last, ok := rangeOf(from, len(body))
		if !ok {
			http.Error(w, "range", http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		body = body[first : last+1]
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	for len(body) > 0 && r.Context().Err() == nil {
		n := min(len(body), segments.PieceSize)
		s.mu.Lock()
		c.free = later(c.free, time.Now()).Add(time.Duration(int64(n) * 8 * int64(time.Second) / s.config.OriginRate))
		free := c.free
		s.mu.Unlock()
		time.Sleep(time.Until(free))
		if r.Context().Err() != nil {
			return
		}
		s.mu.Lock()
		s.sent = append(s.sent, sending{time.Now(), n})
		s.mu.Unlock()
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		body = body[n:]
	}
}

// sentWithin is what left the origin from one moment of the story to another.
func (s *show) sentWithin(from, to time.Duration) (bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if at := one.at.Sub(s.start); at >= from && at < to {
			bytes += int64(one.bytes)
		}
	}
	return bytes
}

func rangeOf(header string, size int) (first, last int, ok bool) {
	a, b, found := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	if !found {
		return 0, 0, false
	}
	first, err := strconv.Atoi(a)
	if err != nil || first >= size {
		return 0, 0, false
	}
	last = size - 1
	if b != "" {
		if last, err = strconv.Atoi(b); err != nil || last < first {
			return 0, 0, false
		}
	}
	return first, min(last, size-1), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
