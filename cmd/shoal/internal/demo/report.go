package demo

import (
	"time"

	"github.com/shoal-p2p/shoal/player"
)

// Report is the contract's report with what it leaves out.
type Report struct {
	player.Report
	// SkippedSeconds at the start are not in the figures: peers find each other
	// and the first segments come from wherever is fastest.
	SkippedSeconds float64          `json:"skipped_seconds"`
	Seed           bool             `json:"seed"`
	ByCause        map[string]int64 `json:"viewer_origin_bytes_by_cause"`
	Banned         int              `json:"banned"`
}

// Mark begins the steady state: what was before is left out of the report.
func (l *Lab) Mark() {
	for _, m := range l.viewers {
		m.viewer.Mark()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.marked = l.origin.Stats(), time.Now()
}

// Report measures from the last Mark until now. Origin bytes and copies are those
// that the origin counted.
func (l *Lab) Report() Report {
	var all []player.Measurement
	for _, m := range l.viewers {
		all = append(all, m.viewer.Measurement())
	}
	l.mu.Lock()
	before, marked := l.before, l.marked
	l.mu.Unlock()
	now := l.origin.Stats()
	r := Report{Report: player.Summarize(all, 0), Seed: l.seed != nil,
		SkippedSeconds: marked.Sub(l.started).Round(100 * time.Millisecond).Seconds(), ByCause: map[string]int64{}}
	r.OriginBytes = now.MediaBytes + now.InitBytes - before.MediaBytes - before.InitBytes
	r.OriginCopies = round4(now.Copies(marked))
	r.Offload = 0
	if r.ConsumedBytes > 0 {
		r.Offload = round4(1 - float64(r.OriginBytes)/float64(r.ConsumedBytes))
	}
	for _, m := range l.viewers {
		s := m.session.Stats().Node
		for cause, n := range s.ByCause {
			r.ByCause[cause] += n
		}
		r.Banned += s.Banned
	}
	return r
}

func round4(v float64) float64 { return float64(int64(v*10000+0.5)) / 10000 }
