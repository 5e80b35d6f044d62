package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/signal"
)

const (
	// MaxStreams bounds the event streams that are open at a time: each compares the
	// whole swarm every second.
	MaxStreams = 32
	// changeEvery is the pause between two events of a stream.
	changeEvery = time.Second
	// writeTimeout ends a stream whose reader does not read.
	writeTimeout = 10 * time.Second
)

type streams struct {
	server *signal.Server
	open   atomic.Int32
}

// stream is one answer of server-sent events (WHATWG HTML §9.2).
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context
}

// begin starts a stream, or answers why not. The caller owes open.Add(-1).
func (s *streams) begin(w http.ResponseWriter, r *http.Request) (*stream, bool) {
	if s.open.Add(1) > MaxStreams {
		s.open.Add(-1)
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d event streams are open already", MaxStreams), http.StatusServiceUnavailable)
		return nil, false
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	return &stream{w, http.NewResponseController(w), r.Context()}, true
}

func (s *stream) send(event string, v any) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return false
	}
	s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, b); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

// every calls send until it fails or the reader leaves.
func (s *stream) every(pause time.Duration, send func() bool) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for send() {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// all streams the list of swarms.
func (s *streams) all(w http.ResponseWriter, r *http.Request) {
	out, ok := s.begin(w, r)
	if !ok {
		return
	}
	defer s.open.Add(-1)
	out.every(2*changeEvery, func() bool {
		return out.send("swarms", map[string]any{"swarms": s.server.Swarms()})
	})
}

// one streams a swarm: its state, then what changes.
func (s *streams) one(w http.ResponseWriter, r *http.Request) {
	swarm := look(s.server, r)
	first, ok := swarm()
	if !ok {
		http.Error(w, "no member of that swarm is on this server", http.StatusNotFound)
		return
	}
	out, ok := s.begin(w, r)
	if !ok {
		return
	}
	defer s.open.Add(-1)
	if !out.send("state", first) {
		return
	}
	seen := newView(first)
	out.every(changeEvery, func() bool {
		state, ok := swarm()
		if !ok {
			out.send("end", struct{}{}) // the last member left; the reader may come back
			return false
		}
		return out.send("change", seen.change(state))
	})
}
