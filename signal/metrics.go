package signal

import "github.com/prometheus/client_golang/prometheus"

// metrics are counters that hot paths bump and gauges read on collection.
type metrics struct {
	joins, relayed, undelivered, received, sent, reports, repairs prometheus.Counter
	carried, busDropped                                           prometheus.Counter
	refused                                                       *prometheus.CounterVec
	all                                                           []prometheus.Collector
}

func newMetrics(s *Server) *metrics {
	m := new(metrics)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "signal", Name: name, Help: help})
		m.all = append(m.all, c)
		return c
	}
	gauge := func(name, help string, value func() int) {
		m.all = append(m.all, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "shoal", Subsystem: "signal", Name: name, Help: help},
			func() float64 {
				s.mu.RLock()
				defer s.mu.RUnlock()
				return float64(value())
			}))
	}
	gauge("members", "Members joined to a swarm.", func() int {
		n := 0
		for _, w := range s.swarms {
			n += len(w.members)
		}
		return n
	})
	gauge("swarms", "Swarms with at least one member.", func() int { return len(s.swarms) })
	gauge("connections", "Open websockets, joined or not.", func() int { return len(s.connections) })
	m.joins = counter("joins_total", "Joins accepted.")
	m.relayed = counter("relayed_messages_total", "Offers, answers and candidates forwarded.")
	m.undelivered = counter("undelivered_messages_total", "Relay messages to somebody who is not a reachable member.")
	m.received = counter("received_bytes_total", "Bytes of websocket messages received.")
	m.sent = counter("sent_bytes_total", "Bytes of websocket messages sent.")
	m.reports = counter("reports_total", "Members' reports taken in.")
	m.repairs = counter("repairs_total", "Introductions between pieces of a swarm that had lost each other.")
	m.carried = counter("cluster_relayed_messages_total", "Messages forwarded to members on other servers.")
	m.busDropped = counter("cluster_dropped_messages_total", "Messages to other servers dropped because the cluster could not keep up.")
	gauge("cluster_servers", "Servers of the cluster that are alive, this one included; 0 without a cluster.", func() int {
		if s.cluster == nil {
			return 0
		}
		return 1 + len(s.cluster.others)
	})
	gauge("cluster_connected", "1 while messages between servers go through.", func() int {
		if s.cluster != nil && s.cluster.bus.Connected() {
			return 1
		}
		return 0
	})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "signal",
		Name: "refused_total", Help: "Connections refused or ended by the server, by reason."}, []string{"reason"})
	m.all = append(m.all, m.refused)
	return m
}

func (m *metrics) refuse(code Code) { m.refused.WithLabelValues(code.String()).Inc() }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
}

// Collector gives the server's metrics, all named shoal_signal_….
func (s *Server) Collector() prometheus.Collector { return s.metrics }
