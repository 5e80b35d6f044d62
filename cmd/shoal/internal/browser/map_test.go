package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Colours of player/web/src/map/scene.ts.
var (
	mapPeer   = color.RGBA{86, 180, 233, 255}
	mapSeed   = color.RGBA{46, 204, 140, 255}
	mapOrigin = color.RGBA{230, 159, 0, 255}
	mapChosen = color.RGBA{240, 228, 66, 255}
)

const (
	// mapFrames is how many frames a second the page must show while the map is
	// dragged. The test's browser draws with the processor, of which other tests
	// have the larger part; a graphics processor does sixty.
	mapFrames = 4
	// mapRestingFrames is the same while nobody touches it and 400 reports come a second.
	mapRestingFrames = 10
)

// mapPlaces is where the page has drawn whom, in pixels.
type mapPlaces struct {
	IDs    []string    `json:"ids"`
	Peers  [][]float64 `json:"peers"`
	Origin []float64   `json:"origin"`
}

// TestTimedMap draws 2,000 members that a real server knows, by place and by links.
func TestTimedMap(t *testing.T) {
	timed(t)
	// WebGL without a graphics processor.
	c := startChromium(t, chromedp.Flag("disable-gpu", false), chromedp.Flag("use-angle", "swiftshader"),
		chromedp.Flag("enable-unsafe-swiftshader", true), chromedp.WindowSize(1280, 800))
	s := newMapStage(t)
	tb := c.newProfile(t).open(t, "map", s.url())
	tb.until(t, "all members and the most edges are drawn", fmt.Sprintf("shoalMap.peers == %d && shoalMap.drawn == 3000", mapMembers))

	for _, mode := range []string{"map", "links"} {
		eval[any](t, tb, "void document.querySelector('#mode input[value="+mode+"]').click()")
		// The layout rests, and what it found is drawn: two more reports have been.
		tb.until(t, "the layout is settled", "shoalMap.settled && (window.seen = shoalMap.updates, true)")
		tb.until(t, "it is drawn", "shoalMap.updates >= seen + 2")
		picture := tb.picture(t)
		at := eval[mapPlaces](t, tb, "shoalMap.places()")
		var viewers int
		for i, id := range at.IDs {
			if at.seed(s, id) {
				if n := near(picture, at.Peers[i], 8, mapSeed); n < 60 {
					t.Errorf("%s: seed %s is %d pixels of its colour", mode, id, n)
				}
				if n := near(picture, at.Peers[i], 8, mapOrigin); n > 10 {
					t.Errorf("%s: seed %s has %d pixels of the origin's colour", mode, id, n)
				}
			} else if near(picture, at.Peers[i], 2, mapPeer) > 0 {
				viewers++
			}
		}
		if n := near(picture, at.Origin, 16, mapOrigin); n < 60 {
			t.Errorf("%s: the origin is %d pixels of its colour", mode, n)
		}
		if n := near(picture, at.Origin, 16, mapSeed); n > 10 {
			t.Errorf("%s: the origin has %d pixels of a seed's colour", mode, n)
		}
		// Of those who stand close together in a city, most are behind others.
		if least := map[string]int{"map": mapMembers / 5, "links": mapMembers / 2}[mode]; viewers < least {
			t.Errorf("%s: %d viewers to be seen, want %d", mode, viewers, least)
		}
		t.Logf("%s: %d viewers to be seen", mode, viewers)

		eval[any](t, tb, "void (shoalMap.frames.reset(), window.seen = shoalMap.updates)")
		tb.until(t, "five changes", "shoalMap.updates >= seen + 5")
		smooth(t, tb, mode+" at rest", mapRestingFrames)
		eval[any](t, tb, "void shoalMap.frames.reset()")
		drag(t, tb, 60)
		smooth(t, tb, mode+" dragged", mapFrames)
		tb.until(t, "all edges are there again", "shoalMap.drawn == 3000")
		if dir := os.Getenv("SHOAL_SCREENS"); dir != "" {
			tb.screenshot(t, dir+"/map-"+mode+".png")
		}
	}

	// A click on a peer that stands alone.
	at := eval[mapPlaces](t, tb, "shoalMap.places()")
	i := at.alone(s)
	tb.do(t, "click on a peer", chromedp.MouseClickXY(at.Peers[i][0], at.Peers[i][1]))
	tb.until(t, "its details", "!document.querySelector('#peer').hidden")
	name := eval[string](t, tb, "document.querySelector('#peer-name').textContent")
	if name != "Viewer "+at.IDs[i] {
		t.Errorf("details of %q, want viewer %s", name, at.IDs[i])
	}
	details := eval[string](t, tb, "document.querySelector('#peer-figures').textContent")
	if links := eval[int](t, tb, "document.querySelectorAll('#peer-links tr').length"); links != 4 || !strings.Contains(details, "offload") {
		t.Errorf("%d links, want 4; figures %q", links, details)
	}
	eval[any](t, tb, "void (window.seen = shoalMap.updates)")
	tb.until(t, "it is drawn", "shoalMap.updates >= seen + 2")
	at = eval[mapPlaces](t, tb, "shoalMap.places()")
	if n := near(tb.picture(t), at.Peers[i], 4, mapChosen); n < 5 {
		t.Errorf("the chosen peer is %d pixels of its colour", n)
	}
}

