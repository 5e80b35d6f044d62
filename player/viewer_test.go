package player

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

func newTestSession(t *testing.T, n Node) *Session {
	t.Helper()
	s, err := NewSession(SessionConfig{URL: "https://cdn.example/live/stream.mpd", Node: n})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestViewerLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(-time.Minute - 700*time.Millisecond)
		b := &bank{delay: func(node.Resource) time.Duration { return 120 * time.Millisecond }}
		s := newTestSession(t, b)
		defer s.Close()
		var mu sync.Mutex
		var keys []string
		v, err := NewViewer(t.Context(), ViewerConfig{Session: s, Source: liveMPD(start), OnSegment: func(m Match, body []byte) {
			mu.Lock()
			defer mu.Unlock()
			keys = append(keys, string(m.Segment.Key))
		}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		v.Mark()
		time.Sleep(40*time.Second + 500*time.Millisecond)
		m := v.Measurement()
		r := v.Report()
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if m.Stalls != 0 || m.Stalled != 0 {
			t.Errorf("stalled %d times for %v", m.Stalls, m.Stalled)
		}
		if m.Latency <= 0 || m.Latency > 3*2*time.Second {
			t.Errorf("plays %v behind the edge, want 3 segments of 2 s at most", m.Latency)
		}
		if r.StartupMS.P50 < 240 || r.StartupMS.P50 > 500 { // init and first segment, one after the other
			t.Errorf("start-up %v ms", r.StartupMS)
		}
		if r.DeliveryMS.P50 < 119 || r.DeliveryMS.Max > 140 {
			t.Errorf("delivery %+v, want the 120 ms of the source", r.DeliveryMS)
		}
		if len(m.Deliveries) < 38 || r.ConsumedBytes != int64(len(m.Deliveries))*1000 || r.Mode != "live" || r.Format != "dash" {
			t.Errorf("%d deliveries, report %+v", len(m.Deliveries), r)
		}
		mu.Lock()
		defer mu.Unlock()
		seen := map[string]bool{}
		for _, k := range keys {
			if seen[k] {
				t.Errorf("%s came twice", k)
			}
			seen[k] = true
		}
		if !seen["p/v/init"] || !seen["p/a/init"] {
			t.Errorf("no init segments among %v", keys)
		}
	})
}

func TestViewerCountsStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(-time.Minute)
		from := time.Now().Add(20 * time.Second)
		var slow atomic.Bool
		b := &bank{delay: func(r node.Resource) time.Duration {
			if time.Now().After(from) && strings.HasPrefix(string(r.Key), "p/v/") && slow.CompareAndSwap(false, true) {
				return 9 * time.Second
			}
			return 10 * time.Millisecond
		}}
		s := newTestSession(t, b)
		defer s.Close()
		v, err := NewViewer(t.Context(), ViewerConfig{Session: s, Source: liveMPD(start)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		m := v.Measurement()
		if m.Stalls != 1 || m.Stalled < 3*time.Second || m.Stalled > 6*time.Second {
			t.Errorf("%d stalls of %v; 9 s without video and 4–6 s of buffer make one of 3–5 s", m.Stalls, m.Stalled)
		}
		v.Mark()
		time.Sleep(10 * time.Second)
		if m := v.Measurement(); m.Stalls != 0 || m.Stalled != 0 {
			t.Errorf("after Mark: %d stalls of %v", m.Stalls, m.Stalled)
		}
		v.Close()
	})
}

func TestViewerVOD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{}
		s := newTestSession(t, b)
		defer s.Close()
		began := time.Now()
		v, err := NewViewer(t.Context(), ViewerConfig{Session: s, Source: vodMPD(60), Buffer: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if m := v.Measurement(); m.Buffer < 10*time.Second || m.Buffer > 12*time.Second {
			t.Errorf("buffer %v, want the 10 s asked for, by whole segments", m.Buffer)
		}
		if err := v.Wait(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 60*time.Second || took > 61*time.Second {
			t.Errorf("60 s of media played in %v", took)
		}
		if m := v.Measurement(); m.Stalls != 0 || len(m.Segments) != 31 || m.Segments["p/w/29"] == 0 {
			t.Errorf("%d stalls, segments %v; want the 30 of the best track and its init", m.Stalls, m.Segments)
		}
	})
}

func TestViewerSurvivesFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 0
		b := &bank{fail: func(r node.Resource) error {
			if r.Key == "p/w/5" && failures < 3 {
				failures++
				return errors.New("origin is down")
			}
			if r.Key == "p/w/7" {
				return errors.New("gone for good")
			}
			return nil
		}}
		s := newTestSession(t, b)
		defer s.Close()
		v, err := NewViewer(t.Context(), ViewerConfig{Session: s, Source: vodMPD(30)})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Wait(); err != nil {
			t.Fatal(err)
		}
		m := v.Measurement()
		if m.Errors != 3+laneAttempts || m.Segments["p/w/5"] == 0 || m.Segments["p/w/7"] != 0 || m.Segments["p/w/14"] == 0 {
			t.Errorf("%d errors, segments %v", m.Errors, m.Segments)
		}
	})
}

func TestViewerCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSession(t, &bank{})
		defer s.Close()
		v, err := NewViewer(t.Context(), ViewerConfig{Session: s, Source: vodMPD(30), Tracks: "x,y"})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Wait(); err == nil || !strings.Contains(err.Error(), `no track "x"; there are v, w`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSeedLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(-time.Minute)
		b := &bank{delay: func(node.Resource) time.Duration { return 3 * time.Second }} // slower than real time
		s := newTestSession(t, b)
		defer s.Close()
		seed, err := NewSeed(t.Context(), SeedConfig{Session: s, Source: liveMPD(start)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		joined := time.Now().Add(-20 * time.Second)
		for _, d := range b.requests() {
			if d.Available.IsZero() || d.Available.Before(joined) {
				continue
			}
			if late := d.at.Sub(d.Available); late < 0 || late > 20*time.Millisecond {
				t.Errorf("%s was asked for %v after it was available", d.Key, late)
			}
		}
		if st := seed.Stats(); st.Segments < 2*(3+8) || st.Failures != 0 {
			t.Errorf("stats %+v", st)
		}
		if err := seed.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSeedVOD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		b := &bank{delay: func(node.Resource) time.Duration {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			go func() {
				time.Sleep(99 * time.Millisecond)
				mu.Lock()
				running--
				mu.Unlock()
			}()
			return 100 * time.Millisecond
		}}
		s := newTestSession(t, b)
		defer s.Close()
		seed, err := NewSeed(t.Context(), SeedConfig{Session: s, Source: vodMPD(60), Tracks: "v", Jobs: 3, Window: 40 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := seed.Wait(); err != nil {
			t.Fatal(err)
		}
		if st := seed.Stats(); st.Segments != 21 {
			t.Errorf("%d segments, want 20 and the init", st.Segments)
		}
		if most > 3 {
			t.Errorf("%d at a time, want 3 at most", most)
		}
	})
}
