package ice

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	relayed, dropped prometheus.Counter
	refused          *prometheus.CounterVec
	all              []prometheus.Collector
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		relayed: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "turn",
			Name: "relayed_bytes_total", Help: "Bytes relayed, both directions."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "turn",
			Name: "dropped_bytes_total", Help: "Bytes dropped because a member or a swarm had used its budget up."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "turn",
			Name: "refused_total", Help: "Requests refused, by reason."}, []string{"reason"}),
	}
	m.all = []prometheus.Collector{m.relayed, m.dropped, m.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "shoal", Subsystem: "turn", Name: "relays", Help: "Open relays."}, func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return float64(len(s.open))
	})}
	return m
}