func (tb *tab) picture(t testing.TB) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(tb.png(t)))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// near counts the pixels of a colour around a point.
func near(picture image.Image, at []float64, radius int, want color.RGBA) (n int) {
	close := func(a uint32, b uint8) bool { return math.Abs(float64(a>>8)-float64(b)) <= 8 }
	x0, y0 := int(math.Round(at[0])), int(math.Round(at[1]))
	for y := y0 - radius; y <= y0+radius; y++ {
		for x := x0 - radius; x <= x0+radius; x++ {
			if r, g, b, _ := picture.At(x, y).RGBA(); close(r, want.R) && close(g, want.G) && close(b, want.B) {
				n++
			}
		}
	}
	return n
}

func (p *mapPlaces) seed(s *mapStage, id string) bool {
	for _, seed := range s.ids[:mapSeeds] {
		if seed == id {
			return true
		}
	}
	return false
}

// alone is the viewer with the most space around it, where nothing lies over the map.
func (p *mapPlaces) alone(s *mapStage) (best int) {
	most := -1.0
	for i, at := range p.Peers {
		if at[0] < 50 || at[0] > 850 || at[1] < 100 || at[1] > 650 || p.seed(s, p.IDs[i]) {
			continue
		}
		space := math.Inf(1)
		for j, other := range p.Peers {
			if j != i {
				space = math.Min(space, math.Hypot(at[0]-other[0], at[1]-other[1]))
			}
		}
		if space > most {
			best, most = i, space
		}
	}
	return best
}

// drag pulls the picture to and fro by a number of steps, each when the page has
// taken the one before.
func drag(t testing.TB, tb *tab, steps int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 2*patience)
	defer cancel()
	mouse := func(kind input.DispatchMouseEventType, x, y float64) {
		t.Helper()
		_, err := chromedp.Call(ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y,
			Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
		if err != nil {
			t.Fatalf("%s: dragging: %v", tb.name, err)
		}
	}
	mouse(chromedp.MousePressed, 400, 400)
	for i := range steps {
		mouse(chromedp.MouseMoved, 400+60*math.Sin(float64(i)/5), 400+30*math.Sin(float64(i)/3))
	}
	mouse(chromedp.MouseReleased, 400, 400)
}

// smooth checks the frames since they were reset.
func smooth(t testing.TB, tb *tab, what string, least float64) {
	t.Helper()
	type measure struct{ Count, PerSecond, Longest float64 }
	m := eval[measure](t, tb, "shoalMap.frames.measure()")
	t.Logf("%s: %.0f frames, %.1f a second, the longest %.0f ms, %v edges drawn", what, m.Count, m.PerSecond, m.Longest, eval[int](t, tb, "shoalMap.drawn"))
	if m.PerSecond < least || m.Count < 5 {
		t.Errorf("%s: %.0f frames, %.1f a second, want %.0f", what, m.Count, m.PerSecond, least)
	}
}
