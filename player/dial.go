package player

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

// Dial makes the peer for one swarm. It may take as long as it likes: players
// are served by plain HTTP until it returns.
type Dial func(ctx context.Context, swarm string) (Node, error)

const (
	// dialWait is how long a media request waits for a peer that is not there
	// yet before it goes to the origin.
	dialWait = 250 * time.Millisecond
	// A failed dial is tried again after a pause that doubles between these,
	// each shortened by up to half so that viewers do not come back in step.
	minRedial, maxRedial = time.Second, 30 * time.Second
)

// errNoNode makes a caller go to the origin.
var errNoNode = errors.New("player: no peer yet")

// dialled is a Node that is still being made. It owns the goroutine that makes it.
type dialled struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
	ready  chan struct{}

	mu   sync.Mutex
	node Node
	plan []node.Resource
}

func dialNode(dial Dial, swarm string, log *slog.Logger) *dialled {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dialled{cancel: cancel, ready: make(chan struct{})}
	d.wait.Go(func() { d.run(ctx, dial, swarm, log) })
	return d
}

func (d *dialled) run(ctx context.Context, dial Dial, swarm string, log *slog.Logger) {
	for pause := minRedial; ; pause = min(2*pause, maxRedial) {
		n, err := dial(ctx, swarm)
		if err == nil {
			d.mu.Lock()
			d.node = n
			if d.plan != nil {
				n.Plan(d.plan)
			}
			d.mu.Unlock()
			close(d.ready)
			return
		}
		log.Warn("no peer, the origin serves alone", "swarm", swarm, "retry", pause, "err", err)
		timer := time.NewTimer(pause - rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (d *dialled) current() Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node
}

func (d *dialled) Get(ctx context.Context, r node.Resource) (Stream, error) {
	if n := d.current(); n != nil {
		return n.Get(ctx, r)
	}
	timer := time.NewTimer(dialWait)
	defer timer.Stop()
	select {
	case <-d.ready:
		return d.current().Get(ctx, r)
	case <-timer.C:
		return nil, errNoNode
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *dialled) Plan(rs []node.Resource) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan = rs
	if d.node != nil {
		d.node.Plan(rs)
	}
}

func (d *dialled) Now() time.Time {
	if n := d.current(); n != nil {
		return n.Now()
	}
	return time.Now()
}

func (d *dialled) Stats() node.Stats {
	if n := d.current(); n != nil {
		return n.Stats()
	}
	return node.Stats{}
}

func (d *dialled) Close() error {
	d.cancel()
	d.wait.Wait()
	if n := d.current(); n != nil {
		return n.Close()
	}
	return nil
}
