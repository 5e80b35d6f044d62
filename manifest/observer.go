package manifest

import (
	"context"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Observer keeps up with one stream by the manifests that a player fetches
// through us, without a request of its own. It is safe for concurrent use.
type Observer struct {
	mu      sync.Mutex
	stream  stream
	current *timeline.Presentation
}

// NewObserver returns an Observer for one stream.
func NewObserver() *Observer {
	return &Observer{stream: stream{options: Options{}.withDefaults(), follows: true}}
}

// Observe reads a manifest that arrived at the machine's time at. url is where
// it came from after redirects. changed tells whether p differs from what the
// last call returned. After an error p is the last good presentation. What is
// not a manifest (see IsManifest) changes nothing and is no error.
func (o *Observer) Observe(url, contentType string, body []byte, at time.Time) (p *timeline.Presentation, changed bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(body) == 0 || !IsManifest(url, contentType, body) {
		return o.current, false, nil
	}
	p, err = o.stream.observe(document{asked: url, url: url, body: body, at: at})
	if err != nil || p == nil {
		return o.current, false, err
	}
	changed = p != o.current
	o.current = p
	return p, changed, nil
}

// Current returns the presentation in force, false before the first manifest.
func (o *Observer) Current() (*timeline.Presentation, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.current, o.current != nil
}

// Incomplete reports whether the manifest refers to something that the player
// fetches in ways an Observer does not see: segment indexes, remote periods, the
// clock. Complete would fetch it.
func (o *Observer) Incomplete() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stream.dash != nil && o.stream.dash.Incomplete()
}

// Complete fetches what Observe left out. Observe waits while it runs, so hand
// the manifest to the player first.
func (o *Observer) Complete(ctx context.Context, src Source) (*timeline.Presentation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, err := o.stream.complete(ctx, src, o.current)
	if err == nil {
		o.current = p
	}
	return o.current, err
}
