package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// peerSample is one peer's snapshot.
type peerSample struct {
	swarm string
	stats node.Stats
}

// peerCollector exports the snapshots of the peers that run in this process.
type peerCollector struct {
	sample func() []peerSample
}

func newPeerCollector(sample func() []peerSample) *peerCollector { return &peerCollector{sample} }

func peerDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("shoal_peer_"+name, help, append([]string{"swarm"}, labels...), nil)
}

var (
	descPeers     = peerDesc("links", "Open links to other peers.")
	descSize      = peerDesc("swarm_size", "Members of the swarm, as signalling says.")
	descConnected = peerDesc("signalling_connected", "1 while the websocket is open.")
	descOrigin    = peerDesc("origin_bytes_total", "Bytes fetched from the origin.", "cause")
	descIn        = peerDesc("peer_bytes_total", "Verified bytes received from peers.")
	descOut       = peerDesc("uploaded_bytes_total", "Bytes sent to peers.")
	descTwice     = peerDesc("duplicate_bytes_total", "Bytes received in vain.")
	descRejected  = peerDesc("rejected_total", "Pieces and statements that did not verify.")
	descBanned    = peerDesc("banned_total", "Peers banned.")
	descStalls    = peerDesc("source_stalls_total", "Transfers taken from a silent source.")
	descSegments  = peerDesc("segments_total", "Segments made whole here.", "from")
	descPending   = peerDesc("segments_pending", "Segments under construction.")
)

func (c *peerCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPeers, descSize, descConnected, descOrigin, descIn, descOut,
		descTwice, descRejected, descBanned, descStalls, descSegments, descPending} {
		ch <- d
	}
}

func (c *peerCollector) Collect(ch chan<- prometheus.Metric) {
	for _, p := range c.sample() {
		s := p.stats
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{p.swarm}, labels...)...)
		}
		count := func(d *prometheus.Desc, v int64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{p.swarm}, labels...)...)
		}
		gauge(descPeers, float64(len(s.Peers)))
		gauge(descSize, float64(s.SwarmSize))
		gauge(descPending, float64(s.InProgress))
		connected := 0.0
		if s.Connected {
			connected = 1
		}
		gauge(descConnected, connected)
		for cause, n := range s.ByCause {
			count(descOrigin, n, cause)
		}
		count(descIn, s.PeerBytes)
		count(descOut, s.Uploaded)
		count(descTwice, s.Duplicate)
		count(descRejected, s.Rejected)
		count(descBanned, int64(s.Banned))
		count(descStalls, s.Counters.Stalls)
		count(descSegments, s.Counters.CompletedPeer, "peers")
		count(descSegments, s.Counters.Completed-s.Counters.CompletedPeer, "origin")
	}
}

// newStoreCollector exports a segment store.
func newStoreCollector(store *segments.Store) prometheus.Collector {
	return storeCollector{store}
}

type storeCollector struct{ store *segments.Store }

var (
	descStoreBytes   = prometheus.NewDesc("shoal_store_bytes", "Bytes kept.", []string{"tier"}, nil)
	descStoreGets    = prometheus.NewDesc("shoal_store_gets_total", "Look-ups by result.", []string{"result"}, nil)
	descStoreEvicted = prometheus.NewDesc("shoal_store_evicted_total", "Segments dropped to make room.", nil, nil)
	descStoreCorrupt = prometheus.NewDesc("shoal_store_corrupt_total", "Segments on disk that did not verify.", nil, nil)
)

func (c storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descStoreBytes, descStoreGets, descStoreEvicted, descStoreCorrupt} {
		ch <- d
	}
}

func (c storeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.store.Stats()
	ch <- prometheus.MustNewConstMetric(descStoreBytes, prometheus.GaugeValue, float64(s.MemoryBytes), "memory")
	ch <- prometheus.MustNewConstMetric(descStoreBytes, prometheus.GaugeValue, float64(s.DiskBytes), "disk")
	ch <- prometheus.MustNewConstMetric(descStoreGets, prometheus.CounterValue, float64(s.Hits), "hit")
	ch <- prometheus.MustNewConstMetric(descStoreGets, prometheus.CounterValue, float64(s.Misses), "miss")
	ch <- prometheus.MustNewConstMetric(descStoreEvicted, prometheus.CounterValue, float64(s.Evicted))
	ch <- prometheus.MustNewConstMetric(descStoreCorrupt, prometheus.CounterValue, float64(s.Corrupt))
}
