package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// fetch asks the origin for pieces of a segment.
func (n *Node) fetch(f swarm.Fetch) {
	o := n.objects[f.Key]
	if o == nil && f.Cause == swarm.CauseSample {
		n.sample(f)
		return
	}
	if o == nil || o.res.URL == "" {
		n.feed(swarm.FetchEnded{Fetch: f, Err: swarm.FetchCancelled})
		return
	}
	o.touched, o.fromOrigin = time.Now(), true
	ctx, cancel := context.WithCancel(n.ctx)
	o.cancelFetch = cancel
	res, assembly := o.res, o.assembly
	n.wg.Go(func() {
		defer cancel()
		bytes, err := n.download(ctx, assembly, res, f, func(g swarm.Gained) { n.gained(o, g) }, func() { n.flowing(o, "") })
		n.post(func() {
			if o.cancelFetch != nil && ctx.Err() == nil {
				o.cancelFetch = nil
			}
			n.fetched(o, f, bytes, err)
		})
	})
}

// request is the origin request for pieces of a resource.
func request(res Resource, first, count int) segments.OriginRequest {
	r := segments.OriginRequest{URL: res.URL, Header: res.Header, First: res.First + int64(first)*segments.PieceSize, Last: -1}
	if res.Last >= res.First && res.Last > 0 {
		r.Last = res.Last
	}
	if count >= 0 {
		last := r.First + int64(count)*segments.PieceSize - 1
		if r.Last < 0 || last < r.Last {
			r.Last = last
		}
	}
	return r
}

// download streams the origin's bytes into the assembly.
func (n *Node) download(ctx context.Context, a *segments.Assembly, res Resource, f swarm.Fetch, gained func(swarm.Gained), flowing func()) (int64, error) {
	writer := a.OriginWriter(f.First, func(i int) {
		n.post(func() { gained(swarm.Gained{Key: f.Key, First: i, Count: 1, Size: a.Size()}) })
	})
	writer.OnTail(func() { n.post(flowing) })
	req := request(res, f.First, f.Count)
	req.Once = f.Cause != 0 // the brain retries, and asks the neighbours meanwhile
	if f.Count >= 0 && a.Size() >= 0 {
		// the last piece is short: ask for what there is
		req.Last = min(req.Last, res.First+a.Size()-1)
	}
	bytes, err := n.cfg.Origin.Fetch(ctx, req, func(h segments.Head) (io.Writer, error) {
		a.SetMeta(h.Meta)
		if !h.Meta.Shareable {
			n.post(func() { n.feed(swarm.Private{Key: f.Key}) })
		}
		if f.Count < 0 && h.Size >= 0 {
			if err := a.SetSize(int64(f.First)*segments.PieceSize + h.Size); err != nil {
				return nil, err
			}
		}
		return writer, nil
	})
	// A part's end would pass for the segment's, unless it came before the part's own.
	if err == nil && (f.Count < 0 || a.Size() >= 0 || bytes < int64(f.Count)*segments.PieceSize) {
		err = writer.Close()
	}
	if err == nil && !a.Meta().Shareable {
		err = errPrivate
	}
	return bytes, err
}

var errPrivate = errors.New("node: the origin does not want it shared")

// fetched tells the core how a fetch ended.
func (n *Node) fetched(o *object, f swarm.Fetch, bytes int64, err error) {
	n.stats.originBytes += bytes
	end := swarm.FetchEnded{Fetch: f, Bytes: bytes}
	end.Err, end.RetryAfter = n.classify(err, o.res)
	switch {
	case errors.Is(err, segments.ErrConflict):
		n.feed(end)
		n.feed(swarm.Conflict{Key: f.Key})
		return
	case err != nil && end.Err != swarm.FetchPrivate && end.Err != swarm.FetchCancelled:
		o.lastError = err
		n.cfg.Log.Debug("origin fetch failed", "key", f.Key, "cause", f.Cause, "err", err)
	}
	if size := o.assembly.Size(); size >= 0 && err == nil {
		// an empty segment, or one whose end only now became known
		n.gained(o, swarm.Gained{Key: f.Key, Size: size})
	}
	n.feed(end)
	n.finish(o)
}

