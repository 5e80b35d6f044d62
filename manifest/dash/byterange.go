package dash

import (
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// parseRange reads a byte-range-spec without its unit ("500-999", RFC 9110
// §14.1.2). One that is open, reversed or beyond 2⁶³ is not a range.
func parseRange(s string) (timeline.Range, bool) {
	a, b, found := strings.Cut(strings.TrimSpace(s), "-")
	first, err := strconv.ParseUint(a, 10, 63)
	if !found || err != nil {
		return timeline.Range{}, false
	}
	last, err := strconv.ParseUint(b, 10, 63)
	if err != nil || last < first {
		return timeline.Range{}, false
	}
	return timeline.Range{First: int64(first), Last: int64(last)}, true
}
