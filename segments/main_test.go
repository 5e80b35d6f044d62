package segments

import (
	"math/rand/v2"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashChildDir); dir != "" {
		crashChild(dir) // never returns
	}
	goleak.VerifyTestMain(m)
}

// randomBytes returns n bytes that depend on seed only.
func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)}).Read(b)
	return b
}

// media is the metadata of segments that are not compressed.
var media = Meta{ContentType: "video/mp4", Shareable: true}

func newTestSegment(t testing.TB, key Key, meta Meta, data []byte) *Segment {
	t.Helper()
	s, err := NewSegment(key, meta, data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
