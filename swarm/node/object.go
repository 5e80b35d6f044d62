package node

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// Resource is a segment and how to get it.
type Resource struct {
	Key         segments.Key
	URL         string // empty: not known yet, peers only
	First, Last int64  // byte range of the URL's resource; Last -1: to its end
	Header      http.Header
	Available   time.Time     // when the origin can be asked for it; zero: now
	Whole       time.Time     // when it has the last byte, of a segment that grows until then; zero: at Available
	Deadline    time.Time     // when the player must have it whole; zero: none
	OriginBy    time.Time     // when the player has waited enough for peers; zero: at the deadline
	Duration    time.Duration // of media
	SizeHint    int64         // bytes, from bandwidth; 0 unknown
	Shareable   bool          // false: straight from the origin, never to peers
	Urgent      bool          // start-up: fastest source, now
}

// object is a segment on its way here, or just arrived and not in the store yet.
type object struct {
	key      segments.Key
	res      Resource
	assembly *segments.Assembly
	streams  map[*Stream]struct{}
	planned  bool
	finished bool
	born     time.Time
	touched  time.Time

	cancelFetch context.CancelFunc
	lastError   error
	fromOrigin  bool         // some of it was asked of the origin
	restarts    atomic.Int32 // how often all was thrown away
}

// object returns the segment under construction for a key, making it when needed.
func (n *Node) object(k segments.Key) *object {
	if o := n.objects[k]; o != nil {
		return o
	}
	now := time.Now()
	o := &object{key: k, assembly: segments.NewAssembly(k), streams: map[*Stream]struct{}{}, born: now, touched: now}
	n.mu.Lock()
	n.objects[k] = o
	n.mu.Unlock()
	return o
}

func (n *Node) lookup(k segments.Key) *object {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.objects[k]
}

func (n *Node) discard(o *object, why error) {
	if n.objects[o.key] != o {
		return
	}
	if o.cancelFetch != nil {
		o.cancelFetch()
	}
	n.mu.Lock()
	delete(n.objects, o.key)
	n.mu.Unlock()
	delete(n.claims, o.key)
	if !o.finished {
		o.assembly.Fail(why)
	}
}

// want tells the core what is needed of an object now.
func (n *Node) want(o *object) {
	r := o.res
	n.feed(swarm.Want{
		Key: r.Key, Available: n.at(r.Available), Whole: n.at(r.Whole), Deadline: n.at(r.Deadline), OriginBy: n.at(r.OriginBy), Duration: r.Duration,
		Size: sizeGuess(r), Urgent: r.Urgent, Asked: len(o.streams) > 0, Fetchable: r.URL != "",
	})
}

func sizeGuess(r Resource) int64 {
	switch {
	case r.Last >= r.First && r.Last > 0:
		return r.Last - r.First + 1
	case r.SizeHint > 0:
		return r.SizeHint
	}
	return -1
}

// release lets go of an unfinished object that nobody here needs any more.
func (n *Node) release(o *object) {
	if o.finished || o.planned || len(o.streams) > 0 || n.objects[o.key] != o {
		return
	}
	n.feed(swarm.Unwant{Keys: []segments.Key{o.key}})
	n.discard(o, context.Canceled)
}

// sweep drops unfinished segments that neighbours wanted and that never came.
func (n *Node) sweep() {
	for _, o := range n.objects {
		if !o.finished && !o.planned && len(o.streams) == 0 && time.Since(o.touched) > idleObject {
			n.release(o)
		}
	}
}

// finish signs (a seed) and stores a segment whose last piece has come.
func (n *Node) finish(o *object) {
	if o.finished || !o.assembly.Complete() {
		return
	}
	o.finished = true
	n.settleClaims(o)
	if n.cfg.Signer != nil {
		leaves, size := o.assembly.Leaves(), o.assembly.Size()
		o.assembly.SetStatement(n.cfg.Signer.Sign(n.cfg.Swarm, o.key, size, leaves))
	}
	n.stats.arrived(o, n.Now())
	seg, err := o.assembly.Segment()
	if err != nil {
		n.cfg.Log.Error("segment cannot be stored", "key", o.key, "err", err)
		n.discard(o, err)
		return
	}
	if !o.assembly.Meta().Shareable {
		n.discard(o, nil)
		n.feed(swarm.Evicted{Key: o.key})
		return
	}
	n.wg.Go(func() {
		select {
		case n.storing <- struct{}{}:
			defer func() { <-n.storing }()
		case <-n.ctx.Done():
			return
		}
		if err := n.cfg.Store.Put(seg); err != nil {
			n.cfg.Log.Error("segment not stored", "key", o.key, "err", err)
		}
		n.post(func() { n.stored(o) })
	})
}

// stored hands over from the object to the store.
func (n *Node) stored(o *object) {
	if n.objects[o.key] != o {
		return
	}
	n.mu.Lock()
	delete(n.objects, o.key)
	n.mu.Unlock()
	if n.cfg.Store.Has(o.key) {
		n.known[o.key] = struct{}{}
		return
	}
	n.feed(swarm.Evicted{Key: o.key})
}
