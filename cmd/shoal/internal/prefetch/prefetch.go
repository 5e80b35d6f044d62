package prefetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/hls"
	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// Run fetches until everything is held, ctx ends or a segment cannot be had; the
// report then says what is missing and the error is the last one. A copy's
// manifests are written in any case, for what is there.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if err := cfg.populate(); err != nil {
		return Report{}, err
	}
	begun := time.Now()
	r := &run{
		cfg: cfg, copy: manifest.NewCopy(cfg.Source), tracks: map[string]*lane{}, checked: map[segments.Key]bool{},
		report: Report{Manifest: cfg.URL, Failed: []string{}, Notes: []string{}},
	}
	p, err := manifest.Load(ctx, r.copy, cfg.URL, manifest.Options{})
	if err != nil {
		return Report{}, err
	}
	if cfg.Out != "" {
		if r.folder, err = newFolder(cfg.Out); err != nil {
			return Report{}, err
		}
		defer r.folder.close()
	}
	r.meet(ctx)
	if p.Live && cfg.Duration > 0 {
		err = r.live(ctx)
	} else {
		err = r.fixed(ctx, p)
	}
	err = errors.Join(err, r.verifyRest(), r.writeCopy())
	for _, l := range r.order {
		r.report.Tracks = append(r.report.Tracks, TrackReport{l.track.ID, l.segments, l.bytes})
	}
	stats := cfg.Node.Stats()
	r.report.Origin, r.report.Peers = stats.OriginBytes, stats.PeerBytes
	r.report.Seconds = time.Since(begun).Seconds()
	return r.report, err
}

