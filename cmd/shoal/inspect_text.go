package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// describeStream prints what a person wants to know first.
func describeStream(w io.Writer, p *timeline.Presentation, now time.Time, ahead time.Duration) {
	kind := "video on demand"
	if p.Live {
		kind = "live"
	}
	fmt.Fprintf(w, "%s, %s, %d tracks\n", strings.ToUpper(string(p.Format)), kind, len(p.Tracks))
	for _, t := range p.Tracks {
		describeTrack(w, t)
		n := 0
		var first, last timeline.Segment
		if t.Timeline != nil {
			for s := range t.Timeline.Segments(now, 0, timeline.Forever) {
				if n == 0 {
					first = s
				}
				last = s
				if n++; n == manifest.MaxListed {
					break
				}
			}
		}
		if n > 0 {
			fmt.Fprintf(w, "  %d segments, %s to %s\n", n, first.Start, last.Start+last.Duration)
			fmt.Fprintf(w, "  first  %s\n  last   %s\n", first.Key, last.Key)
		} else {
			fmt.Fprintln(w, "  no segment available")
		}
		if t.Timeline == nil || !p.Live {
			continue
		}
		for s := range t.Timeline.Predicted(now, ahead) {
			fmt.Fprintf(w, "  +%5.1fs %s\n", s.AvailableAt.Sub(now).Seconds(), s.Key)
		}
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "\nnote: %s", note)
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(w)
	}
}

func describeTrack(w io.Writer, t *timeline.Track) {
	fmt.Fprintf(w, "\n%s  %s", t.ID, t.Kind)
	for _, s := range []string{t.Language, t.Codecs} {
		if s != "" {
			fmt.Fprintf(w, "  %s", s)
		}
	}
	if t.Width > 0 {
		fmt.Fprintf(w, "  %dx%d", t.Width, t.Height)
	}
	if t.Bandwidth > 0 {
		fmt.Fprintf(w, "  %d kbit/s", t.Bandwidth/1000)
	}
	fmt.Fprintln(w)
}
