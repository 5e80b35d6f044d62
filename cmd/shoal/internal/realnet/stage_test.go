package realnet

import (
	"crypto/ed25519"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
)

// outcome is what is compared between the two worlds.
type outcome struct {
	offload float64
	median  time.Duration // of deliveries
}

// run is what happened in real time.
type run struct {
	took           []time.Duration // deliveries
	consumed, sent int64           // bytes
	links          int
	audits, failed int64
	stalls         []string
	mistakes       []string
	late           time.Duration // 95th percentile of how late timers were
}

// add makes one run of two.
func (r *run) add(o run) {
	r.took = append(r.took, o.took...)
	r.consumed, r.sent = r.consumed+o.consumed, r.sent+o.sent
	r.links += o.links
	r.audits, r.failed = r.audits+o.audits, r.failed+o.failed
	r.stalls = append(r.stalls, o.stalls...)
	r.mistakes = append(r.mistakes, o.mistakes...)
	r.late = max(r.late, o.late)
}

func (r *run) outcome() outcome {
	slices.Sort(r.took)
	return outcome{offload: 1 - float64(r.sent)/float64(r.consumed), median: r.took[(len(r.took)-1)/2]}
}

// perform runs a story in real time at these hosts.
func perform(t *testing.T, s story, build func(*testing.T, story, *show) []host) run {
	t.Helper()
	c := s.config
	show := newShow(c, time.Now().Add(300*time.Millisecond))
	hosts := build(t, s, show)
	server := signal.NewServer(signal.Config{})
	web := httptest.NewServer(server)
	defer web.Close()
	defer server.Close()
	signer := segments.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	show.start = time.Now()
	show.begin = newShow(c, show.start).begin

	watch := watchTimers()
	peers := make([]*peer, len(c.Members))
	var joining sync.WaitGroup
	for i, m := range c.Members {
		joining.Go(func() {
			time.Sleep(time.Until(show.start.Add(m.Joins)))
			p, err := join(show, i, hosts[i], "ws"+strings.TrimPrefix(web.URL, "http"), signer)
			if err != nil {
				t.Errorf("member %d: %v", i, err)
				return
			}
			peers[i] = p
		})
	}
	for _, k := range c.Kills {
		joining.Go(func() {
			time.Sleep(time.Until(show.start.Add(k.At)))
			for i, m := range c.Members {
				if m.Seed && k.Seeds == 1 {
					hosts[i].kill()
					peers[i].close()
				}
			}
		})
	}
	time.Sleep(time.Until(show.start.Add(c.Duration)))
	joining.Wait()
	out := run{late: watch()}
	if slices.Contains(peers, nil) {
		t.FailNow()
	}
	out.count(t, show, peers)
	var leaving sync.WaitGroup
	for _, p := range peers {
		leaving.Go(p.close)
	}
	leaving.Wait()
	return out
}

// count makes the figures that sim.Report has, of the time from Warmup on.
func (r *run) count(t *testing.T, s *show, peers []*peer) {
	c := &s.config
	for i, p := range peers {
		if c.Members[i].Seed {
			continue
		}
		stats := p.node.Stats()
		p.mu.Lock()
		r.stalls = append(r.stalls, p.stalls...)
		r.mistakes = append(r.mistakes, p.mistakes...)
		first := p.first
		p.mu.Unlock()
		r.links += len(stats.Peers)
		r.audits, r.failed = r.audits+stats.Counters.Audits, r.failed+stats.Counters.LetDowns
		for _, d := range stats.Deliveries {
			at := d.At.Sub(s.start)
			if at < c.Warmup || at >= c.Duration || s.number(d.Key) < first {
				continue
			}
			r.consumed += s.size()
			if s.available(s.number(d.Key)).After(p.joined) {
				r.took = append(r.took, d.Took)
			}
		}
		linked := time.Duration(0)
		for _, l := range stats.Peers {
			if d := l.Since.Sub(p.joined); linked == 0 || d < linked {
				linked = d
			}
		}
		t.Logf("%s: linked after %d ms, links %d, origin %d kB %v, peers %d kB, up %d kB, stalls %d refused %d twice %d bans %d conflicts %d", p.name, linked.Milliseconds(), len(stats.Peers), stats.OriginBytes/1000, stats.ByCause,
			stats.PeerBytes/1000, stats.Uploaded/1000, stats.Counters.Stalls, stats.Counters.Refusals, stats.Counters.PiecesTwice, stats.Counters.Bans, stats.Counters.Conflicts)
	}
	if len(r.took) == 0 {
		t.Fatal("nothing was delivered")
	}
	r.sent = s.sentWithin(c.Warmup, c.Duration)
}

// watchTimers measures how late timers are from now on. The function it returns ends
// that and tells the 95th percentile.
func watchTimers() func() time.Duration {
	const every = 10 * time.Millisecond
	stop := make(chan struct{})
	done := make(chan []time.Duration)
	go func() {
		var late []time.Duration
		for {
			due := time.Now().Add(every)
			select {
			case <-time.After(every):
				late = append(late, time.Since(due))
			case <-stop:
				done <- late
				return
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		late := <-done
		slices.Sort(late)
		return late[len(late)*95/100]
	}
}
