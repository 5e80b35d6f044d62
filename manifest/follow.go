package manifest

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// What an Update may tell besides the presentation itself.
const (
	EventEnded     = "ended"         // a live presentation has become static; no more updates come
	EventFormat    = "format-change" // the URL now answers with the other format: everything starts anew
	EventRestarted = "restarted"     // HLS media sequence numbers began anew: keys now name other bytes than before
	EventBackwards = "backwards"     // the manifest has gone back in time and was taken back, or is being waited out (Err set)
)

// Update is one step of a followed stream.
type Update struct {
	Presentation *timeline.Presentation // the one in force: after an error the last good one, nil before the first
	Err          error                  // why a refresh failed
	Event        string                 // "" for an ordinary refresh
}

// Follower keeps one stream's presentation up to date. Close it.
type Follower struct {
	cancel  context.CancelFunc
	done    chan struct{}
	updates chan Update
	wake    chan struct{} // voided has changed

	mu      sync.Mutex
	current *timeline.Presentation
	voided  time.Time // MPDs published before are void, by what Notify was told
}

// Follow starts to follow the manifest at url. Documents are fetched again when
// their format says so (MPD@minimumUpdatePeriod, RFC 8216bis §6.3.4), with
// conditional requests where the origin gave a validator. Errors are answered
// with a jittered back-off while the last good presentation stays in force.
// Following ends when the stream has become static, or with Close or ctx.
func Follow(ctx context.Context, src Source, url string, o Options) *Follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &Follower{cancel: cancel, done: make(chan struct{}), updates: make(chan Update, 1), wake: make(chan struct{}, 1)}
	l := &loop{
		Follower: f, src: src, options: o.withDefaults(), url: url,
		docs: map[string]*copyAtHand{}, results: make(chan result),
	}
	l.stream.options, l.stream.follows = l.options, true
	go l.run(ctx)
	return f
}

// Updates delivers the latest update that has not been received yet; an older
// one is replaced, its event kept unless the newer one has its own. The channel
// is closed when following ends.
func (f *Follower) Updates() <-chan Update { return f.updates }

// Current returns the presentation in force, false before the first one.
func (f *Follower) Current() (*timeline.Presentation, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current, f.current != nil
}

// Notify reads what a segment that somebody has received tells about the MPD:
// with minimumUpdatePeriod 0 changes are announced there (emsg, ISO/IEC 23009-1
// §5.10.4.2). An MPD that is void by it is fetched again at once, not before
// MinRefresh. Without Notify such a stream is refreshed once a segment.
func (f *Follower) Notify(segment []byte) {
	t, ok := dash.Expiry(segment)
	if !ok {
		return
	}
	f.mu.Lock()
	if t.After(f.voided) {
		f.voided = t
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Close stops following and waits for everything that was started.
func (f *Follower) Close() {
	f.cancel()
	<-f.done
}

// mainDocument is the name of a document before it is known what it is.
const mainDocument = "main"

// copyAtHand is what is known of one document between fetches.
type copyAtHand struct {
	url          string // validators and body belong to this URL
	etag, date   string
	body         []byte // kept with a validator, for HLS
	failures     int
	taken        time.Time // of the last good answer
	notBefore    time.Time // back-off
	underWay     bool
	lastResponse string // URL after redirects
}

type result struct {
	due  due
	sent time.Time
	resp Response
	err  error
}

// loop is the goroutine behind a Follower.
type loop struct {
	*Follower
	src      Source
	options  Options
	url      string
	stream   stream
	docs     map[string]*copyAtHand
	results  chan result
	inFlight int
}

func (l *loop) run(ctx context.Context) {
	defer close(l.done)
	defer close(l.updates)
	defer l.cancel()
	fetches, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		for ; l.inFlight > 0; l.inFlight-- {
			<-l.results
		}
	}()
	l.stream.dues = []due{{mainDocument, l.url, l.options.Now()}}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, more := l.launch(fetches)
		if !more {
			return
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.wake:
			l.mu.Lock()
			voided := l.voided
			l.mu.Unlock()
			l.stream.void(voided)
		case r := <-l.results:
			l.inFlight--
			l.docs[r.due.name].underWay = false
			if ctx.Err() != nil || !l.take(fetches, r) {
				return
			}
		}
	}
}

