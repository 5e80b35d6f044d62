package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
)

const (
	// scoreTime is how long a source is followed.
	scoreTime = 40 * time.Second
	// scoreStep is how often a recorder looks, at the predictions and at the origin.
	scoreStep = 20 * time.Millisecond
	// longestBlink is how long a recorder may not look without losing count.
	longestBlink = 200 * time.Millisecond
	// probeEarly is how long before its foretold availability a segment is asked for
	// first: one that is there already counts as late by that much or more.
	probeEarly = 500 * time.Millisecond
	// latestWord is how much later than its horizon a word may be said: times that
	// were learnt from earlier segments are off themselves.
	latestWord = time.Second
	// leastScored of a source's segments must be left when those are taken out that
	// came while the machine was too busy to look.
	leastScored = 4
	// probeLate is how long after it a segment may still come.
	probeLate = 6 * time.Second
)

var scoredAhead = [...]time.Duration{2 * time.Second, 6 * time.Second, 10 * time.Second}

// recorder follows one live source and scores what was foretold of it.
type recorder struct {
	format timeline.Format
	began  time.Time

	mu       sync.Mutex
	foretold [len(scoredAhead)]map[segments.Key]word
	listed   map[segments.Key]bool // of DASH, by the MPD once it is there
	came     map[segments.Key]time.Time
	pending  map[segments.Key]timeline.Segment // of DASH, foretold and not probed yet
	lastLook time.Time
	blind    []span // when the machine did not let the recorder look
	probes   sync.WaitGroup
}

// word is the first that was heard of a key within a horizon.
type word struct{ said, at time.Time }

// span is a stretch of time.
type span struct{ from, to time.Time }

func (s span) near(at time.Time, d time.Duration) bool {
	return at.After(s.from.Add(-d)) && at.Before(s.to.Add(d))
}

// score follows url for scoreTime. What comes is learnt without our own reader:
// of DASH by asking for each segment until it is there, of HLS by counting the
// lines of the media playlists.
func score(ctx context.Context, url string, format timeline.Format) (*recorder, error) {
	fetcher := segments.NewOrigin(segments.OriginConfig{})
	defer fetcher.Close()
	ctx, cancel := context.WithTimeout(ctx, scoreTime+patience)
	defer cancel()
	f := manifest.Follow(ctx, &player.Source{Origin: fetcher}, url, manifest.Options{})
	defer f.Close()
	r := &recorder{format: format, listed: map[segments.Key]bool{}, came: map[segments.Key]time.Time{}, pending: map[segments.Key]timeline.Segment{}}
	for i := range r.foretold {
		r.foretold[i] = map[segments.Key]word{}
	}
	go func() {
		for range f.Updates() { // Current has the newest
		}
	}()
	tick := time.NewTicker(scoreStep)
	defer tick.Stop()
	for {
		if p, ok := f.Current(); ok && len(scored(p)) > 1 {
			break
		}
		if <-tick.C; ctx.Err() != nil {
			return nil, fmt.Errorf("%s: no video and audio to follow", url)
		}
	}
	r.began = time.Now()
	ctx, cancel = context.WithTimeout(ctx, scoreTime)
	defer cancel()
	if format == timeline.HLS {
		p, _ := f.Current()
		for _, track := range scored(p) {
			r.probes.Go(func() { r.watchPlaylist(ctx, track) })
		}
	}
	for ; ctx.Err() == nil; <-tick.C {
		if p, ok := f.Current(); ok {
			r.look(ctx, p)
		}
	}
	r.probes.Wait()
	return r, nil
}

// scored are the tracks that are followed: one video and one audio a period.
func scored(p *timeline.Presentation) (tracks []*timeline.Track) {
	seen := map[string]bool{}
	for _, t := range p.Tracks {
		name := t.Period + " " + string(t.Kind)
		if t.Timeline == nil || t.TrickPlay || seen[name] || t.Kind != timeline.Video && t.Kind != timeline.Audio {
			continue
		}
		if p.Format == timeline.HLS {
			some := false
			for range t.Timeline.Segments(manifest.Clock(p, time.Now()), 0, timeline.Forever) {
				some = true
				break
			}
			if !some {
				continue
			}
		}
		seen[name] = true
		tracks = append(tracks, t)
	}
	return tracks
}

