package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	sampleEvery = time.Millisecond
	// halted is the longest that a sample counts.
	halted = 10 * sampleEvery
)

// longTasksScript notes tasks of more than 50 ms, whoever's they are.
const longTasksScript = `globalThis.longTasks = [];
new PerformanceObserver(list => { for (const e of list.getEntries()) longTasks.push(Math.round(e.duration)) }).observe({ type: "longtask" });`

// TestTimedTasks: nothing that the page's thread does for us takes more than 50 ms,
// from the navigation on. Two tabs play with peers; the profiler tells the player's own
// tasks from ours.
func TestTimedTasks(t *testing.T) {
	timed(t)
	const most = 50 * time.Millisecond
	hurry(t)
	c := startChromium(t)
	for _, which := range []string{"dash", "hls"} {
		t.Run(which, func(t *testing.T) {
			s := newAdapterStage(t)
			var tabs []*tab
			for range 2 {
				tb := c.newProfile(t).openWith(t, which, "about:blank", longTasksScript)
				call(t, tb, profiler.Enable, cdp.Empty{})
				call(t, tb, profiler.SetSamplingInterval, profiler.SetSamplingIntervalParams{Interval: sampleEvery.Microseconds()})
				call(t, tb, profiler.Start, cdp.Empty{})
				tb.do(t, "opening", chromedp.Navigate(s.URL+"/start/"+which+"?peer"))
				eval[float64](t, tb, "first")
				tabs = append(tabs, tb)
			}
			for _, tb := range tabs {
				tb.until(t, "a link", "shoal.stats()[0].peers > 0")
			}
			time.Sleep(time.Minute)
			for _, tb := range tabs {
				tasks := eval[[]int](t, tb, "longTasks")
				profile := call(t, tb, profiler.Stop, cdp.Empty{}).Profile
				ours, longest := ourShare(profile, "/shoal.js")
				t.Logf("%s: tasks of more than 50 ms: %v; ours %v in all, %v at most in one", tb.name, tasks, ours.Round(time.Millisecond), longest.Round(time.Millisecond))
				if longest > most {
					t.Errorf("%s: a task of which %v were ours, want %v at most", tb.name, longest, most)
				}
				if ours == 0 {
					t.Errorf("%s: nothing was ours, so nothing was tested", tb.name)
				}
				if bytes := "shoal.stats()[0].peerBytes + shoal.stats()[0].sentBytes"; eval[float64](t, tb, bytes) == 0 {
					t.Errorf("%s: exchanged nothing", tb.name)
				}
			}
		})
	}
}

// ourShare adds up the samples of a script and of what it calls that is no script, and
// finds the most of it in one stretch without idleness, which is a task or some that
// followed each other at once.
func ourShare(p *profiler.Profile, script string) (all, longest time.Duration) {
	type node struct {
		name, url string
		parent    int64
	}
	nodes := map[int64]node{}
	for _, n := range p.Nodes {
		made := nodes[n.ID]
		made.name, made.url = n.CallFrame.FunctionName, n.CallFrame.URL
		nodes[n.ID] = made
		for _, child := range n.Children {
			c := nodes[child]
			c.parent = n.ID
			nodes[child] = c
		}
	}
	ours := func(id int64) bool {
		for ; id != 0; id = nodes[id].parent {
			if url := nodes[id].url; url != "" {
				return strings.HasSuffix(url, script)
			}
		}
		return false
	}
	var stretch time.Duration
	for i, id := range p.Samples {
		// A sample holds until the next one. Where that is long in coming, the sampler, which
		// is another thread, was halted too: that time is nobody's.
		var lasts time.Duration
		if i+1 < len(p.TimeDeltas) {
			lasts = min(time.Duration(p.TimeDeltas[i+1])*time.Microsecond, halted)
		}
		switch name := nodes[id].name; {
		case name == "(idle)":
			stretch = 0
		case ours(id):
			all += lasts
			stretch += lasts
			longest = max(longest, stretch)
		}
	}
	return all, longest
}

// call runs a command of the DevTools protocol in a tab.
func call[P, R any](t testing.TB, tb *tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.Fatalf("%s: %s: %v", tb.name, command.Method, err)
	}
	return result
}

// TestOurShare holds the reckoning to a profile made by hand.
func TestOurShare(t *testing.T) {
	frame := func(id int64, name, url string, children ...int64) *profiler.ProfileNode {
		return &profiler.ProfileNode{ID: id, Children: children, CallFrame: &runtime.CallFrame{FunctionName: name, URL: url}}
	}
	p := &profiler.Profile{
		Nodes: []*profiler.ProfileNode{
			frame(1, "(root)", "", 2, 3, 4), frame(2, "(idle)", ""), frame(3, "ours", "http://x/shoal.js", 5, 6), frame(4, "theirs", "http://x/dash.js", 7),
			frame(5, "native", ""), frame(6, "callback", "http://x/dash.js"), frame(7, "adapter", "http://x/shoal.js"),
		},
		// ours 3, their callback 10, native for us 4, idle 5, theirs 20, ours 10 and a halt of 50, end.
		Samples:    []int64{3, 6, 5, 2, 4, 7, 2},
		TimeDeltas: []int64{0, 3000, 10000, 4000, 5000, 20000, 60000},
	}
	all, longest := ourShare(p, "/shoal.js")
	if got, want := fmt.Sprint(all, longest), "17ms 10ms"; got != want {
		t.Errorf("in all and at most %s, want %s", got, want)
	}
}
