package rtc

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestSilence: when a peer that gives signs of life is taken for gone.
func TestSilence(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name     string
		spoke    []time.Duration // when the peer did
		gone     time.Duration   // when signalling said so; 0: never
		alone    bool            // signalling is lost
		halt     [2]time.Duration
		reads    [2]time.Duration // a message is being handled all that time
		silentAt time.Duration    // 0: not within 10 s
	}{
		{name: "speaks", spoke: every(500*ms, 10*time.Second)},
		{name: "vanishes", spoke: every(500*ms, 2*time.Second), silentAt: 3750 * ms},
		{name: "vanishes, and its websocket with it", spoke: every(500*ms, 2*time.Second), gone: 2100 * ms, silentAt: 3000 * ms},
		{name: "closes its websocket and speaks on", spoke: every(500*ms, 10*time.Second), gone: 2100 * ms},
		{name: "vanishes long after its websocket", spoke: every(500*ms, 5*time.Second), gone: 2100 * ms, silentAt: 6750 * ms},
		{name: "vanishes while signalling is lost", spoke: every(500*ms, 2*time.Second), alone: true, silentAt: 8250 * ms},
		{name: "sleeps while signalling is lost", spoke: append(every(500*ms, 2*time.Second), 7500*ms), alone: true},
		{name: "we were not run", spoke: every(500*ms, 2*time.Second), halt: [2]time.Duration{2100 * ms, 6100 * ms}, silentAt: 8000 * ms},
		{name: "our handler takes its time", spoke: every(500*ms, 2*time.Second), reads: [2]time.Duration{2000 * ms, 5000 * ms}, silentAt: 6500 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			begin := time.Now()
			p := pulse{looked: begin, heard: begin}
			var suspect atomic.Bool
			last := begin
			var silentAt time.Duration
			for at := aliveCheck; at <= 10*time.Second; at += aliveCheck {
				if at > test.halt[0] && at < test.halt[1] {
					continue
				}
				for _, spoke := range test.spoke {
					if spoke <= at {
						last = begin.Add(spoke)
					}
				}
				if test.gone != 0 && test.gone <= at && test.gone > at-aliveCheck {
					suspect.Store(true)
				}
				reads := at >= test.reads[0] && at < test.reads[1]
				if p.silent(begin.Add(at), last, reads, test.alone, &suspect) {
					silentAt = at
					break
				}
			}
			if silentAt != test.silentAt {
				t.Errorf("silent at %v, want %v", silentAt, test.silentAt)
			}
		})
	}
}

// every lists the multiples of a time up to one.
func every(d, until time.Duration) (all []time.Duration) {
	for at := d; at <= until; at += d {
		all = append(all, at)
	}
	return all
}

// lostSignal is a client of a server that is there or not.
type lostSignal struct {
	signaller
	connected bool
}

func (s *lostSignal) Connected() bool { return s.connected }
func (s *lostSignal) SetOpen(bool)    {}

// TestAlone: who left signalling on purpose can come back to it; who lost it cannot.
func TestAlone(t *testing.T) {
	s := &lostSignal{connected: true}
	n := &Network{signal: s}
	for _, step := range []struct {
		open, connected, alone bool
	}{{true, true, false}, {true, false, true}, {false, false, false}, {true, false, true}, {true, true, false}} {
		s.connected = step.connected
		n.SetSignalling(step.open)
		if n.alone() != step.alone {
			t.Errorf("wanted %v, connected %v: alone %v", step.open, step.connected, n.alone())
		}
	}
}
