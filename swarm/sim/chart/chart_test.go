package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm/sim"
)

func run(t *testing.T, cfg sim.Config) sim.Report {
	t.Helper()
	r, err := sim.Run(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSVG(t *testing.T) {
	r := run(t, sim.Config{Viewers: 8, Seeds: 1, Duration: 10 * time.Second, Tracks: []int64{1e6}})
	var b bytes.Buffer
	if err := Draw(&b, ".svg", r); err != nil {
		t.Fatal(err)
	}
	var words strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			words.Write(text)
		}
	}
	for _, want := range []string{"8 viewers, live, 10 s", "Offload", "Delivery", "What left the origin", "Upload", "fluid bound", "p95"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestPNG(t *testing.T) {
	file := filepath.Join(t.TempDir(), "swarm.PNG")
	r := run(t, sim.Config{Mode: sim.VOD, Viewers: 4, Duration: 5 * time.Second, Film: time.Minute, Tracks: []int64{1e6}})
	if err := Write(file, r); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X < 1000 || size.Y < 600 {
		t.Errorf("%v pixels", size)
	}
	colours := map[any]bool{}
	for x := range picture.Bounds().Dx() {
		for y := 0; y < picture.Bounds().Dy(); y += 7 {
			colours[picture.At(x, y)] = true
		}
	}
	if len(colours) < 20 {
		t.Errorf("only %d colours: an empty picture?", len(colours))
	}
}

// A run in which nothing happened can be drawn too.
func TestNothing(t *testing.T) {
	for _, format := range []string{".svg", ".png"} {
		if err := Draw(io.Discard, format, sim.Report{}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{"a.svg": true, "b.c.PNG": true, "a.pdf": false, "svg": false, "": false} {
		if err := Check(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Write("a.gif", sim.Report{}); err == nil {
		t.Error("a GIF was drawn")
	}
}
