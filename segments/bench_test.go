package segments

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// benchSize is a 2 s segment of 8 Mbit/s.
const benchSize = 2 << 20

// compare runs ours and bare in turn, so that whatever else the machine does
// hits both alike. It reports time and rate of ours, and how that relates to
// bare: 1.0 is as fast.
func compare(b *testing.B, bytesEach int64, ours, bare func()) {
	b.Helper()
	var oursTook, bareTook time.Duration
	for b.Loop() {
		start := time.Now()
		ours()
		middle := time.Now()
		bare()
		oursTook += middle.Sub(start)
		bareTook += time.Since(middle)
	}
	b.ReportMetric(float64(oursTook)/float64(b.N), "ns/op")
	b.ReportMetric(float64(bytesEach)*float64(b.N)/1e6/oursTook.Seconds(), "MB/s")
	b.ReportMetric(float64(bareTook)/float64(oursTook), "of-bare")
}

func BenchmarkLeaf(b *testing.B) {
	piece := randomBytes(1, PieceSize)
	var leaf Leaf
	compare(b, PieceSize, func() { leaf = LeafOf(piece) }, func() { leaf = sha256.Sum256(piece) })
	_ = leaf
}

// BenchmarkSegmentDigest is all hashing of a segment, against one SHA-256 over
// its bytes.
func BenchmarkSegmentDigest(b *testing.B) {
	data := randomBytes(1, benchSize)
	compare(b, benchSize, func() { DigestOf(benchSize, LeavesOf(data)) }, func() { sha256.Sum256(data) })
}

// BenchmarkSign states a segment, against Ed25519 over a message of that length.
func BenchmarkSign(b *testing.B) {
	s, leaves := testSigner(), LeavesOf(randomBytes(1, benchSize))
	message := statementMessage("swarm", "p/v/1", benchSize, leaves)
	compare(b, benchSize, func() { s.Sign("swarm", "p/v/1", benchSize, leaves) }, func() { ed25519.Sign(s.key, message) })
}

func BenchmarkVerify(b *testing.B) {
	s, leaves := testSigner(), LeavesOf(randomBytes(1, benchSize))
	st, pub := s.Sign("swarm", "p/v/1", benchSize, leaves), s.Public()
	message := statementMessage("swarm", "p/v/1", benchSize, leaves)
	compare(b, benchSize, func() {
		if st.Verify(pub, "swarm", "p/v/1", leaves) != nil {
			b.Fatal("does not verify")
		}
	}, func() { ed25519.Verify(pub, message, st.Signature[:]) })
}

// BenchmarkAssembly takes a segment from a peer, against the SHA-256 of its
// pieces and one copy.
func BenchmarkAssembly(b *testing.B) {
	data := randomBytes(1, benchSize)
	leaves, pieces := LeavesOf(data), piecesOf(data)
	bare := func() {
		whole := make([]byte, 0, benchSize)
		for _, piece := range pieces {
			sha256.Sum256(piece)
			whole = append(whole, piece...)
		}
		runtime.KeepAlive(whole)
	}
	b.Run("PutPiece", func(b *testing.B) {
		compare(b, benchSize, func() {
			a := NewAssembly("v/1")
			must(b, a.SetSize(benchSize))
			must(b, a.AddLeaves(0, leaves))
			for i, piece := range pieces {
				_, err := a.PutPiece(i, piece)
				must(b, err)
			}
		}, bare)
	})
	b.Run("OriginWriter", func(b *testing.B) {
		compare(b, benchSize, func() {
			a := NewAssembly("v/1")
			must(b, a.SetSize(benchSize))
			_, err := io.Copy(a.OriginWriter(0, nil), bytes.NewReader(data))
			must(b, err)
		}, bare)
	})
	b.Run("WriteTo", func(b *testing.B) {
		a := announced(b, data)
		for i, piece := range pieces {
			_, err := a.PutPiece(i, piece)
			must(b, err)
		}
		var sink countingWriter
		b.SetBytes(benchSize)
		for b.Loop() {
			_, err := io.Copy(&sink, a.Reader(b.Context(), 0, -1))
			must(b, err)
		}
		b.ReportMetric(float64(sink.writes)/float64(b.N), "writes/op")
	})
}

// BenchmarkStore puts and gets, against the plain writes and reads that the disk
// cannot do without.
func BenchmarkStore(b *testing.B) {
	data := randomBytes(1, benchSize)
	seg := newTestSegment(b, "v/1", media, data)
	other := newTestSegment(b, "v/1", media, randomBytes(2, benchSize))
	b.Run("memory/Put", func(b *testing.B) {
		v := openTestStore(b, StoreConfig{}).View("w")
		b.SetBytes(benchSize)
		for b.Loop() {
			must(b, v.Put(seg))
		}
	})
	b.Run("memory/Get", func(b *testing.B) {
		v := openTestStore(b, StoreConfig{}).View("w")
		must(b, v.Put(seg))
		b.SetBytes(benchSize)
		for b.Loop() {
			got, ok := v.Get("v/1")
			if body, err := got.Bytes(); !ok || err != nil || len(body) != benchSize {
				b.Fatal("missing")
			}
		}
	})
	b.Run("disk/Put", func(b *testing.B) {
		v := openTestStore(b, StoreConfig{MemoryBytes: diskOnly, Dir: b.TempDir()}).View("w")
		dir, n := b.TempDir(), 0
		compare(b, benchSize, func() { // in turn, so that each is written anew
			must(b, v.Put(other))
			seg, other = other, seg
		}, func() {
			file, err := os.Create(filepath.Join(dir, fmt.Sprint(n%2)))
			must(b, err)
			n++
			_, err = file.Write(data)
			must(b, err)
			must(b, file.Sync())
			must(b, file.Close())
		})
	})
	b.Run("disk/Get", func(b *testing.B) {
		s := openTestStore(b, StoreConfig{MemoryBytes: diskOnly, Dir: b.TempDir()})
		v := s.View("w")
		must(b, v.Put(seg))
		path := s.disk.contentPath(seg.Digest)
		compare(b, benchSize, func() { // reads and verifies
			if _, ok := v.Get("v/1"); !ok {
				b.Fatal("missing")
			}
		}, func() {
			body, err := os.ReadFile(path)
			must(b, err)
			sha256.Sum256(body)
		})
	})
}
