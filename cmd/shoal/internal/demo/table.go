package demo

import (
	"fmt"
	"strings"
)

// Table is the state of the demo as text, one line a peer, for a terminal.
func (l *Lab) Table() string {
	s := l.snapshot()
	var b strings.Builder
	t := s.Totals
	fmt.Fprintf(&b, "%s %s · %.0f s · offload %s of at most %s · origin copies %.2f · delivery p50 %.0f p95 %.0f ms · stalls %d · %s\n\n",
		s.Format, s.Mode, s.Seconds, percent(t.Offload), percent(t.IdealOffload), t.OriginCopies,
		t.DeliveryMS.P50, t.DeliveryMS.P95, t.Stalls, s.Integrity)
	fmt.Fprintf(&b, "%-10s %5s %10s %10s %10s  %-20s %9s %9s %6s\n",
		"", "peers", "origin", "peers", "sent", "from peers", "delivery", "latency", "stalls")
	for _, v := range s.Viewers {
		delivery, latency := "", ""
		if !v.Seed {
			delivery, latency = fmt.Sprintf("%.0f ms", v.DeliveryMS.P50), fmt.Sprintf("%.1f s", float64(v.LatencyMS)/1000)
		}
		fmt.Fprintf(&b, "%-10s %5d %10s %10s %10s  %s %9s %9s %6d\n",
			v.Name, v.Links, bytes(v.OriginBytes), bytes(v.PeerBytes), bytes(v.UploadedBytes),
			bar(v.PeerBytes, v.OriginBytes, 20), delivery, latency, v.Stalls)
	}
	return b.String()
}

// Line is the state in one line, for output that is not a terminal.
func (l *Lab) Line() string {
	t := l.snapshot().Totals
	return fmt.Sprintf("offload %s of %s, origin copies %.2f, delivery p50 %.0f p95 %.0f ms, stalls %d",
		percent(t.Offload), percent(t.IdealOffload), t.OriginCopies, t.DeliveryMS.P50, t.DeliveryMS.P95, t.Stalls)
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// bar shows a's share of a+b with eighths of a cell.
func bar(a, b int64, width int) string {
	if a+b == 0 {
		return strings.Repeat("·", width)
	}
	eighths := int(a * int64(width) * 8 / (a + b))
	full, rest := eighths/8, eighths%8
	s := strings.Repeat("█", full)
	if rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		full++
	}
	return s + strings.Repeat("·", width-full)
}

func bytes(n int64) string {
	const unit = 1000
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.0f kB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/unit/unit/unit)
}
