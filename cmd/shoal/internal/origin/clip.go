package origin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
)

//go:embed clip/*.mp4
var clipFiles embed.FS

const (
	loopSegments = 16 // segments in the clip
	frameRate    = 25
)

// track is one representation of the clip, cut into the segments of one loop.
type track struct {
	id        string
	video     bool
	language  string // RFC 5646
	label     string // what a player's menu shows
	codecs    string // RFC 6381
	width     int
	height    int
	timescale uint64 // ticks a second
	peak      int    // bit/s of the largest segment
	average   int    // bit/s over one loop
	edition   string // tells this clip from another release's in an ETag
	init      []byte
	loop      [loopSegments]loopSegment
	start     [loopSegments + 1]uint64 // decode time of each segment in the loop, and of its end, in ticks
}

func loadClip() ([]*track, error) {
	all := []*track{
		{id: "video-0", video: true},
		{id: "video-1", video: true},
		{id: "video-2", video: true},
		{id: "audio-en", language: "en", label: "English"},
		{id: "audio-de", language: "de", label: "Deutsch"},
	}
	for _, t := range all {
		if err := t.load(); err != nil {
			return nil, fmt.Errorf("origin: clip/%s.mp4: %w", t.id, err)
		}
	}
	return all, nil
}

func (t *track) load() error {
	raw, err := clipFiles.ReadFile("clip/" + t.id + ".mp4")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	t.edition = hex.EncodeToString(sum[:4])
	file, err := mp4.DecodeFile(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if err := t.describe(file); err != nil {
		return err
	}
	samples, err := samplesOf(file)
	if err != nil {
		return err
	}
	return t.cut(samples)
}

// describe reads what manifests say of the track from its init segment.
func (t *track) describe(file *mp4.File) error {
	if file.Init == nil || file.Init.Moov.Trak == nil {
		return fmt.Errorf("no init segment")
	}
	var b bytes.Buffer
	if err := file.Init.Encode(&b); err != nil {
		return err
	}
	t.init = b.Bytes()
	trak := file.Init.Moov.Trak
	if trak.Edts != nil {
		return fmt.Errorf("has an edit list, which would shift it against the manifest's timeline")
	}
	t.timescale = uint64(trak.Mdia.Mdhd.Timescale)
	stsd := trak.Mdia.Minf.Stbl.Stsd
	if !t.video {
		config, err := aac.DecodeAudioSpecificConfig(bytes.NewReader(stsd.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig))
		if err != nil {
			return err
		}
		t.codecs = fmt.Sprintf("mp4a.40.%d", config.ObjectType)
		return nil
	}
	t.width, t.height = int(stsd.AvcX.Width), int(stsd.AvcX.Height)
	record := stsd.AvcX.AvcC.DecConfRec
	if len(record.SPSnalus) == 0 {
		return fmt.Errorf("no sequence parameter set")
	}
	sps, err := avc.ParseSPSNALUnit(record.SPSnalus[0], false)
	if err != nil {
		return fmt.Errorf("sequence parameter set %s: %w", hex.EncodeToString(record.SPSnalus[0]), err)
	}
	t.codecs = avc.CodecString("avc1", sps)
	return nil
}

func samplesOf(file *mp4.File) ([]mp4.FullSample, error) {
	var all []mp4.FullSample
	for _, segment := range file.Segments {
		for _, fragment := range segment.Fragments {
			samples, err := fragment.GetFullSamples(file.Init.Moov.Mvex.Trex)
			if err != nil {
				return nil, err
			}
			all = append(all, samples...)
		}
	}
	return all, nil
}

// cut shares the samples out over the loop's segments. Segment i holds the
// samples that end in (i · 2 s, (i+1) · 2 s]: whole frames only, and none that
// would not exist yet when the segment becomes available.
func (t *track) cut(samples []mp4.FullSample) error {
	if len(samples) == 0 {
		return fmt.Errorf("no samples")
	}
	nominal := t.timescale * uint64(SegmentDuration.Seconds())
	var (
		end   uint64
		total int
	)
	for i := range loopSegments {
		t.start[i] = end
		n := 0
		for n < len(samples) && end+uint64(samples[n].Dur) <= nominal*uint64(i+1) {
			end += uint64(samples[n].Dur)
			n++
		}
		if t.video && (n == 0 || !samples[0].IsSync()) {
			return fmt.Errorf("segment %d does not start with a random access point", i)
		}
		made, err := newLoopSegment(samples[:n])
		if err != nil {
			return fmt.Errorf("segment %d: %w", i, err)
		}
		t.loop[i] = made
		total += len(made.bytes)
		t.peak = max(t.peak, bitRate(len(made.bytes), 1))
		samples = samples[n:]
	}
	t.start[loopSegments] = end
	t.average = bitRate(total, loopSegments)
	if len(samples) != 0 || end != nominal*loopSegments {
		return fmt.Errorf("loop of %d ticks and %d samples over, want exactly %d ticks", end, len(samples), nominal*loopSegments)
	}
	return nil
}

// bitRate of size bytes over count segments, in bit/s, rounded up.
func bitRate(size, count int) int {
	seconds := count * int(SegmentDuration.Seconds())
	return (size*8 + seconds - 1) / seconds
}
