package chart

import (
	"bufio"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/shoal-p2p/shoal/swarm/sim"
)

// Size of the picture, and how fine a PNG is.
const (
	width  = 12.5 * vg.Inch
	height = 8.5 * vg.Inch
	dpi    = 110
	header = 0.85 * vg.Inch
)

// Check says whether Write can draw into a file of this name.
func Check(name string) error {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".svg", ".png":
		return nil
	default:
		return fmt.Errorf("chart: %q: want a name that ends in .svg or .png", name)
	}
}

// Write draws a report into a file, as SVG or PNG by its name.
func Write(name string, r sim.Report) error {
	if err := Check(name); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	b := bufio.NewWriter(f)
	err = Draw(b, strings.ToLower(filepath.Ext(name)), r)
	if err == nil {
		err = b.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("chart: %s: %w", name, err)
	}
	return nil
}

// Draw writes the picture in a format, ".svg" or ".png".
func Draw(w io.Writer, format string, r sim.Report) error {
	panels, err := panels(r)
	if err != nil {
		return err
	}
	switch format {
	case ".svg":
		c := vgsvg.New(width, height)
		lay(draw.New(c), r, panels)
		_, err = c.WriteTo(w)
	case ".png":
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
		lay(draw.New(c), r, panels)
		_, err = vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	default:
		return fmt.Errorf("format %q: want .svg or .png", format)
	}
	return err
}

// lay puts the heading and the panels on a canvas.
func lay(c draw.Canvas, r sim.Report, panels [][]*plot.Plot) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	heading, line := words(18, ink, true), words(11.5, dim, false)
	top := vg.Point{X: c.Min.X + 0.3*vg.Inch, Y: c.Max.Y - 0.2*vg.Inch}
	heading.YAlign, line.YAlign = draw.YTop, draw.YTop
	c.FillText(heading, top, title(r))
	c.FillText(line, vg.Point{X: top.X, Y: top.Y - 0.33*vg.Inch}, summary(r))

	body := draw.Crop(c, 0.2*vg.Inch, -0.25*vg.Inch, 0.15*vg.Inch, -header)
	tiles := draw.Tiles{Rows: 2, Cols: 2, PadX: 0.35 * vg.Inch, PadY: 0.3 * vg.Inch}
	canvases := plot.Align(panels, tiles, body)
	for i, row := range panels {
		for j, p := range row {
			p.Draw(canvases[i][j])
		}
	}
}

func title(r sim.Report) string {
	return fmt.Sprintf("%d viewers, %s, %.0f s: %.1f %% from peers", r.Viewers, r.Mode, r.Seconds, 100*r.Offload)
}

func summary(r sim.Report) string {
	s := fmt.Sprintf("each segment left the origin %.2f times · %d stalls because of p2p · startup p95 %.2f s (plain HTTP %.2f s)",
		r.OriginCopies, r.StallsP2P, r.StartupMS.P95/1000, r.StartupPlainMS.P95/1000)
	if r.Mode == sim.Live {
		s += fmt.Sprintf(" · delivery p50 %.2f s, p95 %.2f s (fluid bound %.2f s, %.2f s)",
			r.DeliveryMS.P50/1000, r.DeliveryMS.P95/1000, r.Bounds.DeliveryMS.P50/1000, r.Bounds.DeliveryMS.P95/1000)
	}
	return s
}

// words is a style of text, size in points.
func words(size float64, c color.Color, bold bool) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Length(size)}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return draw.TextStyle{Color: c, Font: f, Handler: text.Plain{Fonts: font.DefaultCache}}
}
