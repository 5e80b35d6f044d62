package player

import (
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/swarm/node"
)

const (
	// maxPlanned bounds one plan: 512 segments of 2 s are 17 minutes of one
	// track, far beyond what any player buffers.
	maxPlanned = 512
	// Predicted horizon of a live stream: four segments, within these.
	minAhead, maxAhead = 6 * time.Second, 30 * time.Second
	// defaultWindow is how much of a VOD stream ahead of the play head is planned.
	defaultWindow = 30 * time.Second
	// idleAfter is how long after the last request a live viewer counts as
	// paused or gone, so that nothing more is reserved for it.
	idleAfter = 30 * time.Second
)

// horizon of predictions for p.
func horizon(p *timeline.Presentation, configured time.Duration) time.Duration {
	if configured > 0 {
		return configured
	}
	return min(max(4*p.TargetDuration, minAhead), maxAhead)
}

// plan lists what the active tracks will need, in the order of the tracks' last
// request. Live: all from the frontier to the predicted horizon. VOD: from the
// frontier to window past the play head, and two segments past the frontier at
// least, for players that buffer more than the window.
func (s *Session) plan(now time.Time) []node.Resource {
	p := s.presentation
	if p == nil || p.Live && now.Sub(s.lastRequest) > idleAfter {
		return nil
	}
	synced := now.Add(p.ClockOffset)
	var rs []node.Resource
	for _, t := range s.active.list() {
		if p.Live && t.frontier == 0 {
			continue // only its init segment was asked for: where it will begin is not known
		}
		for _, track := range resolve(p, t.track) {
			if track.Timeline == nil {
				continue
			}
			successor := track.Key != t.track.Key
			first := true
			add := func(seg timeline.Segment) bool {
				if len(rs) >= maxPlanned {
					return false
				}
				if !wanted(seg, s.pace.lane(track.Kind).parts) || seg.Start+seg.Duration <= t.frontier {
					return true
				}
				if successor && first && track.Init != nil && wanted(*track.Init, false) {
					init := s.resource(p, track, *track.Init)
					init.Deadline = s.pace.deadline(now, s.local(p, fetchable(seg)), seg)
					rs = append(rs, init)
				}
				first = false
				r := s.resource(p, track, seg)
				r.Deadline = s.pace.deadline(now, r.Available, seg)
				rs = append(rs, r)
				return true
			}
			s.each(p, track, synced, now, t.frontier, add)
		}
	}
	return rs
}

// each yields track's segments from frontier to the end of the plan.
func (s *Session) each(p *timeline.Presentation, track *timeline.Track, synced, now time.Time, frontier time.Duration, add func(timeline.Segment) bool) {
	if p.Live {
		for seg := range track.Timeline.Segments(synced, frontier, timeline.Forever) {
			if !add(seg) {
				return
			}
		}
		for seg := range parts(track, frontier) {
			if !add(seg) {
				return
			}
		}
		for seg := range track.Timeline.Predicted(synced, horizon(p, s.cfg.Ahead)) {
			if !add(seg) {
				return
			}
		}
		return
	}
	head, _ := s.pace.head(now)
	to, extra := head+s.window(), 2
	for seg := range track.Timeline.Segments(synced, frontier, timeline.Forever) {
		if seg.Start >= to {
			if extra--; extra < 0 {
				return
			}
		} else if seg.Start >= frontier {
			extra--
		}
		if !add(seg) {
			return
		}
	}
}

// wanted leaves out what must not enter the swarm or must not be fetched, and
// of a segment and its parts those that this player does not ask for.
func wanted(seg timeline.Segment, parts bool) bool {
	if !seg.Shareable || seg.Gap || openEnded(seg) {
		return false
	}
	return seg.Duration == 0 || parts == (seg.Part >= 0)
}

// resource describes seg to the node, without deadline.
func (s *Session) resource(p *timeline.Presentation, track *timeline.Track, seg timeline.Segment) node.Resource {
	r := node.Resource{
		Key: seg.Key, URL: seg.URL, Last: -1,
		Header:    s.ambient.forURL(seg.URL),
		Available: s.local(p, fetchable(seg)),
		Duration:  seg.Duration,
		SizeHint:  -1,
		Shareable: seg.Shareable,
	}
	if !seg.GrowsFrom.IsZero() {
		r.Whole = s.local(p, seg.AvailableAt)
	}
	if seg.Range != nil {
		r.First, r.Last = seg.Range.First, seg.Range.Last
	}
	if r.Last >= 0 {
		r.SizeHint = r.Last - r.First + 1
	} else if track.Bandwidth > 0 && seg.Duration > 0 {
		r.SizeHint = int64(float64(track.Bandwidth) / 8 * seg.Duration.Seconds())
	}
	return r
}

// growth is for how long seg grows after it can be asked for.
func growth(seg timeline.Segment) time.Duration {
	return seg.AvailableAt.Sub(fetchable(seg))
}

// fetchable is from when seg can be asked for: with low latency its first chunk.
func fetchable(seg timeline.Segment) time.Time {
	if !seg.GrowsFrom.IsZero() {
		return seg.GrowsFrom
	}
	return seg.AvailableAt
}

// local turns a time on the presentation's synchronised clock into local time.
func (s *Session) local(p *timeline.Presentation, t time.Time) time.Time {
	if t.IsZero() || p == nil {
		return t
	}
	return t.Add(-p.ClockOffset)
}

// onSwarmClock moves r's times from the local clock to the swarm's, which is
// ahead of it by skew.
func onSwarmClock(r node.Resource, skew time.Duration) node.Resource {
	if !r.Available.IsZero() {
		r.Available = r.Available.Add(skew)
	}
	if !r.Whole.IsZero() {
		r.Whole = r.Whole.Add(skew)
	}
	r.Deadline = r.Deadline.Add(skew)
	if !r.OriginBy.IsZero() {
		r.OriginBy = r.OriginBy.Add(skew)
	}
	return r
}

func (s *Session) window() time.Duration {
	if s.cfg.Window > 0 {
		return s.cfg.Window
	}
	return defaultWindow
}