// look books what is foretold now and was not before.
func (r *recorder) look(ctx context.Context, p *timeline.Presentation) {
	now := time.Now()
	synced := manifest.Clock(p, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.lastLook.IsZero() && now.Sub(r.lastLook) > longestBlink {
		r.blind = append(r.blind, span{r.lastLook, now})
	}
	r.lastLook = now
	for _, t := range scored(p) {
		if r.format == timeline.DASH {
			edge := synced.Sub(time.Unix(0, 0)) - 4*time.Second // livesim2 counts from 1970
			for s := range t.Timeline.Segments(synced, edge, timeline.Forever) {
				r.listed[s.Key] = true
			}
		}
		for s := range t.Timeline.Predicted(synced, scoredAhead[len(scoredAhead)-1]) {
			at := s.AvailableAt
			if r.format == timeline.DASH && !s.GrowsFrom.IsZero() {
				at = s.GrowsFrom
			}
			at = at.Add(-p.ClockOffset)
			for i, ahead := range scoredAhead {
				if _, ok := r.foretold[i][s.Key]; !ok && at.Sub(now) <= ahead {
					r.foretold[i][s.Key] = word{now, at}
				}
			}
			if first := r.foretold[len(scoredAhead)-1]; r.format == timeline.DASH && first[s.Key].said == now {
				r.pending[s.Key] = s
			}
		}
	}
	for k, s := range r.pending {
		if at := r.foretold[len(scoredAhead)-1][k].at; at.Sub(now) <= probeEarly {
			delete(r.pending, k)
			r.probes.Go(func() { r.probe(ctx, s, at) })
		}
	}
}

// probe asks for a segment until the origin has it. The body is not read: of one
// that grows, the answer begins with its first chunk.
func (r *recorder) probe(ctx context.Context, s timeline.Segment, at time.Time) {
	for ctx.Err() == nil && time.Since(at) < probeLate {
		sent := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		if err != nil {
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			r.arrived(s.Key, sent)
			return
		}
		<-time.After(scoreStep)
	}
}

// watchPlaylist reads what the track's playlist lists, with nothing but its line
// names: segments are numbered from EXT-X-MEDIA-SEQUENCE on, their parts from 0.
func (r *recorder) watchPlaylist(ctx context.Context, track *timeline.Track) {
	for ctx.Err() == nil {
		asked := time.Now()
		media, err := document(track.URL)
		if err != nil {
			continue
		}
		number, part := uint64(0), 0
		for line := range strings.Lines(media) {
			line = strings.TrimSpace(line)
			switch name, value, _ := strings.Cut(line, ":"); name {
			case "#EXT-X-MEDIA-SEQUENCE":
				number, _ = strconv.ParseUint(value, 10, 64)
			case "#EXT-X-PART":
				r.arrived(segments.PartKey(track.Key, number, part), asked)
				part++
			case "#EXTINF":
				r.arrived(segments.NumberKey(track.Key, number), asked)
				number, part = number+1, 0
			}
		}
		<-time.After(scoreStep)
	}
}

func (r *recorder) arrived(k segments.Key, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.came[k]; !ok {
		r.came[k] = at
	}
}

// result of one source and horizon.
type result struct {
	right, wrong, missed int // keys: came as foretold, never came, were not foretold in time
	off                  []time.Duration
}

func (r result) share() float64 { return float64(r.right) / float64(max(1, r.right+r.wrong+r.missed)) }

func (r result) at(percent int) time.Duration {
	if len(r.off) == 0 {
		return 0
	}
	return r.off[len(r.off)*percent/100].Round(time.Millisecond)
}

// result scores whole segments, or parts. What came before it could have been
// foretold, what the recorder was too busy to see and what is due too near the end is left out.
func (r *recorder) result(i int, parts bool) (s result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, last := r.began.Add(scoredAhead[i]+time.Second), r.began.Add(scoreTime-3*time.Second)
	counts := func(k segments.Key, at time.Time) bool {
		for _, b := range r.blind {
			if b.near(at, probeEarly) || b.near(at.Add(-scoredAhead[i]), latestWord) {
				return false
			}
		}
		return (r.format == timeline.HLS && strings.Contains(string(k)[len(k.Track()):], ".")) == parts && at.After(first) && at.Before(last)
	}
	if r.format == timeline.DASH {
		for k := range r.came {
			if !r.listed[k] { // the URL does not name the period, the key does
				delete(r.came, k)
			}
		}
	}
	for k, w := range r.foretold[i] {
		if _, ok := r.came[k]; ok || !counts(k, w.at) {
			continue
		}
		s.wrong++
	}
	for k, came := range r.came {
		if !counts(k, came) {
			continue
		}
		if w, ok := r.foretold[i][k]; !ok || came.Sub(w.said) < scoredAhead[i]-latestWord {
			s.missed++
		} else {
			s.right++
			s.off = append(s.off, came.Sub(w.at).Abs())
		}
	}
	slices.Sort(s.off)
	return s
}

// TestPredictionScore follows seven live sources, all but one by others, for
// 40 s and holds what was foretold 2, 6 and 10 s ahead against what came. Keys
// must be right; times may be off on a machine that does other things, package
// manifest's documentation has them measured on one that does not.
func TestPredictionScore(t *testing.T) {
	story(t)
	live := livesim(t) + "/livesim2/utc_direct/"
	demo := newStage(t, origin.Config{})
	sources := []struct {
		name, url string
		format    timeline.Format
		most      time.Duration // times: p95 measured alone is a fraction of it
	}{
		{"number", live + "testpic_2s/Manifest.mpd", timeline.DASH, time.Second},
		{"timeline", live + "segtimeline_1/testpic_2s/Manifest.mpd", timeline.DASH, 2 * time.Second},
		{"timeline-number", live + "segtimelinenr_1/testpic_2s/Manifest.mpd", timeline.DASH, 2 * time.Second},
		{"multi-period", live + "periods_180/testpic_2s/Manifest.mpd", timeline.DASH, time.Second},
		{"low latency", live + "ato_1.5/chunkdur_0.5/ltgt_2500/testpic_2s/Manifest.mpd", timeline.DASH, time.Second},
		{"demo HLS", demo.url("/live/master.m3u8"), timeline.HLS, 2 * time.Second},
		{"LL-HLS", llhls(t), timeline.HLS, 2 * time.Second},
	}
	recorders := make([]*recorder, len(sources))
	var all errgroup.Group
	for i, s := range sources {
		all.Go(func() (err error) {
			recorders[i], err = score(t.Context(), s.url, s.format)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for i, s := range sources {
		for j, ahead := range scoredAhead {
			whole := recorders[i].result(j, false)
			fmt.Fprintf(&table, "%-16s %4v  %3d keys, %.1f %% right (%d wrong, %d not foretold)  |Δ| p50 %v p95 %v\n",
				s.name, ahead, whole.right, 100*whole.share(), whole.wrong, whole.missed, whole.at(50), whole.at(95))
			bad := whole.wrong + whole.missed
			if whole.right < leastScored || float64(bad) > 0.01*float64(whole.right) {
				t.Errorf("%s, %v ahead: %d keys right, %d wrong, %d not foretold", s.name, ahead, whole.right, whole.wrong, whole.missed)
			}
			if p95 := whole.at(95); p95 > s.most {
				t.Errorf("%s, %v ahead: 5 %% of the times are off by more than %v", s.name, ahead, p95)
			}
			if parts := recorders[i].result(j, true); parts.right+parts.wrong+parts.missed > 0 {
				fmt.Fprintf(&table, "%-16s %4v  %3d parts, %.1f %% right (%d wrong, %d not foretold)  |Δ| p50 %v p95 %v\n",
					"", ahead, parts.right, 100*parts.share(), parts.wrong, parts.missed, parts.at(50), parts.at(95))
			}
		}
	}
	t.Log("\n" + table.String())
}
