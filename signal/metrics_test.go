package signal

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metric reads one metric of a server, -1 when it is not there.
func metric(t testing.TB, s *Server, name string, label ...string) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(s.Collector())
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(label) > 0 && m.GetLabel()[0].GetValue() != label[0] {
				continue
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return -1
}

func TestMetricsCountWhatHappened(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, url := startServer(t, Config{Registerer: reg})
	a, _ := joinClient(t, url, "one", 1)
	b, rb := joinClient(t, url, "one", 2)
	joinClient(t, url, "two", 3)
	a.Send(b.ID(), []byte("x"))
	rb.wait(t, 0, "relay", nil)
	bad := dialRaw(t, url)
	bad.say(&Join{Version: 99})
	bad.refusedWith(CodeVersion)
	for _, tc := range []struct {
		name, label string
		want        float64
	}{
		{"shoal_signal_members", "", 3},
		{"shoal_signal_swarms", "", 2},
		{"shoal_signal_joins_total", "", 3},
		{"shoal_signal_relayed_messages_total", "", 1},
		{"shoal_signal_undelivered_messages_total", "", 0},
		{"shoal_signal_refused_total", "version", 1},
	} {
		var label []string
		if tc.label != "" {
			label = []string{tc.label}
		}
		if got := metric(t, s, tc.name, label...); got != tc.want {
			t.Errorf("%s = %v, want %v", tc.name, got, tc.want)
		}
	}
	for _, name := range []string{"shoal_signal_received_bytes_total", "shoal_signal_sent_bytes_total"} {
		if got := metric(t, s, name); got < 100 {
			t.Errorf("%s = %v", name, got)
		}
	}
	if families, err := reg.Gather(); err != nil || len(families) == 0 {
		t.Errorf("the passed registerer has %d metrics, %v", len(families), err)
	}
}
