package origin

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// tracks is the bundled clip, or the end of the test.
func tracks(t testing.TB) []*track {
	t.Helper()
	all, err := loadClip()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// parse reads a media segment the way a player does.
func parse(t testing.TB, tr *track, raw []byte) (decodeTime uint64, sequence uint32, samples []mp4.FullSample) {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(append(bytes.Clone(tr.init), raw...)))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Segments) != 1 || len(file.Segments[0].Fragments) != 1 {
		t.Fatalf("%d segments, want one of one fragment", len(file.Segments))
	}
	fragment := file.Segments[0].Fragments[0]
	samples, err = fragment.GetFullSamples(file.Init.Moov.Mvex.Trex)
	if err != nil {
		t.Fatal(err)
	}
	return fragment.Moof.Traf.Tfdt.BaseMediaDecodeTime(), fragment.Moof.Mfhd.SequenceNumber, samples
}

// TestTimelineIsContinuous reads three rounds of the loop, twice a second apart
// from any wall clock: once from zero and once where 32-bit times have overflown.
func TestTimelineIsContinuous(t *testing.T) {
	for _, tr := range tracks(t) {
		for _, base := range []uint64{0, 900_000_000} {
			want := tr.startOf(base)
			for n := base; n < base+3*loopSegments; n++ {
				decodeTime, sequence, samples := parse(t, tr, tr.segment(n))
				if decodeTime != want {
					t.Fatalf("%s/%d starts at %d, the one before ended at %d", tr.id, n, decodeTime, want)
				}
				if sequence != uint32(n+1) {
					t.Fatalf("%s/%d has sequence number %d, want %d", tr.id, n, sequence, n+1)
				}
				for _, s := range samples {
					want += uint64(s.Dur)
				}
				if got := tr.startOf(n) + tr.durationOf(n); got != want {
					t.Fatalf("%s/%d ends at %d, its samples at %d", tr.id, n, got, want)
				}
				nominal := (n + 1) * tr.timescale * 2
				if want > nominal || nominal-want >= 1024 {
					t.Fatalf("%s/%d ends %d ticks from its nominal end, want 0 to -1023", tr.id, n, int64(want-nominal))
				}
				if tr.video && !samples[0].IsSync() {
					t.Fatalf("%s/%d does not start with a random access point", tr.id, n)
				}
			}
		}
	}
}

func TestSegmentBytesAreUniqueAndReproducible(t *testing.T) {
	seen := map[[32]byte]uint64{}
	again := tracks(t)
	for i, tr := range tracks(t) {
		for n := range uint64(4 * loopSegments) {
			raw := tr.segment(n)
			sum := sha256.Sum256(raw)
			if twin, dup := seen[sum]; dup {
				t.Fatalf("%s/%d has the bytes of segment %d", tr.id, n, twin)
			}
			seen[sum] = n
			if !bytes.Equal(raw, again[i].segment(n)) {
				t.Fatalf("%s/%d differs between two loads of the clip", tr.id, n)
			}
			if len(raw) != tr.sizeOf(n) {
				t.Fatalf("%s/%d has %d bytes, sizeOf says %d", tr.id, n, len(raw), tr.sizeOf(n))
			}
		}
	}
}

// TestLoopKeepsMediaIntact compares the samples of a later round with the first.
func TestLoopKeepsMediaIntact(t *testing.T) {
	for _, tr := range tracks(t) {
		for i := range uint64(loopSegments) {
			_, _, first := parse(t, tr, tr.segment(i))
			_, _, later := parse(t, tr, tr.segment(i+7*loopSegments))
			if len(first) != len(later) {
				t.Fatalf("%s: %d samples in segment %d, %d a round later", tr.id, len(first), i, len(later))
			}
			for s := range first {
				if first[s].Sample != later[s].Sample || !bytes.Equal(first[s].Data, later[s].Data) {
					t.Fatalf("%s: sample %d of segment %d changed", tr.id, s, i)
				}
			}
		}
	}
}

func TestNumberAtInvertsStartOf(t *testing.T) {
	for _, tr := range tracks(t) {
		for _, n := range []uint64{0, 1, 15, 16, 17, 31, 890_000_003} {
			got, ok := tr.numberAt(tr.startOf(n))
			if !ok || got != n {
				t.Errorf("%s: numberAt(startOf(%d)) = %d, %v", tr.id, n, got, ok)
			}
			if got, ok := tr.numberAt(tr.startOf(n) + 1); ok {
				t.Errorf("%s: numberAt finds %d one tick past the start of %d", tr.id, got, n)
			}
		}
	}
}

func TestClipStaysSmall(t *testing.T) {
	const limit = 6 << 20
	total := 0
	files, err := clipFiles.ReadDir("clip")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += int(info.Size())
	}
	if total > limit {
		t.Errorf("clip of %d bytes, it must stay under %d", total, limit)
	}
}

func BenchmarkSegment(b *testing.B) {
	tr := tracks(b)[2]
	b.SetBytes(int64(tr.sizeOf(0)))
	n := uint64(0)
	for b.Loop() {
		tr.segment(n)
		n++
	}
}