// classify maps an error of the origin to what the brain can do about it.
func (n *Node) classify(err error, res Resource) (swarm.FetchError, time.Duration) {
	var status *segments.StatusError
	switch {
	case err == nil, errors.Is(err, segments.ErrConflict):
		return swarm.NoError, 0
	case errors.Is(err, errPrivate):
		return swarm.FetchPrivate, 0
	case errors.Is(err, context.Canceled):
		return swarm.FetchCancelled, 0
	case errors.Is(err, segments.ErrTooLarge):
		return swarm.FetchFinal, 0
	case !errors.As(err, &status):
		return swarm.FetchTemporary, 0
	}
	switch {
	case status.Code >= 500, status.Code == http.StatusTooManyRequests, status.Code == http.StatusTooEarly,
		status.Code == http.StatusRequestTimeout:
		return swarm.FetchTemporary, status.RetryAfter
	case status.Code == http.StatusNotFound && !res.Available.IsZero() && n.Now().Sub(res.Available) < freshOrigin:
		return swarm.FetchTemporary, status.RetryAfter
	}
	return swarm.FetchFinal, 0
}

// gained tells the core of pieces and finishes what became whole.
func (n *Node) gained(o *object, g swarm.Gained) {
	if n.objects[o.key] != o { // let go of, or stored, while this was on its way
		n.late(g)
		return
	}
	n.feed(g)
	o.touched = time.Now()
	n.finish(o)
}

// sample fetches one piece of a stored segment again and compares.
func (n *Node) sample(f swarm.Fetch) {
	res, ok := n.stats.lastResource(f.Key)
	seg, have := n.cfg.Store.Get(f.Key)
	if !ok || !have {
		n.feed(swarm.FetchEnded{Fetch: f, Err: swarm.FetchCancelled})
		return
	}
	n.wg.Go(func() {
		req := request(res, f.First, f.Count)
		req.Last = min(req.Last, res.First+seg.Size-1)
		head, body, err := n.cfg.Origin.Get(n.ctx, req, segments.PieceSize)
		n.post(func() {
			end := swarm.FetchEnded{Fetch: f, Bytes: int64(len(body))}
			n.stats.originBytes += end.Bytes
			end.Err, _ = n.classify(err, res)
			n.feed(end)
			if err == nil && head.Status == http.StatusPartialContent && segments.LeafOf(body) != seg.Leaves[f.First] {
				n.cfg.Log.Warn("the origin has other bytes than the swarm", "key", f.Key, "piece", f.First)
				n.restart(f.Key, res)
				n.feed(swarm.Conflict{Key: f.Key})
			}
		})
	})
}

// restart takes a stored segment back, so that it can be fetched again.
func (n *Node) restart(k segments.Key, res Resource) {
	n.cfg.Store.Delete(k)
	delete(n.known, k)
	n.object(k).res = res
}

// direct fetches what must not enter the swarm.
func (n *Node) direct(ctx context.Context, r Resource) (*Stream, error) {
	if r.URL == "" {
		return nil, fmt.Errorf("node: %s has no URL and must not come from peers", r.Key)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a := segments.NewAssembly(r.Key)
	s := &Stream{node: n, ctx: ctx, cancel: cancel, object: &object{key: r.Key, assembly: a, finished: true}}
	n.wg.Go(func() {
		stop := context.AfterFunc(n.ctx, func() { cancel(ErrClosed) })
		defer stop()
		bytes, err := n.download(ctx, a, r, swarm.Fetch{Key: r.Key, Count: -1}, func(swarm.Gained) {}, func() {})
		if err != nil && !errors.Is(err, errPrivate) {
			a.Fail(err)
		}
		n.post(func() {
			n.stats.originBytes += bytes
			n.stats.notShareable += bytes
		})
	})
	size, meta, err := a.WaitHead(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	s.size, s.meta = size, meta
	return s, nil
}