// meet gives peers a moment to be found: a node without neighbours takes what it
// is asked for from the origin at once.
func (r *run) meet(ctx context.Context) {
	if r.cfg.Alone {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, meeting)
	defer cancel()
	again := time.NewTicker(meeting / 60)
	defer again.Stop()
	for ctx.Err() == nil {
		stats := r.cfg.Node.Stats()
		if len(stats.Peers) > 0 || stats.Connected && stats.SwarmSize == 1 {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

type run struct {
	cfg    Config
	copy   *manifest.Copy
	folder *folder // nil: the session's store alone

	inits singleflight.Group // one fetch of an init segment at a time

	mu      sync.Mutex
	format  timeline.Format
	name    string // of the copy's manifest
	order   []*lane
	tracks  map[string]*lane      // by key
	checked map[segments.Key]bool // against statements
	report  Report
	paid    int64 // bytes of peers that the limit has been paid for
	err     error // of the last segment that could not be had
}

// lane is one track.
type lane struct {
	track           *timeline.Track
	bar             Bar
	listed          int
	segments, bytes int64
	seen            map[segments.Key]bool // asked for
	done            []manifest.CopiedSegment
}

// job is one segment to bring.
type job struct {
	lane *lane
	seg  timeline.Segment
	init *timeline.Segment
}

// fixed fetches what p lists now, the tracks side by side in presentation order,
// so that an interrupted run leaves a playable beginning.
func (r *run) fixed(ctx context.Context, p *timeline.Presentation) error {
	now := manifest.Clock(p, time.Now())
	from, to := time.Duration(0), timeline.Forever
	switch {
	case r.cfg.Window > 0 && p.Live:
		var err error
		if from, err = r.edge(p); err != nil {
			return err
		}
	case r.cfg.Window > 0:
		to = r.cfg.Window
	}
	jobs, err := r.list(ctx, p, now, from, to)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		return errors.New("no segment of these tracks is available")
	}
	for _, l := range r.order {
		l.bar.Total(l.listed)
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return int(min(max(a.seg.Start-b.seg.Start, -1), 1)) })
	var group errgroup.Group
	group.SetLimit(r.cfg.Jobs)
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return r.one(ctx, j) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return errors.Join(ctx.Err(), r.err)
}

// overlap is how much of a segment must be wanted: audio is not cut where video
// is, and a frame is not worth a segment.
const overlap = 100 * time.Millisecond

// list names the segments of the chosen tracks between from and to that have not
// been asked for yet, and has the copy learn what it needs of their tracks.
func (r *run) list(ctx context.Context, p *timeline.Presentation, now time.Time, from, to time.Duration) ([]job, error) {
	tracks, err := player.ChooseEach(p, r.cfg.Tracks)
	if err != nil {
		return nil, err
	}
	if r.folder != nil {
		if err := r.copy.Absorb(ctx, p); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.format, r.name = p.Format, manifestFile(p)
	var jobs []job
	for _, t := range tracks {
		l := r.tracks[t.Key]
		if l == nil {
			l = &lane{track: t, bar: r.cfg.Bars.Track(t.ID), seen: map[segments.Key]bool{}}
			r.tracks[t.Key] = l
			r.order = append(r.order, l)
		}
		l.track = t // the newest timeline
		for s := range t.Timeline.Segments(now, from, to) {
			sliver := from > 0 && s.Start+s.Duration < from+overlap || to < timeline.Forever && s.Start > to-overlap
			if l.seen[s.Key] || s.Gap || s.URL == "" || sliver {
				continue
			}
			if len(jobs) >= MaxSegments {
				return nil, fmt.Errorf("more than %d segments; choose fewer tracks or a shorter --window", MaxSegments)
			}
			l.seen[s.Key] = true
			l.listed++
			jobs = append(jobs, job{l, s, initOf(t, s)})
		}
	}
	return jobs, nil
}

// initOf is the init segment that a segment needs, which may change on the way
// (EXT-X-MAP).
func initOf(t *timeline.Track, s timeline.Segment) *timeline.Segment {
	if h, ok := t.Timeline.(*hls.Timeline); ok {
		return h.InitOf(s.Number)
	}
	return t.Init
}

// one brings one segment. A failure does not end the run: the others are useful.
func (r *run) one(ctx context.Context, j job) error {
	var n int64
	var held bool
	var err error
	for i := range attempts {
		if err = r.init(ctx, j); err == nil {
			if n, held, err = r.fetch(ctx, j.seg); err == nil {
				break
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.cfg.Log.Warn("segment failed", "key", j.seg.Key, "attempt", i+1, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.report.Failed = append(r.report.Failed, string(j.seg.Key))
		r.err = fmt.Errorf("%s: %w", j.seg.Key, err)
		return nil
	}
	c := manifest.CopiedSegment{Segment: j.seg, File: segmentFile(j.seg)}
	if j.init != nil {
		c.Init = segmentFile(*j.init)
	}
	j.lane.done = append(j.lane.done, c)
	j.lane.segments++
	j.lane.bytes += n
	r.count(n, held)
	j.lane.bar.Done(n, held)
	return nil
}

// count adds a file to the report. Callers hold mu.
func (r *run) count(n int64, held bool) {
	r.report.Segments++
	r.report.Bytes += n
	if held {
		r.report.Held++
	}
}

// init brings a segment's init segment, once for all that need it.
func (r *run) init(ctx context.Context, j job) error {
	if j.init == nil {
		return nil
	}
	r.mu.Lock()
	seen := j.lane.seen[j.init.Key]
	r.mu.Unlock()
	if seen {
		return nil
	}
	_, err, _ := r.inits.Do(string(j.init.Key), func() (any, error) {
		n, held, err := r.fetch(ctx, *j.init)
		if err != nil {
			return nil, fmt.Errorf("init segment: %w", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if !j.lane.seen[j.init.Key] { // done between the look above and here
			j.lane.seen[j.init.Key] = true
			j.lane.bytes += n
			r.count(n, held)
		}
		return nil, nil
	})
	return err
}

// fetch brings one segment into the folder or the store.
func (r *run) fetch(ctx context.Context, seg timeline.Segment) (n int64, held bool, err error) {
	if r.folder != nil {
		var want *segments.Digest
		if d, ok := r.cfg.Vouched(seg.Key); ok {
			want = &d
		}
		if n, ok := r.folder.has(segmentFile(seg), want); ok {
			if want != nil {
				r.verified(seg.Key)
			}
			return n, true, nil
		}
	}
	if held = r.folder == nil && r.cfg.Held(seg.Key); !held {
		if err := r.payForPeers(ctx); err != nil {
			return 0, false, err
		}
	}
	s, err := r.cfg.Node.Get(ctx, r.resource(seg))
	if err != nil {
		return 0, false, err
	}
	defer s.Close()
	body := s.Reader(0, -1)
	defer body.Close()
	if r.folder == nil {
		if n, err = io.Copy(io.Discard, body); err == nil && !held && seg.Shareable && s.Meta().Shareable {
			err = r.cfg.Keep(ctx, seg.Key)
		}
		return n, held, err
	}
	n, err = r.folder.put(segmentFile(seg), body, func(got segments.Digest) error {
		want, ok := r.cfg.Vouched(seg.Key)
		if ok && got != want {
			return errDigest
		}
		if ok {
			r.verified(seg.Key)
		}
		return nil
	})
	return n, false, err
}

// resource describes a segment to the node.
func (r *run) resource(seg timeline.Segment) node.Resource {
	res := node.Resource{
		Key: seg.Key, URL: seg.URL, Last: -1, Duration: seg.Duration, SizeHint: -1, Shareable: seg.Shareable,
		Deadline: r.cfg.Node.Now().Add(patience), Urgent: r.cfg.Alone,
	}
	if seg.Range != nil {
		res.First, res.Last = seg.Range.First, seg.Range.Last
		if res.Last >= 0 {
			res.SizeHint = res.Last - res.First + 1
		}
	}
	return res
}

func (r *run) verified(k segments.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.checked[k] {
		r.checked[k] = true
		r.report.Verified++
	}
}

// verifyRest checks files whose statement was not at hand yet when they were
// written: the store takes a segment a moment after its last byte was read.
func (r *run) verifyRest() error {
	if r.folder == nil {
		return nil
	}
	var bad error
	for _, l := range r.order {
		l.done = slices.DeleteFunc(l.done, func(s manifest.CopiedSegment) bool {
			want, ok := r.cfg.Vouched(s.Key)
			if !ok || r.checked[s.Key] {
				return false
			}
			if _, whole := r.folder.has(s.File, &want); whole {
				r.verified(s.Key)
				return false
			}
			r.report.Failed = append(r.report.Failed, string(s.Key))
			bad = fmt.Errorf("%s: %w", s.File, errDigest)
			return true
		})
	}
	return bad
}

// payForPeers waits until what peers have sent so far is paid for.
func (r *run) payForPeers(ctx context.Context) error {
	if r.cfg.Rate == nil {
		return nil
	}
	sent := r.cfg.Node.Stats().PeerBytes
	r.mu.Lock()
	owed := sent - r.paid
	r.paid = sent
	r.mu.Unlock()
	return pay(ctx, r.cfg.Rate, owed)
}
