package chart

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/shoal-p2p/shoal/swarm/sim"
)

var (
	ink   = color.NRGBA{0x1b, 0x26, 0x31, 0xff}
	dim   = color.NRGBA{0x5c, 0x6b, 0x7a, 0xff}
	faint = color.NRGBA{0xe4, 0xe9, 0xee, 0xff}
	blue  = color.NRGBA{0x1f, 0x6f, 0xb4, 0xff}
	red   = color.NRGBA{0xc4, 0x3c, 0x39, 0xff}
)

// ramp colours distances and classes, from near to far; it stays in order for those
// who see no colours.
var ramp = []color.NRGBA{
	{0xc4, 0x3c, 0x39, 0xff}, {0x0b, 0x3c, 0x5d, 0xff}, {0x1f, 0x6f, 0xb4, 0xff}, {0x35, 0x9b, 0xc9, 0xff}, {0x5b, 0xc0, 0xbe, 0xff},
	{0x8f, 0xd6, 0xa3, 0xff}, {0xc3, 0xe5, 0x8c, 0xff}, {0xf2, 0xe3, 0x7a, 0xff}, {0xf7, 0xb2, 0x5c, 0xff},
}

func faded(c color.NRGBA, alpha uint8) color.NRGBA { c.A = alpha; return c }

