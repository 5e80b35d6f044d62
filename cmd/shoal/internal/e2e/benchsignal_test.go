package e2e

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// TestBenchSignal runs the load generator in small: a storm of joins, idle members,
// offers and answers on one server and between two, and some seconds of churn.
// Figures that depend on how busy the machine is are printed only; what must hold
// anywhere is that nobody is refused, lost or left behind.
func TestBenchSignal(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the machine for ten seconds; not with -short")
	}
	file := t.TempDir() + "/report.json"
	const members = 600
	p := start(t, "bench-signal", "--members", strconv.Itoa(members), "--swarms", "20", "--pairs", "4", "--for", "1s",
		"--across", "--rival", "", "--churn", "6s", "--churn-rate", "60", "--report", file)
	if code := p.wait(t, 4*patience); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Storm struct {
			Joins, Errors int
			First         string `json:"first_error"`
		}
		Idle struct {
			Members, Lost  int
			BytesPerMember float64 `json:"bytes_per_member"`
		}
		Relay, Cross struct{ Messages int }
		Churn        struct {
			Joins, Errors    int
			First            string  `json:"first_error"`
			ConnectionsAfter float64 `json:"connections_after"`
		}
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	if s := report.Storm; s.Joins == 0 || s.Errors > 0 {
		t.Errorf("%d of %d joins of the storm failed: %s", s.Errors, s.Joins, s.First)
	}
	if i := report.Idle; i.Members != members || i.Lost != 0 {
		t.Errorf("%d members there, %d lost", i.Members, i.Lost)
	}
	if report.Relay.Messages == 0 || report.Cross.Messages == 0 {
		t.Errorf("%d messages on one server, %d between two", report.Relay.Messages, report.Cross.Messages)
	}
	if c := report.Churn; c.Joins == 0 || c.Errors > 0 || c.ConnectionsAfter != 0 {
		t.Errorf("%d of %d visits failed (%s), %.0f connections left behind", c.Errors, c.Joins, c.First, c.ConnectionsAfter)
	}
	t.Logf("%s", b)
}
