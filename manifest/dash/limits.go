package dash

import (
	"errors"
	"fmt"
)

// What an MPD may cost before it is refused. The figures leave room for a day
// of ten-second periods and a day of two-second segments in five tracks, and keep
// a process that reads one document within 64 MiB.
const (
	MaxBytes           = 8 << 20 // of an MPD, an xlink target or a patch document
	MaxDepth           = 64      // nested elements; a full MPD needs 12
	MaxElements        = 100_000 // other than S
	MaxTimelineEntries = 250_000 // S elements
	MaxPeriods         = 20_000
	MaxRepresentations = 8_000
	MaxBaseURLs        = 8       // alternatives followed for one Representation
	MaxIndexBytes      = 4 << 20 // of a sidx or Cues fetched for one Representation
	MaxIndexDepth      = 4       // sidx boxes that point at sidx boxes
	MaxIndexBoxes      = 512     // of those, fetched for one Representation
	MaxIndexEntries    = 200_000 // subsegments of one Representation
	MaxLinks           = 256     // xlink targets fetched for one MPD
	MaxExpansions      = 1024    // references replaced by what they point at
	MaxLinkDepth       = 4       // remote elements that hold remote elements
	MaxURLLength       = 8 << 10 // bytes of one resolved URL
	MaxWindow          = 50_000  // segments of a live Representation listed behind its edge: 27 h of 2 s
	MaxFormatWidth     = 20      // N of $Number%0Nd$: the digits of 2⁶⁴−1
)

// ErrLimit is wrapped by every refusal for size.
var ErrLimit = errors.New("over the limit")

// ErrSyntax is wrapped by every refusal for form.
var ErrSyntax = errors.New("not a well-formed MPD")

func overLimit(line int, what string, limit int) error {
	return fmt.Errorf("dash: line %d: more than %d %s: %w", line, limit, what, ErrLimit)
}