func panels(r sim.Report) ([][]*plot.Plot, error) {
	var out []*plot.Plot
	for _, make := range []func(sim.Report) (*plot.Plot, error){offload, deliveries, origin, uploads} {
		p, err := make(r)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return [][]*plot.Plot{out[:2], out[2:]}, nil
}

// panel is an empty one in the house's looks.
func panel(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle = words(13, ink, true)
	p.Title.TextStyle.XAlign, p.Title.TextStyle.YAlign = draw.XCenter, draw.YTop
	p.Title.Padding = 6
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle = words(10.5, dim, false)
		axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
		axis.Tick.Label.Font = words(9.5, dim, false).Font
		axis.Tick.Label.Color, axis.LineStyle.Color, axis.Tick.LineStyle.Color = dim, dim, dim
		axis.Padding = 0
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.TextStyle.Font, p.Legend.TextStyle.Color = words(9.5, ink, false).Font, ink
	p.Legend.Top, p.Legend.ThumbnailWidth, p.Legend.Padding = true, 16, 3
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	return p
}

func line(xys plotter.XYs, c color.Color, width vg.Length, dashes ...vg.Length) *plotter.Line {
	return &plotter.Line{XYs: xys, LineStyle: draw.LineStyle{Color: c, Width: width, Dashes: dashes}}
}

// upright is a vertical line with a name in the legend.
func upright(p *plot.Plot, x, height float64, c color.Color, name string) {
	l := line(plotter.XYs{{X: x, Y: 0}, {X: x, Y: height}}, c, 1.5, 5, 3)
	p.Add(l)
	p.Legend.Add(name, l)
}

// smooth is how many seconds a figure over time is the mean of: segments come in
// beats, which are not what one wants to see.
const smooth = 4

// offload is 1 − origin bytes / consumed bytes over time.
func offload(r sim.Report) (*plot.Plot, error) {
	p := panel("Offload: the share that came from peers", "seconds", "%")
	var xys plotter.XYs
	for i := range r.Series {
		var from, of int64
		for _, s := range r.Series[max(0, i+1-smooth) : i+1] {
			from += s.OriginBytes
			of += s.ConsumedBytes
		}
		if of > 0 {
			xys = append(xys, plotter.XY{X: float64(i), Y: 100 * math.Max(0, 1-float64(from)/float64(of))})
		}
	}
	area := line(xys, blue, 2)
	area.FillColor = faded(blue, 0x2c)
	p.Add(area)
	p.Legend.Add(fmt.Sprintf("offload (mean of %d s)", smooth), area)
	bound := line(plotter.XYs{{X: 0, Y: 100 * r.Bounds.Offload}, {X: r.Seconds, Y: 100 * r.Bounds.Offload}}, red, 1.5, 5, 3)
	p.Add(bound)
	p.Legend.Add(fmt.Sprintf("bound %.1f %%", 100*r.Bounds.Offload), bound)
	p.Legend.Top = false
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, r.Seconds, 0, 102
	return p, nil
}

// deliveries is how long segments took, stacked by how many peers they came
// through.
func deliveries(r sim.Report) (*plot.Plot, error) {
	const bin = 0.1 // s, see sim.HopDelivery
	p := panel("Delivery: from available at the origin to whole at the viewer", "seconds", "% of deliveries")
	total, last := 0, 10
	for _, h := range r.DeliveryByHops {
		total += h.Count
		for i, n := range h.Bins {
			if n > 0 {
				last = max(last, i+1)
			}
		}
	}
	p.X.Min, p.X.Max, p.Y.Min = 0, float64(last)*bin*1.8, 0 // room for the legend
	if total == 0 {
		p.X.Label.Text = "nothing is live in this story"
		p.Y.Max = 1
		return p, nil
	}
	below := make([]float64, last)
	highest := 0.0
	for _, h := range r.DeliveryByHops {
		outline := plotter.XYs{{X: 0, Y: 0}}
		var back plotter.XYs
		for i := range last {
			y0, y1 := below[i], below[i]+100*float64(h.Bins[i])/float64(total)
			below[i] = y1
			highest = max(highest, y1)
			x0, x1 := float64(i)*bin, float64(i+1)*bin
			outline = append(outline, plotter.XY{X: x0, Y: y1}, plotter.XY{X: x1, Y: y1})
			back = append(back, plotter.XY{X: x0, Y: y0}, plotter.XY{X: x1, Y: y0})
		}
		for i := len(back) - 1; i >= 0; i-- {
			outline = append(outline, back[i])
		}
		area, err := plotter.NewPolygon(outline)
		if err != nil {
			return nil, err
		}
		area.Color, area.LineStyle.Width = ramp[min(h.Hops, len(ramp)-1)], 0
		p.Add(area)
		p.Legend.Add(fmt.Sprintf("%s: %.0f %%, p95 %.2f s", hops(h.Hops), 100*float64(h.Count)/float64(total), h.P95/1000), area)
	}
	p.Y.Max = highest * 1.08
	upright(p, r.DeliveryMS.P50/1000, p.Y.Max, ink, fmt.Sprintf("p50 %.2f s", r.DeliveryMS.P50/1000))
	upright(p, r.DeliveryMS.P95/1000, p.Y.Max, dim, fmt.Sprintf("p95 %.2f s", r.DeliveryMS.P95/1000))
	if b := r.Bounds.DeliveryMS.Max / 1000; b > 0 && b < p.X.Max {
		upright(p, b, p.Y.Max, red, fmt.Sprintf("fluid bound for all %.2f s", b))
	}
	return p, nil
}

func hops(n int) string {
	switch {
	case n == 0:
		return "from the origin"
	case n >= len(ramp)-1:
		return fmt.Sprintf("%d peers or more", n)
	case n == 1:
		return "1 peer"
	}
	return fmt.Sprintf("%d peers", n)
}

// origin is what left it, and how often segments did.
func origin(r sim.Report) (*plot.Plot, error) {
	var rate plotter.XYs
	most := 0.0
	var consumed int64
	for i, s := range r.Series {
		y := float64(s.OriginBytes) * 8 / 1e6
		most = max(most, y)
		rate = append(rate, plotter.XY{X: float64(i), Y: y}, plotter.XY{X: float64(i + 1), Y: y})
		consumed += s.ConsumedBytes
	}
	unit, name := 1.0, "Mbit/s"
	if most > 5000 {
		unit, name = 1e3, "Gbit/s"
	}
	for i := range rate {
		rate[i].Y /= unit
	}
	p := panel("What left the origin", "seconds", name)
	area := line(rate, red, 1.5)
	area.FillColor = faded(red, 0x30)
	p.Add(area)
	p.Legend.Add(fmt.Sprintf("origin, %.2f copies of a segment", r.OriginCopies), area)
	if r.Seconds > 0 {
		p.Legend.Add(fmt.Sprintf("plain HTTP would be %.4g %s", float64(consumed)*8/1e6/unit/r.Seconds, name))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, r.Seconds, 0, max(1, most/unit*1.15)
	return p, nil
}

// uploads is the share of their uplink that viewers used, class by class.
func uploads(r sim.Report) (*plot.Plot, error) {
	p := panel(fmt.Sprintf("Upload: how much of their uplink viewers gave (fairness %.2f)", r.UploadFairness), "viewers of a class, from least to most, %", "% of the uplink")
	highest := 1.0
	for i, c := range r.Uploads {
		if c.Rate == 0 {
			continue
		}
		var xys plotter.XYs
		for q, used := range c.Used {
			xys = append(xys, plotter.XY{X: 100 * float64(q) / float64(len(c.Used)-1), Y: 100 * used})
			highest = max(highest, 100*used)
		}
		l := line(xys, ramp[min(2*i, len(ramp)-1)], 2.2)
		p.Add(l)
		p.Legend.Add(fmt.Sprintf("%.3g Mbit/s, %d viewers", float64(c.Rate)/1e6, c.Viewers), l)
	}
	p.Legend.Left = true
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 100, 0, math.Min(105, highest*1.35)
	return p, nil
}
