package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/signal"
)

// TestOriginFails lets the origin answer 500 to everything for 10 s: manifests,
// init segments and media.
//
// Viewers play 8 segments, 16 s, behind the live edge and have buffered what
// exists, so that their buffer covers the failure and one segment more. What is
// asserted:
//   - not one of them stalls, nor plays a byte that is not the origin's, and they
//     go on with segments made during and after the failure;
//   - a viewer that joins during a failure of the media alone (it needs the
//     manifest to know what to ask) gets init and media segments from peers,
//     while the origin answers it not a single byte.
func TestOriginFails(t *testing.T) {
	story(t)
	t.Parallel()
	const failure = 10 * time.Second
	for _, tt := range []struct{ format, path string }{
		{"dash", "/live/manifest.mpd"},
		{"hls", "/live/master.m3u8"},
	} {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			o := newStage(t, origin.Config{})
			cfg := memberConfig{url: o.url(tt.path), signal: meeting(t, signal.Config{}), behind: 8}
			var viewers []*member
			for seat := range 3 {
				cfg.seat = seat
				viewers = append(viewers, join(t, cfg))
			}
			eventually(t, "all viewers are linked and have buffered up to the live edge", func() bool {
				for _, m := range viewers {
					if len(m.stats().Peers) < 2 || m.viewer.Measurement().Buffer < failure+origin.SegmentDuration {
						return false
					}
				}
				return true
			})

			// First the media alone, for someone who comes late.
			o.SetFault(func(r *http.Request) *origin.Fault {
				if strings.HasSuffix(r.URL.Path, ".m4s") || strings.HasSuffix(r.URL.Path, ".mp4") {
					return &origin.Fault{Status: http.StatusInternalServerError}
				}
				return nil
			})
			failed := time.Now()
			cfg.seat = len(viewers)
			late := join(t, cfg)
			eventually(t, "the late one plays what its peers hold", func() bool { return late.count() >= 6 })
			if s := late.stats(); s.OriginBytes != 0 || s.PeerBytes == 0 {
				t.Errorf("the late one got %d bytes from an origin that fails, %d from peers", s.OriginBytes, s.PeerBytes)
			}
			t.Logf("the late one played %d segments %v after the failure began", late.count(), time.Since(failed).Round(time.Millisecond))

			// Then everything, until the 10 s are over.
			o.SetFault(func(*http.Request) *origin.Fault { return &origin.Fault{Status: http.StatusInternalServerError} })
			time.Sleep(time.Until(failed.Add(failure))) // the story, not a wait for it
			o.SetFault(nil)
			var begun []int
			for _, m := range viewers {
				begun = append(begun, m.count())
			}
			eventually(t, "all viewers play what was made during the failure and after", func() bool {
				for i, m := range viewers {
					if m.count() < begun[i]+2*int(failure/origin.SegmentDuration)+4 {
						return false
					}
				}
				return true
			})
			t.Logf("each segment left the origin %.2f times", o.Stats().Copies(failed))
			direct := make(origins)
			for _, m := range append(viewers, late) {
				m.genuine(t, direct)
			}
			t.Logf("the late one stalled %d times", late.stalls())
			for _, m := range viewers {
				if n := m.stalls(); n != 0 {
					t.Errorf("%s stalled %d times, its buffer covered the failure", m.id, n)
				}
			}
		})
	}
}
