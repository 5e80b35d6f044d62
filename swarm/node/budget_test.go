package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBudgetCounts: over runs, in the month that it is.
func TestBudgetCounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uploaded")
	day := time.Date(2026, 3, 31, 23, 0, 0, 0, time.UTC)
	open := func() *Budget {
		t.Helper()
		b := &Budget{limit: 100 << 20, file: file, now: func() time.Time { return day }}
		if err := b.read(); err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open()
	for _, step := range []struct {
		bytes int
		spent bool
	}{{99 << 20, false}, {1<<20 - 1, false}, {1, true}} {
		if err := b.take(step.bytes); err != nil {
			t.Fatal(err)
		}
		if b.spent() != step.spent {
			t.Errorf("%d bytes: spent %v", b.Used(), b.spent())
		}
	}
	if used := open().Used(); used != 99<<20 {
		t.Errorf("after a crash: %d bytes", used)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if !open().spent() {
		t.Error("forgotten after Flush")
	}
	day = day.Add(time.Hour)
	if b.spent() || open().Used() != 0 {
		t.Error("April does not begin with nothing")
	}
	for _, text := range []string{"2026-03", "much", "2026-04 -5", "2026-04 9e9"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewBudget(1, file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestBudgetSpent: who has sent what it may sends nothing more, and still takes.
func TestBudgetSpent(t *testing.T) {
	const size = 300_000
	o := newTestOrigin(t, size)
	net := newFakeNet()
	budget, err := NewBudget(size, "")
	if err != nil {
		t.Fatal(err)
	}
	month := time.Now()
	budget.now = func() time.Time { return month }
	a := newTestNode(t, net, 1, func(c *Config) { c.Budget, c.Core.ElectionStep = budget, 100*time.Millisecond })
	b := newTestNode(t, net, 2, func(c *Config) { c.Core.ElectionStep = 100 * time.Millisecond })
	a.waitPeers(t, 1)
	b.waitPeers(t, 1)
	next := 0
	// both has the first read what nobody has, and then the other; who is not told in time
	// that the first has it may ask the origin too.
	both := func(first, second *testNode) {
		r := o.resource(next, time.Now().Add(-time.Second), time.Now().Add(time.Hour))
		next++
		first.read(t, r)
		second.read(t, r)
	}
	waitFor(t, func() bool { both(a, b); return budget.spent() })
	// What is on its way is not held back.
	waitFor(t, func() bool { s := b.Stats(); return s.PeerBytes+s.Duplicate == a.Stats().Uploaded })
	spent := a.Stats().Uploaded
	if spent > 3*size {
		t.Errorf("%d bytes sent, want the budget of %d and what was on its way", spent, size)
	}
	for range 4 {
		both(a, b)
	}
	if up := a.Stats().Uploaded; up != spent {
		t.Errorf("%d bytes more than the budget", up-spent)
	}
	waitFor(t, func() bool { both(b, a); return a.Stats().PeerBytes > 0 })
	budget.mu.Lock()
	month = month.AddDate(0, 2, 0)
	budget.mu.Unlock()
	a.call(a.obey) // as the loop does now and then
	waitFor(t, func() bool { both(a, b); return a.Stats().Uploaded > spent })
}
