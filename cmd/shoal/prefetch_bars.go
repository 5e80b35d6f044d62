package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/prefetch"
)

// bars shows one bar a track on a terminal, a line every tenth elsewhere.
type bars struct {
	w        io.Writer
	progress *mpb.Progress // nil when not a terminal
	mu       sync.Mutex
}

func newBars(f *os.File) *bars {
	b := &bars{w: f}
	if term.IsTerminal(int(f.Fd())) {
		b.progress = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	}
	return b
}

func (b *bars) wait(failed bool) {
	if b.progress == nil {
		return
	}
	if failed {
		b.progress.Shutdown() // bars that will never fill
		return
	}
	b.progress.Wait()
}

func (b *bars) Track(id string) prefetch.Bar {
	if b.progress == nil {
		return &lineBar{bars: b, id: id, begun: time.Now()}
	}
	t := &trackBar{begun: time.Now()}
	t.bar = b.progress.AddBar(0,
		mpb.PrependDecorators(decor.Name(id, decor.WCSyncSpaceR), decor.CountersNoUnit("%d/%d", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Any(t.rate, decor.WCSyncSpace), decor.Name("  left "),
			decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")))
	return t
}

type trackBar struct {
	bar         *mpb.Bar
	begun       time.Time
	mu          sync.Mutex
	bytes       int64
	total, done int
}

// Total moves the bar's end. mpb takes a bar that was full once for finished, so
// it is told only when nothing is left.
func (t *trackBar) Total(segments int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total = segments
	t.bar.SetTotal(int64(segments), t.done == segments)
}

func (t *trackBar) Done(bytes int64, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	if !held {
		t.bytes += bytes
	}
	t.bar.Increment()
	if t.done == t.total {
		t.bar.SetTotal(int64(t.total), true)
	}
}

func (t *trackBar) rate(decor.Statistics) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return amount(int64(float64(t.bytes)/max(time.Since(t.begun).Seconds(), 0.001))) + "/s"
}

type lineBar struct {
	bars        *bars
	id          string
	total, done int
	fetched     int // not held before
	bytes       int64
	begun       time.Time
}

func (l *lineBar) Total(segments int) {
	l.bars.mu.Lock()
	defer l.bars.mu.Unlock()
	l.total = segments
}

func (l *lineBar) Done(bytes int64, held bool) {
	l.bars.mu.Lock()
	defer l.bars.mu.Unlock()
	l.done++
	l.bytes += bytes
	if !held {
		l.fetched++
	}
	if tenth := max(1, l.total/10); l.done%tenth != 0 && l.done != l.total {
		return
	}
	took := time.Since(l.begun).Seconds()
	left := "done"
	if n := l.total - l.done; n > 0 && l.fetched > 0 {
		left = fmt.Sprintf("%.0fs left", took/float64(l.fetched)*float64(n))
	} else if n > 0 {
		left = "going on"
	}
	fmt.Fprintf(l.bars.w, "%s  %d/%d segments  %s  %s/s  %s\n", l.id, l.done, l.total,
		amount(l.bytes), amount(int64(float64(l.bytes)/max(took, 0.001))), left)
}
