// Package admin is the operator's view of a signalling server: swarms as JSON and
// as server-sent events. ADMIN.md in the folder above documents every field.
//
// Everything here only reads. It tells who watches with whom, so it belongs on an
// address of its own, behind Guard.
package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/shoal-p2p/shoal/signal"
)

// Handler serves /readyz and what lies under /api/.
func Handler(s *signal.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { Ready(w, s) })
	mux.HandleFunc("GET /api/swarms", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"swarms": s.Swarms()})
	})
	mux.HandleFunc("GET /api/swarms/{swarm}", func(w http.ResponseWriter, r *http.Request) {
		state, ok := look(s, r)()
		if !ok {
			http.Error(w, "no member of that swarm is on this server", http.StatusNotFound)
			return
		}
		answer(w, state)
	})
	events := &streams{server: s}
	mux.HandleFunc("GET /api/events", events.all)
	mux.HandleFunc("GET /api/swarms/{swarm}/events", events.one)
	return mux
}

// look gives the swarm of a request, of all servers of the cluster with ?cluster.
func look(s *signal.Server, r *http.Request) func() (signal.SwarmState, bool) {
	name := r.PathValue("swarm")
	if r.URL.Query().Has("cluster") {
		return func() (signal.SwarmState, bool) { return s.Everywhere(r.Context(), name) }
	}
	return func() (signal.SwarmState, bool) { return s.Swarm(name) }
}

// Ready answers a load balancer: 200 while new clients are welcome, else 503.
func Ready(w http.ResponseWriter, s *signal.Server) {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.Ready(); err != nil {
		reason := strings.ReplaceAll(err.Error(), "\n", ": ")
		http.Error(w, reason, http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}

func answer(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, errors.Join(errors.New("cannot be written as JSON"), err).Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(b, '\n'))
}