// launch starts the fetches that are due and returns the wait until the next
// one. more is false when none is under way or will ever be.
func (l *loop) launch(ctx context.Context) (wait time.Duration, more bool) {
	wait = time.Hour
	now := l.options.Now()
	for _, d := range l.stream.dues {
		c := l.docs[d.name]
		if c == nil {
			c = &copyAtHand{}
			l.docs[d.name] = c
		}
		if c.underWay {
			continue
		}
		at := d.at
		if bound := c.taken.Add(l.options.MaxRefresh); !c.taken.IsZero() && bound.Before(at) {
			at = bound
		}
		if at = latest(at, c.notBefore); at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		c.underWay = true
		l.inFlight++
		r := Request{URL: d.url, Last: -1}
		if d.url == c.url || d.url == c.lastResponse {
			r.ETag, r.LastModified = c.etag, c.date
		}
		go l.fetch(ctx, d, r, now)
	}
	p, loaded := l.Current()
	return wait, l.inFlight > 0 || len(l.stream.dues) > 0 || loaded && p.Live
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// fetch sends its result in any case: run waits for it.
func (l *loop) fetch(ctx context.Context, d due, r Request, sent time.Time) {
	timeout := l.options.Timeout
	if strings.Contains(r.URL, "_HLS_msn=") {
		// A blocking reload may take three target durations (RFC 8216bis §6.2.5.2).
		if p, ok := l.Current(); ok {
			timeout = max(timeout, 3*p.TargetDuration)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := get(ctx, l.src, r)
	l.results <- result{d, sent, resp, err}
}

// take works a result in; false when the stream is over.
func (l *loop) take(ctx context.Context, r result) bool {
	c := l.docs[r.due.name]
	before, _ := l.Current()
	if r.err != nil {
		l.stream.failed()
		l.backOff(c, r.err)
		l.send(Update{Presentation: before, Err: r.err})
		return true
	}
	doc := document{asked: r.due.url, url: r.resp.URL, body: r.resp.Body, at: r.sent}
	if l.stream.hls != nil || hls.Sniff(r.resp.Body) {
		doc.at = l.options.Now() // RFC 8216bis counts from the end of the download
	}
	published := l.stream.published()
	var p *timeline.Presentation
	var err error
	if r.resp.NotModified {
		doc.body, doc.url = c.body, c.lastResponse
		p, err = l.stream.unchanged(doc)
	} else {
		p, err = l.stream.observe(doc)
		if err == nil {
			complete, cancel := context.WithTimeout(ctx, l.options.Timeout)
			p, err = l.stream.complete(complete, l.src, p)
			cancel()
		}
	}
	switch {
	case backwards(err):
		l.send(Update{Presentation: before, Err: err, Event: EventBackwards})
		return true
	case err != nil && (p == nil || p == before):
		l.backOff(c, err)
		l.send(Update{Presentation: before, Err: err})
		return true
	}
	c.taken = l.options.Now()
	c.failures, c.notBefore = 0, c.taken.Add(l.options.MinRefresh)
	if strings.Contains(r.due.url, "_HLS_") {
		c.notBefore = time.Time{} // the server paces a blocking reload
	}
	if !r.resp.NotModified {
		l.keep(c, r)
	}
	if dues := l.stream.dues; r.due.name == mainDocument && len(dues) == 1 {
		l.docs[dues[0].name] = c // the one document of the stream, by its own name now
	}
	if p == nil || p == before {
		return true
	}
	u := Update{Presentation: p, Err: err}
	switch {
	case before == nil:
	case before.Format != p.Format:
		u.Event = EventFormat
	case l.stream.published().Before(published):
		u.Event = EventBackwards
	case l.stream.restarted():
		u.Event = EventRestarted
	case before.Live && !p.Live:
		u.Event = EventEnded
	}
	l.mu.Lock()
	l.current = p
	l.mu.Unlock()
	l.send(u)
	return p.Live || len(l.stream.dues) > 0
}

// keep remembers validators for the next conditional request. A request with
// delivery directives is never repeated, so nothing is kept of it.
func (l *loop) keep(c *copyAtHand, r result) {
	c.url, c.etag, c.date, c.body, c.lastResponse = r.due.url, r.resp.ETag, r.resp.LastModified, nil, r.resp.URL
	if strings.Contains(r.due.url, "_HLS_") {
		c.etag, c.date = "", ""
	}
	if l.stream.hls != nil && (c.etag != "" || c.date != "") {
		c.body = r.resp.Body
	}
}

// backOff doubles the wait with each failure, between half and one and a half
// times MinRefresh/2 × 2ⁿ, at most MaxBackoff, at least what the origin asks for.
func (l *loop) backOff(c *copyAtHand, err error) {
	wait := l.options.MaxBackoff
	if c.failures < 16 {
		wait = min(wait, l.options.MinRefresh/2<<c.failures)
	}
	c.failures++
	wait = wait/2 + rand.N(wait+1)
	wait = min(wait, l.options.MaxBackoff)
	var status *StatusError
	if errors.As(err, &status) {
		wait = max(wait, min(status.RetryAfter, l.options.MaxBackoff))
	}
	c.notBefore = l.options.Now().Add(wait)
}

// send leaves u for the receiver in place of what it has not taken yet.
func (l *loop) send(u Update) {
	select {
	case old := <-l.updates:
		if u.Event == "" {
			u.Event = old.Event
		}
	default:
	}
	l.updates <- u
}
