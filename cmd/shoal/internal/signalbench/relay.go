package signalbench

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/shoal-p2p/shoal/signal"
)

// messageBytes is the size of an offer or answer with its candidates.
const messageBytes = 2048

// Relay is what passing offers and answers on took.
type Relay struct {
	Pairs         int     `json:"pairs"`
	Messages      int64   `json:"messages"` // offers and answers that arrived
	PerSecond     float64 `json:"per_second"`
	CPUPerMillion float64 `json:"cpu_seconds_per_million"` // of the server's process or processes
	// Latency of one message at half of that rate.
	HalfRate float64 `json:"half_rate,omitempty"`
	P50      float64 `json:"p50_ms,omitempty"`
	P99      float64 `json:"p99_ms,omitempty"`
}

// talker is one end of a pair: it sends messages of messageBytes that hold a
// stamp, and finds the stamp in what the other end sent. what differs between
// servers is only how a message looks.
type talker struct {
	conn    *websocket.Conn
	kind    int
	message []byte
	stamp   func(message []byte, stamp int64)
	read    func(message []byte) (stamp int64, ok bool)
	mu      sync.Mutex
}

func (t *talker) send(stamp int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stamp(t.message, stamp)
	return t.conn.WriteMessage(t.kind, t.message)
}

// pair is two talkers; the first sends offers, the second answers each.
type pair [2]*talker

// shoalPair joins two members in a swarm of their own. urls are their servers.
func shoalPair(ctx context.Context, urls [2]string, n int) (pair, error) {
	var p pair
	var ids [2]signal.MemberID
	for i := range p {
		conn, id, err := join(ctx, urls[i], n, signal.Join{Swarm: fmt.Sprintf("pair %d", n)})
		if err != nil {
			return p, err
		}
		ids[i] = id
		p[i] = &talker{conn: conn, kind: websocket.BinaryMessage,
			stamp: func(m []byte, stamp int64) { binary.BigEndian.PutUint64(m[signal.RelayHeader:], uint64(stamp)) },
			read: func(m []byte) (int64, bool) {
				_, payload, err := signal.ParseRelay(m)
				if err != nil || len(payload) < 8 {
					return 0, false
				}
				return int64(binary.BigEndian.Uint64(payload)), true
			}}
	}
	for i := range p {
		p[i].message = signal.AppendRelay(nil, ids[1-i], make([]byte, messageBytes-signal.RelayHeader))
	}
	return p, nil
}

// run is one measurement on open pairs.
type run struct {
	pairs    []pair
	arrived  atomic.Int64
	began    time.Time
	counting atomic.Bool

	mu    sync.Mutex
	delay []int64 // nanoseconds
	err   error
}

func (r *run) now() int64 { return int64(time.Since(r.began)) }

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// window is how many offers a pair has under way at full rate.
const window = 16

// listen reads one end until the connection closes. The answering end answers each
// message, the offering end sends the next offer if the loop is closed.
func (r *run) listen(p pair, end int, again bool, ended *atomic.Bool) {
	var delays []int64
	for {
		_, m, err := p[end].conn.ReadMessage()
		if err != nil {
			if !ended.Load() {
				r.fail(err)
			}
			break
		}
		stamp, ok := p[end].read(m)
		if !ok {
			continue
		}
		if r.counting.Load() {
			r.arrived.Add(1)
			if !again {
				delays = append(delays, r.now()-stamp)
			}
		}
		if end == 1 || again {
			if err := p[end].send(r.now()); err != nil && !ended.Load() {
				r.fail(err)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = append(r.delay, delays...)
}

// measure runs offers and answers over the pairs for d, as fast as it goes or
// perSecond messages, and closes the pairs.
func measure(ctx context.Context, pairs []pair, d time.Duration, perSecond float64, cpu func() (time.Duration, error)) (Relay, []int64, error) {
	r := &run{pairs: pairs, began: time.Now()}
	var all sync.WaitGroup
	var ended atomic.Bool
	for i, p := range pairs {
		for end := range p {
			all.Go(func() { r.listen(p, end, perSecond == 0, &ended) })
		}
		all.Go(func() {
			if perSecond == 0 {
				for range window {
					p[0].send(r.now())
				}
				return
			}
			every := time.Duration(2 * float64(len(pairs)) / perSecond * float64(time.Second)) // an offer makes two messages
			next := time.Now().Add(every * time.Duration(i) / time.Duration(len(pairs)))
			for !ended.Load() {
				sleepUntil(ctx, next)
				p[0].send(r.now())
				next = next.Add(every)
			}
		})
	}
	sleepUntil(ctx, time.Now().Add(d/5)) // warm
	before, err := cpu()
	if err != nil {
		r.fail(err)
	}
	r.counting.Store(true)
	from := time.Now()
	sleepUntil(ctx, from.Add(d))
	r.counting.Store(false)
	took := time.Since(from)
	after, err := cpu()
	if err != nil {
		r.fail(err)
	}
	ended.Store(true)
	for _, p := range pairs {
		for _, t := range p {
			t.conn.Close()
		}
	}
	all.Wait()
	n := r.arrived.Load()
	if r.err == nil && n == 0 {
		r.err = fmt.Errorf("no message arrived in %s", took)
	}
	if r.err == nil {
		r.err = ctx.Err()
	}
	return Relay{Pairs: len(pairs), Messages: n, PerSecond: float64(n) / took.Seconds(),
		CPUPerMillion: (after - before).Seconds() / float64(max(n, 1)) * 1e6}, r.delay, r.err
}

// relay measures one kind of pair at full rate and, if wanted, at half of it.
func (b *Bench) relay(ctx context.Context, open func(n int) (pair, error), half bool, servers ...*process) (*Relay, error) {
	cpu := func() (sum time.Duration, err error) {
		for _, s := range servers {
			t, err := s.cpu()
			if err != nil {
				return 0, err
			}
			sum += t
		}
		return sum, nil
	}
	gather := func() (pairs []pair, err error) {
		for n := range b.Pairs {
			p, err := open(n)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, p)
		}
		return pairs, nil
	}
	pairs, err := gather()
	if err != nil {
		return nil, err
	}
	full, _, err := measure(ctx, pairs, b.RelayFor, 0, cpu)
	if err != nil || !half {
		return &full, err
	}
	if pairs, err = gather(); err != nil {
		return nil, err
	}
	full.HalfRate = full.PerSecond / 2
	_, delays, err := measure(ctx, pairs, b.RelayFor, full.HalfRate, cpu)
	if err != nil {
		return nil, err
	}
	slices.Sort(delays)
	at := func(q float64) float64 { return float64(delays[int(q*float64(len(delays)-1))]) / 1e6 }
	full.P50, full.P99 = at(0.5), at(0.99)
	return &full, nil
}
