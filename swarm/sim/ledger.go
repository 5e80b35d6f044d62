package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// ErrInvariant is wrapped by Run's error when something happened that must never
// happen, whatever the configuration.
var ErrInvariant = errors.New("sim: invariant broken")

// maxViolations is how many are told one by one.
const maxViolations = 10

// ledger follows every piece of the whole run.
type ledger struct {
	sent, flying, lost, rejected, fromPeers, twice            int64 // between peers
	origin, originFlying, originLost, fromOrigin, originTwice int64
	stocked                                                   int64 // on a shelf from the beginning
	kept, dropped                                             int64 // put on shelves, taken off
	bans, falseBans                                           int64
	delivered                                                 int64 // forwarded signals that came through
}

// violate notes a broken invariant.
func (w *world) violate(format string, args ...any) {
	if w.violated++; len(w.violations) < maxViolations {
		w.violations = append(w.violations, fmt.Sprintf("%v: ", w.now)+fmt.Sprintf(format, args...))
	}
}

// explain notes something odd that is not forbidden.
func (w *world) explain(format string, args ...any) {
	if len(w.notes) < maxViolations {
		w.notes = append(w.notes, fmt.Sprintf("%v: ", w.now)+fmt.Sprintf(format, args...))
	}
}

// balance checks at the end that no piece came from nowhere or went nowhere.
func (w *world) balance() {
	l := &w.ledger
	equal := func(what string, a, b int64) {
		if a != b {
			w.violate("pieces are not conserved: %s: %d, not %d", what, a, b)
		}
	}
	equal("sent = kept + twice + rejected + lost + under way", l.sent, l.fromPeers+l.twice+l.rejected+l.lost+l.flying)
	equal("left the origin = kept + twice + lost + under way", l.origin, l.fromOrigin+l.originTwice+l.originLost+l.originFlying)
	equal("put on shelves = from peers + origin + stock", l.kept, l.fromPeers+l.fromOrigin+l.stocked)
	var held, counted int64
	for _, p := range w.peers {
		for i := range p.shelf.items {
			h := &p.shelf.items[i]
			held += int64(h.held)
			for _, way := range h.way {
				if way != 0 {
					counted++
				}
			}
		}
	}
	equal("on shelves = put on − taken off", held, l.kept-l.dropped)
	equal("on shelves, counted one by one", counted, held)
	var flying, originFlying int64
	for e := range w.queue.all() {
		switch e.kind {
		case evArrive, evGain:
			flying++
		case evOriginGain:
			originFlying++
		}
	}
	equal("under way between peers", flying, l.flying)
	equal("under way from the origin", originFlying, l.originFlying)
}

// startPatience is how much longer than over plain HTTP a viewer may take to start
// before that is a broken invariant.
const startPatience = 10 * time.Second

// started checks at the end that everybody who could have started to play has.
func (w *world) started() {
	for _, p := range w.peers {
		if p.alive && p.player != nil && !p.player.playing {
			if at := w.plain(p, p.player.next) + startPatience; at < w.now {
				w.violate("peer %s, who came at %v, has still not started to play", p.id, p.joined)
			}
		}
	}
}

// sizer is a brain that can tell how long its tables are.
type sizer interface{ Sizes() swarm.Sizes }

// check looks for a table that has outgrown what the peer's links and playhead
// explain.
func (w *world) check(p *peer) {
	b, ok := p.brain.(sizer)
	if !ok {
		return
	}
	s := b.Sizes()
	links := p.maxPeers + spareLinks
	media := int((w.cfg.Cache+w.cfg.Horizon+w.cfg.MaxLatency)/w.cfg.SegmentDuration+4) * len(w.stream.tracks)
	if p.seed && w.cfg.Mode == VOD {
		media = len(w.stream.keys)
	}
	for _, t := range []struct {
		name      string
		size, cap int
	}{
		{"links", s.Links, links},
		{"connecting", s.Pending, 2 * links},
		{"candidates", s.Candidates, swarm.MaxCandidates},
		{"banned", s.Banned, swarm.MaxBanned},
		{"tracks", s.Tracks, swarm.MaxTracks},
		{"reservations", s.Reservations, links * swarm.MaxReservations},
		{"haves", s.Haves, links * swarm.MaxHaves},
		{"outbound", s.Outbound, links * swarm.MaxOutbound},
		{"items", s.Items, media + links*swarm.MaxReservations},
		{"inbound", s.Inbound, (media + w.cfg.Brain.RelayReservations) * links},
	} {
		if t.size > t.cap {
			w.violate("peer %s: %s table has %d entries, the limit is %d", p.id, t.name, t.size, t.cap)
		}
	}
	w.largest.keep(s)
}

// err joins what was violated.
func (w *world) err() error {
	if w.violated == 0 {
		return nil
	}
	errs := []error{fmt.Errorf("%w: %d times", ErrInvariant, w.violated)}
	for _, v := range slices.Clone(w.violations) {
		errs = append(errs, errors.New("sim: "+v))
	}
	return errors.Join(errs...)
}
