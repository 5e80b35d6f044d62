package player

import (
	"context"
	"errors"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// completeWait is how long after the first presentation with media the others of
// its tracks may take: HLS renditions arrive one playlist at a time, and the
// best one may be the last.
const completeWait = 2 * time.Second

// firstPresentation waits until every track of a followed stream has media, or
// some have and completeWait is over.
func firstPresentation(ctx context.Context, f *manifest.Follower) (*timeline.Presentation, error) {
	var last error
	var usable *timeline.Presentation
	var patience <-chan time.Time
	for {
		select {
		case u, ok := <-f.Updates():
			if !ok && usable != nil {
				return usable, nil
			}
			if !ok {
				return nil, errors.Join(errors.New("player: the stream ended before it began"), last, ctx.Err())
			}
			if u.Err != nil {
				last = u.Err
			}
			if u.Presentation == nil {
				continue
			}
			some, all := mediaIn(u.Presentation)
			if all {
				return u.Presentation, nil
			}
			if some {
				usable = u.Presentation
				if patience == nil {
					timer := time.NewTimer(completeWait)
					defer timer.Stop()
					patience = timer.C
				}
			}
		case <-patience:
			return usable, nil
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), last)
		}
	}
}

// mediaIn reports whether some and all of p's tracks have segments. Tracks of a
// period to come count as none, hence the wait is bounded.
func mediaIn(p *timeline.Presentation) (some, all bool) {
	now := manifest.Clock(p, time.Now())
	all = true
	for _, t := range p.Tracks {
		if hasMedia(t, now) {
			some = true
		} else {
			all = false
		}
	}
	return some, some && all
}
