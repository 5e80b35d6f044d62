package dash

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Element IDs of a WebM file (RFC 9559 §5.1).
const (
	webmSegment        = 0x18538067
	webmInfo           = 0x1549A966
	webmTimestampScale = 0x2AD7B1
	webmCues           = 0x1C53BB6B
	webmCuePoint       = 0xBB
	webmCueTime        = 0xB3
	webmCuePositions   = 0xB7
	webmClusterAt      = 0xF1
)

var cuesMark = []byte{0x1C, 0x53, 0xBB, 0x6B}

func isCues(data []byte) bool { return bytes.HasPrefix(data, cuesMark) }

// readCues reads the Cues of a WebM file. A cluster position counts from the
// first byte after the Segment element's head, which is in head: the file's
// bytes before the Cues. A cue's length runs to the next one; the last cluster
// goes to the end of the file.
func readCues(head, data []byte) *index {
	base, scale, err := segmentOf(head)
	if err != nil {
		return &index{err: err}
	}
	ix := &index{timescale: 1e9, open: true}
	cues, _, _, ok := ebmlElement(data)
	if !ok {
		return &index{err: errors.New("the Cues element is cut off")}
	}
	var times []int64
	err = ebmlChildren(cues, func(id uint32, point []byte) error {
		if id != webmCuePoint {
			return nil
		}
		at, when := int64(-1), int64(-1)
		_ = ebmlChildren(point, func(id uint32, v []byte) error {
			switch id {
			case webmCueTime:
				when = mulSat(ebmlInt(v), scale)
			case webmCuePositions:
				return ebmlChildren(v, func(id uint32, v []byte) error {
					if id == webmClusterAt && at < 0 {
						at = addSat(base, ebmlInt(v))
					}
					return nil
				})
			}
			return nil
		})
		n := len(times)
		switch {
		case at < 0 || when < 0, n > 0 && (at <= ix.ranges[n-1].First || when <= times[n-1]):
			return nil // not a place of its own to cut
		case n >= MaxIndexEntries:
			return fmt.Errorf("more than %d cues: %w", MaxIndexEntries, ErrLimit)
		}
		if n > 0 {
			ix.ranges[n-1].Last = at - 1
			ix.lengths = append(ix.lengths, when-times[n-1])
		}
		times = append(times, when)
		ix.ranges = append(ix.ranges, timeline.Range{First: at, Last: -1})
		return nil
	})
	if err == nil && len(times) == 0 {
		err = errors.New("no cluster in the Cues element")
	}
	if err != nil {
		return &index{err: err}
	}
	ix.first = times[0]
	ix.lengths = append(ix.lengths, 1)
	return ix
}

// segmentOf finds where the Segment's payload starts and how many nanoseconds
// its time unit has (TimestampScale, 10⁶ by default).
func segmentOf(head []byte) (base, scale int64, err error) {
	scale = 1e6
	rest := head
	for len(rest) > 0 {
		body, id, headLen, ok := ebmlElement(rest)
		if id == webmSegment {
			base = int64(len(head)-len(rest)) + int64(headLen)
			_ = ebmlChildren(rest[headLen:], func(id uint32, v []byte) error {
				if id != webmInfo {
					return nil
				}
				return ebmlChildren(v, func(id uint32, v []byte) error {
					if id == webmTimestampScale && ebmlInt(v) > 0 {
						scale = ebmlInt(v)
					}
					return nil
				})
			})
			return base, scale, nil
		}
		if !ok {
			break
		}
		rest = rest[headLen+len(body):]
	}
	return 0, 0, fmt.Errorf("no WebM Segment in the first %d bytes", len(head))
}

// ebmlElement reads one element (RFC 8794 §5, §6). ok is false when its body is
// cut off; id and headLen are still set when the head could be read.
func ebmlElement(b []byte) (body []byte, id uint32, headLen int, ok bool) {
	idLen := vintLength(b)
	if idLen == 0 || idLen > 4 || len(b) <= idLen {
		return nil, 0, len(b), false
	}
	for _, c := range b[:idLen] {
		id = id<<8 | uint32(c)
	}
	sizeLen := vintLength(b[idLen:])
	if sizeLen == 0 || len(b) < idLen+sizeLen {
		return nil, id, len(b), false
	}
	size := uint64(b[idLen]) & (1<<(8-sizeLen) - 1)
	for _, c := range b[idLen+1 : idLen+sizeLen] {
		size = size<<8 | uint64(c)
	}
	headLen = idLen + sizeLen
	if size > uint64(len(b)-headLen) {
		return nil, id, headLen, false
	}
	return b[headLen : headLen+int(size)], id, headLen, true
}

// vintLength is the length of a variable-size integer from its first byte.
func vintLength(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	for n := range 8 {
		if b[0]&(0x80>>n) != 0 {
			return n + 1
		}
	}
	return 0
}

func ebmlChildren(b []byte, visit func(id uint32, body []byte) error) error {
	for len(b) > 0 {
		body, id, headLen, ok := ebmlElement(b)
		if !ok {
			return nil
		}
		if err := visit(id, body); err != nil {
			return err
		}
		b = b[headLen+len(body):]
	}
	return nil
}

// ebmlInt reads an unsigned integer of up to eight bytes, saturating at 2⁶³−1.
func ebmlInt(b []byte) int64 {
	if len(b) > 8 {
		return math.MaxInt64
	}
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return int64(min(n, math.MaxInt64))
}
