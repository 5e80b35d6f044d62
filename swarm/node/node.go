package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// Node is one peer of one swarm. Its methods are safe for concurrent use.
type Node struct {
	cfg   Config
	start time.Time
	inbox chan func()
	stop  context.CancelFunc
	ctx   context.Context
	wg    sync.WaitGroup
	once  sync.Once

	mu      sync.RWMutex // guards objects (written by the loop only), links and key
	objects map[segments.Key]*object
	links   map[swarm.PeerID]*link
	key     ed25519.PublicKey

	unlisten func()
	evictMu  sync.Mutex
	evicted  []segments.Key
	evictC   chan struct{}

	// owned by the loop
	core    *swarm.Core
	queue   []swarm.Input
	silent  bool // nothing is sent: the upload budget is spent
	flight  flight
	feeding bool
	known   map[segments.Key]struct{} // told to the core as held
	unsized map[segments.Key]struct{} // of them, without a size
	claims  map[segments.Key][]claim
	storing chan struct{}
	clock   wallClock
	stats   tally
}

// New starts a peer.
func New(cfg Config) (*Node, error) {
	cfg, err := cfg.populate()
	if err != nil {
		return nil, err
	}
	core, err := swarm.New(cfg.Core)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Node{
		cfg: cfg, core: core, start: time.Now(), inbox: make(chan func(), inboxSize), ctx: ctx, stop: stop,
		objects: map[segments.Key]*object{}, links: map[swarm.PeerID]*link{}, key: cfg.PublicKey,
		evictC: make(chan struct{}, 1), known: map[segments.Key]struct{}{}, unsized: map[segments.Key]struct{}{}, claims: map[segments.Key][]claim{},
		storing: make(chan struct{}, maxStoring),
	}
	n.unlisten = cfg.Store.OnEvict(n.onEvict)
	n.post(func() {
		n.obey()
		for _, k := range cfg.Store.Keys() {
			n.found(k)
		}
	})
	n.wg.Go(n.loop)
	if cfg.Network != nil {
		cfg.Network.Start(n)
	}
	return n, nil
}

// Close leaves the swarm and waits for everything the node started. Requests
// that still run end with ErrClosed.
func (n *Node) Close() error {
	var err error
	n.once.Do(func() {
		if n.cfg.Network != nil {
			err = n.cfg.Network.Close()
		}
		n.stop()
		n.wg.Wait()
		n.unlisten()
		for _, o := range n.objects {
			n.keep(o)
			o.assembly.Fail(ErrClosed)
		}
		err = errors.Join(err, n.cfg.Budget.Flush())
	})
	return err
}

// Now is the swarm's synchronised clock.
func (n *Node) Now() time.Time {
	if n.cfg.Network != nil {
		return n.cfg.Network.Now()
	}
	return time.Now()
}

// Trust sets the key whose statements are believed, once signalling announced it.
func (n *Node) Trust(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("node: public key of %d bytes, want %d", len(key), ed25519.PublicKeySize)
	}
	n.mu.Lock()
	n.key = key
	n.mu.Unlock()
	n.post(func() { n.feed(swarm.Trust{Signed: true}) })
	return nil
}

// Resync says that the timing of what is watched is in doubt: a peer that has left
// signalling joins again for a moment, for the swarm's clock and size.
func (n *Node) Resync() { n.post(func() { n.feed(swarm.NeedSignal{}) }) }

// SetCondition tells what the device allows at the moment.
func (n *Node) SetCondition(c swarm.Condition) { n.post(func() { n.feed(c) }) }

func (n *Node) publicKey() ed25519.PublicKey {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.key
}

