package hls

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// byteRange is first to last inclusive; whole stands for the whole resource.
type byteRange struct{ first, last int64 }

var whole = byteRange{0, -1}

func (r byteRange) isWhole() bool { return r.last < 0 }

func (r byteRange) model() *timeline.Range {
	if r.isWhole() {
		return nil
	}
	return &timeline.Range{First: r.first, Last: r.last}
}

// text is the form that HLSInitKey hashes: "first-last", empty for whole.
func (r byteRange) text() string {
	if r.isWhole() {
		return ""
	}
	return strconv.FormatInt(r.first, 10) + "-" + strconv.FormatInt(r.last, 10)
}

// rangeCarry remembers where the last sub-range ended and of which resource.
type rangeCarry struct {
	uri  string
	next int64 // first byte after it; -1: there was none
}

// parse reads "n[@o]" of a sub-range of uri. Without an offset the sub-range
// starts after the previous one, which must be of the same resource; anything
// else is undefined and fails (RFC 8216bis §4.4.4.2). An offset is never
// carried from one resource to another.
func (c *rangeCarry) parse(text, uri string) (byteRange, error) {
	length, offset, err := splitRange(text)
	if err != nil {
		return whole, err
	}
	if offset < 0 {
		if c.next < 0 || c.uri != uri {
			return whole, fmt.Errorf("%w: byte range %q has no offset and the segment before it is no sub-range of the same resource", ErrSyntax, text)
		}
		offset = c.next
	}
	if offset > math.MaxInt64-length {
		return whole, fmt.Errorf("%w: byte range %q ends past 2^63", ErrSyntax, text)
	}
	*c = rangeCarry{uri, offset + length}
	return byteRange{offset, offset + length - 1}, nil
}

// splitRange returns an offset of -1 when the text has none.
func splitRange(text string) (length, offset int64, err error) {
	l, o, hasOffset := strings.Cut(text, "@")
	length, err = strconv.ParseInt(strings.TrimSpace(l), 10, 64)
	if err != nil || length <= 0 {
		return 0, 0, fmt.Errorf("%w: byte range %q: the length is not a positive number", ErrSyntax, text)
	}
	if !hasOffset {
		return length, -1, nil
	}
	offset, err = strconv.ParseInt(strings.TrimSpace(o), 10, 64)
	if err != nil || offset < 0 {
		return 0, 0, fmt.Errorf("%w: byte range %q: the offset is not a number", ErrSyntax, text)
	}
	return length, offset, nil
}
