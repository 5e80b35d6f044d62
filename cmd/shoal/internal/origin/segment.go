package origin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"
)

// loopSegment is one segment of the loop (styp, moof, mdat), encoded once; the two
// numbers that differ from loop to loop are written over at their offsets.
type loopSegment struct {
	bytes    []byte
	sequence int // offset of mfhd sequence_number, 32 bit (ISO/IEC 14496-12 §8.8.5)
	decode   int // offset of tfdt baseMediaDecodeTime, 64 bit (§8.8.12, version 1)
}

const (
	boxHeader     = 8
	fullBoxHeader = 12
)

func newLoopSegment(samples []mp4.FullSample) (loopSegment, error) {
	fragment, err := mp4.CreateFragment(1, mp4.DefaultTrakID)
	if err != nil {
		return loopSegment{}, err
	}
	for _, s := range samples {
		fragment.AddFullSample(s)
	}
	traf := fragment.Moof.Traf
	// A 32-bit decode time would overflow after 13 hours at 90 kHz. mp4ff takes
	// version 1 only for a value that needs it, so the largest stands in.
	traf.Tfdt.SetBaseMediaDecodeTime(math.MaxUint64)
	fragment.EncOptimize = mp4.OptimizeTrun
	if err := traf.OptimizeTfhdTrun(); err != nil {
		return loopSegment{}, err
	}

	segment := mp4.NewMediaSegmentWithStyp(mp4.NewStyp("cmfs", 0, []string{"cmfs", "msdh"}))
	segment.AddFragment(fragment)
	var b bytes.Buffer
	if err := segment.Encode(&b); err != nil {
		return loopSegment{}, err
	}
	moof := int(segment.Styp.Size())
	t := loopSegment{
		bytes:    b.Bytes(),
		sequence: moof + boxHeader + fullBoxHeader,
	}
	t.decode = moof + boxHeader + int(fragment.Moof.Mfhd.Size()) + boxHeader + int(traf.Tfhd.Size()) + fullBoxHeader
	for at, name := range map[int]string{t.sequence: "mfhd", t.decode: "tfdt"} {
		if found := string(t.bytes[at-fullBoxHeader+4 : at-fullBoxHeader+8]); found != name {
			return loopSegment{}, fmt.Errorf("box %q where %q was expected", found, name)
		}
	}
	return t, nil
}

// startOf segment n, in ticks since the presentation's zero.
func (t *track) startOf(n uint64) uint64 {
	return n/loopSegments*t.start[loopSegments] + t.start[n%loopSegments]
}

// durationOf segment n, in ticks.
func (t *track) durationOf(n uint64) uint64 {
	return t.start[n%loopSegments+1] - t.start[n%loopSegments]
}

// numberAt finds the segment that starts at exactly this decode time.
func (t *track) numberAt(decodeTime uint64) (uint64, bool) {
	loop, rest := decodeTime/t.start[loopSegments], decodeTime%t.start[loopSegments]
	i, found := slices.BinarySearch(t.start[:loopSegments], rest)
	return loop*loopSegments + uint64(i), found
}

func (t *track) sizeOf(n uint64) int { return len(t.loop[n%loopSegments].bytes) }

// segment makes the bytes of segment n. They depend on the track and n alone.
func (t *track) segment(n uint64) []byte {
	from := t.loop[n%loopSegments]
	made := bytes.Clone(from.bytes)
	// Sequence numbers start at 1 and may wrap; players look at the decode time.
	binary.BigEndian.PutUint32(made[from.sequence:], uint32(n+1))
	binary.BigEndian.PutUint64(made[from.decode:], t.startOf(n))
	return made
}
