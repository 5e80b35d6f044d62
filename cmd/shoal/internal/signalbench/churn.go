package signalbench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/shoal-p2p/shoal/signal"
)

// Churn is what a long coming and going leaves behind. The figures are means over
// the second and the last quarter of the run; the first one fills up.
type Churn struct {
	Seconds          float64 `json:"seconds"`
	Joins            int     `json:"joins"`
	Errors           int     `json:"errors"`
	First            string  `json:"first_error,omitempty"`
	MemoryEarly      float64 `json:"memory_early"`
	MemoryLate       float64 `json:"memory_late"`
	GoroutinesEarly  float64 `json:"goroutines_early"` // handshakes under way have one each
	GoroutinesLate   float64 `json:"goroutines_late"`
	GoroutinesLeft   float64 `json:"goroutines_left"`   // more than before the first came
	ConnectionsAfter float64 `json:"connections_after"` // when everybody has left
}

// churnStay is how long a member stays on average, churnStayMost at most.
const churnStay, churnStayMost = 4 * time.Second, 12 * time.Second

// churnCrowd is how many seconds' worth of joins may be there at a time.
const churnCrowd = 15

// churn has members come at a constant rate, stay a while and leave in all the ways
// there are.
func (b *Bench) churn(ctx context.Context) error {
	server, err := b.server(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	before, err := server.metric("go_goroutines")
	if err != nil {
		return err
	}
	c := &Churn{Seconds: b.ChurnFor.Seconds()}
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	var memory, goroutines []float64
	progress := b.count(int(b.ChurnFor.Seconds()))
	sample := time.NewTicker(time.Second)
	defer sample.Stop()
	every := time.Second / time.Duration(b.ChurnRate)
	next := began
	present := make(chan struct{}, b.ChurnRate*churnCrowd)
	for n := 0; time.Since(began) < b.ChurnFor && ctx.Err() == nil; n++ {
		sleepUntil(ctx, next)
		// A machine that cannot keep up has fewer joins, not a burst of them later.
		next = next.Add(every)
		if late := time.Now().Add(-time.Second); next.Before(late) {
			next = late
		}
		present <- struct{}{}
		c.Joins++
		all.Go(func() {
			defer func() { <-present }()
			if err := visit(ctx, server.line, n, b.Swarms); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if c.Errors++; c.First == "" {
					c.First = err.Error()
				}
			}
		})
		select {
		case <-sample.C:
			m, err := server.memory()
			g, err2 := server.metric("go_goroutines")
			if err == nil && err2 == nil {
				memory, goroutines = append(memory, float64(m)), append(goroutines, g)
			}
			progress(int(time.Since(began).Seconds()))
		default:
		}
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.MemoryEarly, c.MemoryLate = quarters(memory)
	c.GoroutinesEarly, c.GoroutinesLate = quarters(goroutines)
	for range 30 { // connections linger for a second or two
		if c.ConnectionsAfter, err = server.metric("shoal_signal_connections"); err != nil || c.ConnectionsAfter == 0 {
			break
		}
		sleepUntil(ctx, time.Now().Add(200*time.Millisecond))
	}
	after, err2 := server.metric("go_goroutines")
	c.GoroutinesLeft = after - before
	b.Report.Churn = c
	return errors.Join(err, err2)
}

// quarters are the means of the second and the last quarter.
func quarters(v []float64) (early, late float64) {
	mean := func(v []float64) float64 {
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		return sum / float64(max(len(v), 1))
	}
	q := len(v) / 4
	return mean(v[q : 2*q]), mean(v[len(v)-q:])
}

func visit(ctx context.Context, url string, n, swarms int) error {
	conn, id, err := join(ctx, url, n, signal.Join{Swarm: fmt.Sprintf("swarm %d", n%swarms), MaxLinks: 10})
	if err != nil {
		return err
	}
	defer conn.Close()
	stayed := make(chan struct{})
	go func() { defer close(stayed); stay(conn) }()
	conn.WriteMessage(websocket.BinaryMessage, signal.AppendRelay(nil, id, make([]byte, 100))) // to itself: Gone
	sleepUntil(ctx, time.Now().Add(min(time.Duration(rand.ExpFloat64()*float64(churnStay)), churnStayMost)))
	code := []int{websocket.CloseNormalClosure, signal.ClosePaused, 0}[n%3]
	if code != 0 {
		// A machine under load may not let a second's deadline be met.
		err := conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(dialTimeout))
		if err != nil {
			return fmt.Errorf("close frame: %w", err)
		}
		select { // the server's echo, then the server closes
		case <-stayed:
		case <-time.After(dialTimeout):
			return fmt.Errorf("the server did not answer a close frame in %s", dialTimeout)
		}
	}
	conn.Close()
	<-stayed
	return nil
}
