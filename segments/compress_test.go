package segments

import (
	"bytes"
	"compress/flate"
	"errors"
	"strings"
	"testing"
)

func deflate(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestCompressPieceRoundTrip(t *testing.T) {
	for _, n := range []int{100, PieceSize - 1, PieceSize} {
		piece := bytes.Repeat([]byte("WEBVTT cue\n"), n/11+1)[:n]
		payload, ok := CompressPiece(piece)
		if !ok || len(payload) >= n {
			t.Fatalf("%d bytes: got %d, %v", n, len(payload), ok)
		}
		if got, err := DecompressPiece(payload); err != nil || !bytes.Equal(got, piece) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for name, piece := range map[string][]byte{"random": randomBytes(5, PieceSize), "empty": nil, "one byte": {1}} {
		if payload, ok := CompressPiece(piece); ok || payload != nil {
			t.Errorf("%s: compressed to %d bytes", name, len(payload))
		}
	}
}

func TestDecompressPieceRefuses(t *testing.T) {
	good := deflate(t, bytes.Repeat([]byte("a"), 500))
	stored := deflate(t, randomBytes(6, PieceSize)) // grows above PieceSize
	for _, c := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"nothing", nil, ErrCompressed},
		{"empty stream", deflate(t, nil), ErrCompressed},
		{"cut short", good[:len(good)-1], ErrCompressed},
		{"trailing byte", append(bytes.Clone(good), 0), ErrCompressed},
		{"not deflate", []byte{0xff, 0xff, 0xff}, ErrCompressed},
		{"inflates to the limit", deflate(t, make([]byte, PieceSize)), nil},
		{"inflates to one past", deflate(t, make([]byte, PieceSize+1)), ErrTooLarge},
		{"bomb", deflate(t, make([]byte, 10<<20)), ErrTooLarge},
		{"payload one past the limit", append(stored[:PieceSize:PieceSize], 0), ErrTooLarge},
		{"payload at the limit", stored[:PieceSize], ErrCompressed}, // cut short, but looked at
	} {
		if _, err := DecompressPiece(c.payload); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestKeepCompressedIfItPays(t *testing.T) {
	text := []byte(strings.Repeat("<p begin=\"1s\">line</p>\n", 3000))
	mixed := append(bytes.Clone(text[:PieceSize]), randomBytes(7, PieceSize+100)...)
	for _, c := range []struct {
		name        string
		contentType string
		data        []byte
		want        bool
	}{
		{"text", "application/ttml+xml; charset=utf-8", text, true},
		{"playlist", "application/vnd.apple.mpegurl", text, true},
		{"text in one short piece", "text/vtt", text[:2000], true},
		{"text with pieces that do not shrink", "text/plain", mixed, true},
		{"noise", "text/plain", randomBytes(8, 2*PieceSize), false},
		{"video", "video/mp4", text, false},
		{"no type", "", text, false},
		{"bad type", "text/;;", text, false},
		{"empty", "text/plain", nil, false},
	} {
		s := newTestSegment(t, "t/1", Meta{ContentType: c.contentType, Shareable: true}, bytes.Clone(c.data))
		if s.Compressed() != c.want {
			t.Errorf("%s: compressed %v, want %v", c.name, s.Compressed(), c.want)
		}
		if got, err := s.Bytes(); err != nil || !bytes.Equal(got, c.data) {
			t.Errorf("%s: bytes differ: %v", c.name, err)
		}
		if want := newTestSegment(t, "t/1", media, bytes.Clone(c.data)); s.Digest != want.Digest || c.want && s.Weight() >= want.Weight() {
			t.Errorf("%s: digest %s and weight %d, uncompressed %s and %d", c.name, s.Digest, s.Weight(), want.Digest, want.Weight())
		}
		for i, leaf := range s.Leaves {
			payload, compressed, err := s.Piece(i)
			if err == nil && compressed {
				payload, err = DecompressPiece(payload)
			}
			if err != nil || LeafOf(payload) != leaf {
				t.Errorf("%s: piece %d does not match its leaf: %v", c.name, i, err)
			}
		}
		for _, i := range []int{-1, len(s.Leaves)} {
			if _, _, err := s.Piece(i); err == nil {
				t.Errorf("%s: there is a piece %d", c.name, i)
			}
		}
	}
}

// FuzzDecompressPiece: whatever comes, the result fits a piece.
func FuzzDecompressPiece(f *testing.F) {
	f.Add(deflate(f, []byte("hello")))
	f.Add(deflate(f, make([]byte, PieceSize+1)))
	f.Add([]byte{0x01, 0x00, 0x00, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, payload []byte) {
		piece, err := DecompressPiece(payload)
		if err == nil && (len(piece) == 0 || len(piece) > PieceSize) {
			t.Fatalf("%d bytes", len(piece))
		}
	})
}
