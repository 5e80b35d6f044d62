package tracker

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	announces, passed, undelivered, failures prometheus.Counter
	refused                                  *prometheus.CounterVec
	all                                      []prometheus.Collector
}

func newMetrics(t *Tracker) *metrics {
	m := new(metrics)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "tracker", Name: name, Help: help})
		m.all = append(m.all, c)
		return c
	}
	gauge := func(name, help string, value func() int) {
		m.all = append(m.all, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "shoal", Subsystem: "tracker", Name: name, Help: help},
			func() float64 {
				t.mu.Lock()
				defer t.mu.Unlock()
				return float64(value())
			}))
	}
	gauge("connections", "Open websockets of WebTorrent clients.", func() int { return len(t.clients) })
	gauge("swarms", "Info hashes with at least one peer.", func() int { return len(t.swarms) })
	gauge("peers", "Peers, counted once in each of their swarms.", func() int {
		n := 0
		for _, s := range t.swarms {
			n += len(s.order)
		}
		return n
	})
	m.announces = counter("announces_total", "Announces received.")
	m.passed = counter("passed_messages_total", "Offers and answers passed on.")
	m.undelivered = counter("undelivered_messages_total", "Answers to somebody who is not there any more.")
	m.failures = counter("failures_total", "Requests answered with a failure reason.")
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "shoal", Subsystem: "tracker",
		Name: "refused_total", Help: "Connections refused or ended by the tracker, by reason."}, []string{"reason"})
	m.all = append(m.all, m.refused)
	return m
}
