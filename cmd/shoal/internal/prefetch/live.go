package prefetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
)

const (
	// look is how long the live edge is left alone at most, when nothing is said
	// about when the next segment comes.
	look = 500 * time.Millisecond
	// complete is how long media playlists may take after the first.
	complete = 3 * time.Second
	// rewrite is how often the copy's manifests are brought up to date.
	rewrite = 10 * time.Second
	// lateness is how much longer than its duration a capture may take, besides
	// two segments: an origin that falls behind is not waited for for ever.
	lateness = 15 * time.Second
)

// live follows a stream from its edge for cfg.Duration of media.
func (r *run) live(ctx context.Context) error {
	f := manifest.Follow(ctx, r.copy, r.cfg.URL, manifest.Options{})
	defer f.Close()
	p, err := firstComplete(ctx, f)
	if err != nil {
		return err
	}
	from, err := r.edge(p)
	if err != nil {
		return err
	}
	to := from + r.cfg.Window + r.cfg.Duration
	ends := time.Now().Add(r.cfg.Duration + 2*p.TargetDuration + lateness)
	var group errgroup.Group
	group.SetLimit(r.cfg.Jobs)
	written := time.Now()
	updates := f.Updates()
	for {
		now := manifest.Clock(p, time.Now())
		jobs, err := r.list(ctx, p, now, from, to)
		if err != nil {
			r.cfg.Log.Warn("a refresh is of no use", "err", err)
		}
		for _, j := range jobs {
			group.Go(func() error { return r.one(ctx, j) })
		}
		for _, l := range r.order {
			l.bar.Total(r.expected(l, to-from))
		}
		if ctx.Err() != nil || !p.Live || time.Now().After(ends) || r.reached(p, now, to) {
			break
		}
		if time.Since(written) > rewrite {
			if err := r.writeCopy(); err != nil {
				return errors.Join(err, group.Wait())
			}
			written = time.Now()
		}
		if updates, p = r.await(ctx, updates, p, now); ctx.Err() != nil {
			break
		}
	}
	if err = group.Wait(); err == nil {
		err = errors.Join(ctx.Err(), r.err)
	}
	for _, l := range r.order {
		l.bar.Total(l.listed)
	}
	return err
}

// firstComplete waits until every track has segments, or some have and complete
// is over: HLS renditions arrive one playlist at a time.
func firstComplete(ctx context.Context, f *manifest.Follower) (*timeline.Presentation, error) {
	var p *timeline.Presentation
	var last error
	timer := time.NewTimer(complete)
	defer timer.Stop()
	for {
		select {
		case u, open := <-f.Updates():
			if !open {
				return nil, errors.Join(errors.New("the stream ended before it began"), last)
			}
			if u.Err != nil {
				last = u.Err
			}
			if p = u.Presentation; p == nil {
				continue
			}
			all := true
			for _, t := range p.Tracks {
				all = all && hasSegments(t, manifest.Clock(p, time.Now()))
			}
			if all {
				return p, nil
			}
		case <-timer.C:
			if p == nil {
				return nil, errors.Join(fmt.Errorf("no manifest within %s", complete), last)
			}
			return p, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func hasSegments(t *timeline.Track, now time.Time) bool {
	if t.Timeline == nil {
		return false
	}
	for range t.Timeline.Segments(now, 0, timeline.Forever) {
		return true
	}
	return false
}

// edge is where the capture begins: at the newest segment of the track that is
// furthest behind, less the window.
func (r *run) edge(p *timeline.Presentation) (time.Duration, error) {
	tracks, err := player.ChooseEach(p, r.cfg.Tracks)
	if err != nil {
		return 0, err
	}
	now := manifest.Clock(p, time.Now())
	edges := map[timeline.Kind]time.Duration{}
	for _, t := range tracks {
		for s := range t.Timeline.Segments(now, 0, timeline.Forever) {
			if t.Kind == timeline.Video || t.Kind == timeline.Audio || len(tracks) == 1 {
				edges[t.Kind] = max(edges[t.Kind], s.Start)
			}
		}
	}
	from := timeline.Forever
	for _, e := range edges {
		from = min(from, e)
	}
	if from == timeline.Forever {
		return 0, errors.New("no video or audio is available")
	}
	return max(0, from-r.cfg.Window), nil
}

// reached reports that every track of the newest period has got to its end.
func (r *run) reached(p *timeline.Presentation, now time.Time, to time.Duration) bool {
	tracks, err := player.ChooseEach(p, r.cfg.Tracks)
	if err != nil || len(tracks) == 0 {
		return false
	}
	period := tracks[len(tracks)-1].Period
	for _, t := range tracks {
		if t.Period != period || t.Kind == timeline.Text || t.Kind == timeline.Image {
			continue
		}
		got := false
		for s := range t.Timeline.Segments(now, to-1, timeline.Forever) {
			got = got || s.Start+s.Duration >= to
			if got {
				break
			}
		}
		if !got {
			return false
		}
	}
	return true
}

// await sleeps until the manifest changes or the next segment is due.
func (r *run) await(ctx context.Context, updates <-chan manifest.Update, p *timeline.Presentation, now time.Time) (<-chan manifest.Update, *timeline.Presentation) {
	wait := look
	for _, l := range r.order {
		if l.track.Timeline == nil {
			continue
		}
		for s := range l.track.Timeline.Predicted(now, look) {
			wait = min(wait, max(s.AvailableAt.Sub(now), 10*time.Millisecond))
			break
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case u, open := <-updates:
		if !open {
			return nil, p // static now; what is known stays
		}
		if u.Presentation != nil {
			p = u.Presentation
		}
		if u.Event != "" {
			r.cfg.Log.Info("the stream has changed", "event", u.Event)
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return updates, p
}

// expected is how many segments a span of media will have, by those that are done.
func (r *run) expected(l *lane, span time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sum time.Duration
	for _, s := range l.done {
		sum += s.Duration
	}
	if sum <= 0 {
		return max(1, l.listed)
	}
	mean := sum / time.Duration(len(l.done))
	return max(l.listed, int((span+mean-1)/max(mean, 1)))
}
