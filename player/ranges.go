package player

import (
	"net/http"
	"strconv"
	"strings"
)

// byteRange is one range of a Range header (RFC 9110 §14.1.2): first to last
// inclusive, last -1 to the end, or the last suffix bytes.
type byteRange struct {
	first, last int64
	suffix      int64 // > 0: a suffix range; -1: "-0", never satisfiable
}

// parseRange reads a Range header. ok is false when there is none or it is to be
// ignored: another unit, malformed, or several ranges, which a server may answer
// with the whole (§14.2).
func parseRange(h http.Header) (r byteRange, ok bool) {
	spec, found := strings.CutPrefix(strings.TrimSpace(h.Get("Range")), "bytes=")
	if !found || strings.Contains(spec, ",") {
		return r, false
	}
	from, to, found := strings.Cut(strings.TrimSpace(spec), "-")
	if !found {
		return r, false
	}
	if from == "" {
		n, err := parseOffset(to)
		if err != nil {
			return r, false
		}
		if n == 0 {
			n = -1
		}
		return byteRange{suffix: n}, true
	}
	first, err := parseOffset(from)
	if err != nil {
		return r, false
	}
	if to == "" {
		return byteRange{first: first, last: -1}, true
	}
	last, err := parseOffset(to)
	if err != nil || last < first {
		return r, false
	}
	return byteRange{first: first, last: last}, true
}

func parseOffset(s string) (int64, error) {
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(s, 10, 64)
}

// within resolves r against size bytes. ok is false when nothing of it exists:
// status 416.
func (r byteRange) within(size int64) (offset, length int64, ok bool) {
	switch {
	case r.suffix < 0:
		return 0, 0, false
	case r.suffix > 0:
		n := min(r.suffix, size)
		return size - n, n, n > 0
	case r.first >= size:
		return 0, 0, false
	case r.last < 0:
		return r.first, size - r.first, true
	}
	return r.first, min(r.last, size-1) - r.first + 1, true
}
