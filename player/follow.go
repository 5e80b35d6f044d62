package player

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// following keeps a session and its lanes up to date with a stream's manifest.
type following struct {
	*manifest.Follower
	session *Session

	mu      sync.Mutex
	present *timeline.Presentation
	changed chan struct{} // closed when a newer presentation is there
}

// follow returns once the stream can be played. Close it.
func follow(ctx context.Context, source manifest.Source, session *Session) (*following, error) {
	f := &following{
		Follower: manifest.Follow(ctx, source, session.Manifest(), manifest.Options{}),
		session:  session, changed: make(chan struct{}),
	}
	first, err := firstPresentation(ctx, f.Follower)
	if err != nil {
		f.Close()
		return nil, err
	}
	f.update(first)
	return f, nil
}

// now is the presentation in force, and what is closed when there is a newer one.
func (f *following) now() (*timeline.Presentation, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present, f.changed
}

func (f *following) update(p *timeline.Presentation) {
	f.session.Update(p)
	f.mu.Lock()
	f.present = p
	close(f.changed)
	f.changed = make(chan struct{})
	f.mu.Unlock()
}

// until hands refreshes on until done is closed.
func (f *following) until(done <-chan struct{}) {
	updates := f.Updates()
	for {
		select {
		case u, ok := <-updates:
			if !ok { // static now: what is known stays
				updates = nil
			} else if u.Presentation != nil {
				f.update(u.Presentation)
			}
		case <-done:
			return
		}
	}
}

// fetch takes one segment to the last byte. body holds its bytes when they are
// wanted; n counts them in any case. What the segment tells of the manifest is
// passed on.
func (f *following) fetch(ctx context.Context, m Match, wanted bool) (n int64, body []byte, err error) {
	p, _ := f.now()
	s, err := f.session.Get(ctx, m, "", nil)
	if err != nil {
		return 0, nil, err
	}
	defer s.Close()
	var kept bytes.Buffer
	var to io.Writer = io.Discard
	if wanted || p.Announces {
		to = &kept
	}
	r := s.Reader(0, -1)
	defer r.Close()
	if n, err = io.Copy(to, r); err != nil {
		return n, nil, fmt.Errorf("player: %s broke off at byte %d: %w", m.Segment.Key, n, err)
	}
	if p.Announces {
		f.Notify(kept.Bytes())
	}
	return n, kept.Bytes(), nil
}
