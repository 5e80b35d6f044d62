// Package timeline is the neutral model both manifest formats are read into: a
// presentation has tracks, a track has segments on one presentation timeline,
// known or predicted.
package timeline

import (
	"iter"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// Format of the manifest a presentation was read from.
type Format string

const (
	DASH Format = "dash"
	HLS  Format = "hls"
)

// Kind of a track's content.
type Kind string

const (
	Video Kind = "video"
	Audio Kind = "audio"
	Text  Kind = "text"
	Image Kind = "image" // tiled thumbnails, I-frame playlists are Video with TrickPlay set
	Other Kind = "other"
)

// Range is a byte range of a resource, first to last inclusive.
type Range struct{ First, Last int64 }

// Presentation is everything known of one stream at one moment. It is immutable:
// a refresh makes a new one, which may share tracks that did not change.
type Presentation struct {
	URL    string // the manifest's, after redirects
	Format Format
	Live   bool // more segments may come (MPD@type=dynamic; a playlist without EXT-X-ENDLIST)
	Tracks []*Track

	Duration       time.Duration // 0 when unknown
	TargetDuration time.Duration // nominal longest segment duration
	TargetLatency  time.Duration // suggested distance from the live edge, 0 when not given
	Announces      bool          // segments tell of changes (MPD@minimumUpdatePeriod 0): hand them to Follower.Notify
	Refresh        time.Duration // wait before the next refresh; 0: do not refresh
	ClockOffset    time.Duration // synchronised clock minus local clock, from UTCTiming
	Notes          []string      // things seen and left alone (DRM, steering, ntp, …), for people
}

// Track is one representation (DASH) or rendition (HLS) of a presentation. One
// DASH representation that spans periods is one track a period, since its key
// and its init segment change with the period.
type Track struct {
	ID        string // representation id, or the rendition's name; unique in the presentation
	Key       string // the track part of its segments' keys
	Period    string // DASH period id, empty for HLS
	Kind      Kind
	Codecs    string
	MimeType  string
	Language  string
	Bandwidth int // bit/s, 0 when unknown
	Width     int
	Height    int
	FrameRate float64
	Group     string // adaptation set or rendition group: tracks that a player switches between
	Default   bool   // what a player picks without a preference
	TrickPlay bool
	Protected bool   // DRM: bytes may be shared, keys and licences never
	Encrypted bool   // AES-128 or SAMPLE-AES by EXT-X-KEY
	URL       string // HLS: the media playlist's

	Init     *Segment // nil when segments are self-initialising
	Timeline Timeline
}

// Timeline lists a track's segments in presentation order, lazily: a timeline
// that repeats a segment a billion times costs nothing until somebody iterates.
type Timeline interface {
	// Segments yields those with Start+Duration > from and Start < to, on the
	// presentation timeline, known ones only. now bounds a live presentation:
	// segments not available then, or behind the time-shift buffer, are left out.
	Segments(now time.Time, from, to time.Duration) iter.Seq[Segment]
	// Predicted yields those that will become available in (now, now+ahead].
	Predicted(now time.Time, ahead time.Duration) iter.Seq[Segment]
	// Find names the segment that a request for this URL (absolute, with its
	// query) and byte range (nil: whole resource) asks for.
	Find(url string, r *Range) (Segment, bool)
}

// Forever bounds a Segments call that wants everything.
const Forever = time.Duration(1<<63 - 1)

// Segment is the unit of exchange: a media, init or partial segment.
type Segment struct {
	Key         segments.Key
	URL         string // empty for a predicted segment whose URL cannot be known yet
	Range       *Range
	Number      uint64        // DASH number or HLS media sequence number
	Part        int           // HLS part index, -1 for a whole segment
	Start       time.Duration // presentation timeline (DASH: of the presentation; HLS: from the playlist's epoch)
	Duration    time.Duration // 0 for init segments
	AvailableAt time.Time     // when the origin has it whole; zero when static or unknown
	GrowsFrom   time.Time     // low latency: when its first chunk is available; zero otherwise
	Predicted   bool
	Shareable   bool // false: must not enter the swarm (keys, EXT-X-GAP, private)
	Gap         bool // EXT-X-GAP: exists on the timeline, must not be fetched
}
