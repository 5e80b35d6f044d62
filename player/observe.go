package player

import (
	"context"
	"fmt"
	"time"
)

// Observe gives the session a manifest that a player fetched: url after
// redirects, at the time it came.
func (s *Session) Observe(url, contentType string, body []byte, at time.Time) error {
	s.mu.Lock()
	if s.completing { // the observer is busy, and the player must not wait for it
		if len(s.backlog) == maxBacklog {
			s.backlog = s.backlog[1:]
		}
		s.backlog = append(s.backlog, observation{url, contentType, body, at})
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	s.observing.Lock()
	defer s.observing.Unlock()
	p, _, err := s.observer.Observe(url, contentType, body, at)
	if err != nil {
		return fmt.Errorf("player: observe: %w", err)
	}
	locations := manifestLocations(url, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range locations {
		s.addAlias(l)
	}
	if p == nil || s.closed {
		return nil
	}
	s.presentation = p
	s.replan()
	if s.cfg.Source != nil && !s.completing && s.observer.Incomplete() {
		s.completing = true
		s.wait.Go(s.complete)
	}
	return nil
}

// completeTimeout bounds the fetches for one manifest.
const completeTimeout = 10 * time.Second

// complete fetches what the observed manifest refers to.
func (s *Session) complete() {
	ctx, cancel := context.WithTimeout(s.ctx, completeTimeout)
	defer cancel()
	p, err := s.observer.Complete(ctx, s.cfg.Source)
	if err != nil && s.ctx.Err() == nil {
		s.cfg.Log.Warn("manifest incomplete, some of its media goes to the origin", "swarm", s.cfg.Swarm, "err", err)
	}
	s.mu.Lock()
	s.completing = false
	if p != nil {
		s.presentation = p
	}
	late := s.backlog
	s.backlog = nil
	s.mu.Unlock()
	s.replan()
	for _, o := range late {
		if err := s.Observe(o.url, o.contentType, o.body, o.at); err != nil {
			s.cfg.Log.Warn("manifest not understood", "swarm", s.cfg.Swarm, "err", err)
		}
	}
}

// maxBacklog bounds the manifests that came while one is being completed.
const maxBacklog = 8

type observation struct {
	url, contentType string
	body             []byte
	at               time.Time
}
