package manifest

import (
	"encoding/json"
	"io"
	"strconv"
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
//	             "playlist": the media playlist's URL (HLS only),
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
	out := &jsonWriter{w: w, buf: make([]byte, 0, jsonBuffer+jsonBuffer/8)}
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
	out.flush()
	return out.n, out.err
}

func (l Listing) track(out *jsonWriter, t *timeline.Track) {
	out.text("\n", `{"id":`, quoted(t.ID), `,"kind":`, quoted(string(t.Kind)), `,"codecs":`, quoted(t.Codecs),
		`,"bandwidth":`, strconv.Itoa(t.Bandwidth), `,"language":`, quoted(t.Language))
	if t.URL != "" {
		out.text(`,"playlist":`, quoted(t.URL))
	}
	out.text(`,"init":`)
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

// jsonWriter gathers output in a buffer and keeps the first error and the count
// of bytes.
type jsonWriter struct {
	w   io.Writer
	buf []byte
	n   int64
	err error
}

const jsonBuffer = 64 << 10

func (o *jsonWriter) text(parts ...string) {
	for _, p := range parts {
		o.buf = append(o.buf, p...)
	}
}

func (o *jsonWriter) flush() {
	if o.err == nil {
		var n int
		n, o.err = o.w.Write(o.buf)
		o.n += int64(n)
	}
	o.buf = o.buf[:0]
}

func (o *jsonWriter) segment(s timeline.Segment) {
	b := append(o.buf, "\n {\"key\":"...)
	b = appendQuoted(b, string(s.Key))
	b = append(b, `,"url":`...)
	if s.URL == "" {
		b = append(b, "null"...)
	} else {
		b = appendQuoted(b, s.URL)
	}
	b = appendRange(append(b, `,"range":`...), s.Range)
	b = appendSeconds(append(b, `,"start":`...), s.Start)
	b = appendSeconds(append(b, `,"duration":`...), s.Duration)
	b = append(b, `,"available_at":`...)
	if at := firstAvailable(s); at.IsZero() {
		b = append(b, "null"...)
	} else {
		b = at.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano)
		b = append(b, '"')
	}
	b = strconv.AppendBool(append(b, `,"predicted":`...), s.Predicted)
	o.buf = append(b, '}')
	if len(o.buf) >= jsonBuffer {
		o.flush()
	}
}

func firstAvailable(s timeline.Segment) time.Time {
	if !s.GrowsFrom.IsZero() {
		return s.GrowsFrom
	}
	return s.AvailableAt
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }

// appendQuoted appends a JSON string. URLs and keys are plain ASCII and need no
// escaping, which is most of the time that writing one takes.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			escaped, err := json.Marshal(s)
			if err != nil { // a string always marshals
				return append(b, `""`...)
			}
			return append(b, escaped...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

func rangeText(r *timeline.Range) string { return string(appendRange(nil, r)) }

// appendRange appends "first-last", or "first-" to the end of the file.
func appendRange(b []byte, r *timeline.Range) []byte {
	if r == nil {
		return append(b, "null"...)
	}
	b = append(strconv.AppendInt(append(b, '"'), r.First, 10), '-')
	if r.Last >= 0 {
		b = strconv.AppendInt(b, r.Last, 10)
	}
	return append(b, '"')
}

// appendSeconds writes a duration in seconds without rounding it to a float.
func appendSeconds(b []byte, d time.Duration) []byte {
	ns := uint64(d)
	if d < 0 {
		b, ns = append(b, '-'), -ns
	}
	b = strconv.AppendUint(b, ns/1e9, 10)
	fraction := ns % 1e9
	if fraction == 0 {
		return b
	}
	at := len(b)
	b = strconv.AppendUint(b, 1e9+fraction, 10)
	b[at] = '.' // in place of the 1 that keeps the leading zeros
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
