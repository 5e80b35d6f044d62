package dash

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// resourceName is a byte range of a URL; last −1 is the whole resource.
type resourceName struct {
	url         string
	first, last int64
}

// index is the segment index of a one-file Representation: sidx boxes (ISO/IEC
// 14496-12 §8.16.3) or WebM Cues.
type index struct {
	timescale uint64
	first     int64   // media time of the first subsegment
	lengths   []int64 // of each, in the timescale
	ranges    []timeline.Range
	boxes     int  // sidx boxes fetched beside the first
	open      bool // the last one's length is not told: it ends with the Period
	err       error
}

type indexRequest struct {
	name  resourceName
	track string
}

// file lists a Representation that is one file: by its index when that has been
// fetched, as one segment otherwise.
func (b *builder) file(l *line, t *timeline.Track, p period, in information, at bases) {
	if !at.stated {
		b.notes.add("%s has no segments: neither segment information nor a BaseURL names any", t.Key)
		return
	}
	l.ladder = single(information{timescale: 1e9, startNumber: in.startNumber}, p.length(1e9, b.live))
	name := resourceName{url: at.urls[0]}
	rng, ok := parseRange(in.indexRange)
	if !ok && in.indexResource != nil {
		name.url = resolve(at.urls[0], string(in.indexResource.SourceURL))
		rng, ok = parseRange(in.indexResource.Range)
	}
	if !ok {
		return
	}
	name.first, name.last = rng.First, rng.Last
	switch ix := b.indexes[name]; {
	case ix == nil:
		b.wanted = append(b.wanted, indexRequest{name, t.Key})
	case ix.err != nil:
		b.notes.add("%s is listed as one segment: its index cannot be read: %v", t.Key, ix.err)
	case len(ix.ranges) > 0:
		l.ladder = ix.ladder(in, p)
		l.where = &ranged{bases: at.urls, ranges: ix.ranges}
	}
}

// ladder places the subsegments. Their times are in the index's timescale,
// presentationTimeOffset is in the manifest's.
func (ix *index) ladder(in information, p period) *ladder {
	l := &ladder{timescale: ix.timescale, offset: mulDiv(in.offset, ix.timescale, in.timescale)}
	next := ix.first
	for i, d := range ix.lengths {
		if i == len(ix.lengths)-1 && ix.open {
			if end := p.length(ix.timescale, false); end.known {
				d = addSat(end.ticks, l.offset) - next
			}
		}
		d = max(d, 1)
		n := len(l.runs)
		if n > 0 && l.runs[n-1].length == d && l.runs[n-1].end() == next {
			l.runs[n-1].count++
		} else {
			l.runs = append(l.runs, run{next, d, 1, in.startNumber + uint64(i), int64(i), 1})
		}
		next = addSat(next, d)
	}
	return l
}

// readIndex fetches and reads one index, with the boxes that it points at.
func readIndex(ctx context.Context, fetch Fetch, name resourceName) *index {
	if name.last-name.first >= MaxIndexBytes {
		return &index{err: fmt.Errorf("an index of %d bytes: %w", name.last-name.first+1, ErrLimit)}
	}
	data, err := fetchRange(ctx, fetch, name)
	if err != nil {
		return &index{err: err}
	}
	if isCues(data) {
		head, err := fetchRange(ctx, fetch, resourceName{name.url, 0, max(min(name.first, MaxIndexBytes)-1, 0)})
		if err != nil {
			return &index{err: err}
		}
		return readCues(head, data)
	}
	ix := &index{}
	ix.err = ix.addSidx(ctx, fetch, name, data, 1)
	return ix
}

func fetchRange(ctx context.Context, fetch Fetch, name resourceName) ([]byte, error) {
	if !fetchable(name.url) {
		return nil, fmt.Errorf("%.80q is not an http URL", name.url)
	}
	a, err := fetch(ctx, Request{URL: name.url, First: name.first, Last: name.last})
	if err != nil {
		return nil, err
	}
	return a.Body, nil
}

// addSidx appends the subsegments of the sidx box in data, which lies at
// name.first of the file, and of those it points at.
func (ix *index) addSidx(ctx context.Context, fetch Fetch, name resourceName, data []byte, depth int) error {
	box, err := findSidx(data, uint64(name.first))
	if err != nil {
		return err
	}
	if box.Timescale == 0 || box.EarliestPresentationTime > math.MaxInt64 {
		return fmt.Errorf("sidx at byte %d has no usable times", name.first)
	}
	if len(ix.ranges) == 0 && depth == 1 {
		ix.timescale, ix.first = uint64(box.Timescale), int64(box.EarliestPresentationTime)
	}
	at := int64(min(box.AnchorPoint, math.MaxInt64/2))
	for _, ref := range box.SidxRefs {
		size := int64(ref.ReferencedSize)
		if size == 0 {
			continue
		}
		if ref.ReferenceType == 1 {
			inner := resourceName{name.url, at, at + size - 1}
			ix.boxes++
			switch {
			case size > MaxIndexBytes:
				return fmt.Errorf("sidx of %d bytes at byte %d: %w", size, at, ErrLimit)
			case depth == MaxIndexDepth:
				return fmt.Errorf("sidx boxes nested deeper than %d: %w", MaxIndexDepth, ErrLimit)
			case ix.boxes > MaxIndexBoxes:
				return fmt.Errorf("more than %d sidx boxes: %w", MaxIndexBoxes, ErrLimit)
			}
			sub, err := fetchRange(ctx, fetch, inner)
			if err != nil {
				return err
			}
			if err := ix.addSidx(ctx, fetch, inner, sub, depth+1); err != nil {
				return err
			}
		} else {
			if len(ix.ranges) >= MaxIndexEntries {
				return fmt.Errorf("more than %d subsegments: %w", MaxIndexEntries, ErrLimit)
			}
			ix.ranges = append(ix.ranges, timeline.Range{First: at, Last: at + size - 1})
			ix.lengths = append(ix.lengths, mulDiv(int64(ref.SubSegmentDuration), ix.timescale, uint64(box.Timescale)))
		}
		at += size
	}
	return nil
}

// findSidx looks for the first sidx among the boxes of data, which starts at
// byte start of the file.
func findSidx(data []byte, start uint64) (*mp4.SidxBox, error) {
	const boxHeader, largeHeader = 8, 16
	for pos := 0; len(data)-pos >= boxHeader; {
		size, header := uint64(binary.BigEndian.Uint32(data[pos:])), boxHeader
		if size == 1 && len(data)-pos >= largeHeader {
			size, header = binary.BigEndian.Uint64(data[pos+8:]), largeHeader
		}
		if size < uint64(header) || size > uint64(len(data)-pos) {
			break
		}
		if string(data[pos+4:pos+8]) == "sidx" {
			body := bits.NewFixedSliceReader(data[pos+header : pos+int(size)])
			box, err := mp4.DecodeSidxSR(mp4.BoxHeader{Name: "sidx", Size: size, Hdrlen: header}, start+uint64(pos), body)
			if err != nil {
				return nil, fmt.Errorf("sidx at byte %d: %w", start+uint64(pos), err)
			}
			return box.(*mp4.SidxBox), nil
		}
		pos += int(size)
	}
	return nil, fmt.Errorf("no sidx box in the %d bytes at %d", len(data), start)
}
