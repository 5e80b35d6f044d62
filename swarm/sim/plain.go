package sim

import (
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// plainHTTP is the same viewer without a swarm: it asks the origin for one
// segment after the other, each as soon as it exists. What it would have had in
// time must not be missed because of the swarm.
type plainHTTP struct {
	begun bool
	free  swarm.Time // when its last segment was whole
}

// plainRetry is how often the players in use ask again after an error (dash.js
// and hls.js: 1 s for the first repetitions).
const plainRetry = time.Second

// plain is when the viewer would have had a number from the origin alone, asked
// for in order:
//
//	start = max(previous, available)
//	done  = start + trips·rtt + size / min(client's rate, downlink, total/viewers)
//
// trips is 1, and 3 for the first request. An outage in between makes it start
// again, every plainRetry until the outage is over.
func (w *world) plain(p *peer, number int) swarm.Time {
	pl := p.player
	seg := w.stream.seg(pl.track, number)
	if len(pl.plan) > 0 && number == pl.next {
		seg = w.stream.seg(int(pl.plan[0]), number)
	}
	trips := swarm.Time(1)
	if !pl.plain.begun {
		pl.plain = plainHTTP{begun: true, free: pl.joined}
		trips = 3
	}
	rate := min(w.cfg.OriginRate, w.cfg.Downlink)
	if w.cfg.OriginTotal > 0 {
		rate = min(rate, max(1, w.cfg.OriginTotal/int64(max(1, w.viewers))))
	}
	took := trips*w.cfg.OriginRTT + span(int(w.stream.sizes[seg]), rate)
	start := max(pl.plain.free, w.stream.available(seg))
	for again := true; again; {
		again = false
		for _, o := range w.cfg.Outages {
			if start < o.At+o.For && start+took > o.At {
				failed := max(start, o.At)
				tries := (o.At + o.For - failed + plainRetry - 1) / plainRetry
				start, again = failed+tries*plainRetry, true
			}
		}
	}
	pl.plain.free = start + took
	return pl.plain.free
}
