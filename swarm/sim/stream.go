package sim

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// stream is the presentation: every segment of every track that can be asked
// for during the run. A segment is known by one index, track × count + number.
type stream struct {
	mode   Mode
	length time.Duration // of a segment
	tracks []int64       // bit/s
	count  int           // segments of a track
	// begin is when segment 0 begins: negative for live, because the stream has
	// been on for a while when the run starts.
	begin swarm.Time
	keys  []swarm.Key
	sizes []int32 // bytes
	index map[swarm.Key]int32
}

func newStream(c Config, rng *rand.Rand) *stream {
	s := &stream{mode: c.Mode, length: c.SegmentDuration, tracks: c.Tracks, index: map[swarm.Key]int32{}}
	if c.Mode == VOD {
		s.count = int((c.Film + c.SegmentDuration - 1) / c.SegmentDuration)
	} else {
		past := (c.Latency/c.SegmentDuration + 2) * c.SegmentDuration
		s.begin = -past
		s.count = int((past+c.Duration+c.Horizon)/c.SegmentDuration) + 2
	}
	for t, bitrate := range s.tracks {
		mean := float64(bitrate) / 8 * s.length.Seconds()
		for n := range s.count {
			key := segments.NumberKey("sim/v"+strconv.Itoa(t), uint64(n))
			size := mean
			if c.SizeSpread > 0 {
				size = mean * (1 + float64(c.SizeSpread*(2*rng.Float64()-1)))
			}
			s.index[key] = int32(len(s.keys))
			s.keys = append(s.keys, key)
			s.sizes = append(s.sizes, max(1, int32(size)))
		}
	}
	return s
}

func (s *stream) seg(track, number int) int32 { return int32(track*s.count + number) }
func (s *stream) number(seg int32) int        { return int(seg) % s.count }
func (s *stream) track(seg int32) int         { return int(seg) / s.count }

// available is when the origin has the segment whole.
func (s *stream) available(seg int32) swarm.Time {
	if s.mode == VOD {
		return 0
	}
	return s.begin + time.Duration(s.number(seg)+1)*s.length
}

// edge is the number of the newest segment that is whole at the origin at now.
func (s *stream) edge(now swarm.Time) int {
	return min(s.count, int((now-s.begin)/s.length)) - 1
}

func (s *stream) pieces(seg int32) int { return segments.PieceCount(int64(s.sizes[seg])) }

func (s *stream) pieceLength(seg int32, i int) int {
	return segments.PieceLength(int64(s.sizes[seg]), i)
}

// nominal is the size that a manifest's bandwidth suggests.
func (s *stream) nominal(seg int32) int64 {
	return s.tracks[s.track(seg)] * int64(s.length/time.Millisecond) / 8000
}