// post runs f on the node's goroutine; false when the node is closed.
func (n *Node) post(f func()) bool {
	select {
	case n.inbox <- f:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// call is post that waits for f.
func (n *Node) call(f func()) bool {
	done := make(chan struct{})
	if !n.post(func() { defer close(done); f() }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// loop owns the core.
func (n *Node) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	sweep := time.NewTicker(idleObject / 3)
	defer sweep.Stop()
	for {
		if at, _, ok := n.core.Next(); ok {
			timer.Reset(max(0, at-n.now()))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case <-n.ctx.Done():
			return
		case f := <-n.inbox:
			f()
		case <-n.evictC:
			n.tellEvicted()
		case <-timer.C:
			n.feed(swarm.Tick{})
		case <-sweep.C:
			n.sweep()
			n.obey()
			if n.clock.jumped(time.Now(), n.now()) {
				n.feed(swarm.NeedSignal{})
			}
		}
	}
}

// now is the core's clock: monotonic time since the node started.
func (n *Node) now() swarm.Time { return time.Since(n.start) }

// at maps a wall-clock moment of the swarm's clock to the core's. A zero time is 0.
func (n *Node) at(t time.Time) swarm.Time {
	if t.IsZero() {
		return 0
	}
	return n.now() + t.Sub(n.Now())
}

// feed gives the core an input and carries out what it answers. Inputs that
// arise meanwhile wait their turn.
func (n *Node) feed(in swarm.Input) {
	n.queue = append(n.queue, in)
	if n.feeding {
		return
	}
	n.feeding = true
	for len(n.queue) > 0 {
		in := n.queue[0]
		n.queue = n.queue[1:]
		n.core.Handle(n.now(), in)
		for _, e := range n.core.Drain() {
			n.execute(e)
		}
	}
	n.queue, n.feeding = n.queue[:0:0], false
}

func (n *Node) execute(e swarm.Effect) {
	switch e := e.(type) {
	case swarm.Send:
		n.send(e)
	case swarm.Transmit:
		n.transmit(e)
	case swarm.TransmitTail:
		n.transmitTail(e)
	case swarm.Fetch:
		n.fetch(e)
	case swarm.CancelFetch:
		if o := n.objects[e.Key]; o != nil && o.cancelFetch != nil {
			o.cancelFetch()
		}
	case swarm.Connect:
		n.cfg.Network.Connect(e.Peer)
	case swarm.Disconnect:
		n.disconnect(e.Peer, e.Reason)
	case swarm.Ban:
		n.stats.banned++
		n.cfg.Log.Warn("peer banned", "peer", e.Peer, "key", e.Key, "reason", e.Reason)
		n.cfg.Network.Ban(e.Peer)
		n.disconnect(e.Peer, "banned: "+e.Reason)
	case swarm.Discover:
		n.cfg.Network.Discover(e.Count)
	case swarm.CloseSignal:
		n.cfg.Network.SetSignalling(false)
	case swarm.OpenSignal:
		n.cfg.Network.SetSignalling(true)
	case swarm.Distrust:
		n.distrust(e.Key)
	case swarm.Failed:
		n.failed(e.Key)
	case swarm.Deliver:
		n.cfg.Network.Deliver(e.From, e.Payload)
	}
}

// found tells the core of a segment in the store. Its size is looked up when a
// neighbour shows interest, since that may read the disk.
func (n *Node) found(k segments.Key) {
	if _, ok := n.known[k]; ok {
		return
	}
	n.known[k] = struct{}{}
	n.unsized[k] = struct{}{}
	n.feed(swarm.Held{Key: k, Size: -1})
}

// size completes what found left open, before the core must know it.
func (n *Node) size(k segments.Key) {
	if _, ok := n.unsized[k]; !ok {
		return
	}
	delete(n.unsized, k)
	if seg, ok := n.cfg.Store.Get(k); ok {
		n.feed(swarm.Held{Key: k, Size: seg.Size})
		return
	}
	delete(n.known, k)
	n.feed(swarm.Evicted{Key: k})
}

// onEvict is called by the store, possibly under its lock, so it only notes.
func (n *Node) onEvict(k segments.Key) {
	n.evictMu.Lock()
	n.evicted = append(n.evicted, k)
	n.evictMu.Unlock()
	select {
	case n.evictC <- struct{}{}:
	default:
	}
}

func (n *Node) tellEvicted() {
	n.evictMu.Lock()
	keys := slices.Clone(n.evicted)
	n.evicted = n.evicted[:0]
	n.evictMu.Unlock()
	for _, k := range keys {
		if n.objects[k] == nil && !n.cfg.Store.Has(k) {
			delete(n.known, k)
			delete(n.unsized, k)
			n.feed(swarm.Evicted{Key: k})
		}
	}
}
