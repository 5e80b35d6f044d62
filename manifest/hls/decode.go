package hls

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/grafov/m3u8"
)

// Only this file and multivariant.go touch github.com/grafov/m3u8 v0.12.1. The
// library reads EXTINF, URIs, numbering, dates, discontinuities, playlist type
// and the multivariant attributes. Its defects, and what works around each
// (decode_test.go shows under the same names that the library still has them):
//
//	panic-blank-line    a blank line between EXT-X-KEY or EXT-X-MAP and the first
//	                    EXTINF indexes Segments[-1]: lexer.take drops blanks, KEY
//	                    and MAP are not passed on
//	lost-uri            a blank line after EXTINF takes the URI's place: lexer.take
//	trailing-key        an EXT-X-KEY or EXT-X-MAP after the last segment is attached to
//	                    that segment: not passed on
//	last-key-only       of several EXT-X-KEYs only the last is kept: lexer.key
//	range-offset-zero   EXT-X-BYTERANGE without an offset has offset 0: rangeCarry.parse
//	raised-target       an EXTINF longer than EXT-X-TARGETDURATION replaces it: media.target
//	sequence-late       EXT-X-MEDIA-SEQUENCE after an EXTINF does not number it: lexer.header
//	duration-text       an EXTINF with blanks, or with text but no comma, gets no
//	                    duration: number
//	not-a-number        "NaN" and "Inf" are durations: duration
//	group-renditions    a rendition is repeated for every variant of its group, and lost
//	                    when no variant names the group: lexer.finishMulti
//	bandwidth-wraps     BANDWIDTH past 2^32 wraps around: bandwidth
//	stream-inf-twice    an EXT-X-STREAM-INF without a URI hides the next one: lexer.variantURI
//
// and two that cost time rather than truth:
//
//	custom-tag-last     of a repeated custom tag only the last is kept, and each costs a map
//	                    a segment: parts, gaps and skips are in the lexer's side table, and
//	                    a segment's place in it is passed through as its title
//	guess-twice         decoding without saying which kind runs both decoders over every
//	                    line, and attaches all renditions after each: decodeMedia, decodeMulti

// decodeMedia runs the library over the clean text of a media playlist.
func decodeMedia(clean []byte, segments int) (p *m3u8.MediaPlaylist, err error) {
	defer fence(&err)
	// The ring is made as large as needed: growing it goes through an error.
	p, err = m3u8.NewMediaPlaylist(0, uint(max(1, segments)))
	if err != nil {
		return nil, fmt.Errorf("hls: %w", err)
	}
	return p, p.Decode(*bytes.NewBuffer(clean), false)
}

// decodeMulti runs the library over the clean text of a multivariant playlist.
func decodeMulti(clean []byte) (p *m3u8.MasterPlaylist, err error) {
	defer fence(&err)
	p = m3u8.NewMasterPlaylist()
	return p, p.Decode(*bytes.NewBuffer(clean), false)
}

// cleanTexts lends the clean texts their memory: the library copies every line,
// so that a text is of no use once it is decoded.
var cleanTexts sync.Pool

// largeText is the most, in bytes, that is kept for the next document.
const largeText = 2 << 20

func cleanBuffer(size int) []byte {
	if b, ok := cleanTexts.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

func (doc *document) decoded() {
	if b := doc.clean; cap(b) <= largeText {
		cleanTexts.Put(&b)
	}
	doc.clean = nil
}

// fence turns a panic of the library into an error.
func fence(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("hls: %w: the m3u8 decoder gave up: %v", ErrSyntax, r)
	}
}

// assemble joins the library's reading with the side table.
func assemble(doc *document) (*media, error) {
	m := doc.media
	fresh := m.entries[m.fresh:]
	p, err := decodeMedia(doc.clean, len(fresh))
	if err != nil {
		return nil, err
	}
	doc.decoded()
	if int(p.Count()) != len(fresh) {
		return nil, fmt.Errorf("hls: %w: the m3u8 decoder read %d of %d segments", ErrSyntax, p.Count(), len(fresh))
	}
	m.iframes, m.event = p.Iframe, p.MediaType == m3u8.EVENT
	var at time.Duration
	if m.fresh > 0 {
		at = m.entries[m.fresh-1].start + m.entries[m.fresh-1].duration
	}
	for i := range fresh {
		segment, e := p.Segments[i], &fresh[i]
		if index, err := strconv.Atoi(segment.Title); err != nil || index != m.fresh+i {
			return nil, fmt.Errorf("hls: %w: the m3u8 decoder lost its place at segment %d (%.20q)", ErrSyntax, i, segment.Title)
		}
		e.uri = segment.URI
		e.number += segment.SeqId
		e.discontinuity = segment.Discontinuity
		if !segment.ProgramDateTime.IsZero() && segment.ProgramDateTime.Year() > 1678 && segment.ProgramDateTime.Year() < 2262 {
			e.date = segment.ProgramDateTime.UnixNano()
		}
		e.start, e.duration = at, duration(segment.Duration)
		at = min(at+e.duration, maxTimeline)
	}
	m.nextInit = m.init
	result := m.media
	return &result, nil
}

// duration converts seconds to nanoseconds. Negative ones (-1 is "unknown" in
// IPTV lists) and what is no number count as 0.
func duration(seconds float64) time.Duration {
	switch {
	case !(seconds > 0):
		return 0
	case seconds > MaxSegmentDuration.Seconds():
		return MaxSegmentDuration
	}
	return time.Duration(seconds*1e9 + 0.5)
}
