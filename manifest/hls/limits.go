package hls

import (
	"errors"
	"time"
)

// Caps on what a playlist may cost us. A document past one of them is refused
// with ErrLimit; each has a test at the cap and one past it.
const (
	// MaxPlaylistBytes bounds one document: a 24-hour window of 2 s segments
	// with 300-byte tokenised URLs is 13.9 MB.
	MaxPlaylistBytes = 14 << 20
	// MaxLineBytes bounds one line, before and after variable substitution.
	// Session keys carry DRM headers in data: URIs of tens of kilobytes.
	MaxLineBytes = 256 << 10
	// MaxLines bounds the lines of one document, blank ones included.
	MaxLines = 1_000_000
	// MaxSegments bounds the segments of one media playlist, those merged from
	// earlier delta updates included: 24 hours of 1 s segments and some.
	MaxSegments = 100_000
	// MaxParts bounds the partial segments of one media playlist. The RFC lets
	// a server drop them three target durations from the live edge.
	MaxParts = 20_000
	// MaxVariants bounds EXT-X-STREAM-INF and EXT-X-I-FRAME-STREAM-INF together.
	MaxVariants = 1_000
	// MaxRenditions bounds EXT-X-MEDIA.
	MaxRenditions = 1_000
	// MaxInits bounds the different EXT-X-MAP of one media playlist.
	MaxInits = MaxSegments
	// MaxKeys bounds the different EXT-X-KEY URIs of one media playlist.
	MaxKeys = MaxSegments
	// MaxReports bounds EXT-X-RENDITION-REPORT; further ones are not looked at.
	MaxReports = 100
	// MaxVariables bounds EXT-X-DEFINE.
	MaxVariables = 1_000
	// MaxAttributes bounds one tag's attribute list.
	MaxAttributes = 128
	// MaxExpandedBytes bounds what variable substitution adds up to in one
	// document, so that a small file of references cannot become a large one.
	MaxExpandedBytes = MaxPlaylistBytes
	// MaxNotes bounds the notes of one document; the rest is counted.
	MaxNotes = 50
	// MaxPredicted bounds one Predicted call.
	MaxPredicted = 10_000

	// MaxSegmentDuration is the longest EXTINF that is believed; longer ones
	// are cut to it, so that no sum can overflow.
	MaxSegmentDuration = 366 * 24 * time.Hour
	// maxTimeline keeps sums of durations clear of overflow (about 146 years).
	maxTimeline = time.Duration(1 << 62)
)

var (
	// ErrNotPlaylist: the document does not start with #EXTM3U, or has none of
	// the tags that make a playlist.
	ErrNotPlaylist = errors.New("not an HLS playlist")
	// ErrSyntax: the RFC tells a client to fail on this.
	ErrSyntax = errors.New("invalid HLS playlist")
	// ErrLimit: the document is larger than we are willing to read.
	ErrLimit = errors.New("HLS playlist over a limit")
	// ErrForeign: a media playlist that the presentation does not list.
	ErrForeign = errors.New("playlist is not part of this presentation")
)
