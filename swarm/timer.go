package swarm

import "container/heap"

// Reason is why a Tick is wanted.
type Reason int

const (
	WhyElect    Reason = iota + 1 // the next round of an origin election
	WhyStall                      // a source that sends nothing must be replaced
	WhyDeadline                   // the origin must be asked now to be in time
	WhyRetry                      // the origin failed and may be asked again
	WhyExpire                     // nobody needs the key any more
	WhyUpload                     // upload budget has refilled
	WhyGovern                     // too few or too many peers
	WhyGossip                     // gained and lost keys are told to neighbours
	WhyTell                       // pieces that came are told to neighbours
)

var reasonNames = [...]string{"", "elect", "stall", "deadline", "retry", "expire", "upload", "govern", "gossip", "tell"}

func (r Reason) String() string {
	if r <= 0 || int(r) >= len(reasonNames) {
		return "unknown"
	}
	return reasonNames[r]
}

type timer struct {
	at    Time
	why   Reason
	item  *item // nil for the brain's own timers
	index int   // in the heap, -1 when not set
	order uint64
}

// timers is a heap ordered by time, then by when the timer was made, so that
// two brains fed the same inputs tick in the same order.
type timers struct {
	heap timerHeap
	made uint64
}

func (ts *timers) add(why Reason) *timer {
	ts.made++
	return &timer{why: why, index: -1, order: ts.made}
}

func (ts *timers) set(t *timer, at Time, why Reason) {
	t.why = why
	if t.index >= 0 {
		if t.at != at {
			t.at = at
			heap.Fix(&ts.heap, t.index)
		}
		return
	}
	t.at = at
	heap.Push(&ts.heap, t)
}

func (ts *timers) clear(t *timer) {
	if t.index >= 0 {
		heap.Remove(&ts.heap, t.index)
	}
}

func (ts *timers) first() *timer {
	if len(ts.heap) == 0 {
		return nil
	}
	return ts.heap[0]
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
