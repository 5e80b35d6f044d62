package player

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// times is a manifest.Source that notes when it is asked.
type times struct {
	manifest.Source
	mu    sync.Mutex
	asked []time.Time
}

func (s *times) Fetch(ctx context.Context, r manifest.Request) (manifest.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	s.mu.Unlock()
	return s.Source.Fetch(ctx, r)
}

// A segment that voids the MPD makes viewer and seed fetch it again at once,
// where minimumUpdatePeriod 0 says that segments do; elsewhere nobody listens.
func TestSegmentsTellOfManifestChanges(t *testing.T) {
	for _, c := range []struct {
		name, period string
		seed, soon   bool
	}{
		{"viewer", "PT0S", false, true},
		{"seed", "PT0S", true, true},
		{"not announced there", "PT30S", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now().Add(-time.Minute)
				plain := liveMPD(start)
				source := &times{Source: script(func(now time.Time) string {
					return strings.Replace(plain(now), `minimumUpdatePeriod="PT2S"`, `maxSegmentDuration="PT30S" publishTime="`+start.UTC().Format(time.RFC3339)+`" minimumUpdatePeriod="`+c.period+`"`, 1)
				})}
				event := &mp4.EmsgBox{SchemeIDURI: "urn:mpeg:dash:event:2012", Value: "1", MessageData: []byte(time.Now().UTC().Format(time.RFC3339))}
				var voids bytes.Buffer
				if err := event.Encode(&voids); err != nil {
					t.Fatal(err)
				}
				var told time.Time
				var mu sync.Mutex
				b := &bank{body: func(r node.Resource) []byte {
					mu.Lock()
					defer mu.Unlock()
					if strings.HasPrefix(string(r.Key), "p/v/") && time.Since(start) > 70*time.Second && told.IsZero() {
						told = time.Now()
						return voids.Bytes()
					}
					return []byte("no boxes")
				}}
				s := newTestSession(t, b)
				defer s.Close()
				var running interface{ Close() error }
				var err error
				if c.seed {
					running, err = NewSeed(t.Context(), SeedConfig{Session: s, Source: source})
				} else {
					running, err = NewViewer(t.Context(), ViewerConfig{Session: s, Source: source})
				}
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Second)
				if err := running.Close(); err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				soon := false
				for _, at := range source.asked {
					soon = soon || !at.Before(told) && at.Sub(told) <= time.Second
				}
				if told.IsZero() || soon != c.soon {
					t.Errorf("told at %v, MPD fetched at %v; want at once: %v", told, source.asked, c.soon)
				}
			})
		})
	}
}
