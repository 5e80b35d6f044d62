package manifest

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// MaxListed is the number of segments listed for one track. A track that has
// more is marked "truncated".
const MaxListed = 1 << 18

// Listing is a presentation's tracks and segments at one moment.
type Listing struct {
	presentation *timeline.Presentation
	at           time.Time
	ahead        time.Duration
}

// List prepares the listing of p: the segments available at the synchronised
// time at (all of them when p is static), then those that become available
// within ahead. Nothing is listed before it is written.
func List(p *timeline.Presentation, at time.Time, ahead time.Duration) Listing {
	return Listing{p, at, ahead}
}

// WriteTo writes the listing as one JSON object, segment by segment, so that the
// longest one needs no memory:
//
//	{"type": "static" | "dynamic",
//	 "tracks": [{"id", "kind", "codecs", "bandwidth", "language",
//	             "init": {"url", "range"} | null,
//	             "segments": [{"key", "url", "range", "start", "duration",
//	                           "available_at", "predicted"}]}],
//	 "notes": []}
//
// Bandwidth is in bit/s; start and duration are in seconds on the presentation
// timeline; a range is "first-last", inclusive, or null; available_at is the
// RFC 3339 time from which the segment can be asked for (its first chunk, with
// low latency), or null; a predicted segment's URL may be null.
func (l Listing) WriteTo(w io.Writer) (int64, error) {
	out := &jsonWriter{w: bufio.NewWriterSize(w, 64<<10)}
	kind := "static"
	if l.presentation.Live {
		kind = "dynamic"
	}
	out.text(`{"type":`, quoted(kind), `,"tracks":[`)
	for i, t := range l.presentation.Tracks {
		if i > 0 {
			out.text(",")
		}
		l.track(out, t)
		if out.err != nil {
			return out.n, out.err
		}
	}
	out.text("\n],\"notes\":[")
	for i, n := range l.presentation.Notes {
		if i > 0 {
			out.text(",")
		}
		out.text("\n ", quoted(n))
	}
	out.text("]}\n")
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.n, out.err
}

func (l Listing) track(out *jsonWriter, t *timeline.Track) {
	out.text("\n", `{"id":`, quoted(t.ID), `,"kind":`, quoted(string(t.Kind)), `,"codecs":`, quoted(t.Codecs),
		`,"bandwidth":`, strconv.Itoa(t.Bandwidth), `,"language":`, quoted(t.Language), `,"init":`)
	if t.Init == nil {
		out.text("null")
	} else {
		out.text(`{"url":`, quoted(t.Init.URL), `,"range":`, rangeText(t.Init.Range), "}")
	}
	out.text(`,"segments":[`)
	n := 0
	write := func(s timeline.Segment) bool {
		if n == MaxListed || out.err != nil {
			return false
		}
		if n > 0 {
			out.text(",")
		}
		n++
		out.segment(s)
		return true
	}
	truncated := false
	if t.Timeline != nil {
		for s := range t.Timeline.Segments(l.at, 0, timeline.Forever) {
			if truncated = !write(s); truncated {
				break
			}
		}
		if !truncated && l.presentation.Live && l.ahead > 0 {
			for s := range t.Timeline.Predicted(l.at, l.ahead) {
				if truncated = !write(s); truncated {
					break
				}
			}
		}
	}
	out.text("]")
	if truncated {
		out.text(`,"truncated":true`)
	}
	out.text("}")
}

// jsonWriter keeps the first error and the count of bytes.
type jsonWriter struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (o *jsonWriter) text(parts ...string) {
	for _, p := range parts {
		if o.err != nil {
			return
		}
		var n int
		n, o.err = o.w.WriteString(p)
		o.n += int64(n)
	}
}

func (o *jsonWriter) segment(s timeline.Segment) {
	url := "null"
	if s.URL != "" {
		url = quoted(s.URL)
	}
	available := "null"
	if at := firstAvailable(s); !at.IsZero() {
		available = `"` + at.UTC().Format(time.RFC3339Nano) + `"`
	}
	o.text("\n ", `{"key":`, quoted(string(s.Key)), `,"url":`, url, `,"range":`, rangeText(s.Range),
		`,"start":`, secondsText(s.Start), `,"duration":`, secondsText(s.Duration),
		`,"available_at":`, available, `,"predicted":`, strconv.FormatBool(s.Predicted), "}")
}

func firstAvailable(s timeline.Segment) time.Time {
	if !s.GrowsFrom.IsZero() {
		return s.GrowsFrom
	}
	return s.AvailableAt
}

func quoted(s string) string {
	if isPlain(s) {
		return `"` + s + `"`
	}
	b, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return `""`
	}
	return string(b)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// rangeText is "first-last", or "first-" to the end of the file.
func rangeText(r *timeline.Range) string {
	switch {
	case r == nil:
		return "null"
	case r.Last < 0:
		return `"` + strconv.FormatInt(r.First, 10) + `-"`
	}
	return `"` + strconv.FormatInt(r.First, 10) + "-" + strconv.FormatInt(r.Last, 10) + `"`
}

// secondsText writes a duration in seconds without rounding it to a float.
func secondsText(d time.Duration) string {
	sign := ""
	ns := uint64(d)
	if d < 0 {
		sign, ns = "-", -ns
	}
	whole, fraction := ns/1e9, ns%1e9
	if fraction == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	digits := strconv.FormatUint(1e9+fraction, 10)[1:]
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(digits, "0")
}
