package segments

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// byteRange is first to last inclusive; last is -1 for the end of the resource.
type byteRange struct{ first, last int64 }

// whole says that no Range header is needed.
func (r byteRange) whole() bool { return r.first == 0 && r.last < 0 }

// header is the value of the Range field (RFC 9110 §14.2).
func (r byteRange) header() string {
	if r.last < 0 {
		return fmt.Sprintf("bytes=%d-", r.first)
	}
	return fmt.Sprintf("bytes=%d-%d", r.first, r.last)
}

// length in a resource of total bytes; -1 when total is unknown.
func (r byteRange) length(total int64) int64 {
	if total < 0 {
		return -1
	}
	last := total - 1
	if r.last >= 0 {
		last = min(last, r.last)
	}
	return max(last-r.first+1, 0)
}

// contentRange is what a 206 answer says it holds.
type contentRange struct {
	first, last int64
	total       int64 // -1 for "*"
}

// parseContentRange reads a Content-Range field (RFC 9110 §14.4).
func parseContentRange(field string) (contentRange, error) {
	bad := fmt.Errorf("segments: Content-Range %q, want \"bytes first-last/total\"", field)
	unit, rest, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return contentRange{}, bad
	}
	span, size, ok := strings.Cut(rest, "/")
	if !ok {
		return contentRange{}, bad
	}
	from, to, ok := strings.Cut(span, "-")
	if !ok {
		return contentRange{}, bad
	}
	r := contentRange{total: -1}
	if r.first, ok = parseDigits(from); !ok {
		return contentRange{}, bad
	}
	if r.last, ok = parseDigits(to); !ok || r.last < r.first {
		return contentRange{}, bad
	}
	if size != "*" {
		if r.total, ok = parseDigits(size); !ok || r.last >= r.total {
			return contentRange{}, bad
		}
	}
	return r, nil
}

// maxPosition is the highest byte position and count that is taken from
// anybody: sums of two do not overflow.
const maxPosition = 1<<62 - 1

// parseDigits reads 1*DIGIT, no sign, no space, up to maxPosition.
func parseDigits(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 62)
	return int64(n), err == nil
}

// validator returns the value for If-Range that names the representation of an
// answer exactly: its strong ETag, or its Last-Modified when that is strong,
// at least a second before Date (RFC 9110 §8.8.2.2, §13.1.5). It is empty when
// the answer has neither.
func validator(h http.Header) string {
	if etag := h.Get("ETag"); strings.HasPrefix(etag, `"`) && strings.HasSuffix(etag, `"`) && len(etag) >= 2 {
		return etag
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return ""
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || date.Sub(modified) < time.Second {
		return ""
	}
	return h.Get("Last-Modified")
}

// parseRetryAfter reads a Retry-After field in seconds or as a date (RFC 9110
// §10.2.3). A date is taken relative to the answer's own Date, so that a wrong
// clock here does not matter. The result is in [0, maxRetryAfter].
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	field := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, ok := parseDigits(field); ok {
		return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(field)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// shareable reports whether Cache-Control lets other viewers have the answer.
func shareable(h http.Header) bool {
	for _, field := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(field, ",") {
			name, _, _ := strings.Cut(directive, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "private", "no-store":
				return false
			}
		}
	}
	return true
}
