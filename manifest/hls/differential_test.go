package hls

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	eyevinn "github.com/Eyevinn/hls-m3u8/m3u8"
)

// otherReading is what github.com/Eyevinn/hls-m3u8 makes of a media playlist:
// number, URI, duration of each segment; ok false when it refuses it.
func otherReading(body []byte) (lines []string, ok bool) {
	defer func() {
		if recover() != nil {
			lines, ok = nil, false
		}
	}()
	p, kind, err := eyevinn.DecodeFrom(bytes.NewReader(body), true)
	if err != nil || kind != eyevinn.MEDIA {
		return nil, false
	}
	m := p.(*eyevinn.MediaPlaylist)
	for _, s := range m.GetAllSegments() {
		if s == nil {
			return nil, false
		}
		lines = append(lines, fmt.Sprintf("%d %s %.3f gap=%v", s.SeqId, strings.TrimSpace(s.URI), s.Duration, s.Gap))
	}
	return lines, true
}

func ourReading(body []byte) ([]string, error) {
	base := *testBase
	doc, err := lex(body, surroundings{url: &base})
	if err != nil {
		return nil, err
	}
	if doc.media == nil {
		return nil, ErrNotPlaylist
	}
	m, err := assemble(doc)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range m.entries {
		lines = append(lines, fmt.Sprintf("%d %s %.3f gap=%v", e.number, e.uri, e.duration.Seconds(), e.gap))
	}
	return lines, nil
}

// TestDifferential: where hls-m3u8, strict, accepts a media playlist, both
// read the same segments. It does not know EXT-X-DEFINE, does not count skipped
// segments into the numbering, and leaves blanks around URIs.
func TestDifferential(t *testing.T) {
	own, err := filepath.Glob("testdata/features/*.m3u8")
	if err != nil {
		t.Fatal(err)
	}
	files := own
	if dir := os.Getenv("SHOAL_CORPUS"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "manifests/hls/*/*.m3u8"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	} else if more, _ := filepath.Glob("../../../shared/corpus/manifests/hls/*/*.m3u8"); more != nil {
		files = append(files, more...)
	}
	compared := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(body, []byte("EXT-X-DEFINE")) || bytes.Contains(body, []byte("EXT-X-SKIP")) {
			continue
		}
		theirs, ok := otherReading(body)
		if !ok {
			continue
		}
		ours, err := ourReading(body)
		if errors.Is(err, ErrSyntax) && strings.Contains(err.Error(), "byte range") {
			continue // it carries offsets from one resource to another
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		compared++
		if a, b := strings.Join(ours, "\n"), strings.Join(theirs, "\n"); a != b {
			t.Errorf("%s:\nours\n%.600s\ntheirs\n%.600s", filepath.Base(file), a, b)
		}
	}
	if compared < 3 {
		t.Errorf("only %d files were compared", compared)
	}
	t.Logf("%d files compared", compared)
}
