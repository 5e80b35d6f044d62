package origin

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxCountedSegments bounds the per-segment counters: some three hours of
	// all five tracks. The oldest go first and stay in the totals.
	maxCountedSegments = 1 << 15
	// maxLabels bounds the per-client counters; later clients share otherLabel.
	maxLabels   = 1 << 10
	otherLabel  = "other"
	maxLabelLen = 128
)

// Stats is what left the origin so far, in body bytes really written.
type Stats struct {
	MediaBytes    int64 // media segments
	InitBytes     int64 // init segments
	ManifestBytes int64 // MPDs, playlists, time
	Requests      int64 // of any kind and outcome
	Clients       map[string]ClientStats
	Segments      []SegmentStats // those counted still, in the order they were first asked for
}

// ClientStats is one client's share, by Config.Label.
type ClientStats struct {
	Requests   int64
	MediaBytes int64
	InitBytes  int64
}

// SegmentStats is one media segment's share.
type SegmentStats struct {
	Path  string    // canonical: by number, also when it was asked for by time
	Size  int       // bytes
	Bytes int64     // body bytes sent of it, over all requests
	Hits  int64     // GET requests answered with bytes of it (200, 206)
	First time.Time // when it was first asked for
}

// Copies is how many times the segment left the origin: body bytes over size, so
// that a Range request or a transfer cut short counts as the fraction it is.
func (s SegmentStats) Copies() float64 { return float64(s.Bytes) / float64(s.Size) }

// Copies is the mean number of times that a media segment left the origin, over
// the segments of which anything left and that were first asked for at or after
// since (the zero time: all still counted). It is 0 where there are none.
func (s Stats) Copies(since time.Time) float64 {
	var sum float64
	n := 0
	for _, seg := range s.Segments {
		if seg.Bytes > 0 && !seg.First.Before(since) {
			sum += seg.Copies()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

type kind int

const (
	other kind = iota
	manifest
	initSegment
	mediaSegment
)

// answer is what one request came to, for the counters.
type answer struct {
	kind   kind
	path   string // media segments: canonical
	size   int    // media segments: bytes
	status int
	method string
	bytes  int64
}

type counters struct {
	mu       sync.Mutex
	total    Stats // without its maps and slices
	clients  map[string]*ClientStats
	segments map[string]*SegmentStats
	order    []*SegmentStats
}

func newCounters() *counters {
	return &counters{clients: map[string]*ClientStats{}, segments: map[string]*SegmentStats{}}
}

func (c *counters) add(label string, now time.Time, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.client(label)
	c.total.Requests++
	client.Requests++
	switch a.kind {
	case manifest:
		c.total.ManifestBytes += a.bytes
	case initSegment:
		c.total.InitBytes += a.bytes
		client.InitBytes += a.bytes
	case mediaSegment:
		c.total.MediaBytes += a.bytes
		client.MediaBytes += a.bytes
		c.addSegment(now, a)
	}
}

func (c *counters) addSegment(now time.Time, a answer) {
	if a.method != "GET" || a.status != 200 && a.status != 206 {
		return
	}
	seg := c.segments[a.path]
	if seg == nil {
		if len(c.order) == maxCountedSegments {
			// A quarter at once, so that the copying is rare.
			const drop = maxCountedSegments / 4
			for _, old := range c.order[:drop] {
				delete(c.segments, old.Path)
			}
			c.order = slices.Delete(c.order, 0, drop)
		}
		seg = &SegmentStats{Path: a.path, Size: a.size, First: now}
		c.segments[a.path] = seg
		c.order = append(c.order, seg)
	}
	seg.Hits++
	seg.Bytes += a.bytes
}

func (c *counters) client(label string) *ClientStats {
	label = label[:min(len(label), maxLabelLen)]
	if found := c.clients[label]; found != nil {
		return found
	}
	if len(c.clients) >= maxLabels {
		label = otherLabel
		if found := c.clients[label]; found != nil {
			return found
		}
	}
	made := &ClientStats{}
	c.clients[label] = made
	return made
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.total
	s.Clients = maps.Collect(func(yield func(string, ClientStats) bool) {
		for label, client := range c.clients {
			if !yield(label, *client) {
				return
			}
		}
	})
	s.Segments = make([]SegmentStats, len(c.order))
	for i, seg := range c.order {
		s.Segments[i] = *seg
	}
	return s
}
