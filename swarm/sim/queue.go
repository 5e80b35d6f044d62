package sim

import (
	"iter"

	"github.com/shoal-p2p/shoal/swarm"
)

// event is one thing that will happen. It is 32 bytes without a pointer, so that
// millions cost the collector nothing; what a kind keeps in which field is said
// where the kind is declared.
type event struct {
	at    swarm.Time
	seq   uint64 // order of insertion: breaks ties, so a run is repeatable
	kind  kind
	flag  uint8
	piece uint16
	who   int32
	link  int32
	seg   int32
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.seq < o.seq
}

const (
	bucketShift = 18      // a bucket spans 2^18 ns = 262 µs
	ringSize    = 1 << 14 // buckets in the ring: 4.3 s ahead
	ringMask    = ringSize - 1
)

// queue is a calendar: events of the bucket at hand are in a small heap, those of
// the next 4.3 s in a ring of unsorted buckets, later ones in a second heap. Push
// and pop are O(1) for a dense simulation: one list insertion and one pass
// through a heap that fits the first-level cache.
type queue struct {
	near  []event // heap: bucket cur and earlier
	cur   int64   // bucket number of near
	heads []int32 // first node of each ring bucket, -1 empty
	nodes []node
	free  int32
	ring  int     // events in the ring
	far   []event // heap: beyond the ring
	seq   uint64
	size  int
}

type node struct {
	event
	next int32
}

func newQueue() *queue {
	q := &queue{heads: make([]int32, ringSize), free: -1}
	for i := range q.heads {
		q.heads[i] = -1
	}
	return q
}

// push adds e. An event in the past is due at once.
func (q *queue) push(e event) {
	e.seq = q.seq
	q.seq++
	q.size++
	switch b := int64(e.at) >> bucketShift; {
	case b <= q.cur:
		q.near = heapPush(q.near, e)
	case b < q.cur+ringSize:
		q.hang(b, e)
	default:
		q.far = heapPush(q.far, e)
	}
}

// hang puts e into the ring bucket b.
func (q *queue) hang(b int64, e event) {
	i := q.free
	if i >= 0 {
		q.free = q.nodes[i].next
	} else {
		i = int32(len(q.nodes))
		q.nodes = append(q.nodes, node{})
	}
	q.nodes[i] = node{e, q.heads[b&ringMask]}
	q.heads[b&ringMask] = i
	q.ring++
}

// pop takes the earliest event; ok is false when there is none.
func (q *queue) pop() (e event, ok bool) {
	for len(q.near) == 0 {
		if !q.advance() {
			return event{}, false
		}
	}
	e = q.near[0]
	q.near = heapPop(q.near)
	q.size--
	return e, true
}

// advance moves to the next bucket that can hold something.
func (q *queue) advance() bool {
	switch {
	case q.ring > 0:
		q.cur++
	case len(q.far) > 0:
		q.cur = int64(q.far[0].at) >> bucketShift
	default:
		return false
	}
	for len(q.far) > 0 && int64(q.far[0].at)>>bucketShift < q.cur+ringSize {
		e := q.far[0]
		q.far = heapPop(q.far)
		q.hang(int64(e.at)>>bucketShift, e)
	}
	slot := q.cur & ringMask
	for i := q.heads[slot]; i >= 0; {
		n := &q.nodes[i]
		next := n.next
		q.near = heapPush(q.near, n.event)
		n.next, q.free = q.free, i
		q.ring--
		i = next
	}
	q.heads[slot] = -1
	return true
}

// all yields what is in the queue, in no order.
func (q *queue) all() iter.Seq[event] {
	return func(yield func(event) bool) {
		for _, heap := range [][]event{q.near, q.far} {
			for _, e := range heap {
				if !yield(e) {
					return
				}
			}
		}
		for _, head := range q.heads {
			for i := head; i >= 0; i = q.nodes[i].next {
				if !yield(q.nodes[i].event) {
					return
				}
			}
		}
	}
}

func heapPush(h []event, e event) []event {
	h = append(h, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	return h
}

func heapPop(h []event) []event {
	last := h[len(h)-1]
	h = h[:len(h)-1]
	if len(h) == 0 {
		return h
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(&h[down]) {
			down++
		}
		if !h[down].before(&last) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = last
	return h
}
