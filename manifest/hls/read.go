package hls

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// Fetch gets one document; finalURL is where it came from after redirects.
type Fetch func(ctx context.Context, url string) (body []byte, finalURL string, err error)

// maxFetches is how many media playlists are fetched at the same time.
const maxFetches = 4

// Read reads a presentation once. body is the playlist at url (absolute, after
// redirects), fetchedAt the moment it was fetched. The media playlists of a
// multivariant one are got through fetch; where that fails, or fetch is nil,
// the track is listed by its URL, without segments, and a note says why. Of
// redundant playlists the first that can be had is read.
func Read(ctx context.Context, url string, body []byte, fetchedAt time.Time, o Options, fetch Fetch) (*timeline.Presentation, error) {
	r := NewReader(o)
	p, due, err := r.Observe(url, body, fetchedAt)
	if err != nil {
		return nil, err
	}
	if fetch == nil || r.multi == nil {
		return p, nil
	}
	var failed []string
	have := make(map[string]bool) // by Key
	note := func(f *follower, err error) {
		failed = append(failed, fmt.Sprintf("%s: no segments known: %v", f.template.ID, err))
	}
	urls := make([]string, 0, len(due))
	for _, d := range due {
		urls = append(urls, d.URL)
	}
	for i, a := range fetchAll(ctx, urls, fetch) {
		f := r.match(urls[i])
		if err := r.observeAnswer(urls[i], a, fetchedAt); err != nil {
			note(f, err)
			continue
		}
		have[f.template.Key] = true
	}
	for _, f := range r.tracks {
		if !f.template.redundant || have[f.template.Key] {
			continue
		}
		a := fetchAll(ctx, []string{f.url}, fetch)[0]
		if err := r.observeAnswer(f.url, a, fetchedAt); err != nil {
			note(f, err)
			continue
		}
		have[f.template.Key] = true
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hls: reading the media playlists of %s: %w", url, err)
	}
	r.fromZero()
	r.mainNotes = append(r.mainNotes[:len(r.mainNotes):len(r.mainNotes)], failed...)
	r.publish(fetchedAt)
	return r.current, nil
}

// answer is what a fetch gave.
type answer struct {
	body  []byte
	final string
	err   error
}

func (r *Reader) observeAnswer(asked string, a answer, at time.Time) error {
	if a.err != nil {
		return a.err
	}
	if a.final == "" {
		a.final = asked
	}
	_, _, err := r.ObserveRedirected(asked, a.final, a.body, at)
	return err
}

// fetchAll gets the documents, a few at a time, in the order of urls.
func fetchAll(ctx context.Context, urls []string, fetch Fetch) []answer {
	answers := make([]answer, len(urls))
	slots := make(chan struct{}, maxFetches)
	var group sync.WaitGroup
	for i, u := range urls {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			answers[i].body, answers[i].final, answers[i].err = fetch(ctx, u)
		})
	}
	group.Wait()
	return answers
}

// fromZero moves all tracks so that the earliest segment is not before zero:
// renditions of a live stream may list more of the past than the first did.
func (r *Reader) fromZero() {
	var earliest time.Duration
	for _, f := range r.tracks {
		if f.media != nil {
			earliest = min(earliest, f.origin)
		}
	}
	if earliest == 0 {
		return
	}
	for _, f := range r.tracks {
		if f.media != nil {
			f.move(-earliest)
		}
	}
	r.epoch = r.epoch.Add(earliest)
}
